//! `Failure`: what could not be done, and the exit code that says so.

use std::fmt;

use projectedfs::Error;
use projectedfs::ErrorKind;

/// The result of a verb, or of a part of it.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// The exit codes of failures. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It could not be done.
    Failure,
    /// The arguments are wrong.
    Usage,
    /// It is mounted already.
    Mounted,
    /// The source does not exist, or cannot be read.
    Source,
    /// There is no FUSE, or no permission.
    Fuse,
    /// The directory cannot be a root.
    Root,
    /// The changes that were asked for are gone.
    Gone,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Mounted => 3,
            Self::Source => 4,
            Self::Fuse => 5,
            Self::Root => 6,
            Self::Gone => 7,
        }
    }
}

/// What could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A failure of the source; the text of `error` names it.
    pub(crate) fn source(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(Exit::Source, chain(error))
    }

    /// A failure of the system, with what was being done.
    pub(crate) fn system(what: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(Exit::Failure, format!("cannot {what}: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::AlreadyMounted | ErrorKind::InUse => Exit::Mounted,
            ErrorKind::Fuse | ErrorKind::PermissionDenied => Exit::Fuse,
            ErrorKind::NotADirectory
            | ErrorKind::NotARoot
            | ErrorKind::Nested
            | ErrorKind::Unsupported
            | ErrorKind::Damaged
            | ErrorKind::OtherSource => Exit::Root,
            _ => Exit::Failure,
        };
        Self::new(exit, chain(&error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The text of an error and of its causes, without saying anything twice.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = without_number(&cause.to_string());
        if !text.to_lowercase().contains(&cause_text.to_lowercase()) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// The text without the number of an error, which says nothing that its words do not.
fn without_number(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" (os error ") else { return text.to_owned() };
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    format!("{before}{after}")
}
