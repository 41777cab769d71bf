//! `MemoryJournal`: a journal in a vector.

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::Cursor;
use projfs_types::JournalEntry;

use crate::Journal;
use crate::Result;
use crate::Since;

/// A [`Journal`] in memory. A clone leads to the same entries.
#[derive(Clone, Debug)]
pub struct MemoryJournal {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug)]
struct Content {
    epoch: u64,
    /// The number of the first entry that is still there.
    first: u64,
    entries: Vec<JournalEntry>,
}

impl MemoryJournal {
    /// An empty journal in its first epoch.
    pub fn new() -> Self {
        Self { content: Arc::new(Mutex::new(Content { epoch: 1, first: 0, entries: Vec::new() })) }
    }

    /// Drops the entries before `cursor`, as a journal on disk does when it is too long.
    pub fn trim(&self, cursor: Cursor) {
        let mut content = self.content.lock();
        let end = content.entries.len() as u64;
        let count = cursor.sequence.saturating_sub(content.first).min(end);
        // Not more than there are entries, so it fits.
        content.entries.drain(..usize::try_from(count).unwrap_or(0));
        content.first += count;
    }

    /// Opens a new epoch, as a journal on disk does when entries may have been lost.
    pub fn open_epoch(&self) {
        let mut content = self.content.lock();
        content.first += content.entries.len() as u64;
        content.entries.clear();
        content.epoch += 1;
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new()
    }
}

impl Content {
    fn end(&self) -> Cursor {
        Cursor { epoch: self.epoch, sequence: self.first + self.entries.len() as u64 }
    }
}

impl Journal for MemoryJournal {
    fn append(&self, entry: &JournalEntry) -> Result<Cursor> {
        let mut content = self.content.lock();
        let cursor = content.end();
        content.entries.push(entry.clone());
        Ok(cursor)
    }

    fn end(&self) -> Cursor {
        self.content.lock().end()
    }

    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since> {
        let content = self.content.lock();
        let end = content.end();
        if cursor.epoch != end.epoch || !(content.first..=end.sequence).contains(&cursor.sequence) {
            return Ok(Since::Gone { next: end });
        }
        // Within the vector, as was just checked.
        let skipped = usize::try_from(cursor.sequence - content.first).unwrap_or(usize::MAX);
        let entries = content.entries.iter().skip(skipped).take(limit).cloned().collect::<Vec<_>>();
        let next = Cursor { epoch: end.epoch, sequence: cursor.sequence + entries.len() as u64 };
        Ok(Since::Entries { entries, next })
    }
}
