//! Marking: a directory becomes a root.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use projfs_sync::Arc;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Fault;
use super::Identity;
use super::InstanceId;
use super::TreeStore;
use super::fault::about;
use super::probe::name_nameless;
use super::probe::nameless;
use super::probe::probe;
use super::room::INSTANCE;
use super::room::OWN;
use super::room::PARTS;
use super::room::names_in;
use super::room::open_below;
use super::room::readable;
use crate::Result;
use crate::StoreErrorKind;

/// What becomes of what is in a directory that is made a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The directory must be empty.
    Refuse,
    /// What is there becomes full items.
    Adopt,
}

impl TreeStore {
    /// Makes a directory a root, once. A directory that is one already stays as it is.
    ///
    /// # Errors
    /// `Os(NOENT)` or `Os(NOTDIR)` if there is no such directory; `NotARoot` if it is not empty and
    /// `existing` is [`Existing::Refuse`]; `Nested` if it is inside another root or (when adopting) has one
    /// inside; `Unsupported` if its file system lacks what a store needs. Then nothing is left behind.
    pub fn mark(path: &Path, existing: Existing) -> Result<InstanceId> {
        let identity = InstanceId::random().map(|id| Identity { id, version: VersionInfo::default() });
        let marked = identity.map_err(Fault::from).and_then(|identity| mark(path, existing, &identity));
        marked.map(|identity| identity.id).map_err(about("mark the root", RelPathBuf::root))
    }

    /// The same with an identity of the caller's choice. One that is a root already keeps the identity that it has, which
    /// is returned.
    ///
    /// # Errors
    /// As [`TreeStore::mark`].
    pub fn mark_as(path: &Path, existing: Existing, identity: &Identity) -> Result<Identity> {
        mark(path, existing, identity).map_err(about("mark the root", RelPathBuf::root))
    }
}

fn mark(path: &Path, existing: Existing, identity: &Identity) -> Done<Identity> {
    let root = open_root(path)?;
    refuse_nested(&root)?;
    match read_instance(&root) {
        Ok(identity) => return Ok(identity),
        Err(Fault(StoreErrorKind::NotARoot)) => {}
        Err(fault) => return Err(fault),
    }
    // Our own directory without an instance file is what a crash while marking left.
    let empty = names_in(&root)?.iter().all(|name| name == OWN);
    match existing {
        Existing::Refuse if !empty => return Err(Fault(StoreErrorKind::NotARoot)),
        Existing::Adopt if !empty => refuse_roots_below(path)?,
        Existing::Refuse | Existing::Adopt => {}
    }
    match rustix::fs::mkdirat(&root, OWN, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    let result = furnish(&root, identity);
    if result.is_err() {
        unfurnish(&root);
    }
    result.map(|()| identity.clone())
}

/// The instance file comes last and whole: it makes the directory a root.
fn furnish(root: &OwnedFd, identity: &Identity) -> Done<()> {
    let own = Arc::new(open_below(root, OWN)?);
    probe(&own)?;
    for part in PARTS {
        match rustix::fs::mkdirat(&*own, part, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    let file = nameless(&own, 0o600)?;
    let text = identity.file_text();
    if rustix::io::write(&file, text.as_bytes())? != text.len() {
        return Err(Errno::IO.into());
    }
    rustix::fs::fsync(&file)?;
    name_nameless(&file, &At::new(&own, INSTANCE))?;
    rustix::fs::fsync(readable(&own)?)?;
    Ok(rustix::fs::fsync(readable(root)?)?)
}

fn unfurnish(root: &OwnedFd) {
    if let Ok(own) = open_below(root, OWN) {
        let own = Arc::new(own);
        for part in PARTS {
            let _ = At::new(&own, part).remove_directory();
        }
    }
    let _ = rustix::fs::unlinkat(root, OWN, rustix::fs::AtFlags::REMOVEDIR);
}

/// Opens the directory that is, or is to be, a root.
pub(crate) fn open_root(path: &Path) -> Done<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens the instance file; without one, the directory is not a root.
pub(crate) fn open_instance(root: &OwnedFd) -> Done<OwnedFd> {
    let not_a_root = |errno| match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Fault(StoreErrorKind::NotARoot),
        _ => errno.into(),
    };
    let own = open_below(root, OWN).map_err(not_a_root)?;
    At::new(&Arc::new(own), INSTANCE).open(OFlags::RDONLY).map_err(not_a_root)
}

/// The identity in an instance file.
pub(crate) fn instance_of(file: &OwnedFd) -> Done<Identity> {
    let mut buffer = [0; 1024];
    let length = rustix::io::pread(file, &mut buffer[..], 0)?;
    Ok(Identity::of_file_text(&buffer[..length])?)
}

fn read_instance(root: &OwnedFd) -> Done<Identity> {
    instance_of(&open_instance(root)?)
}

/// Refuses a root inside another.
pub(crate) fn refuse_nested(root: &OwnedFd) -> Done<()> {
    let path = path_of(root)?;
    for ancestor in path.ancestors().skip(1) {
        if is_root(ancestor) {
            return Err(Fault(StoreErrorKind::Nested(ancestor.to_owned())));
        }
    }
    Ok(())
}

fn path_of(dir: &OwnedFd) -> Done<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(dir));
    let path = rustix::fs::readlinkat(CWD, link, Vec::new())?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}

fn is_root(dir: &Path) -> bool {
    dir.join(OsStr::from_bytes(OWN)).join(INSTANCE).symlink_metadata().is_ok_and(|file| file.is_file())
}

/// Refuses to adopt a tree that has a root inside. What cannot be read cannot be one of ours.
fn refuse_roots_below(path: &Path) -> Done<()> {
    let mut left = vec![path.to_owned()];
    while let Some(dir) = left.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let below = entry.path();
                if is_root(&below) {
                    return Err(Fault(StoreErrorKind::Nested(below)));
                }
                left.push(below);
            }
        }
    }
    Ok(())
}
