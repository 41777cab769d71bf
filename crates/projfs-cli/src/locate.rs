//! `Located`: which root a path is in, found without asking the mount about the path.
//!
//! A look at a virtual item would make it a placeholder. So only what is above the root is followed; what is below
//! is taken as it is written.

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use projectedfs::MountEntry;
use projectedfs::RelPathBuf;
use projectedfs::RuntimeFiles;
use projectedfs::control;
use projectedfs::control::Answer;
use projectedfs::control::Question;
use projectedfs::is_root;
use projectedfs::mounts;

use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// A path in a root.
#[derive(Debug)]
pub(crate) struct Located {
    /// The root: absolute, without links.
    pub(crate) root: PathBuf,
    /// The path below it.
    pub(crate) path: RelPathBuf,
    /// The mount over the root, if there is one.
    pub(crate) mount: Option<MountEntry>,
}

impl Located {
    /// Finds the root that `path` is in.
    pub(crate) fn find(path: &Path) -> Outcome<Self> {
        Self::find_in(path, &mounts()?)
    }

    /// Finds the mount that `path` is in.
    pub(crate) fn find_mounted(path: &Path) -> Outcome<(Self, MountEntry)> {
        let located = Self::find(path)?;
        match located.mount.clone() {
            Some(mount) => Ok((located, mount)),
            None => {
                let message = format!("{} is a root and is not mounted", located.root.display());
                Err(Failure::new(Exit::Failure, message))
            }
        }
    }

    fn find_in(path: &Path, mounts: &[MountEntry]) -> Outcome<Self> {
        let cannot = |error: &std::io::Error| Failure::system(format!("find {}", path.display()), error);
        let absolute = normal(&std::path::absolute(path).map_err(|error| cannot(&error))?);
        let mut above = PathBuf::from("/");
        let mut below = absolute.components().filter(|component| *component != Component::RootDir);
        loop {
            let mount = mounts.iter().find(|mount| mount.path == above);
            if mount.is_some() || is_root(&above) {
                let names: Vec<&[u8]> = below.map(|name| name.as_os_str().as_bytes()).collect();
                let bytes = names.join(&b'/');
                let path = RelPathBuf::new(bytes)
                    .map_err(|error| Failure::new(Exit::Failure, format!("{}: {error}", path.display())))?;
                return Ok(Self { root: above, path, mount: mount.cloned() });
            }
            let Some(name) = below.next() else {
                let message = format!("{} is in no root", path.display());
                return Err(Failure::new(Exit::Failure, message));
            };
            above = above.join(name).canonicalize().map_err(|error| cannot(&error))?;
        }
    }

    /// The path, for people.
    pub(crate) fn shown(&self) -> PathBuf {
        let below = std::ffi::OsStr::from_bytes(self.path.as_bytes());
        if self.path.is_root() { self.root.clone() } else { self.root.join(below) }
    }

    /// The path, for the control socket.
    pub(crate) fn text(&self) -> String {
        projectedfs::escape(self.path.as_bytes())
    }
}

/// Asks the instance of a mount; what it refuses is the inner result. See [`control::ask`].
pub(crate) fn ask(
    mount: &MountEntry,
    question: &Question,
    each: &mut dyn FnMut(Answer) -> ControlFlow<()>,
) -> projectedfs::Result<Result<(), control::Failure>> {
    control::ask(&RuntimeFiles::find(&mount.path, mount.owner), question, each)
}

/// Takes `.` and `..` out, as they are written.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests;
