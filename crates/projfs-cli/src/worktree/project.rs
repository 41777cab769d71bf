//! Making a registered working tree without files one that shows its commit.

use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use projectedfs::VirtualizationRoot;
use projfs_git::GitProvider;
use projfs_git::Index;

use super::git::Git;
use super::index;
use super::program;
use crate::mount;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// The file with the settings of one tree, in its own git directory.
const SETTINGS: &str = "projfs.config";

/// How long the repository's settings may be locked by others.
const LOCKED: Duration = Duration::from_secs(5);

/// How long is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

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
    fn reference(&self) -> OsString {
        if self.git_dir == self.common_dir {
            return "refs/projfs/main".into();
        }
        let mut name = OsString::from("refs/projfs/worktrees/");
        name.push(self.git_dir.file_name().unwrap_or_default());
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
        let own = self.git_dir.join(SETTINGS);
        let mut command = quoted(program()?.as_bytes());
        command.extend_from_slice(b" git-fsmonitor");
        for (name, value) in [("core.fsmonitor", &command[..]), ("core.untrackedCache", b"true")] {
            let mut config = Git::new(&self.dir);
            config.args(["config", "--file"]).arg(&own).arg(name).arg(OsStr::from_bytes(value)).checked()?;
        }
        let inside = own.strip_prefix(&self.common_dir).unwrap_or(&own);
        self.change_settings(|config| config.arg(self.condition()).arg(inside))
    }

    /// Takes back what the repository was told of a tree that is gone.
    pub(crate) fn forget(&self) -> Outcome<()> {
        let mut delete = Git::new(&self.common_dir);
        delete.args(["update-ref", "-d"]).arg(self.reference()).checked()?;
        for name in [SETTINGS, "index"] {
            match std::fs::remove_file(self.git_dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Failure::system(format!("remove {name}"), &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let mut included = Git::new(&self.common_dir);
        included
            .args(["config", "--file"])
            .arg(self.common_dir.join("config"))
            .arg("--get")
            .arg(self.condition());
        match included.value()? {
            Some(_) => self.change_settings(|config| config.arg("--unset").arg(self.condition())),
            None => Ok(()),
        }
    }

    /// The name of the section of the repository's settings that has those of this tree, which nobody else reads.
    /// `extensions.worktreeConfig` would do the same, but a bare repository does not look bare from its working trees
    /// then, and they cannot have the branch of its `HEAD`.
    fn condition(&self) -> OsString {
        let mut name = b"includeIf.gitdir:".to_vec();
        for &byte in self.git_dir.as_os_str().as_bytes() {
            if b"*?[\\".contains(&byte) {
                name.push(b'\\');
            }
            name.push(byte);
        }
        name.extend_from_slice(b".path");
        OsString::from_vec(name)
    }

    /// Changes the repository's settings. Others may be at it, and git does not wait for them.
    fn change_settings(&self, change: impl Fn(&mut Git) -> &mut Git) -> Outcome<()> {
        let end = Instant::now() + LOCKED;
        loop {
            let mut config = Git::new(&self.common_dir);
            config.args(["config", "--file"]).arg(self.common_dir.join("config"));
            match change(&mut config).checked() {
                Err(failure) if Instant::now() > end || !failure.message.contains("could not lock") => {
                    return Err(failure);
                }
                Err(_) => std::thread::sleep(PAUSE),
                Ok(_) => return Ok(()),
            }
        }
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
