//! `Error`: why a directory could not be opened.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// The directory could not be opened; the cause is the `source`.
#[derive(Debug)]
pub struct Error {
    pub(crate) path: PathBuf,
    pub(crate) cause: io::Error,
}

impl Error {
    /// What the system says.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot project the directory {}", self.path.display())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
