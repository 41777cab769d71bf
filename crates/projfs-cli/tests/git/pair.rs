//! A plain tree and a projected one, to which the same is done.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use super::step::Did;
use super::step::carry_out;
use super::support::Work;

/// Two trees of two clones.
pub(super) struct Pair<'a> {
    work: &'a Work,
    place: PathBuf,
    /// How many steps were done: each has its time.
    clock: Cell<i64>,
    /// What may be on disk in the projected tree.
    touched: BTreeSet<String>,
    steps: Vec<String>,
}

/// The time of the first step, in seconds since 1970. It is over, so that no entry is as new as an index.
const TIME: i64 = 1_600_000_000;

/// `git` as everybody has it, with a time.
pub(super) fn git(work: &Work, dir: &Path, arguments: &[&str], time: i64) -> Command {
    let mut git = work.program("git");
    let date = format!("{time} +0000");
    git.current_dir(dir).args(arguments);
    git.env("HOME", work.path("home")).env("GIT_CONFIG_NOSYSTEM", "1").env("LC_ALL", "C");
    git.envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")]);
    git.envs([("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@example.org")]);
    git.envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)]);
    git.envs([("GIT_EDITOR", "true"), ("GIT_PAGER", "cat")]).env_remove("XDG_CONFIG_HOME");
    git
}

impl<'a> Pair<'a> {
    /// Two trees of `origin` at `revision`, in a place of their own.
    pub(super) fn new(work: &'a Work, origin: &Path, name: &str, revision: &str) -> Self {
        let place = work.path(name);
        std::fs::create_dir_all(&place).unwrap();
        let pair = Self { work, place, clock: Cell::new(0), touched: BTreeSet::new(), steps: Vec::new() };
        for side in ["plain", "projected"] {
            let at = pair.place.join(side);
            std::fs::create_dir_all(&at).unwrap();
            let cloned =
                git(work, &at, &["clone", "-q", "--bare"], TIME).arg(origin).arg("repo").output().unwrap();
            assert!(cloned.status.success(), "{cloned:?}");
        }
        let plain = pair.place.join("plain");
        let add = ["-C", "repo", "worktree", "add", "-q", "-b", "work", "../tree", revision];
        let added = git(work, &plain, &add, TIME).output().unwrap();
        assert!(added.status.success(), "{added:?}");
        let mut project = work.command(&["worktree", "-q", "--repo", "repo", "-b", "work", "tree", revision]);
        let like = git(work, &pair.place.join("projected"), &[], TIME);
        project.current_dir(pair.place.join("projected"));
        project.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let projected = project.output().unwrap();
        assert!(projected.status.success(), "{projected:?}");
        pair
    }

    fn dir(&self, side: &str) -> PathBuf {
        self.place.join(side).join("tree")
    }

    /// The projected tree.
    pub(super) fn tree(&self) -> PathBuf {
        self.dir("projected")
    }

    fn git(&self, side: &str, arguments: &[&str]) -> Command {
        git(self.work, &self.dir(side), arguments, TIME + 60 * self.clock.get())
    }

    /// Does something in both, and compares all that there is to compare.
    pub(super) fn step(&mut self, line: &str) {
        self.clock.set(self.clock.get() + 1);
        self.steps.push(line.to_owned());
        let [plain, projected] = self.both(|side| {
            let did = carry_out(line, &self.dir(side), &|arguments| self.git(side, arguments));
            self.neutral(side, did)
        });
        self.same(line, &plain, &projected);
        let looks: [&[&str]; 3] =
            [&["ls-files", "-sv"], &["write-tree"], &["status", "--porcelain=v2", "--branch"]];
        let [plain, projected] = self.both(|side| {
            let look = |arguments: &&[&str]| {
                let output = self.git(side, arguments).output().unwrap();
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let did = Did {
                    code: output.status.code().unwrap_or(-1),
                    out: text(&output.stdout),
                    err: text(&output.stderr),
                };
                self.neutral(side, did)
            };
            looks.iter().map(look).collect::<Vec<_>>()
        });
        for (look, (plain, projected)) in looks.iter().zip(plain.iter().zip(&projected)) {
            self.same(&format!("{line}: {look:?}"), plain, projected);
        }
        let [plain, projected] = self.both(|side| names(&self.dir(side)));
        self.same(&format!("{line}: the names"), &plain, &projected);
        self.touch(line);
        if std::env::var_os("PROJFS_TRACE").is_some() {
            println!("{} fetched, {} touched: {line}", self.fetched(), self.touched.len());
        }
    }

    /// How many files were fetched so far.
    fn fetched(&self) -> usize {
        let status = self.work.does(&["status", "--json", self.tree().to_str().unwrap()]);
        let name = "\"hydrated_files\":";
        let at = status.find(name).unwrap() + name.len();
        status[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    /// Notes what differs from the beginning: that may be on disk.
    fn touch(&mut self, line: &str) {
        // To tell what it has committed, git reads files that it knows to be the same as the objects.
        let committed = ["diff-tree", "--root", "--no-commit-id", "-r", "--name-only", "-z", "HEAD"];
        let looks: [&[&str]; 4] = [
            if line.contains("commit") { &committed } else { &["ls-files", "-m", "-z"] },
            &["diff", "--name-only", "--no-renames", "-z", "base"],
            &["diff", "--cached", "--name-only", "--no-renames", "-z", "base"],
            &["ls-files", "-o", "-z"],
        ];
        for arguments in looks {
            let output = self.git("plain", arguments).output().unwrap();
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            self.touched.extend(names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }

    /// Compares what is compared once: what git finds without our help, how much was fetched, and every content.
    pub(super) fn finish(&mut self, reads_all: bool) {
        let fetched = self.fetched();
        // The files that say what is ignored are fetched ahead.
        let may = self.touched.len() + 8;
        assert!(reads_all || fetched <= may, "{fetched} files fetched, {may} touched\n{}", self.told());
        let look =
            ["-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "status", "--porcelain=v2"];
        let [plain, projected] = self.both(|side| {
            let output = self.git(side, &look).output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        });
        self.same("status without the monitor", &plain, &projected);
        let [plain, projected] = self.both(|side| contents(&self.dir(side)));
        self.same("the contents", &plain, &projected);
        self.work.does(&["unmount", self.tree().to_str().unwrap()]);
    }

    fn both<T: Send>(&self, act: impl Fn(&str) -> T) -> [T; 2] {
        [act("plain"), act("projected")]
    }

    /// Without what is different by its nature.
    fn neutral(&self, side: &str, did: Did) -> Did {
        let path = self.place.join(side);
        let path = path.to_str().unwrap();
        let neutral = |text: String| text.replace(path, "PLACE");
        // What git keeps of untracked files it does not find out again, and does not warn of again.
        let is_told =
            |line: &&str| !line.starts_with("warning: unable to access") || !line.contains(".gitignore");
        let err: String = did.err.split_inclusive('\n').filter(is_told).collect();
        Did { code: did.code, out: neutral(did.out), err: neutral(err) }
    }

    #[track_caller]
    fn same<T: PartialEq + std::fmt::Debug>(&self, what: &str, plain: &T, projected: &T) {
        assert!(
            plain == projected,
            "{what} differs\nplain:     {plain:#?}\nprojected: {projected:#?}\n{}",
            self.told()
        );
    }

    fn told(&self) -> String {
        format!("in {}, after\n{}", self.place.display(), self.steps.join("\n"))
    }
}

/// Every name, with what it is.
fn names(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut |name, path, metadata| {
        let what = match metadata.file_type() {
            kind if kind.is_dir() => "directory".to_owned(),
            kind if kind.is_symlink() => format!("-> {}", path.read_link().unwrap().display()),
            _ => format!("{:o} {} bytes", metadata.permissions().mode() & 0o777, metadata.size()),
        };
        found.insert(name, what);
    });
    found
}

/// Every file with its content.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut |name, path, metadata| {
        if metadata.is_file() {
            found.insert(name, std::fs::read(path).unwrap());
        }
    });
    found
}

fn walk(top: &Path, dir: &Path, each: &mut dyn FnMut(String, &Path, &std::fs::Metadata)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
        if name == ".git" {
            continue;
        }
        let metadata = path.symlink_metadata().unwrap();
        each(name, &path, &metadata);
        if metadata.is_dir() {
            walk(top, &path, each);
        }
    }
}
