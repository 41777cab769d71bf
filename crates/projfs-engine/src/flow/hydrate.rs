//! Hydration: content is fetched once, however many wait for it.

use std::collections::HashMap;
use std::io;

use projfs_provider::Command;
use projfs_provider::CommandId;
use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Reply;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use rustix::io::Errno;

use super::settle::Fetched;
use crate::Engine;
use crate::command::About;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;

/// What is being fetched now, by item. A leaf lock.
#[derive(Default)]
pub(crate) struct Flights {
    flights: Mutex<HashMap<Number, Arc<Flight>>>,
}

/// One fetch, and those who wait for it.
struct Flight {
    info: PlaceholderInfo,
    file: Arc<dyn StoreFile>,
    progress: Mutex<Progress>,
    moved: Condvar,
    taken: Arc<AtomicBool>,
    /// What the store said, which a provider need not pass on.
    failed: Arc<Mutex<Option<Errno>>>,
}

#[derive(Default)]
struct Progress {
    waiters: usize,
    command: Option<CommandId>,
    outcome: Option<std::result::Result<(), ProviderError>>,
}

/// The store's file as the provider sees it.
struct Target {
    file: Arc<dyn StoreFile>,
    failed: Arc<Mutex<Option<Errno>>>,
}

impl DataTarget for Target {
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data).map_err(|error| {
            self.failed.lock().get_or_insert(error.errno());
            io::Error::from(error.errno())
        })
    }
}

impl Flights {
    /// What was fetched has a name now: who asks from here on asks anew.
    pub(crate) fn published(&self, number: Number) {
        self.flights.lock().remove(&number);
    }
}

impl Engine {
    /// Fetches all of a file's content. Half of it is never seen by anyone.
    pub(crate) fn hydrate(
        &self,
        context: &Context<'_>,
        origin: &RelPath,
        info: PlaceholderInfo,
        number: Number,
    ) -> Result<Fetched> {
        if info.size() == 0 {
            let file = self.store.begin_content(0)?;
            return Ok(Fetched { file, info, number, taken: Arc::default(), ranges: None });
        }
        self.may_hydrate(context, origin)?;
        if self.comes_in_parts(&info) {
            return self.fetch_rest(context, origin, &info, number);
        }
        let Patience::Until(interrupt) = context.patience else {
            return Err(ErrorKind::WouldWait.into());
        };
        let flight = self.board(context, origin, info, number)?;
        let wake = |flight: &Arc<Flight>| {
            let flight = Arc::clone(flight);
            move || {
                drop(flight.progress.lock());
                flight.moved.notify_all();
            }
        };
        let _interrupted = interrupt.listen(wake(&flight));
        let _stopping = self.commands.stopping().listen(wake(&flight));
        let mut progress = flight.progress.lock();
        let ended = loop {
            if let Some(outcome) = &progress.outcome {
                let failed = *flight.failed.lock();
                break outcome.clone().map_err(|error| match failed {
                    Some(errno) => Error::new(ErrorKind::Store(errno), origin),
                    None => self.commands.refusal(error, origin),
                });
            }
            if self.commands.stopping().is_cancelled() {
                break Err(Error::new(ErrorKind::Unavailable, origin));
            }
            if interrupt.is_cancelled() {
                break Err(Error::new(ErrorKind::Interrupted, origin));
            }
            flight.moved.wait(&mut progress);
        };
        progress.waiters -= 1;
        let last = progress.waiters == 0;
        let command = progress.command;
        let arrived = progress.outcome.is_some();
        drop(progress);
        if last && (!arrived || ended.is_err()) {
            self.leave(number, &flight);
            if let Some(command) = command.filter(|_| !arrived) {
                self.commands.cancel(command);
            }
        }
        ended?;
        let (file, taken) = (Arc::clone(&flight.file), Arc::clone(&flight.taken));
        Ok(Fetched { file, info: flight.info.clone(), number, taken, ranges: None })
    }

    /// Joins the fetch of an item, or begins it.
    fn board(
        &self,
        context: &Context<'_>,
        origin: &RelPath,
        info: PlaceholderInfo,
        number: Number,
    ) -> Result<Arc<Flight>> {
        let mut flights = self.flights.flights.lock();
        if let Some(flight) = flights.get(&number)
            && flight.info.version == info.version
            && flight.info.size() == info.size()
        {
            let mut progress = flight.progress.lock();
            // A fetch that failed, or that everybody left, is not joined.
            let alive = match &progress.outcome {
                None => progress.waiters > 0,
                Some(outcome) => outcome.is_ok() && !flight.taken.load(Ordering::Acquire),
            };
            if alive {
                progress.waiters += 1;
                drop(progress);
                return Ok(Arc::clone(flight));
            }
        }
        let size = info.size();
        let about = About { path: origin.to_owned(), version: info.version.clone() };
        let progress = Progress { waiters: 1, ..Progress::default() };
        let flight = Arc::new(Flight {
            file: self.store.begin_content(size)?,
            info,
            progress: Mutex::new(progress),
            moved: Condvar::new(),
            taken: Arc::default(),
            failed: Arc::default(),
        });
        flights.insert(number, Arc::clone(&flight));
        drop(flights);
        let sent = self.fetch(context, about, size, &flight);
        match sent {
            Ok(command) => {
                let mut progress = flight.progress.lock();
                progress.command = Some(command);
                let over = progress.outcome.is_some();
                drop(progress);
                // Superseded before it was known what to cancel; or answered, and then there is nothing to.
                if over {
                    self.commands.cancel(command);
                }
                Ok(flight)
            }
            Err(error) => {
                self.leave(number, &flight);
                Err(error)
            }
        }
    }

    fn fetch(
        &self,
        context: &Context<'_>,
        about: About,
        size: u64,
        flight: &Arc<Flight>,
    ) -> Result<CommandId> {
        let target: Arc<dyn DataTarget> =
            Arc::new(Target { file: Arc::clone(&flight.file), failed: Arc::clone(&flight.failed) });
        let (commands, flight) = (Arc::downgrade(&self.commands), Arc::clone(flight));
        let path = about.path.clone();
        let counters = Arc::clone(&self.counters);
        self.commands.send(context.caller, about, move |request| {
            let sink = DataSink::new(target, size, request.cancellation().clone());
            let (delivered, command) = (sink.clone(), request.command());
            let reply = Reply::new(move |answer: std::result::Result<(), ProviderError>| {
                // What comes late must not get into a file that others have by then.
                delivered.close();
                let outcome = answer.and_then(|()| whole(&delivered, size));
                match &outcome {
                    Ok(()) => {
                        counters.hydrated_files.fetch_add(1, Ordering::Relaxed);
                        counters.hydrated_bytes.fetch_add(size, Ordering::Relaxed);
                    }
                    Err(error) => tracing::debug!(%path, %error, "hydration failed"),
                }
                if let Some(commands) = commands.upgrade() {
                    commands.answered(command);
                }
                // Unless it was superseded.
                flight.progress.lock().outcome.get_or_insert(outcome);
                flight.moved.notify_all();
            });
            Command::FileData { request, range: 0..size, sink, reply }
        })
    }

    /// What is fetched of an item is of no use any more. Who waits for it looks again, and asks for what is wanted then.
    pub(crate) fn supersede_flight(&self, number: Number) {
        let Some(flight) = self.flights.flights.lock().remove(&number) else { return };
        flight.taken.store(true, Ordering::Release);
        let mut progress = flight.progress.lock();
        let command = progress.command.filter(|_| progress.outcome.is_none());
        progress.outcome = Some(Ok(()));
        drop(progress);
        flight.moved.notify_all();
        if let Some(command) = command {
            self.commands.cancel(command);
        }
    }

    /// The fetch is over for everybody.
    fn leave(&self, number: Number, flight: &Arc<Flight>) {
        let mut flights = self.flights.flights.lock();
        if flights.get(&number).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            flights.remove(&number);
        }
    }
}

/// A provider that says it is done, and is not, has failed.
fn whole(sink: &DataSink, size: u64) -> std::result::Result<(), ProviderError> {
    if sink.has_refused() {
        let message = format!("the provider has more than the {size} bytes that it declared");
        return Err(ProviderError::new(ProviderErrorKind::Io, message));
    }
    let missing = sink.received().missing(0..size);
    match missing.first() {
        None => Ok(()),
        Some(gap) => {
            let message = format!("the provider left out bytes {}..{} of {size}", gap.start, gap.end);
            Err(ProviderError::new(ProviderErrorKind::Io, message))
        }
    }
}
