//! `StoreError`: what went wrong in the store, where, and why.

use std::fmt;

use projfs_types::RelPathBuf;
use rustix::io::Errno;

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What went wrong in the store.
#[derive(Debug)]
pub struct StoreError {
    /// What to act on.
    pub kind: StoreErrorKind,
    /// What was being done.
    pub operation: &'static str,
    /// The item that it was done to, below the root.
    pub path: RelPathBuf,
}

/// What to act on when a store operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The file system under the store answered this.
    Os(Errno),
    /// A record or a file of ours does not say what it must; the text says what is wrong with it.
    Corrupt(String),
    /// Another instance uses the root.
    InUse,
    /// The file system lacks this feature.
    Unsupported(&'static str),
    /// The directory is inside the root named here, or has that root inside.
    Nested(std::path::PathBuf),
    /// The directory is not empty and was never a root.
    NotARoot,
}

impl StoreError {
    /// An error of `operation` on `path`.
    pub fn new(kind: StoreErrorKind, operation: &'static str, path: impl Into<RelPathBuf>) -> Self {
        Self { kind, operation, path: path.into() }
    }

    /// The error number that a caller of the file system is given.
    pub fn errno(&self) -> Errno {
        match self.kind {
            StoreErrorKind::Os(errno) => errno,
            StoreErrorKind::Corrupt(_) => Errno::UCLEAN,
            StoreErrorKind::InUse => Errno::BUSY,
            StoreErrorKind::Unsupported(_) => Errno::OPNOTSUPP,
            StoreErrorKind::Nested(_) => Errno::INVAL,
            StoreErrorKind::NotARoot => Errno::NOTEMPTY,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if !self.path.is_root() {
            write!(f, " {}", self.path)?;
        }
        match &self.kind {
            StoreErrorKind::Os(errno) => write!(f, ": {}", std::io::Error::from(*errno)),
            StoreErrorKind::Corrupt(what) => write!(f, ": damaged: {what}"),
            StoreErrorKind::InUse => f.write_str(": another instance uses this root"),
            StoreErrorKind::Unsupported(what) => write!(f, ": the file system does not support {what}"),
            StoreErrorKind::Nested(root) => {
                write!(f, ": roots cannot be nested, and {} is one", root.display())
            }
            StoreErrorKind::NotARoot => f.write_str(": the directory is not empty and was never a root"),
        }
    }
}

impl std::error::Error for StoreError {}
