//! A repository in a temporary directory, made by the `git` program.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

/// The committer time of every commit.
pub(super) const TIME: i64 = 1_234_567_890;

/// A repository with a work tree; deleted when dropped.
pub(super) struct Repository {
    dir: TempDir,
}

impl Repository {
    /// Makes an empty one. `options` are those of `git init`.
    pub(super) fn init(options: &[&str]) -> Self {
        let repository = Self { dir: tempfile::tempdir().unwrap() };
        repository.git(&[&["init", "-q", "-b", "main"], options].concat());
        repository
    }

    /// Clones `url` as it is, with more options of `git clone`.
    pub(super) fn clone_of(url: &str, options: &[&str]) -> Self {
        let repository = Self { dir: tempfile::tempdir().unwrap() };
        repository.git(&[&["clone", "-q", "--no-checkout"], options, &[url, "."]].concat());
        repository
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The file of a loose object.
    pub(super) fn object(&self, id: &str) -> PathBuf {
        self.path().join(".git/objects").join(&id[..2]).join(&id[2..])
    }

    /// How many packs it has.
    pub(super) fn packs(&self) -> usize {
        let files = std::fs::read_dir(self.path().join(".git/objects/pack")).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack"))
            .count()
    }

    /// Runs `git`; gives what it says, without the line end.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.git_bytes(arguments)).unwrap().trim_end().to_owned()
    }

    pub(super) fn git_bytes(&self, arguments: &[&str]) -> Vec<u8> {
        self.run(arguments, b"")
    }

    /// Stores an object as it is, whatever `git` thinks of it; gives its id.
    pub(super) fn store(&self, kind: &str, content: &[u8]) -> String {
        let id = self.run(&["hash-object", "-t", kind, "-w", "--stdin", "--literally"], content);
        String::from_utf8(id).unwrap().trim_end().to_owned()
    }

    /// Writes the file of a loose object that has any id and, as its content, header included, any bytes.
    pub(super) fn store_loose(&self, id: &str, content: &[u8]) {
        let length = u16::try_from(content.len()).unwrap();
        // One stored block of deflate, in the frame of zlib.
        let mut file = vec![0x78, 0x01, 0x01];
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(content);
        let (a, b) = content.iter().fold((1_u32, 0_u32), |(a, b), &byte| {
            let a = (a + u32::from(byte)) % 65521;
            (a, (b + a) % 65521)
        });
        file.extend_from_slice(&(b << 16 | a).to_be_bytes());
        std::fs::create_dir_all(self.object(id).parent().unwrap()).unwrap();
        std::fs::write(self.object(id), file).unwrap();
    }

    /// Stores a tree of (mode, name, id) as it is, in this order.
    pub(super) fn store_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut content = Vec::new();
        for (mode, name, id) in entries {
            content.extend_from_slice(mode.as_bytes());
            content.push(b' ');
            content.extend_from_slice(name);
            content.push(0);
            let digits = id.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            content.extend(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        }
        self.store("tree", &content)
    }

    /// Commits a tree; gives the id of the commit.
    pub(super) fn commit_tree(&self, tree: &str) -> String {
        self.git(&["commit-tree", "-m", "hostile", tree])
    }

    /// Commits exactly these files of (mode, path, content), as they are; gives the id of the commit.
    pub(super) fn commit(&self, files: &[(&str, &[u8], &[u8])]) -> String {
        let committer = format!("committer C <c@example.org> {TIME} +0530");
        let parent =
            if self.git(&["rev-list", "-n1", "--all"]).is_empty() { "" } else { "from refs/heads/main^0\n" };
        let mut stream =
            format!("commit refs/heads/main\n{committer}\ndata 0\n{parent}deleteall\n").into_bytes();
        for (mode, path, content) in files {
            let path = String::from_utf8_lossy(path).replace('"', "\\\"");
            stream.extend_from_slice(
                format!("M {mode} inline \"{path}\"\ndata {}\n", content.len()).as_bytes(),
            );
            stream.extend_from_slice(content);
            stream.push(b'\n');
        }
        self.run(&["fast-import", "--quiet", "--done"], &[&stream[..], b"done\n"].concat());
        self.git(&["read-tree", "HEAD"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs `git`; gives whether it could do what it was asked.
    pub(super) fn tries(&self, arguments: &[&str]) -> bool {
        self.command(arguments).stderr(Stdio::null()).status().unwrap().success()
    }

    pub(super) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {words}");
        output.stdout
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let time = format!("{TIME} +0530");
        let mut command = Command::new("git");
        command
            .current_dir(self.path())
            .args(["-c", "protocol.file.allow=always", "-c", "core.fsyncMethod=batch"])
            .args(arguments)
            // Nothing of whoever runs the tests.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs([("HOME", "/nowhere"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_COMMITTER_DATE", &time)])
            .envs([("GIT_AUTHOR_DATE", &time)])
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@example.org")]);
        command
    }
}
