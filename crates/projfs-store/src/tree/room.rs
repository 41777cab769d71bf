//! `Room`: the store's own directory at the root, and what is kept in it.

use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_types::ItemName;
use projfs_types::RelPath;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use super::At;

pub(crate) use crate::STORE_DIRECTORY as OWN;

/// Who the root is, and the lock against a second instance.
pub(crate) const INSTANCE: &str = "instance";
/// The placeholder log.
pub(crate) const PLACEHOLDERS: &str = "placeholders";
/// The directories in the store's own.
pub(crate) const PARTS: [&str; 4] = ["new", "trash", "partial", "journal"];

/// The store's own directory, open.
pub(crate) struct Room {
    /// The directory itself.
    pub(crate) own: Arc<OwnedFd>,
    /// Where things are made before they get their name.
    pub(crate) new: Arc<OwnedFd>,
    /// Where things are kept that lost their name.
    pub(crate) trash: Arc<OwnedFd>,
    /// Where content is of which only ranges are there.
    pub(crate) partial: Arc<OwnedFd>,
}

impl Room {
    /// Opens the store's own directory below `root` and makes what is missing in it.
    pub(crate) fn open(root: &OwnedFd) -> Result<Self, Errno> {
        let own = open_below(root, OWN)?;
        for part in PARTS {
            match rustix::fs::mkdirat(&own, part, Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        let new = open_below(&own, b"new")?;
        let trash = open_below(&own, b"trash")?;
        let partial = open_below(&own, b"partial")?;
        let [own, new, trash, partial] = [own, new, trash, partial].map(Arc::new);
        Ok(Self { own, new, trash, partial })
    }

    /// Whether this is the name of the store's own directory.
    pub(crate) fn is_reserved(&self, dir: &RelPath, name: &ItemName) -> bool {
        dir.is_root() && name.as_bytes() == OWN
    }

    /// Removes what a crash left behind in `new` and `trash`.
    pub(crate) fn empty(&self) -> Result<(), Errno> {
        self.empty_new()?;
        empty(&self.trash)
    }

    /// Removes what a crash left behind in `new` alone.
    pub(crate) fn empty_new(&self) -> Result<(), Errno> {
        empty(&self.new)
    }
}

/// Opens a directory that must be one, not a link to one.
pub(crate) fn open_below(dir: &OwnedFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    rustix::fs::openat2(dir, name, flags, Mode::empty(), resolve)
}

/// The same directory, opened so that it can be read and synced.
pub(crate) fn readable(dir: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::empty())
}

/// What is in a directory, which may be opened with `O_PATH`.
pub(crate) fn entries_of(dir: &OwnedFd) -> Result<Dir, Errno> {
    Dir::new(readable(dir)?)
}

/// The names in a directory.
pub(crate) fn names_in(dir: &OwnedFd) -> Result<Vec<Vec<u8>>, Errno> {
    let mut names = Vec::new();
    for entry in entries_of(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// Removes everything in a directory. Deep trees are no danger: what is inside a directory is first moved
/// up, so that nothing is ever more than two levels down.
pub(crate) fn empty(dir: &Arc<OwnedFd>) -> Result<(), Errno> {
    let mut counter = 0_u64;
    loop {
        let names = names_in(dir)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            let at = At::new(dir, name);
            match at.unlink() {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::ISDIR | Errno::PERM) => raise(dir, &at, &mut counter)?,
                Err(errno) => return Err(errno),
            }
        }
    }
}

fn raise(dir: &Arc<OwnedFd>, at: &At, counter: &mut u64) -> Result<(), Errno> {
    if at.remove_directory().is_ok() {
        return Ok(());
    }
    let inner = Arc::new(open_below(dir, &at.name)?);
    for name in names_in(&inner)? {
        let child = At::new(&inner, name);
        match child.unlink() {
            Ok(()) => {}
            Err(Errno::ISDIR | Errno::PERM) if child.remove_directory().is_ok() => {}
            Err(Errno::ISDIR | Errno::PERM) => loop {
                *counter += 1;
                let up = At::new(dir, format!("raised-{counter}"));
                match child.rename(&up, rustix::fs::RenameFlags::NOREPLACE) {
                    Ok(()) => break,
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno),
                }
            },
            Err(errno) => return Err(errno),
        }
    }
    at.remove_directory()
}
