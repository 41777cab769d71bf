//! `JournalReader` and `Watch`: what happened to items, and what happens.

use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use projfs_store::Journal;
use projfs_store::Since;
use projfs_sync::Arc;
use projfs_types::Cursor;

use crate::Error;
use crate::Result;

/// What happened to items, in order.
///
/// An entry is written before its change: it may name something that a crash prevented, and none is missing. So an
/// entry says "look again". Writes to a file that is open are one entry when it is opened.
pub struct JournalReader {
    journal: Arc<dyn Journal>,
    root: PathBuf,
}

impl JournalReader {
    pub(crate) fn new(journal: Arc<dyn Journal>, root: &Path) -> Self {
        Self { journal, root: root.to_owned() }
    }

    /// The place after the last entry: keep it, and read on from there later, after a restart too.
    pub fn end(&self) -> Cursor {
        self.journal.end()
    }

    /// Up to `limit` entries from `cursor` on, or that they are gone: then look at everything once.
    ///
    /// # Errors
    /// The store's.
    pub fn since(&self, cursor: Cursor, limit: usize) -> Result<Since> {
        let entries = self.journal.since(cursor, limit);
        entries.map_err(|error| Error::store(error, "read the journal of", &self.root))
    }
}

/// What happens to items from a moment on.
pub struct Watch {
    receiver: Receiver<()>,
    journal: JournalReader,
    cursor: Cursor,
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This has happened, or went on happening.
    Since(Since),
    /// Nothing, in the time that was given.
    Nothing,
    /// The instance has stopped; nothing more will happen.
    Stopped,
}

/// How many entries a watch tells at once.
const BATCH: usize = 1000;

impl Watch {
    pub(crate) fn new(receiver: Receiver<()>, journal: JournalReader) -> Self {
        let cursor = journal.end();
        Self { receiver, journal, cursor }
    }

    /// Waits for what happens next, at most for `time`.
    ///
    /// # Errors
    /// The store's.
    pub fn next(&mut self, time: Duration) -> Result<News> {
        // What came since the last time is told before the next waiting, also when the end has come.
        let news = self.read()?;
        if news != News::Nothing {
            return Ok(news);
        }
        match self.receiver.recv_timeout(time) {
            Ok(()) => self.read(),
            Err(RecvTimeoutError::Timeout) => Ok(News::Nothing),
            Err(RecvTimeoutError::Disconnected) => Ok(News::Stopped),
        }
    }

    fn read(&mut self) -> Result<News> {
        let since = self.journal.since(self.cursor, BATCH)?;
        match &since {
            Since::Entries { entries, next } => {
                self.cursor = *next;
                if entries.is_empty() {
                    return Ok(News::Nothing);
                }
            }
            Since::Gone { next } => self.cursor = *next,
        }
        Ok(News::Since(since))
    }
}
