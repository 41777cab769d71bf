//! `CommandTable`: questions to the provider, asked once each and waited for.

mod deadline;
#[cfg(all(test, projfs_model))]
mod schedules;

use std::cell::Cell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use projfs_provider::CancelToken;
use projfs_provider::Command;
use projfs_provider::CommandHandler;
use projfs_provider::CommandId;
use projfs_provider::Expiry;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Reply;
use projfs_provider::Request;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::RwLock;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_sync::channel;
use projfs_sync::channel::Receiver;
use projfs_sync::channel::Sender;
use projfs_sync::clock;
use projfs_sync::thread;
use projfs_types::Caller;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use deadline::Deadlines;
pub use deadline::Timeouts;

use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;

/// Whether somebody waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    Now,
    /// Nobody yet: what somebody waits for goes first.
    Later,
}

/// What a question is about.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) path: RelPathBuf,
    pub(crate) version: VersionInfo,
}

/// Questions to the provider, and the threads that bring them.
pub(crate) struct CommandTable {
    handler: RwLock<Arc<dyn CommandHandler>>,
    next: AtomicU64,
    /// Where commands are put for the provider threads; nothing once the instance stops.
    queue: Mutex<Option<Queue>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// What provider threads take commands from.
    sources: [Receiver<Addressed>; 2],
    /// What is with the provider on one of our threads. A leaf lock.
    handling: Arc<Mutex<HashSet<CommandId>>>,
    outstanding: Mutex<HashMap<CommandId, Outstanding>>,
    timeouts: Timeouts,
    deadlines: Arc<Deadlines>,
    stopping: CancelToken,
    counts: Mutex<HashMap<&'static str, u64>>,
}

/// A command, and whom it is for.
type Addressed = (Arc<dyn CommandHandler>, Command);

/// A command that was not answered yet.
struct Outstanding {
    cancel: CancelToken,
    handler: Arc<dyn CommandHandler>,
    /// If it may take only so long.
    expiry: Option<Expiry>,
}

/// How many threads are added for those that a provider holds beyond a time-out.
const REPLACEMENTS: usize = 256;

/// Where commands are put for the provider threads.
struct Queue {
    now: Sender<Addressed>,
    later: Sender<Addressed>,
}

/// Where an answer arrives.
pub(crate) struct Slot<T> {
    answer: Mutex<Option<std::result::Result<T, ProviderError>>>,
    arrived: Condvar,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(None), arrived: Condvar::new() })
    }

    pub(crate) fn fill(&self, answer: std::result::Result<T, ProviderError>) {
        *self.answer.lock() = Some(answer);
        self.arrived.notify_all();
    }

    /// Waits for the answer, or until one of the tokens is set.
    fn wait(
        self: &Arc<Self>,
        tokens: [&CancelToken; 2],
    ) -> std::result::Result<std::result::Result<T, ProviderError>, ErrorKind>
    where
        T: Send + 'static,
    {
        let _listening = tokens.map(|token| {
            let slot = Arc::clone(self);
            token.listen(move || {
                // Taking the lock makes sure that the waiter either sees the token or hears this.
                drop(slot.answer.lock());
                slot.arrived.notify_all();
            })
        });
        let mut answer = self.answer.lock();
        loop {
            if let Some(answer) = answer.take() {
                return Ok(answer);
            }
            // A stop interrupts whoever waits. What he is told is that it stops.
            if tokens[1].is_cancelled() {
                return Err(ErrorKind::Unavailable);
            }
            if tokens[0].is_cancelled() {
                return Err(ErrorKind::Interrupted);
            }
            self.arrived.wait(&mut answer);
        }
    }
}

impl CommandTable {
    /// Starts `threads` provider threads.
    ///
    /// # Errors
    /// The system's, if it gives no more threads.
    pub(crate) fn start(
        handler: Arc<dyn CommandHandler>,
        threads: usize,
        timeouts: Timeouts,
    ) -> std::io::Result<Arc<Self>> {
        let (now, now_receiver) = channel::unbounded();
        let (later, later_receiver) = channel::unbounded();
        let table = Arc::new(Self {
            handler: RwLock::new(handler),
            next: AtomicU64::new(1),
            queue: Mutex::new(Some(Queue { now, later })),
            threads: Mutex::default(),
            sources: [now_receiver, later_receiver],
            handling: Arc::default(),
            outstanding: Mutex::default(),
            timeouts,
            deadlines: Arc::default(),
            stopping: CancelToken::new(),
            counts: Mutex::default(),
        });
        for number in 0..threads {
            // Some threads are for what somebody waits for alone.
            table.add_thread(if number % 2 == 0 { Urgency::Later } else { Urgency::Now })?;
        }
        if !timeouts.is_none() {
            let (deadlines, weak) = (Arc::clone(&table.deadlines), Arc::downgrade(&table));
            let expire = move || {
                while let Some(command) = deadlines.next() {
                    if let Some(table) = weak.upgrade() {
                        table.expire(command);
                    }
                }
            };
            let thread = thread::Builder::new().name("projfs-timeouts".into()).spawn(expire)?;
            table.threads.lock().push(thread);
        }
        Ok(table)
    }

    /// Adds a thread for commands that are at least this urgent.
    fn add_thread(&self, least: Urgency) -> std::io::Result<()> {
        let handling = Arc::clone(&self.handling);
        let [now, later] = self.sources.clone();
        let later = match least {
            Urgency::Now => channel::never(),
            Urgency::Later => later,
        };
        let mut threads = self.threads.lock();
        let thread = thread::Builder::new()
            .name(format!("projfs-provider-{}", threads.len()))
            .spawn(move || serve(&handling, &now, &later))?;
        threads.push(thread);
        Ok(())
    }

    /// A command has taken too long, unless it is over. A thread that the provider holds is replaced, so that others
    /// are served; it ends when the provider gives it back.
    fn expire(&self, command: CommandId) {
        let Some(outstanding) = self.outstanding.lock().remove(&command) else { return };
        let Outstanding { cancel, handler, expiry } = outstanding;
        tracing::warn!(id = command.0, "the provider took too long to answer");
        if let Some(expiry) = expiry {
            expiry(ProviderError::new(ProviderErrorKind::TimedOut, "the provider took too long"));
        }
        cancel.cancel();
        handler.cancel(command);
        let mut handling = self.handling.lock();
        if handling.contains(&command) && self.threads.lock().len() < REPLACEMENTS {
            match self.add_thread(Urgency::Later) {
                Ok(()) => {
                    handling.remove(&command);
                }
                Err(error) => tracing::warn!(%error, "no thread in the place of one that the provider holds"),
            }
        }
    }

    /// Asks, and waits for the answer, the caller's interrupt, or the instance's stop.
    ///
    /// No lock of ours may be held.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        context: &Context<'_>,
        about: About,
        build: impl FnOnce(Request, Reply<T>) -> Command,
    ) -> Result<T> {
        let Patience::Until(interrupt) = context.patience else {
            return Err(ErrorKind::WouldWait.into());
        };
        let path = about.path.clone();
        let slot = Slot::new();
        let filled = Arc::clone(&slot);
        let command = self.send(context.caller, about, |request| {
            build(request, Reply::new(move |answer| filled.fill(answer)))
        })?;
        let answer = slot.wait([interrupt, &self.stopping]);
        match answer {
            Ok(answer) => {
                self.outstanding.lock().remove(&command);
                answer.map_err(|error| self.refusal(error, &path))
            }
            Err(kind) => {
                self.cancel(command);
                Err(Error::new(kind, &path))
            }
        }
    }

    /// Asks without waiting: the reply that `build` puts into the command is where the answer goes.
    pub(crate) fn send(
        &self,
        caller: Caller,
        about: About,
        build: impl FnOnce(Request) -> Command,
    ) -> Result<CommandId> {
        self.send_with(Urgency::Now, caller, about, build)
    }

    /// The same, for something that may give way.
    pub(crate) fn send_with(
        &self,
        urgency: Urgency,
        caller: Caller,
        about: About,
        build: impl FnOnce(Request) -> Command,
    ) -> Result<CommandId> {
        self.send_to(self.handler(), urgency, caller, about, build)
    }

    /// The same, to a handler that may not be the one of now.
    pub(crate) fn send_to(
        &self,
        handler: Arc<dyn CommandHandler>,
        urgency: Urgency,
        caller: Caller,
        about: About,
        build: impl FnOnce(Request) -> Command,
    ) -> Result<CommandId> {
        let id = CommandId(self.next.fetch_add(1, Ordering::Relaxed));
        let cancel = CancelToken::new();
        let command = build(Request::new(id, about.path, about.version, caller, cancel.clone()));
        *self.counts.lock().entry(command.name()).or_default() += 1;
        tracing::debug!(command = command.name(), id = id.0, path = %command.request().path(), "asking");
        let limit = self.timeouts.of(&command);
        let expiry = limit.map(|_| command.expiry());
        self.outstanding.lock().insert(id, Outstanding { cancel, handler: Arc::clone(&handler), expiry });
        if let Some(limit) = limit {
            let over = |id| !self.outstanding.lock().contains_key(&id);
            self.deadlines.add(clock::now() + limit, id, over);
        }
        let queue = self.queue.lock();
        let sender = queue.as_ref().map(|queue| match urgency {
            Urgency::Now => &queue.now,
            Urgency::Later => &queue.later,
        });
        let refused = match sender {
            Some(sender) => sender.send((handler, command)).err().map(|refused| refused.0.1),
            None => Some(command),
        };
        drop(queue);
        let Some(command) = refused else { return Ok(id) };
        self.outstanding.lock().remove(&id);
        // If it were dropped, whoever waits for it as well would hear that the provider has failed.
        command.fail(ProviderErrorKind::Cancelled.into());
        Err(ErrorKind::Unavailable.into())
    }

    /// What a caller is told of a provider's error. What a stop has cancelled is not the caller's interrupt, whichever of
    /// the two it hears of first.
    pub(crate) fn refusal(&self, error: ProviderError, path: &RelPath) -> Error {
        if error.kind == ProviderErrorKind::Cancelled && self.stopping.is_cancelled() {
            return Error::new(ErrorKind::Unavailable, path);
        }
        Error::provider(error, path)
    }

    /// The answer has arrived elsewhere.
    pub(crate) fn answered(&self, command: CommandId) {
        self.outstanding.lock().remove(&command);
    }

    /// Nobody waits for the command any more.
    pub(crate) fn cancel(&self, command: CommandId) {
        let outstanding = self.outstanding.lock().remove(&command);
        if let Some(Outstanding { cancel, handler, .. }) = outstanding {
            cancel.cancel();
            handler.cancel(command);
        }
    }

    /// Set once the instance stops.
    pub(crate) fn stopping(&self) -> &CancelToken {
        &self.stopping
    }

    /// What of the projection the kernel may keep, and how files may be fetched.
    pub(crate) fn traits(&self) -> projfs_provider::ProviderTraits {
        self.handler.read().traits()
    }

    /// Who answers now.
    pub(crate) fn handler(&self) -> Arc<dyn CommandHandler> {
        Arc::clone(&self.handler.read())
    }

    /// Has another answer from now on. Who was asked before still answers that.
    pub(crate) fn set_handler(&self, handler: Arc<dyn CommandHandler>) -> Arc<dyn CommandHandler> {
        std::mem::replace(&mut self.handler.write(), handler)
    }

    /// How often each question was asked.
    pub(crate) fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts: Vec<_> = self.counts.lock().iter().map(|(&name, &count)| (name, count)).collect();
        counts.sort_unstable();
        counts
    }

    /// Cancels what is outstanding, refuses what comes, and waits up to `grace` for the provider threads: those
    /// that a provider does not give back are left to it.
    pub(crate) fn stop(&self, grace: std::time::Duration) {
        self.stopping.cancel();
        self.deadlines.stop();
        drop(self.queue.lock().take());
        let outstanding: Vec<_> = self.outstanding.lock().keys().copied().collect();
        for command in outstanding {
            self.cancel(command);
        }
        let end = clock::now() + grace;
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            while !thread.is_finished() && clock::now() < end {
                thread::sleep(std::time::Duration::from_millis(2));
            }
            if thread.is_finished() {
                // A panic there was the provider's, and was answered as an error.
                let _ = thread.join();
            } else {
                tracing::warn!("the provider did not return from a command");
            }
        }
    }
}

thread_local! {
    /// Whether this thread brings commands to a provider.
    static SERVES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a provider's answer. The kernel may hold a directory until it is given: what waits for that
/// directory must not wait here.
pub fn is_answering() -> bool {
    SERVES.get()
}

/// Brings commands to the provider until there will be no more, or another thread has taken this one's place.
fn serve(handling: &Mutex<HashSet<CommandId>>, now: &Receiver<Addressed>, later: &Receiver<Addressed>) {
    SERVES.set(true);
    loop {
        let Ok((handler, command)) = channel::first_of(now, later) else { return };
        if command.request().cancellation().is_cancelled() {
            command.fail(ProviderErrorKind::Cancelled.into());
            continue;
        }
        let id = command.request().command();
        handling.lock().insert(id);
        if catch_unwind(AssertUnwindSafe(|| handler.handle(command))).is_err() {
            // The reply was dropped on the way, and so was answered. The thread serves others.
            tracing::error!("the provider panicked");
        }
        if !handling.lock().remove(&id) {
            return;
        }
    }
}
