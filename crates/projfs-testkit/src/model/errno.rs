//! `errno_of`, `errno_of_kind`: what a program is told when an operation fails.

use projfs_engine::Error;
use projfs_engine::ErrorKind;
use projfs_engine::ProviderErrorKind;
use rustix::io::Errno;

/// What a program is told.
pub fn errno_of(error: &Error) -> Errno {
    errno_of_kind(error.kind)
}

/// What a program is told of any error of a kind.
pub fn errno_of_kind(kind: ErrorKind) -> Errno {
    match kind {
        ErrorKind::WouldWait => Errno::AGAIN,
        ErrorKind::Interrupted => Errno::INTR,
        ErrorKind::Stale => Errno::STALE,
        ErrorKind::BadHandle => Errno::BADF,
        ErrorKind::NotFound | ErrorKind::PathNotFound | ErrorKind::Provider(ProviderErrorKind::NotFound) => {
            Errno::NOENT
        }
        ErrorKind::Exists | ErrorKind::AlreadyPlaceholder => Errno::EXIST,
        ErrorKind::NotDirectory => Errno::NOTDIR,
        ErrorKind::IsDirectory => Errno::ISDIR,
        ErrorKind::NotEmpty => Errno::NOTEMPTY,
        ErrorKind::Reserved | ErrorKind::NotClean | ErrorKind::Kept(_) => Errno::PERM,
        ErrorKind::Invalid => Errno::INVAL,
        ErrorKind::CrossDevice => Errno::XDEV,
        ErrorKind::Denied => Errno::ACCESS,
        ErrorKind::NoAttribute => Errno::NODATA,
        ErrorKind::Unavailable => Errno::HOSTDOWN,
        ErrorKind::BadAnswer | ErrorKind::Provider(_) => Errno::IO,
        ErrorKind::Store(errno) => errno,
    }
}
