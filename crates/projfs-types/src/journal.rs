//! What happened to items, as the journal tells it.

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
    /// It was renamed.
    Renamed {
        /// Its new path.
        to: RelPathBuf,
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

/// A place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Changes when entries may have been lost.
    pub epoch: u64,
    /// The number of the next entry.
    pub sequence: u64,
}
