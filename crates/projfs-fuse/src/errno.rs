//! Errors as `errno`, for replies: one row each.

use projfs_engine::Error;
use projfs_engine::ErrorKind;
use projfs_engine::ProviderErrorKind;
use rustix::io::Errno;

use crate::wire::reply::Unserved;

/// The `errno` of an error of the standard library; `EIO` if it has none.
pub fn of_io(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// The `errno` of a failed operation.
pub fn of_kind(kind: ErrorKind) -> Errno {
    match kind {
        ErrorKind::WouldWait => Errno::AGAIN,
        ErrorKind::Interrupted => Errno::INTR,
        ErrorKind::Stale => Errno::STALE,
        ErrorKind::BadHandle => Errno::BADF,
        ErrorKind::NotFound | ErrorKind::PathNotFound => Errno::NOENT,
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
        ErrorKind::BadAnswer => Errno::IO,
        ErrorKind::Store(errno) => errno,
        ErrorKind::Provider(kind) => of_provider(kind),
    }
}

fn of_provider(kind: ProviderErrorKind) -> Errno {
    match kind {
        ProviderErrorKind::NotFound => Errno::NOENT,
        ProviderErrorKind::AccessDenied => Errno::ACCESS,
        ProviderErrorKind::NotPermitted => Errno::PERM,
        ProviderErrorKind::InvalidInput => Errno::INVAL,
        ProviderErrorKind::OutOfMemory => Errno::NOMEM,
        ProviderErrorKind::NoSpace => Errno::NOSPC,
        ProviderErrorKind::Unavailable => Errno::HOSTDOWN,
        ProviderErrorKind::TimedOut => Errno::TIMEDOUT,
        ProviderErrorKind::Cancelled => Errno::INTR,
        ProviderErrorKind::NotSupported => Errno::OPNOTSUPP,
        ProviderErrorKind::Io | ProviderErrorKind::Internal => Errno::IO,
        ProviderErrorKind::Errno(number @ 1..4096) => Errno::from_raw_os_error(number),
        ProviderErrorKind::Errno(_) => Errno::IO,
    }
}

impl From<Error> for Unserved {
    fn from(error: Error) -> Self {
        match error.kind {
            ErrorKind::WouldWait => Self::WouldWait,
            kind => {
                tracing::debug!(%error, "operation failed");
                Self::Errno(of_kind(kind))
            }
        }
    }
}
