//! `Error`: why a commit could not be opened.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

/// What is behind an error.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a commit could not be opened: what, where, and the cause as its `source`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    repository: PathBuf,
    revision: String,
    source: Option<Source>,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Neither the path nor a directory above it is a repository.
    NotARepository,
    /// The revision names nothing in the repository.
    NoSuchRevision,
    /// The revision names something that is neither a commit nor a tag of one.
    NotACommit,
    /// The repository, or an object that is needed to open it, is there and cannot be read.
    Unreadable,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, repository: &Path, revision: &str) -> Self {
        Self { kind, repository: repository.to_owned(), revision: revision.to_owned(), source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = self.repository.display();
        let revision = &self.revision;
        match self.kind {
            ErrorKind::NotARepository => write!(f, "{repository} is not in a Git repository"),
            ErrorKind::NoSuchRevision => write!(f, "there is no revision {revision:?} in {repository}"),
            ErrorKind::NotACommit => write!(f, "revision {revision:?} of {repository} is not a commit"),
            ErrorKind::Unreadable => write!(f, "cannot read revision {revision:?} of {repository}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
