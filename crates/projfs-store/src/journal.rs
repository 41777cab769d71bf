//! `Journal`: what happened to items, in order.

mod epoch;
mod frame;
mod segment;
mod tree;

use projfs_types::Cursor;
use projfs_types::JournalEntry;

use crate::Result;
pub(crate) use epoch::Boot;
pub use tree::JournalOptions;
pub use tree::TreeJournal;

/// What happened to items, in order. An entry is appended *before* its change, so the journal may name
/// something that a crash prevented, and never omits anything.
pub trait Journal: Send + Sync + 'static {
    /// Appends an entry; its own cursor.
    fn append(&self, entry: &JournalEntry) -> Result<Cursor>;
    /// The place after the last entry.
    fn end(&self) -> Cursor;
    /// Up to `limit` entries from `cursor` on.
    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since>;
    /// Ends it: nothing can be appended any more, and another journal may be opened in its place, even while someone
    /// still reads this one.
    fn close(&self) {}
}

/// What is in the journal from a cursor on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// These entries.
    Entries {
        /// In order.
        entries: Vec<JournalEntry>,
        /// Where to go on.
        next: Cursor,
    },
    /// Entries from there were dropped, or may have been lost: look at everything once.
    Gone {
        /// Where to go on.
        next: Cursor,
    },
}
