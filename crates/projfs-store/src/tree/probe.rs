//! Probing: whether the file system under a root has what a store needs.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Fault;
use super::at::Inode;
use super::at::timestamps;
use crate::StoreErrorKind;
use crate::record::ATTRIBUTE;
use crate::record::LENGTH;

/// Tries everything in `dir`, which is left as it was.
pub(crate) fn probe(dir: &Arc<OwnedFd>) -> Done<()> {
    let one = At::new(dir, "probe-1");
    let other = At::new(dir, "probe-2");
    // A crash may have left them.
    clear(&[&one, &other])?;
    let result = attempt(dir, &one, &other);
    clear(&[&one, &other])?;
    result
}

fn clear(names: &[&At]) -> Result<(), Errno> {
    for at in names {
        match at.unlink() {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn attempt(dir: &Arc<OwnedFd>, one: &At, other: &At) -> Done<()> {
    let file = nameless(dir, 0o600).map_err(lacking("nameless files (O_TMPFILE)"))?;
    let value = [0; LENGTH];
    Inode::Open(file.as_fd())
        .set(ATTRIBUTE.as_bytes(), &value, XattrFlags::empty())
        .map_err(lacking("extended attributes of users"))?;
    rustix::fs::futimens(&file, &timestamps(None, None)).map_err(lacking("times of files"))?;
    name_nameless(&file, one).map_err(lacking("giving a nameless file its name (linkat of O_TMPFILE)"))?;
    let mut buffer = [0; LENGTH];
    Inode::Named(one).get(ATTRIBUTE.as_bytes(), &mut buffer).map_err(lacking("reading /proc/self/fd"))?;
    one.rename(other, RenameFlags::WHITEOUT).map_err(lacking("leaving whiteouts (RENAME_WHITEOUT)"))?;
    one.rename(other, RenameFlags::EXCHANGE).map_err(lacking("exchanging names (RENAME_EXCHANGE)"))?;
    match one.rename(other, RenameFlags::NOREPLACE) {
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(lacking("renaming without replacing (RENAME_NOREPLACE)")(errno)),
        Ok(()) => return Err(lacking("renaming without replacing (RENAME_NOREPLACE)")(Errno::INVAL)),
    }
    one.unlink()?;
    make_whiteout(one).map_err(lacking("making whiteouts (character devices 0/0)"))
}

/// What an errno means when a feature is tried: most mean that it is not there.
fn lacking(feature: &'static str) -> impl Fn(Errno) -> Fault {
    move |errno| match errno {
        Errno::NOSPC
        | Errno::DQUOT
        | Errno::IO
        | Errno::ROFS
        | Errno::MFILE
        | Errno::NOMEM
        | Errno::NFILE
        | Errno::ACCESS => errno.into(),
        _ => Fault(StoreErrorKind::Unsupported(feature)),
    }
}

/// A file without a name in `dir`, which ends with its descriptor.
pub(crate) fn nameless(dir: &OwnedFd, permissions: u32) -> Result<OwnedFd, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::from_raw_mode(permissions))
}

/// Gives a nameless file its first name.
pub(crate) fn name_nameless(file: impl AsFd, to: &At) -> Result<(), Errno> {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    let follow = rustix::fs::AtFlags::SYMLINK_FOLLOW;
    rustix::fs::linkat(rustix::fs::CWD, path, &*to.dir, to.name.as_slice(), follow)
}

/// Makes a tombstone.
pub(crate) fn make_whiteout(at: &At) -> Result<(), Errno> {
    let mode = Mode::empty();
    rustix::fs::mknodat(&*at.dir, at.name.as_slice(), FileType::CharacterDevice, mode, 0)
}
