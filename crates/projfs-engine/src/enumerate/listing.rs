//! `Listing`: one directory's projected entries, shared by all who list it.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Instant;

use projfs_provider::Command;
use projfs_provider::EnumerationId;
use projfs_provider::Lifetime;
use projfs_provider::ProviderError;
use projfs_provider::Reply;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic;
use projfs_sync::atomic::AtomicU64;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use projfs_types::collation;

use crate::check;
use crate::command::About;
use crate::command::CommandTable;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;

/// How many entries are kept over all listings. What is dropped is asked for again.
const KEPT_ENTRIES: usize = 4_000_000;

/// One directory's projected entries, in collation order, each name once.
pub(crate) struct Listing {
    entries: Vec<ProjectedItem>,
    expires: Option<Instant>,
}

/// The listings that are kept, by the directory's path in the projection. A leaf lock.
pub(crate) struct Listings {
    kept: Mutex<Kept>,
    next: AtomicU64,
}

#[derive(Default)]
struct Kept {
    listings: HashMap<RelPathBuf, (Arc<Listing>, u64)>,
    entries: usize,
    /// Counts uses: the smallest was used longest ago.
    clock: u64,
    /// Counts clearings: what was asked before one is not kept after it.
    generation: u64,
}

impl Listing {
    /// The entry under a name.
    pub(crate) fn get(&self, name: &ItemName) -> Option<&ProjectedItem> {
        let found = self.entries.binary_search_by(|entry| collation::compare(&entry.name, name)).ok()?;
        self.entries.get(found)
    }

    pub(crate) fn entries(&self) -> &[ProjectedItem] {
        &self.entries
    }
}

impl Listings {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), next: AtomicU64::new(1) }
    }

    /// The listing of a directory, if it was kept.
    pub(crate) fn kept(&self, directory: &RelPath) -> Option<Arc<Listing>> {
        let mut kept = self.kept.lock();
        kept.clock += 1;
        let clock = kept.clock;
        let (listing, used) = kept.listings.get_mut(directory)?;
        if listing.expires.is_some_and(|expires| expires <= Instant::now()) {
            return None;
        }
        *used = clock;
        Some(Arc::clone(listing))
    }

    /// The listing of a directory, kept or asked for.
    pub(crate) fn get(
        &self,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: &VersionInfo,
    ) -> Result<Arc<Listing>> {
        if let Some(listing) = self.kept(directory) {
            return Ok(listing);
        }
        if matches!(context.patience, Patience::None) {
            return Err(ErrorKind::WouldWait.into());
        }
        let generation = self.kept.lock().generation;
        let expires = match commands.traits().lifetime {
            Lifetime::Stable => None,
            Lifetime::Chosen(lifetime) => Some(Instant::now() + lifetime),
        };
        let entries = self.ask(commands, context, directory, version)?;
        let listing = Arc::new(Listing { entries, expires });
        self.keep(directory, &listing, generation);
        Ok(listing)
    }

    fn keep(&self, directory: &RelPath, listing: &Arc<Listing>, generation: u64) {
        let mut kept = self.kept.lock();
        if kept.generation != generation {
            return;
        }
        kept.clock += 1;
        let clock = kept.clock;
        kept.entries += listing.entries.len();
        if let Some((old, _)) = kept.listings.insert(directory.to_owned(), (Arc::clone(listing), clock)) {
            kept.entries -= old.entries.len();
        }
        while kept.entries > KEPT_ENTRIES && kept.listings.len() > 1 {
            let oldest = kept.listings.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { break };
            if let Some((old, _)) = kept.listings.remove(&oldest) {
                kept.entries -= old.entries.len();
            }
        }
    }

    /// How many entries are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().entries
    }

    /// One whole listing: start, get until there is no more, end in every case.
    fn ask(
        &self,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: &VersionInfo,
    ) -> Result<Vec<ProjectedItem>> {
        let session = EnumerationId(self.next.fetch_add(1, atomic::Ordering::Relaxed));
        let about = || About { path: directory.to_owned(), version: version.clone() };
        let started = Arc::new(Mutex::new(Start::Waiting));
        let answered = {
            let (started, late, about) = (Arc::clone(&started), Arc::downgrade(commands), about());
            let caller = context.caller;
            commands.ask(context, about.clone(), move |request, reply| {
                let reply = Reply::new(move |answer: std::result::Result<(), ProviderError>| {
                    let mut start = started.lock();
                    let abandoned = *start == Start::Abandoned;
                    *start = Start::Answered(answer.is_ok());
                    drop(start);
                    match late.upgrade() {
                        // Nobody lists any more, and the session has begun after all.
                        Some(commands) if abandoned && answer.is_ok() => {
                            end(&commands, caller, about, session);
                        }
                        _ => reply.send(answer),
                    }
                });
                Command::StartEnumeration { request, session, reply }
            })
        };
        if let Err(error) = answered {
            let mut start = started.lock();
            let begun = *start == Start::Answered(true);
            *start = Start::Abandoned;
            drop(start);
            if begun {
                end(commands, context.caller, about(), session);
            }
            return Err(error);
        }
        let entries = gather(commands, context, session, &about);
        end(commands, context.caller, about(), session);
        let mut entries = entries?;
        entries.retain(|entry| match check::info(&entry.info) {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(%directory, name = %entry.name, why, "entry left out");
                false
            }
        });
        in_order(directory, entries)
    }
}

/// How far the start of a session is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Waiting,
    Abandoned,
    Answered(bool),
}

/// Ends a session. How the provider does so concerns nobody.
fn end(commands: &CommandTable, caller: Caller, about: About, session: EnumerationId) {
    let ended = commands.send(caller, about, |request| Command::EndEnumeration {
        request,
        session,
        reply: Reply::new(|_| ()),
    });
    if let Ok(command) = ended {
        commands.answered(command);
    }
}

fn gather(
    commands: &CommandTable,
    context: &Context<'_>,
    session: EnumerationId,
    about: &dyn Fn() -> About,
) -> Result<Vec<ProjectedItem>> {
    let mut entries = Vec::new();
    loop {
        let batch = commands.ask(context, about(), |request, reply| Command::NextEntries {
            request,
            session,
            reply,
        })?;
        if batch.is_empty() {
            return Ok(entries);
        }
        entries.extend(batch);
    }
}

/// A provider that lists in another order is put right; a name that comes twice is an error, as nobody can tell which
/// of the two is meant.
fn in_order(directory: &RelPath, mut entries: Vec<ProjectedItem>) -> Result<Vec<ProjectedItem>> {
    let order = |one: &ProjectedItem, other: &ProjectedItem| collation::compare(&one.name, &other.name);
    if !entries.is_sorted_by(|one, other| order(one, other) == Ordering::Less) {
        entries.sort_by(order);
    }
    match entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        None => Ok(entries),
        Some(pair) => Err(Error::bad_answer(directory, format!("{:?} is listed twice", pair[0].name))),
    }
}
