//! `Scan`: one listing on its way from the provider, and those who wait for it.
//!
//! A scan goes from command to command by itself: the answer to each sends the next. Nobody need wait for it, and
//! whoever does is woken once.

use std::time::Instant;

use projfs_provider::CancelToken;
use projfs_provider::Command;
use projfs_provider::CommandId;
use projfs_provider::EnumerationId;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Reply;
use projfs_provider::Request;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_types::Caller;
use projfs_types::ItemNameBuf;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::Listing;
use super::Listings;
use super::ahead::Pace;
use crate::command::About;
use crate::command::CommandTable;
use crate::command::Urgency;
use crate::error::ErrorKind;
use crate::error::Result;

/// How many entries a listing has at most: a provider that goes on for ever must not take all memory.
const MOST: usize = 1 << 24;

/// What a scan begins with.
pub(super) struct Begin {
    pub(super) session: EnumerationId,
    pub(super) directory: RelPathBuf,
    pub(super) version: VersionInfo,
    pub(super) caller: Caller,
    pub(super) expires: Option<Instant>,
    pub(super) asker: Asker,
}

/// Whom a scan was begun for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// Somebody who waits for it.
    Caller,
    /// Nobody yet.
    Nobody,
    /// Somebody who walks the tree, and will come to it.
    Walk,
}

/// One listing on its way.
pub(super) struct Scan {
    begin: Begin,
    progress: Mutex<Progress>,
    moved: Condvar,
    /// The view has changed since it began.
    stale: AtomicBool,
}

#[derive(Default)]
struct Progress {
    waiters: usize,
    /// All who waited have left, and what the provider was asked is cancelled.
    left: bool,
    command: Option<CommandId>,
    entries: Vec<ProjectedItem>,
    batches: u64,
    /// What a batch began with, by which it is known when it comes again.
    known: Option<ItemNameBuf>,
    outcome: Option<std::result::Result<Arc<Listing>, Fault>>,
}

type Answer<T> = std::result::Result<T, ProviderError>;

/// Why a wait brought no listing.
pub(super) enum Ended {
    /// The caller was interrupted, or the instance stops.
    Left(ErrorKind),
    /// There is none.
    Failed(Fault),
}

/// Why there is no listing.
#[derive(Clone)]
pub(super) enum Fault {
    /// The provider failed.
    Provider(ProviderError),
    /// What it gave breaks a rule.
    Wrong(String),
}

impl From<ProviderErrorKind> for Fault {
    fn from(kind: ProviderErrorKind) -> Self {
        Self::Provider(kind.into())
    }
}

impl Progress {
    /// Takes entries that came.
    ///
    /// A provider that does not keep where it is lists the same for ever. Batches that come again are noticed after at
    /// most three rounds, whatever is in a round and before it: the batch that is known is always a later one.
    fn take(&mut self, batch: Vec<ProjectedItem>) -> std::result::Result<(), Fault> {
        let Some(first) = batch.first().map(|entry| &entry.name) else { return Ok(()) };
        if self.known.as_ref() == Some(first) {
            return Err(Fault::Wrong(format!("{first:?} is listed again")));
        }
        if self.entries.len() + batch.len() > MOST {
            return Err(Fault::Wrong(format!("more than {MOST} entries are listed")));
        }
        self.batches += 1;
        if self.batches.is_power_of_two() {
            self.known = Some(first.clone());
        }
        self.entries.extend(batch);
        Ok(())
    }
}

impl Scan {
    /// A scan that nobody waits for yet.
    pub(super) fn new(begin: Begin) -> Arc<Self> {
        let progress = Progress::default();
        Arc::new(Self {
            begin,
            progress: Mutex::new(progress),
            moved: Condvar::new(),
            stale: AtomicBool::new(false),
        })
    }

    /// What it brings is not to be believed.
    pub(super) fn set_stale(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Whether what it brings is not to be believed.
    pub(super) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// One more waits, unless all have left: what the provider was asked is cancelled then, and brings nothing.
    pub(super) fn enter(&self) -> bool {
        let mut progress = self.progress.lock();
        if !progress.left {
            progress.waiters += 1;
        }
        !progress.left
    }

    /// One less waits. Whether that was the last, and nothing has come yet.
    pub(super) fn leave(&self) -> bool {
        let mut progress = self.progress.lock();
        progress.waiters -= 1;
        progress.left = progress.waiters == 0 && progress.outcome.is_none();
        progress.left
    }

    /// Cancels what the provider is asked now.
    pub(super) fn cancel(&self, commands: &CommandTable) {
        let command = self.progress.lock().command;
        if let Some(command) = command {
            commands.cancel(command);
        }
    }

    /// Waits for the listing, or until one of the tokens is set.
    pub(super) fn wait(
        self: &Arc<Self>,
        interrupt: &CancelToken,
        stopping: &CancelToken,
    ) -> std::result::Result<Arc<Listing>, Ended> {
        let _listening = [interrupt, stopping].map(|token| {
            let scan = Arc::clone(self);
            token.listen(move || {
                drop(scan.progress.lock());
                scan.moved.notify_all();
            })
        });
        let mut progress = self.progress.lock();
        loop {
            if let Some(outcome) = &progress.outcome {
                return outcome.clone().map_err(Ended::Failed);
            }
            if stopping.is_cancelled() {
                return Err(Ended::Left(ErrorKind::Unavailable));
            }
            if interrupt.is_cancelled() {
                return Err(Ended::Left(ErrorKind::Interrupted));
            }
            self.moved.wait(&mut progress);
        }
    }

    /// What nobody waits for gives way.
    fn urgency(&self) -> Urgency {
        if self.progress.lock().waiters > 0 { Urgency::Now } else { Urgency::Later }
    }

    fn about(&self) -> About {
        About { path: self.begin.directory.clone(), version: self.begin.version.clone() }
    }

    fn finish(
        self: &Arc<Self>,
        listings: &Arc<Listings>,
        commands: &Arc<CommandTable>,
        outcome: std::result::Result<Arc<Listing>, Fault>,
    ) {
        let (directory, walk) = (&self.begin.directory, self.begin.asker == Asker::Walk);
        match &outcome {
            Ok(listing) => {
                let unused = walk.then(|| listings.ahead.arrived(directory, listing));
                listings.keep(directory, listing, self, unused);
            }
            Err(_) if walk => listings.ahead.failed(),
            Err(_) => {}
        }
        listings.drop_scan(directory, self);
        self.progress.lock().outcome = Some(outcome);
        self.moved.notify_all();
        if walk {
            listings.ask_ahead(commands, Pace::Going);
        }
    }
}

/// Sends the first command.
///
/// # Errors
/// `Unavailable` if the instance stops.
pub(super) fn start(listings: &Arc<Listings>, commands: &Arc<CommandTable>, scan: &Arc<Scan>) -> Result<()> {
    let session = scan.begin.session;
    let build = move |request, reply| Command::StartEnumeration { request, session, reply };
    ask(listings, commands, scan, build, |listings, commands, scan, answer| match answer {
        Ok(()) => next(listings, commands, scan),
        Err(error) => scan.finish(listings, commands, Err(Fault::Provider(error))),
    })
}

fn next(listings: &Arc<Listings>, commands: &Arc<CommandTable>, scan: &Arc<Scan>) {
    if scan.progress.lock().left {
        end(commands, scan);
        scan.finish(listings, commands, Err(ProviderErrorKind::Cancelled.into()));
        return;
    }
    let session = scan.begin.session;
    let build = move |request, reply| Command::NextEntries { request, session, reply };
    // A command that cannot be sent is answered as well.
    let _ = ask(listings, commands, scan, build, |listings, commands, scan, answer| match answer {
        Ok(batch) if batch.is_empty() => {
            end(commands, scan);
            let entries = std::mem::take(&mut scan.progress.lock().entries);
            scan.finish(listings, commands, Listing::new(&scan.begin.directory, entries, scan.begin.expires));
        }
        Ok(batch) => {
            let taken = scan.progress.lock().take(batch);
            match taken {
                Ok(()) => next(listings, commands, scan),
                Err(fault) => {
                    end(commands, scan);
                    scan.finish(listings, commands, Err(fault));
                }
            }
        }
        Err(error) => {
            end(commands, scan);
            scan.finish(listings, commands, Err(Fault::Provider(error)));
        }
    });
}

/// How the provider ends the session concerns nobody.
fn end(commands: &Arc<CommandTable>, scan: &Arc<Scan>) {
    let session = scan.begin.session;
    let sent = commands.send_with(scan.urgency(), scan.begin.caller, scan.about(), |request| {
        Command::EndEnumeration { request, session, reply: Reply::new(|_| ()) }
    });
    if let Ok(command) = sent {
        commands.answered(command);
    }
}

/// Sends one command; `then` goes on with its answer, on the thread that brings it.
fn ask<T: Send + 'static>(
    listings: &Arc<Listings>,
    commands: &Arc<CommandTable>,
    scan: &Arc<Scan>,
    build: impl FnOnce(Request, Reply<T>) -> Command,
    then: impl FnOnce(&Arc<Listings>, &Arc<CommandTable>, &Arc<Scan>, Answer<T>) + Send + 'static,
) -> Result<()> {
    let (listings, weak, asked) = (Arc::clone(listings), Arc::downgrade(commands), Arc::clone(scan));
    let urgency = scan.urgency();
    let sent = commands.send_with(urgency, scan.begin.caller, scan.about(), move |request| {
        let command = request.command();
        // Kept before the answer can come, so that what is cancelled is the command under way.
        asked.progress.lock().command = Some(command);
        let reply = Reply::new(move |answer| {
            if let Some(commands) = weak.upgrade() {
                commands.answered(command);
                then(&listings, &commands, &asked, answer);
            }
        });
        build(request, reply)
    });
    // Whoever left while it was on its way there could not cancel it.
    if let Ok(command) = sent
        && scan.progress.lock().left
    {
        commands.cancel(command);
    }
    sent.map(drop)
}
