//! `Error`: what could not be done with a root or an instance, where, and why.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use projfs_fuse::mount::MountError;
use projfs_fuse::session::SessionError;
use projfs_store::StoreError;
use projfs_store::StoreErrorKind;
use projfs_types::UpdateFailureCauses;
use rustix::io::Errno;

/// The result of something done with a root or an instance.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What could not be done. Its text names the operation and the path; the cause is its `source`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    path: PathBuf,
    detail: String,
    source: Option<Source>,
}

/// What to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is nothing at the path.
    NotFound,
    /// A directory on the way to it is not there.
    PathNotFound,
    /// There is something at the path already, perhaps only a tombstone.
    Exists,
    /// The directory is not empty.
    NotEmpty,
    /// The directory is a placeholder already.
    AlreadyPlaceholder,
    /// The provider may not overwrite the item: these are the local changes that it did not say may go.
    Kept(UpdateFailureCauses),
    /// The arguments make no sense.
    Invalid,
    /// It is not a directory.
    NotADirectory,
    /// The directory is not empty and was never a root; or, where one is needed, is not a root.
    NotARoot,
    /// The directory is inside another root, or has one inside.
    Nested,
    /// The file system of the directory lacks what a root needs.
    Unsupported,
    /// What is on disk is damaged; `projfs fsck` may help.
    Damaged,
    /// The root was made from another source.
    OtherSource,
    /// The directory is mounted already.
    AlreadyMounted,
    /// Another instance uses the root.
    InUse,
    /// The mount is used by programs.
    Busy,
    /// FUSE is not there, or refuses.
    Fuse,
    /// What was asked for is not ours to do.
    PermissionDenied,
    /// The control socket cannot be made or reached.
    Control,
    /// The keeper cannot be reached, or what it holds cannot be gone on with.
    Keeper,
    /// The instance has stopped.
    Stopped,
    /// The engine refused an operation on an item.
    Operation(projfs_engine::ErrorKind),
    /// The system answered with another error.
    Io,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: &'static str, path: impl Into<PathBuf>) -> Self {
        Self { kind, operation, path: path.into(), detail: String::new(), source: None }
    }

    /// Says more than the kind does.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(error: std::io::Error, operation: &'static str, path: impl Into<PathBuf>) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::NotADirectory => ErrorKind::NotADirectory,
            std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
            _ => ErrorKind::Io,
        };
        Self::new(kind, operation, path).because(error)
    }

    pub(crate) fn errno(errno: Errno, operation: &'static str, path: impl Into<PathBuf>) -> Self {
        Self::io(errno.into(), operation, path)
    }

    pub(crate) fn store(error: StoreError, operation: &'static str, root: &Path) -> Self {
        let (kind, detail) = match &error.kind {
            StoreErrorKind::Os(errno) if error.path.is_root() => return Self::errno(*errno, operation, root),
            StoreErrorKind::Os(errno) => {
                return Self::errno(*errno, operation, root.join(crate::path::os(&error.path)));
            }
            StoreErrorKind::Corrupt(what) => (ErrorKind::Damaged, format!("it is damaged: {what}")),
            StoreErrorKind::InUse => (ErrorKind::InUse, ErrorKind::InUse.to_string()),
            StoreErrorKind::Unsupported(what) => {
                (ErrorKind::Unsupported, format!("its file system does not support {what}"))
            }
            StoreErrorKind::Nested(other) => {
                (ErrorKind::Nested, format!("roots cannot be nested, and {} is one", other.display()))
            }
            StoreErrorKind::NotARoot => (ErrorKind::NotARoot, ErrorKind::NotARoot.to_string()),
        };
        Self::new(kind, operation, root).detail(detail)
    }

    pub(crate) fn engine(error: projfs_engine::Error, operation: &'static str, root: &Path) -> Self {
        let path = match error.path.is_root() {
            true => root.to_owned(),
            false => root.join(crate::path::os(&error.path)),
        };
        let kind = match error.kind {
            projfs_engine::ErrorKind::NotFound => ErrorKind::NotFound,
            projfs_engine::ErrorKind::PathNotFound => ErrorKind::PathNotFound,
            projfs_engine::ErrorKind::Exists => ErrorKind::Exists,
            projfs_engine::ErrorKind::NotDirectory => ErrorKind::NotADirectory,
            projfs_engine::ErrorKind::NotEmpty => ErrorKind::NotEmpty,
            projfs_engine::ErrorKind::AlreadyPlaceholder => ErrorKind::AlreadyPlaceholder,
            projfs_engine::ErrorKind::Kept(causes) => ErrorKind::Kept(causes),
            projfs_engine::ErrorKind::Invalid => ErrorKind::Invalid,
            projfs_engine::ErrorKind::Unavailable => ErrorKind::Stopped,
            kind => ErrorKind::Operation(kind),
        };
        let detail = match &error.source {
            Some(source) => format!("{}: {source}", error.kind),
            None => error.kind.to_string(),
        };
        Self::new(kind, operation, path).detail(detail)
    }

    pub(crate) fn session(error: SessionError, path: &Path) -> Self {
        let denied = |errno| matches!(errno, Errno::ACCESS | Errno::PERM);
        let kind = match &error {
            SessionError::Mount(MountError { errno, .. }) if denied(*errno) => ErrorKind::PermissionDenied,
            SessionError::Mount(_)
            | SessionError::Refused(_)
            | SessionError::Device(_)
            | SessionError::NoResend => ErrorKind::Fuse,
            SessionError::Threads(_) => ErrorKind::Io,
        };
        Self::new(kind, "mount", path).because(error)
    }

    /// What to act on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The `errno` that says the same, of an operation on an item or of the system.
    pub fn raw_os_error(&self) -> Option<i32> {
        let errno = |errno: Errno| errno.raw_os_error();
        let io = || self.source.as_deref()?.downcast_ref::<std::io::Error>()?.raw_os_error();
        match self.kind {
            ErrorKind::Operation(kind) => Some(errno(projfs_fuse::errno::of_kind(kind))),
            _ => io(),
        }
    }

    /// What was being done, as a verb.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What it was done to.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such file or directory",
            Self::PathNotFound => return projfs_engine::ErrorKind::PathNotFound.fmt(f),
            Self::Exists => return projfs_engine::ErrorKind::Exists.fmt(f),
            Self::NotEmpty => return projfs_engine::ErrorKind::NotEmpty.fmt(f),
            Self::AlreadyPlaceholder => return projfs_engine::ErrorKind::AlreadyPlaceholder.fmt(f),
            Self::Kept(causes) => return projfs_engine::ErrorKind::Kept(*causes).fmt(f),
            Self::Invalid => return projfs_engine::ErrorKind::Invalid.fmt(f),
            Self::NotADirectory => "not a directory",
            Self::NotARoot => "the directory is not empty and was never a root",
            Self::Nested => "roots cannot be nested",
            Self::Unsupported => "its file system lacks what a root needs",
            Self::Damaged => "it is damaged",
            Self::OtherSource => "the root was made from another source",
            Self::AlreadyMounted => "it is mounted already",
            Self::InUse => "another process uses the root",
            Self::Busy => "programs use it",
            Self::Fuse => "FUSE failed",
            Self::PermissionDenied => "permission denied",
            Self::Control => "the control socket cannot be used",
            Self::Keeper => "the keeper cannot be used",
            Self::Stopped => "the instance has stopped",
            Self::Operation(kind) => return kind.fmt(f),
            Self::Io => "the system refused",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: ", self.operation, self.path.display())?;
        match self.detail.as_str() {
            "" => self.kind.fmt(f),
            detail => f.write_str(detail),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
