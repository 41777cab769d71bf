//! Making a registered working tree without files one that shows its commit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;

use projectedfs::VirtualizationRoot;
use projfs_git::GitProvider;
use projfs_git::Index;

use super::git::Git;
use super::index;
use super::program;
use crate::mount;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// Whether `git` asks us what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hooks {
    /// By `core.fsmonitor`, and it keeps what is untracked.
    Monitor,
    /// It looks at every file.
    None,
}

/// A working tree, and what belongs to it.
pub(crate) struct Tree {
    /// Absolute, without links.
    pub(crate) dir: PathBuf,
    /// What `.git` leads to: its own index, `HEAD` and settings.
    pub(crate) git_dir: PathBuf,
    /// The repository's.
    pub(crate) common_dir: PathBuf,
}

impl Tree {
    /// The working tree at `dir`, whose `.git` is there.
    pub(crate) fn find(dir: &Path) -> Outcome<Self> {
        let cannot = |error: std::io::Error| Failure::system(format!("find {}", dir.display()), &error);
        let dir = dir.canonicalize().map_err(cannot)?;
        let path = |option: &str| {
            let mut ask = Git::new(&dir);
            ask.args(["rev-parse", "--path-format=absolute", option]);
            ask.line().map(|path| PathBuf::from(OsString::from_vec(path)))
        };
        let (git_dir, common_dir) = (path("--git-dir")?, path("--git-common-dir")?);
        Ok(Self { dir, git_dir, common_dir })
    }

    /// Keeps the commit that is projected: it is needed longer than any branch may lead to it.
    pub(crate) fn reference(&self) -> OsString {
        let mut name = OsString::from("refs/projfs/");
        match self.git_dir == self.common_dir {
            true => name.push("main"),
            false => name.push(self.git_dir.file_name().unwrap_or_default()),
        }
        name
    }

    /// Mounts the commit of `HEAD` and writes the index.
    pub(crate) fn project(&self, hooks: Hooks) -> Outcome<u8> {
        let provider = GitProvider::open(&self.git_dir, Some("HEAD"));
        let provider = provider.map_err(|error| Failure::source(&error))?;
        std::thread::scope(|scope| {
            // The trees of a large commit take as long as everything else together.
            let walked = scope.spawn(|| provider.index());
            self.prepare(&provider, hooks)?;
            let mut source = OsString::from("git:");
            source.push(&self.common_dir);
            source.push("@");
            source.push(provider.commit_id());
            drop(VirtualizationRoot::adopt(&self.dir)?);
            let code = mount::start(source, &self.dir)?;
            if code != 0 {
                return Ok(code);
            }
            let walked = walked.join().map_err(|_| Failure::source(&std::fmt::Error))?;
            let written = walked
                .map_err(|error| Failure::source(&error))
                .and_then(|index| self.write_index(&index, hooks));
            if written.is_err() {
                let _ = crate::unmount::run(&self.dir, true);
            }
            written.map(|()| 0)
        })
    }

    /// What has to be there before anybody looks.
    fn prepare(&self, provider: &GitProvider, hooks: Hooks) -> Outcome<()> {
        let mut keep = Git::new(&self.dir);
        keep.arg("update-ref").arg(self.reference()).arg(provider.commit_id()).checked()?;
        if hooks == Hooks::None {
            return Ok(());
        }
        self.allow_own_settings()?;
        let set = |name: &str, value: &[u8]| {
            let mut config = Git::new(&self.dir);
            config.args(["config", "--worktree", name]).arg(std::ffi::OsStr::from_bytes(value));
            config.checked().map(drop)
        };
        let mut command = quoted(program()?.as_bytes());
        command.extend_from_slice(b" git-fsmonitor");
        set("core.fsmonitor", &command)?;
        set("core.untrackedCache", b"true")
    }

    /// Lets working trees of this repository have settings of their own. What is meant for the main one only becomes its
    /// own then, as `git` does it.
    fn allow_own_settings(&self) -> Outcome<()> {
        let common = self.common_dir.join("config");
        let in_file = |file: &Path, arguments: &[&str]| {
            let mut config = Git::new(&self.dir);
            config.args(["config", "--file"]).arg(file).args(arguments);
            config
        };
        let get = |name| in_file(&common, &["--get", name]).value();
        if get("extensions.worktreeConfig")?.is_some_and(|value| value == b"true") {
            return Ok(());
        }
        let own = self.common_dir.join("config.worktree");
        let bare = get("core.bare")?.filter(|value| value == b"true");
        for (name, value) in [("core.bare", bare), ("core.worktree", get("core.worktree")?)] {
            if let Some(value) = value {
                in_file(&own, &[name]).arg(std::ffi::OsStr::from_bytes(&value)).checked()?;
                in_file(&common, &["--unset", name]).checked()?;
            }
        }
        in_file(&common, &["extensions.worktreeConfig", "true"]).checked().map(drop)
    }

    fn write_index(&self, index: &Index<'_>, hooks: Hooks) -> Outcome<()> {
        index::write(self, index, hooks)
    }
}

/// A word as a shell takes it.
fn quoted(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    if word.iter().all(plain) {
        return word.to_vec();
    }
    let mut quoted = vec![b'\''];
    for &byte in word {
        match byte {
            b'\'' => quoted.extend_from_slice(b"'\\''"),
            byte => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}
