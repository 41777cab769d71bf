//! `JournalReader` and `Watch`: what happened to items, and what happens.

use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use projfs_engine::Changes;
use projfs_engine::Engine;
use projfs_store::Acknowledged;
use projfs_store::Journal;
use projfs_store::Since;
use projfs_sync::Arc;
use projfs_sync::Weak;
use projfs_types::Cursor;
use projfs_types::ReaderName;

use crate::Error;
use crate::Result;
use crate::VirtualizationRoot;

const READ: &str = "read the journal of";

/// What happened to items, in order, also before this start.
///
/// An entry is written before its change: it may name something that a crash prevented, and none is missing. So an
/// entry says "look again". It is told when its change is done.
///
/// Writes to an open file have no entries: there is one when it is opened for writing, and one when it is closed. What
/// may have been written in between is in [`Changes::writing`] of every answer; so whoever looks into files looks again
/// at those that were in the answer before, and need not be in the next one, because the process or the machine died.
/// What is changed while nothing is mounted has no entries.
///
/// Entries are kept up to [a limit](crate::InstanceBuilder::journal_limit). Registered readers have them dropped
/// sooner, once all of them have acknowledged them; a reader that nobody registered is sure of the limit only while
/// there are no others. Whatever is not there any more is answered with [`Since::Gone`].
///
/// ```no_run
/// # use projectedfs::*;
/// # fn catch_up(instance: &VirtualizationInstance) -> Result<(), Box<dyn std::error::Error>> {
/// let journal = instance.journal()?;
/// let name = ReaderName::new("indexer")?;
/// // New: from here on. Registered before: from where it was.
/// let mut cursor = journal.register(&name)?;
/// loop {
///     let changes = journal.since(cursor, 1000)?;
///     match changes.since {
///         Since::Entries { entries, .. } if entries.is_empty() => break,
///         Since::Entries { entries, next } => {
///             for entry in &entries {
///                 println!("{} {:?}", entry.path, entry.what);
///             }
///             cursor = next;
///         }
///         Since::Gone { next } => {
///             println!("look at everything");
///             cursor = next;
///         }
///     }
///     let noted = journal.acknowledge(&name, cursor)?;
///     assert_eq!(noted, Acknowledged::Noted);
/// }
/// # Ok(())
/// # }
/// ```
pub struct JournalReader {
    // First: it is closed before the root is anybody's.
    journal: Arc<dyn Journal>,
    source: Source,
    path: PathBuf,
}

/// What the journal is of.
enum Source {
    /// An instance, perhaps stopped by now.
    Instance(Weak<Engine>),
    /// A root that is not mounted, and is not as long as it is here.
    Root { _root: Box<VirtualizationRoot> },
}

impl JournalReader {
    pub(crate) fn of_instance(engine: &Arc<Engine>, path: &Path) -> Self {
        let source = Source::Instance(Arc::downgrade(engine));
        Self { journal: Arc::clone(engine.journal()), source, path: path.to_owned() }
    }

    pub(crate) fn of_root(journal: Arc<dyn Journal>, root: VirtualizationRoot) -> Self {
        let path = root.path().to_owned();
        Self { journal, source: Source::Root { _root: Box::new(root) }, path }
    }

    /// The place of the first entry that is still there.
    pub fn start(&self) -> Cursor {
        self.journal.start()
    }

    /// The place after the last entry: keep it, and read on from there later, after a restart too. It can be written
    /// down: as text it is `EPOCH:SEQUENCE`.
    pub fn end(&self) -> Cursor {
        self.journal.end()
    }

    /// Up to `limit` entries from `cursor` on, or that they are gone: then look at everything once. A cursor is gone if
    /// entries behind it were dropped, or may have been lost when the machine died.
    ///
    /// # Errors
    /// The store's.
    pub fn since(&self, cursor: Cursor, limit: usize) -> Result<Changes> {
        match self.engine() {
            Some(engine) => {
                engine.changes(cursor, limit).map_err(|error| Error::engine(error, READ, &self.path))
            }
            // Nothing happens any more.
            None => {
                let since = self.journal.since(cursor, limit);
                let since = since.map_err(|error| Error::store(error, READ, &self.path))?;
                Ok(Changes { since, writing: Vec::new() })
            }
        }
    }

    /// Registers a reader, which is remembered until it is [unregistered](Self::unregister). The place from which on it
    /// needs entries: the end if it is new, else what it last acknowledged.
    ///
    /// # Errors
    /// The store's.
    pub fn register(&self, reader: &ReaderName) -> Result<Cursor> {
        let registered = self.journal.register(reader);
        registered.map_err(|error| Error::store(error, "register a reader of the journal of", &self.path))
    }

    /// Forgets a reader; whether it was registered.
    ///
    /// # Errors
    /// The store's.
    pub fn unregister(&self, reader: &ReaderName) -> Result<bool> {
        let removed = self.journal.unregister(reader);
        removed.map_err(|error| Error::store(error, "unregister a reader of the journal of", &self.path))
    }

    /// The registered readers by name, and from where on each needs entries.
    pub fn readers(&self) -> Vec<(ReaderName, Cursor)> {
        self.journal.readers()
    }

    /// Says that a reader needs nothing before `cursor` any more.
    ///
    /// # Errors
    /// The store's.
    pub fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> Result<Acknowledged> {
        let noted = self.journal.acknowledge(reader, cursor);
        noted.map_err(|error| Error::store(error, "note a reader of the journal of", &self.path))
    }

    /// Tells of what happened from `cursor` on, and then of what happens.
    pub fn watch(self, cursor: Cursor) -> Watch {
        // What happens before there is a receiver is in the journal.
        let receiver = match self.engine() {
            Some(engine) => engine.watch(),
            None => std::sync::mpsc::sync_channel(1).1,
        };
        Watch { receiver, journal: self, cursor }
    }

    fn engine(&self) -> Option<Arc<Engine>> {
        match &self.source {
            Source::Instance(engine) => engine.upgrade(),
            Source::Root { .. } => None,
        }
    }
}

/// What happened to items from a place in the journal on, and what happens.
pub struct Watch {
    receiver: Receiver<()>,
    journal: JournalReader,
    cursor: Cursor,
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// This has happened, or went on happening.
    Changes(Changes),
    /// Nothing, in the time that was given.
    Nothing,
    /// The instance has stopped; nothing more will happen.
    Stopped,
}

/// How many entries a watch tells at once.
const BATCH: usize = 1000;

impl Watch {
    /// The place after what was told so far.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Waits for what happens next, at most for `time`.
    ///
    /// # Errors
    /// The store's.
    pub fn next(&mut self, time: Duration) -> Result<News> {
        // What came since the last time is told before the next waiting, also when the end has come.
        let news = self.news()?;
        if news != News::Nothing {
            return Ok(news);
        }
        match self.receiver.recv_timeout(time) {
            Ok(()) => self.news(),
            Err(RecvTimeoutError::Timeout) => Ok(News::Nothing),
            // The last of what happened came after the reading above.
            Err(RecvTimeoutError::Disconnected) => match self.news()? {
                News::Nothing => Ok(News::Stopped),
                news => Ok(news),
            },
        }
    }

    /// The place after the last entry.
    pub(crate) fn end(&self) -> Cursor {
        self.journal.end()
    }

    /// Some of what happened since the last time.
    pub(crate) fn read(&mut self) -> Result<Changes> {
        let changes = self.journal.since(self.cursor, BATCH)?;
        let (Since::Entries { next, .. } | Since::Gone { next }) = &changes.since;
        self.cursor = *next;
        Ok(changes)
    }

    fn news(&mut self) -> Result<News> {
        let changes = self.read()?;
        match &changes.since {
            Since::Entries { entries, .. } if entries.is_empty() => Ok(News::Nothing),
            Since::Entries { .. } | Since::Gone { .. } => Ok(News::Changes(changes)),
        }
    }
}
