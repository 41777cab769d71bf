//! `Journal`: what happened to items, in order.

mod epoch;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod readers;
mod segment;
mod tree;

use projfs_types::Cursor;
use projfs_types::JournalEntry;
use projfs_types::ReaderName;

use crate::Result;
pub(crate) use epoch::Boot;
pub use tree::JournalOptions;
pub use tree::TreeJournal;

/// What happened to items, in order. An entry is appended *before* its change, so the journal may name
/// something that a crash prevented, and never omits anything.
///
/// Entries are kept up to a limit. Whoever is registered as a reader has the journal drop them sooner, once every
/// registered reader has acknowledged them: so they are kept for readers that nobody registered only while there are
/// none that are.
pub trait Journal: Send + Sync + 'static {
    /// Appends an entry; its own cursor.
    fn append(&self, entry: &JournalEntry) -> Result<Cursor>;
    /// The place of the first entry that is still there; the end if there are none.
    fn start(&self) -> Cursor;
    /// The place after the last entry.
    fn end(&self) -> Cursor;
    /// Up to `limit` entries from `cursor` on.
    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since>;
    /// Registers a reader. The place from which on it needs entries: the end if it is new, else what it last
    /// acknowledged.
    fn register(&self, reader: &ReaderName) -> Result<Cursor>;
    /// Forgets a reader; whether it was registered.
    fn unregister(&self, reader: &ReaderName) -> Result<bool>;
    /// The registered readers by name, and from where on each needs entries.
    fn readers(&self) -> Vec<(ReaderName, Cursor)>;
    /// Notes that a reader needs nothing before `cursor` any more. It never needs more again: a cursor before one that
    /// it acknowledged changes nothing.
    fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> Result<Acknowledged>;
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

/// What came of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Acknowledged {
    /// It is noted.
    Noted,
    /// It is not: the journal has no such place any more, or had none.
    Gone {
        /// Where to go on.
        next: Cursor,
    },
    /// It is not: nobody is registered under that name.
    NotRegistered,
}
