//! `RangeFile`: a file that comes in parts, and the commands that bring them.

use std::collections::BTreeMap;
use std::ops::Range;

use projfs_provider::CancelToken;
use projfs_provider::CommandHandler;
use projfs_provider::CommandId;
use projfs_provider::ProviderError;
use projfs_store::PartialFile;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::RwLock;
use projfs_sync::atomic::AtomicU8;
use projfs_sync::atomic::Ordering;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::RangeSet;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::io::Errno;

use super::plan::plan;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;

/// A file that comes in parts.
pub(crate) struct RangeFile {
    pub(super) number: Number,
    pub(super) origin: RelPathBuf,
    pub(super) info: PlaceholderInfo,
    pub(super) partial: Arc<dyn PartialFile>,
    /// Who has this version of the item, whoever answers for others by now.
    pub(super) handler: Arc<dyn CommandHandler>,
    /// A [`Fate`], which changes once, under the lock of the item's directory.
    fate: AtomicU8,
    pub(super) progress: Mutex<Progress>,
    moved: Condvar,
    /// Set once all content is there: what a provider delivers late must not touch a file that has its record.
    pub(super) closed: RwLock<bool>,
}

/// What became of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fate {
    /// It still comes in parts.
    Open,
    /// Its name leads to a file with all of the content.
    Settled,
    /// It was deleted, or dehydrated. Those who have it open go on with what they have.
    Dropped,
}

/// What is being fetched.
#[derive(Default)]
pub(super) struct Progress {
    next: u64,
    pub(super) flights: BTreeMap<u64, Flight>,
}

/// One command, and those who wait for it.
pub(super) struct Flight {
    range: Range<u64>,
    pub(super) waiters: usize,
    command: Option<CommandId>,
    outcome: Option<std::result::Result<(), Failure>>,
}

/// Why a range did not come.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    Provider(ProviderError),
    Store(Errno),
}

impl RangeFile {
    pub(super) fn new(
        number: Number,
        origin: RelPathBuf,
        info: PlaceholderInfo,
        partial: Arc<dyn PartialFile>,
        handler: Arc<dyn CommandHandler>,
    ) -> Self {
        Self {
            number,
            origin,
            info,
            partial,
            handler,
            fate: AtomicU8::new(Fate::Open as u8),
            progress: Mutex::default(),
            moved: Condvar::new(),
            closed: RwLock::new(false),
        }
    }

    /// Has those who wait look at their tokens.
    pub(super) fn wake(&self) {
        // Taking the lock makes sure that a waiter either sees its token or hears this.
        drop(self.progress.lock());
        self.moved.notify_all();
    }

    /// Whether all content is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.has(&(0..self.info.size()))
    }

    /// Whether the item still comes in parts.
    pub(crate) fn is_open(&self) -> bool {
        self.fate.load(Ordering::Acquire) == Fate::Open as u8
    }

    /// Whether the item's name leads to a file with all of the content.
    pub(crate) fn is_settled(&self) -> bool {
        self.fate.load(Ordering::Acquire) == Fate::Settled as u8
    }

    /// The file, in which ranges are missing.
    pub(crate) fn file(&self) -> Arc<dyn StoreFile> {
        self.partial.file()
    }

    /// The length, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.info.size()
    }

    pub(super) fn has(&self, range: &Range<u64>) -> bool {
        self.partial.missing(range.clone()).is_empty()
    }

    /// What of `range` a command for `asked` may write: what is not there, and no other command brings.
    pub(super) fn lacks(&self, asked: &Range<u64>, range: &Range<u64>) -> Vec<Range<u64>> {
        let mut others = RangeSet::default();
        for flight in self.progress.lock().flights.values() {
            if flight.outcome.is_none() && flight.range != *asked {
                others.insert(flight.range.clone());
            }
        }
        let missing = self.partial.missing(range.clone());
        missing.iter().flat_map(|gap| others.missing(gap.clone())).collect()
    }

    pub(super) fn end(&self, fate: Fate) {
        let (open, fate) = (Fate::Open as u8, fate as u8);
        // Only the first counts: what was dropped is not settled later.
        let _ = self.fate.compare_exchange(open, fate, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Joins the flights that bring `wanted`, and makes those that are missing, which are to be begun.
    pub(super) fn join(&self, wanted: &Range<u64>) -> (Vec<u64>, Vec<(u64, Range<u64>)>) {
        let mut progress = self.progress.lock();
        let mut flying = RangeSet::default();
        for flight in progress.flights.values().filter(|flight| flight.outcome.is_none()) {
            flying.insert(flight.range.clone());
        }
        let missing = |range| self.partial.missing(range);
        let needed = missing(wanted.clone());
        let mut begun = Vec::new();
        for range in plan(&missing, &flying, wanted, self.info.size()) {
            let id = progress.next;
            progress.next += 1;
            let flight = Flight { range: range.clone(), waiters: 0, command: None, outcome: None };
            progress.flights.insert(id, flight);
            begun.push((id, range));
        }
        let brings = |flight: &Flight| {
            needed.iter().any(|gap| gap.start < flight.range.end && flight.range.start < gap.end)
        };
        let mut joined = Vec::new();
        for (&id, flight) in &mut progress.flights {
            let begun = begun.iter().any(|(new, _)| *new == id);
            if begun || flight.outcome.is_none() && brings(flight) {
                flight.waiters += 1;
                joined.push(id);
            }
        }
        (joined, begun)
    }

    pub(super) fn sent(&self, id: u64, command: CommandId) {
        if let Some(flight) = self.progress.lock().flights.get_mut(&id) {
            flight.command = Some(command);
        }
    }

    pub(super) fn landed(&self, id: u64, outcome: std::result::Result<(), Failure>) {
        // Not there any more: everybody has left.
        if let Some(flight) = self.progress.lock().flights.get_mut(&id) {
            flight.outcome = Some(outcome);
        }
        self.moved.notify_all();
    }

    /// Waits until the flights have landed, one of them has failed, or a token is set. What nobody waits for any more
    /// is to be cancelled.
    pub(super) fn wait(
        &self,
        joined: &[u64],
        interrupt: &CancelToken,
        stopping: &CancelToken,
    ) -> (Result<()>, Vec<CommandId>) {
        let mut progress = self.progress.lock();
        let ended = loop {
            let error = |kind| Err(Error::new(kind, &self.origin));
            let outcomes = || joined.iter().map(|id| progress.flights.get(id)?.outcome.as_ref());
            if stopping.is_cancelled() {
                break error(ErrorKind::Unavailable);
            }
            if let Some(failure) = outcomes().find_map(|outcome| outcome?.clone().err()) {
                break Err(failure.about(&self.origin));
            }
            if outcomes().all(|outcome| outcome.is_some()) {
                break Ok(());
            }
            if interrupt.is_cancelled() {
                break error(ErrorKind::Interrupted);
            }
            self.moved.wait(&mut progress);
        };
        let mut left = Vec::new();
        for id in joined {
            let Some(flight) = progress.flights.get_mut(id) else { continue };
            flight.waiters -= 1;
            if flight.waiters == 0 {
                left.extend(flight.command.filter(|_| flight.outcome.is_none()));
                progress.flights.remove(id);
            }
        }
        (ended, left)
    }

    /// Makes all content survive a power cut. Nothing is delivered after that.
    pub(super) fn complete(&self) -> Result<()> {
        *self.closed.write() = true;
        Ok(self.partial.complete()?)
    }
}

impl Failure {
    fn about(self, path: &RelPath) -> Error {
        match self {
            Self::Provider(error) => Error::provider(error, path),
            Self::Store(errno) => Error::new(ErrorKind::Store(errno), path),
        }
    }
}
