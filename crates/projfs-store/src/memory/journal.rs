//! `MemoryJournal`: a journal in a vector.

use std::collections::BTreeMap;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::Cursor;
use projfs_types::JournalEntry;
use projfs_types::ReaderName;

use crate::Acknowledged;
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
    readers: BTreeMap<ReaderName, Cursor>,
}

impl MemoryJournal {
    /// An empty journal in its first epoch.
    pub fn new() -> Self {
        let content = Content { epoch: 1, first: 0, entries: Vec::new(), readers: BTreeMap::new() };
        Self { content: Arc::new(mutex(Rank::Store, content)) }
    }

    /// Drops the entries before `cursor`, as a journal on disk does when it is too long.
    pub fn trim(&self, cursor: Cursor) {
        self.content.lock().drop_before(cursor.sequence);
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
    fn drop_before(&mut self, sequence: u64) {
        let count = sequence.saturating_sub(self.first).min(self.entries.len() as u64);
        // Not more than there are entries, so it fits.
        self.entries.drain(..usize::try_from(count).unwrap_or(0));
        self.first += count;
    }

    /// Drops what every reader has read.
    fn trim(&mut self) {
        let needed = |cursor: &Cursor| if cursor.epoch == self.epoch { cursor.sequence } else { 0 };
        if let Some(needed) = self.readers.values().map(needed).min() {
            self.drop_before(needed);
        }
    }

    fn leads_into(&self, cursor: Cursor) -> bool {
        let end = self.end();
        cursor.epoch == end.epoch && (self.first..=end.sequence).contains(&cursor.sequence)
    }

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

    fn start(&self) -> Cursor {
        let content = self.content.lock();
        Cursor { sequence: content.first, ..content.end() }
    }

    fn end(&self) -> Cursor {
        self.content.lock().end()
    }

    fn register(&self, reader: &ReaderName) -> Result<Cursor> {
        let mut content = self.content.lock();
        let end = content.end();
        Ok(*content.readers.entry(reader.clone()).or_insert(end))
    }

    fn unregister(&self, reader: &ReaderName) -> Result<bool> {
        let mut content = self.content.lock();
        let removed = content.readers.remove(reader).is_some();
        content.trim();
        Ok(removed)
    }

    fn readers(&self) -> Vec<(ReaderName, Cursor)> {
        self.content.lock().readers.iter().map(|(name, cursor)| (name.clone(), *cursor)).collect()
    }

    fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> Result<Acknowledged> {
        let mut content = self.content.lock();
        let Some(before) = content.readers.get(reader).copied() else {
            return Ok(Acknowledged::NotRegistered);
        };
        if before.epoch == cursor.epoch && cursor.sequence <= before.sequence && content.leads_into(before) {
            return Ok(Acknowledged::Noted);
        }
        if !content.leads_into(cursor) {
            return Ok(Acknowledged::Gone { next: content.end() });
        }
        content.readers.insert(reader.clone(), cursor);
        content.trim();
        Ok(Acknowledged::Noted)
    }

    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since> {
        let content = self.content.lock();
        let end = content.end();
        if !content.leads_into(cursor) {
            return Ok(Since::Gone { next: end });
        }
        // Within the vector, as was just checked.
        let skipped = usize::try_from(cursor.sequence - content.first).unwrap_or(usize::MAX);
        let entries = content.entries.iter().skip(skipped).take(limit).cloned().collect::<Vec<_>>();
        let next = Cursor { epoch: end.epoch, sequence: cursor.sequence + entries.len() as u64 };
        Ok(Since::Entries { entries, next })
    }
}
