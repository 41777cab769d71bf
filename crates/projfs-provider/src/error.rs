//! `ProviderError`: why a provider could not answer.

use std::fmt;

/// Why a provider could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// What the application is told.
    pub kind: ProviderErrorKind,
    /// What the log is told; empty where the kind says it all.
    pub message: String,
}

/// What the application is told when a provider cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderErrorKind {
    /// The item does not exist (`ERROR_FILE_NOT_FOUND`; `ENOENT`).
    NotFound,
    /// Access is refused (`ERROR_ACCESS_DENIED`; `EACCES`).
    AccessDenied,
    /// The operation is refused (`STATUS_CANNOT_DELETE`; `EPERM`).
    NotPermitted,
    /// The question makes no sense to the provider (`ERROR_INVALID_PARAMETER`; `EINVAL`).
    InvalidInput,
    /// Memory ran out (`E_OUTOFMEMORY`; `ENOMEM`).
    OutOfMemory,
    /// What was delivered does not fit on the disk (`ERROR_DISK_FULL`; `ENOSPC`).
    NoSpace,
    /// The source cannot be reached now (`ERROR_FILE_SYSTEM_VIRTUALIZATION_UNAVAILABLE`; `EHOSTDOWN`).
    Unavailable,
    /// The source took too long (`ERROR_TIMEOUT`; `ETIMEDOUT`).
    TimedOut,
    /// Nobody waits any more (`ERROR_OPERATION_ABORTED`; `EINTR`).
    Cancelled,
    /// The source does not offer this (`ERROR_NOT_SUPPORTED`; `EOPNOTSUPP`).
    NotSupported,
    /// The source failed, or what it gave is wrong (`ERROR_IO_DEVICE`; `EIO`).
    Io,
    /// The provider itself failed (`ERROR_INTERNAL_ERROR`; `EIO`).
    Internal,
    /// Any other error, by its Linux number, 1 to 4095; another number counts as `EIO`.
    Errno(i32),
}

impl ProviderError {
    /// An error with words for the log.
    pub fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The item does not exist.
    pub fn not_found() -> Self {
        Self::from(ProviderErrorKind::NotFound)
    }
}

impl From<ProviderErrorKind> for ProviderError {
    fn from(kind: ProviderErrorKind) -> Self {
        Self { kind, message: String::new() }
    }
}

impl From<std::io::Error> for ProviderError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error.kind() {
            ErrorKind::NotFound => ProviderErrorKind::NotFound,
            ErrorKind::PermissionDenied => ProviderErrorKind::AccessDenied,
            ErrorKind::InvalidInput => ProviderErrorKind::InvalidInput,
            ErrorKind::OutOfMemory => ProviderErrorKind::OutOfMemory,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ProviderErrorKind::NoSpace,
            ErrorKind::TimedOut => ProviderErrorKind::TimedOut,
            ErrorKind::Interrupted => ProviderErrorKind::Cancelled,
            ErrorKind::Unsupported => ProviderErrorKind::NotSupported,
            ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable => ProviderErrorKind::Unavailable,
            _ => ProviderErrorKind::Io,
        };
        Self { kind, message: error.to_string() }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ProviderErrorKind::NotFound => "not found",
            ProviderErrorKind::AccessDenied => "access denied",
            ProviderErrorKind::NotPermitted => "not permitted",
            ProviderErrorKind::InvalidInput => "invalid input",
            ProviderErrorKind::OutOfMemory => "out of memory",
            ProviderErrorKind::NoSpace => "no space left",
            ProviderErrorKind::Unavailable => "source unavailable",
            ProviderErrorKind::TimedOut => "timed out",
            ProviderErrorKind::Cancelled => "cancelled",
            ProviderErrorKind::NotSupported => "not supported",
            ProviderErrorKind::Io => "input/output error",
            ProviderErrorKind::Internal => "internal error",
            ProviderErrorKind::Errno(number) => {
                return match self.message.as_str() {
                    "" => write!(f, "{}", std::io::Error::from_raw_os_error(number)),
                    message => write!(f, "{}: {message}", std::io::Error::from_raw_os_error(number)),
                };
            }
        };
        match self.message.as_str() {
            "" => f.write_str(kind),
            message => write!(f, "{kind}: {message}"),
        }
    }
}

impl std::error::Error for ProviderError {}
