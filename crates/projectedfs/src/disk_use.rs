//! How much of the disk a directory takes.

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The unit of `st_blocks`, in bytes.
const BLOCK: u64 = 512;

/// How much of the disk a directory takes with all that is in it, in bytes, as `du` counts: a file with several names once.
/// Of a mount it is what the mount shows; the control socket is asked for what is below.
///
/// # Errors
/// The system's.
pub fn disk_use(path: &Path) -> std::io::Result<u64> {
    below(&rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The same of a directory that is open.
pub(crate) fn below(directory: &OwnedFd) -> std::io::Result<u64> {
    let mut counted = HashSet::new();
    let own = rustix::fs::statat(directory, c"", AtFlags::EMPTY_PATH)?;
    Ok(own.st_blocks as u64 * BLOCK + walk(directory.as_fd(), &mut counted)?)
}

fn walk(directory: impl AsFd, counted: &mut HashSet<u64>) -> Result<u64, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut bytes = 0;
    let directory = rustix::fs::openat(&directory, c".", flags, Mode::empty())?;
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        // It may go while it is counted.
        let Some(stat) = gone(rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW))? else {
            continue;
        };
        if stat.st_nlink > 1
            && !counted.insert(stat.st_ino)
            && FileType::from_raw_mode(stat.st_mode) != FileType::Directory
        {
            continue;
        }
        bytes += stat.st_blocks as u64 * BLOCK;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory
            && let Some(inner) = gone(rustix::fs::openat(&directory, name, flags, Mode::empty()))?
        {
            bytes += walk(&inner, counted)?;
        }
    }
    Ok(bytes)
}

/// Nothing, if the name does not exist any more, or may not be looked into.
fn gone<T>(result: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => Ok(None),
        Err(errno) => Err(errno),
    }
}
