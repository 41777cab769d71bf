//! Errors of the system as `errno`, for replies.

use rustix::io::Errno;

/// The `errno` of an error of the standard library; `EIO` if it has none.
pub fn of_io(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
