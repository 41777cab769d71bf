//! A directory to work in, the command, and an end in any case.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use projfs_testkit::say;

/// How long a test may take.
const TIME: Duration = Duration::from_secs(60);

/// A directory with a source, a repository and a place for roots; what is mounted below it is taken away at the end.
pub(super) struct Work {
    dir: tempfile::TempDir,
    real: PathBuf,
    _done: std::sync::mpsc::Sender<()>,
}

/// What a command did.
#[derive(Debug)]
pub(super) struct Did {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs a test, if mounting is possible here.
pub(super) fn mounted(name: &str, test: impl FnOnce(&Work)) {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        return say(format_args!("SKIPPED {name}: mounting needs root and /dev/fuse"));
    }
    test(&Work::new(name));
}

/// The same for a test that may take longer.
#[allow(dead_code, reason = "not every program that has this module has tests that take longer")]
pub(super) fn mounted_for(name: &str, time: Duration, test: impl FnOnce(&Work)) {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        return say(format_args!("SKIPPED {name}: mounting needs root and /dev/fuse"));
    }
    test(&Work::for_time(name, time));
}

impl Work {
    /// The directory: `source` with some files, `repo` with two commits, the first tagged `v1`.
    pub(super) fn new(name: &str) -> Self {
        Self::for_time(name, TIME)
    }

    fn for_time(name: &str, time: Duration) -> Self {
        let dir = tempfile::Builder::new().prefix("projfs-cli-").tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        let (done, ended) = std::sync::mpsc::channel();
        let watched = (name.to_owned(), real.clone());
        std::thread::spawn(move || {
            if ended.recv_timeout(time) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                say(format_args!("{} did not end in {time:?}", watched.0));
                unmount_below(&watched.1);
                std::process::exit(101);
            }
        });
        let work = Self { dir, real, _done: done };
        for dir in ["source/sub", "repo", "tree", "run"] {
            std::fs::create_dir_all(work.path(dir)).unwrap();
        }
        std::fs::write(work.path("source/a"), "alpha\n").unwrap();
        std::fs::write(work.path("source/sub/b"), "beta\n").unwrap();
        work.git(&["init", "-q"]);
        std::fs::write(work.path("repo/README"), "one\n").unwrap();
        work.git(&["add", "."]);
        work.git(&["commit", "-qm", "one"]);
        work.git(&["tag", "v1"]);
        std::fs::write(work.path("repo/README"), "two\n").unwrap();
        work.git(&["commit", "-qam", "two"]);
        work
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.real.join(path)
    }

    fn git(&self, arguments: &[&str]) {
        self.git_in("repo", arguments);
    }

    /// Runs `git` in one of the directories.
    #[track_caller]
    pub(super) fn git_in(&self, directory: &str, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=n", "-c", "user.email=e@e", "-c", "init.defaultBranch=main"]);
        assert!(git.arg("-C").arg(self.path(directory)).args(arguments).status().unwrap().success());
    }

    /// The command, in the directory, with a runtime directory of its own.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_projfs"));
        command.args(arguments);
        command
    }

    /// Any program, in the directory, with the same runtime directory.
    pub(super) fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.real).stdin(Stdio::null());
        command
            .env("PROJFS_RUNTIME_DIR", self.path("run"))
            .env("TMPDIR", &self.real)
            .env_remove("PROJFS_LOG");
        command
    }

    /// Runs the command to its end.
    pub(super) fn projfs(&self, arguments: &[&str]) -> Did {
        let output = self.command(arguments).output().unwrap();
        Did {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs what must succeed; what it printed.
    #[track_caller]
    pub(super) fn does(&self, arguments: &[&str]) -> String {
        let did = self.projfs(arguments);
        assert_eq!(did.code, 0, "{arguments:?}: {did:?}");
        did.out
    }

    /// Runs what must fail with `code` and say `words`.
    #[track_caller]
    pub(super) fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) {
        let did = self.projfs(arguments);
        assert_eq!(did.code, code, "{arguments:?}: {did:?}");
        for word in words {
            assert!(did.err.contains(word), "{arguments:?} does not say {word:?}: {did:?}");
        }
        assert!(did.err.lines().count() <= 3 || code == 2, "{did:?}");
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        unmount_below(self.dir.path());
    }
}

fn unmount_below(dir: &Path) {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    for mount in projectedfs::mounts().unwrap_or_default() {
        if mount.path.starts_with(&dir) {
            let _ = rustix::mount::unmount(&mount.path, rustix::mount::UnmountFlags::DETACH);
        }
    }
}
