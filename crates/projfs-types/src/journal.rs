//! What happened to items, as the journal tells it.

use std::fmt;
use std::str::FromStr;

use crate::ItemKind;
use crate::RelPathBuf;

/// One thing that happened, or was about to happen when a crash came: take it as "look again".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The item; for a rename, its old path.
    pub path: RelPathBuf,
    /// What the item is.
    pub kind: ItemKind,
    /// What happened.
    pub what: What,
    /// The kernel request (`unique`) that caused it; 0 if none did.
    pub request: u64,
}

/// What happened to an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It came into being here.
    Created,
    /// Its content changed, or may have: it was open for writing.
    Modified,
    /// Its mode, owner, times or extended attributes changed.
    Metadata,
    /// It stopped being the provider's: its content is local from now on.
    Converted,
    /// It was renamed, a directory with all that is in it. What had the new path before is gone.
    Renamed {
        /// Its new path.
        to: RelPathBuf,
    },
    /// It and another item have each other's path now, directories with all that is in them.
    Exchanged {
        /// The other's old path.
        with: RelPathBuf,
    },
    /// It got one more name.
    Linked {
        /// The new name.
        to: RelPathBuf,
    },
    /// It was deleted.
    Deleted,
    /// The provider, or a command, changed it: it is virtual again, or another version.
    Updated,
}

/// A place in the journal. As text it is `EPOCH:SEQUENCE`, two decimal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Changes when entries may have been lost.
    pub epoch: u64,
    /// The number of the next entry.
    pub sequence: u64,
}

/// Why a text is no cursor: it is not two decimal numbers with a colon between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorError;

/// What a reader of the journal is registered as: 1 to 64 letters, digits, dots, hyphens and underscores of ASCII, of
/// which the first is no dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderName(Box<str>);

/// Why a text is no name of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderNameError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        // The numbers of Rust may begin with a plus.
        let number = |text: &str| match text.as_bytes().first() {
            Some(b'0'..=b'9') => text.parse().map_err(|_| CursorError),
            _ => Err(CursorError),
        };
        let (epoch, sequence) = text.split_once(':').ok_or(CursorError)?;
        Ok(Self { epoch: number(epoch)?, sequence: number(sequence)? })
    }
}

impl ReaderName {
    /// Checks a name.
    ///
    /// # Errors
    /// It is empty, too long, begins with a dot, or has another character in it.
    pub fn new(name: &str) -> Result<Self, ReaderNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        match (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed) {
            true => Ok(Self(name.into())),
            false => Err(ReaderNameError),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cursor is two decimal numbers with a colon between them")
    }
}

impl fmt::Display for ReaderNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a reader is 1 to 64 letters, digits, dots, hyphens and underscores, the first no dot")
    }
}

impl std::error::Error for CursorError {}

impl std::error::Error for ReaderNameError {}

#[cfg(test)]
mod tests;
