//! `Listing`: one directory's projected entries, shared by all who list it.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Instant;

use projfs_provider::EnumerationId;
use projfs_provider::Lifetime;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::clock;
use projfs_types::ItemName;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use projfs_types::collation;
use projfs_types::collation::Collation;

use super::scan;
use super::scan::Begin;
use super::scan::Ended;
use super::scan::Fault;
use super::scan::Scan;
use crate::check;
use crate::command::CommandTable;
use crate::command::Urgency;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;

/// How many entries are kept over all listings. What is dropped is asked for again.
const KEPT_ENTRIES: usize = 4_000_000;

/// How many listings are asked for at a time, at most, before anybody wants them.
const PREFETCHES: usize = 64;

/// One directory's projected entries, in collation order, each name once.
pub(crate) struct Listing {
    entries: Vec<ProjectedItem>,
    expires: Option<Instant>,
    /// It was forgotten: the provider may list the directory in another way by now.
    stale: AtomicBool,
}

/// A listing that is there by now, or on its way.
enum Joined {
    Kept(Arc<Listing>),
    Scan(Arc<Scan>),
}

/// The listings that are kept, by the directory's path in the projection. A leaf lock.
pub(crate) struct Listings {
    kept: Mutex<Kept>,
    scans: Mutex<HashMap<RelPathBuf, Arc<Scan>>>,
    next: AtomicU64,
}

#[derive(Default)]
struct Kept {
    listings: HashMap<RelPathBuf, (Arc<Listing>, u64)>,
    entries: usize,
    /// Counts uses: the smallest was used longest ago.
    clock: u64,
}

impl Listing {
    /// Checks what a provider gave.
    ///
    /// # Errors
    /// A name that is there twice.
    pub(super) fn new(
        directory: &RelPath,
        mut entries: Vec<ProjectedItem>,
        expires: Option<Instant>,
    ) -> std::result::Result<Arc<Self>, Fault> {
        entries.retain(|entry| match check::info(&entry.info) {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(%directory, name = %entry.name, why, "entry left out");
                false
            }
        });
        Ok(Arc::new(Self { entries: in_order(entries)?, expires, stale: AtomicBool::new(false) }))
    }

    /// The entry under a name, spelled as the provider does.
    pub(crate) fn find(&self, name: &ItemName, collation: Collation) -> Option<&ProjectedItem> {
        match self.entries.binary_search_by(|entry| collation::compare(&entry.name, name)) {
            Ok(found) => self.entries.get(found),
            // Names that are the same stand side by side.
            Err(place) => [place.checked_sub(1), Some(place)]
                .into_iter()
                .flatten()
                .filter_map(|place| self.entries.get(place))
                .find(|entry| collation.same(&entry.name, name)),
        }
    }

    /// The entries that come after a name.
    pub(crate) fn after(&self, name: &ItemName) -> &[ProjectedItem] {
        let start =
            self.entries.partition_point(|entry| collation::compare(&entry.name, name) != Ordering::Greater);
        &self.entries[start..]
    }

    pub(crate) fn entries(&self) -> &[ProjectedItem] {
        &self.entries
    }

    /// Whether it was forgotten: the provider may list the directory in another way by now.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(atomic::Ordering::Acquire)
    }

    fn set_stale(&self) {
        self.stale.store(true, atomic::Ordering::Release);
    }
}

impl Listings {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), scans: Mutex::default(), next: AtomicU64::new(1) }
    }

    /// For listings of another view, of whoever else lists directories at the same time.
    pub(crate) fn beside() -> Self {
        Self { next: AtomicU64::new(1 << 62), ..Self::new() }
    }

    /// Takes over listings of another view, in place of those of the old one.
    pub(crate) fn adopt(&self, listings: impl Iterator<Item = (RelPathBuf, Arc<Listing>)>) {
        self.clear();
        let mut kept = self.kept.lock();
        for (directory, listing) in listings {
            kept.entries += listing.entries.len();
            kept.listings.insert(directory, (listing, 0));
        }
    }

    /// The listing of a directory, if it was kept.
    pub(crate) fn kept(&self, directory: &RelPath) -> Option<Arc<Listing>> {
        let mut kept = self.kept.lock();
        kept.clock += 1;
        let clock = kept.clock;
        let (listing, used) = kept.listings.get_mut(directory)?;
        if listing.expires.is_some_and(|expires| expires <= clock::now()) {
            return None;
        }
        *used = clock;
        Some(Arc::clone(listing))
    }

    /// The listing of a directory, kept or asked for. Callers that ask at the same time share one.
    pub(crate) fn get(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: impl Fn() -> VersionInfo,
    ) -> Result<Arc<Listing>> {
        loop {
            if let Some(listing) = self.kept(directory) {
                return Ok(listing);
            }
            let Patience::Until(interrupt) = context.patience else {
                return Err(ErrorKind::WouldWait.into());
            };
            let scan = match self.join(commands, context, directory, &version, Urgency::Now)? {
                Joined::Kept(listing) => return Ok(listing),
                Joined::Scan(scan) => scan,
            };
            let listing = scan.wait(interrupt, commands.stopping()).map_err(|ended| match ended {
                Ended::Left(kind) => {
                    if scan.leave() {
                        self.drop_scan(directory, &scan);
                        scan.cancel(commands);
                    }
                    Error::new(kind, directory)
                }
                Ended::Failed(Fault::Provider(error)) => commands.refusal(error, directory),
                Ended::Failed(Fault::Wrong(why)) => Error::bad_answer(directory, why),
            });
            // What was asked before the view changed is asked again.
            if !scan.is_stale() {
                return listing;
            }
            if let Err(error) = listing
                && matches!(error.kind, ErrorKind::Interrupted | ErrorKind::Unavailable)
            {
                return Err(error);
            }
        }
    }

    /// Forgets the listing of a directory, also one that is on its way.
    pub(crate) fn forget(&self, directory: &RelPath) {
        if let Some(scan) = self.scans.lock().remove(directory) {
            scan.set_stale();
        }
        let mut kept = self.kept.lock();
        if let Some((old, _)) = kept.listings.remove(directory) {
            old.set_stale();
            kept.entries -= old.entries.len();
        }
    }

    /// Forgets every listing, also those that are on their way.
    pub(crate) fn clear(&self) {
        for (_, scan) in self.scans.lock().drain() {
            scan.set_stale();
        }
        let mut kept = self.kept.lock();
        kept.listings.drain().for_each(|(_, (old, _))| old.set_stale());
        kept.entries = 0;
    }

    /// Asks for a listing that somebody is likely to want soon.
    pub(crate) fn prefetch(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: VersionInfo,
    ) {
        if self.scans.lock().len() < PREFETCHES && self.kept(directory).is_none() {
            // Whoever wants it asks again, and hears of what went wrong.
            let _ = self.join(commands, context, directory, || version.clone(), Urgency::Later);
        }
    }

    fn join(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: impl Fn() -> VersionInfo,
        urgency: Urgency,
    ) -> Result<Joined> {
        let enter = |scan: &Arc<Scan>| urgency == Urgency::Later || scan.enter();
        let scan = {
            let mut scans = self.scans.lock();
            if let Some(scan) = scans.get(directory)
                && enter(scan)
            {
                return Ok(Joined::Scan(Arc::clone(scan)));
            }
            // One that has just come is kept before it is no more on its way.
            if let Some(listing) = self.kept(directory) {
                return Ok(Joined::Kept(listing));
            }
            let expires = match commands.traits().lifetime {
                Lifetime::Stable => None,
                Lifetime::Pinned => Some(clock::now()),
                Lifetime::Chosen(lifetime) => Some(clock::now() + lifetime),
            };
            let scan = Scan::new(Begin {
                session: EnumerationId(self.next.fetch_add(1, atomic::Ordering::Relaxed)),
                directory: directory.to_owned(),
                version: version(),
                caller: context.caller,
                expires,
            });
            enter(&scan);
            scans.insert(directory.to_owned(), Arc::clone(&scan));
            scan
        };
        if let Err(error) = scan::start(self, commands, &scan) {
            self.drop_scan(directory, &scan);
            return Err(error);
        }
        Ok(Joined::Scan(scan))
    }

    /// Whoever asks from here on asks anew, or finds the listing.
    pub(super) fn drop_scan(&self, directory: &RelPath, scan: &Arc<Scan>) {
        let mut scans = self.scans.lock();
        if scans.get(directory).is_some_and(|known| Arc::ptr_eq(known, scan)) {
            scans.remove(directory);
        }
    }

    pub(super) fn keep(&self, directory: &RelPath, listing: &Arc<Listing>, scan: &Scan) {
        let mut kept = self.kept.lock();
        if scan.is_stale() {
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
                old.set_stale();
                kept.entries -= old.entries.len();
            }
        }
    }

    /// How many entries are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.lock().entries
    }
}

/// A provider that lists in another order is put right; a name that comes twice is an error, as nobody can tell which
/// of the two is meant.
fn in_order(mut entries: Vec<ProjectedItem>) -> std::result::Result<Vec<ProjectedItem>, Fault> {
    let order = |one: &ProjectedItem, other: &ProjectedItem| collation::compare(&one.name, &other.name);
    if !entries.is_sorted_by(|one, other| order(one, other) == Ordering::Less) {
        entries.sort_by(order);
    }
    match entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
        None => Ok(entries),
        Some(pair) => Err(Fault::Wrong(format!("{:?} is listed twice", pair[0].name))),
    }
}
