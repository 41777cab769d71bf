//! `Error`: why an operation failed.

use std::fmt;

use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_store::StoreError;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFailureCauses;
use rustix::io::Errno;

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation failed.
#[derive(Debug)]
pub struct Error {
    /// What to act on.
    pub kind: ErrorKind,
    /// The item, below the root; the root itself where the operation has none.
    pub path: RelPathBuf,
    /// What the store or the provider said.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What to act on when an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The operation must wait, and was told not to: run it again with patience. Nothing has changed.
    WouldWait,
    /// The caller was interrupted.
    Interrupted,
    /// The node is not known (any more).
    Stale,
    /// The handle is not known, or not open for this.
    BadHandle,
    /// There is no such item.
    NotFound,
    /// There is no such directory in which the item could be.
    PathNotFound,
    /// There is such an item already.
    Exists,
    /// The item is not a directory.
    NotDirectory,
    /// The item is a directory.
    IsDirectory,
    /// The directory is not empty.
    NotEmpty,
    /// The name or attribute is reserved.
    Reserved,
    /// The arguments make no sense.
    Invalid,
    /// A rename of a projected directory is refused by option.
    CrossDevice,
    /// This caller may not cause content to be fetched.
    Denied,
    /// There is no such extended attribute.
    NoAttribute,
    /// The instance is stopping.
    Unavailable,
    /// The item has local changes, or is of a kind for which this is not possible.
    NotClean,
    /// The provider may not overwrite the item: it has these local changes, which were not given up.
    Kept(UpdateFailureCauses),
    /// The directory is a placeholder already.
    AlreadyPlaceholder,
    /// The provider answered with this.
    Provider(ProviderErrorKind),
    /// The provider's answer breaks a rule.
    BadAnswer,
    /// The store answered with this.
    Store(Errno),
}

impl Error {
    /// An error of an item.
    pub fn new(kind: ErrorKind, path: &RelPath) -> Self {
        Self { kind, path: path.to_owned(), source: None }
    }

    /// A provider's answer about `path` that breaks the rule named by `why`.
    pub(crate) fn bad_answer(path: &RelPath, why: impl Into<String>) -> Self {
        Self { kind: ErrorKind::BadAnswer, path: path.to_owned(), source: Some(why.into().into()) }
    }

    /// A provider's refusal about `path`.
    pub(crate) fn provider(error: ProviderError, path: &RelPath) -> Self {
        Self { kind: ErrorKind::Provider(error.kind), path: path.to_owned(), source: Some(error.into()) }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, path: RelPathBuf::root(), source: None }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self { kind: ErrorKind::Store(error.errno()), path: error.path.clone(), source: Some(error.into()) }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WouldWait => "the operation must wait",
            Self::Interrupted => "interrupted",
            Self::Stale => "the node is not known any more",
            Self::BadHandle => "the handle is not open for this",
            Self::NotFound => "no such file or directory",
            Self::PathNotFound => "a directory on the way is not there",
            Self::Exists => "the name exists already",
            Self::NotDirectory => "not a directory",
            Self::IsDirectory => "is a directory",
            Self::NotEmpty => "the directory is not empty",
            Self::Reserved => "the name is reserved",
            Self::Invalid => "invalid argument",
            Self::CrossDevice => "projected directories are not renamed here",
            Self::Denied => "this process does not fetch content",
            Self::NoAttribute => "no such extended attribute",
            Self::Unavailable => "the instance is stopping",
            Self::NotClean => "the item has local changes",
            Self::Kept(causes) => return write!(f, "the item was changed here: {}", words(*causes)),
            Self::AlreadyPlaceholder => "the directory is a placeholder already",
            Self::Provider(_) => "the provider failed",
            Self::BadAnswer => "the provider's answer is wrong",
            Self::Store(_) => "the store failed",
        })
    }
}

/// The causes in words, with commas.
fn words(causes: UpdateFailureCauses) -> String {
    let words = [
        (UpdateFailureCauses::DIRTY_METADATA, "metadata"),
        (UpdateFailureCauses::DIRTY_DATA, "content"),
        (UpdateFailureCauses::TOMBSTONE, "deleted"),
        (UpdateFailureCauses::READ_ONLY, "read-only"),
    ];
    let words: Vec<_> =
        words.into_iter().filter(|(cause, _)| causes.contains(*cause)).map(|(_, word)| word).collect();
    words.join(", ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_root() {
            write!(f, "{}: ", self.path)?;
        }
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

impl std::error::Error for Error {}
