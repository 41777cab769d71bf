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
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use projfs_types::collation;
use projfs_types::collation::Collation;

use super::ahead::Ahead;
use super::ahead::Pace;
use super::ahead::Unused;
use super::ahead::Wanted;
use super::scan;
use super::scan::Asker;
use super::scan::Begin;
use super::scan::Ended;
use super::scan::Fault;
use super::scan::Scan;
use crate::check;
use crate::command::CommandTable;
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
    /// Its directories are asked for ahead, or were.
    walked: AtomicBool,
}

/// A listing that is there by now, or on its way.
enum Joined {
    Kept(Arc<Listing>),
    /// Somebody else began it.
    Scan(Arc<Scan>),
    /// Whoever joined began it.
    Begun(Arc<Scan>),
}

/// The listings that are kept, by the directory's path in the projection. A leaf lock, but for
/// `ahead`, which is locked below.
pub(crate) struct Listings {
    kept: Mutex<Kept>,
    scans: Mutex<HashMap<RelPathBuf, Arc<Scan>>>,
    pub(super) ahead: Ahead,
    next: AtomicU64,
}

#[derive(Default)]
struct Kept {
    listings: HashMap<RelPathBuf, KeptListing>,
    entries: usize,
    /// Counts uses: the smallest was used longest ago.
    clock: u64,
}

struct KeptListing {
    listing: Arc<Listing>,
    used: u64,
    /// Nobody wanted it so far.
    unused: Option<Unused>,
}

impl Kept {
    /// Takes a listing out.
    fn remove(&mut self, directory: &RelPath, ahead: &Ahead) -> Option<Arc<Listing>> {
        let mut old = self.listings.remove(directory)?;
        self.entries -= old.listing.entries.len();
        old.use_it(ahead);
        Some(old.listing)
    }
}

impl KeptListing {
    fn use_it(&mut self, ahead: &Ahead) {
        if let Some(unused) = self.unused.take() {
            ahead.used(unused, self.listing.entries.len());
        }
    }
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
        Ok(Arc::new(Self {
            entries: in_order(entries)?,
            expires,
            stale: AtomicBool::new(false),
            walked: AtomicBool::new(false),
        }))
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

    /// The place of the first entry that comes after a name.
    pub(super) fn place_after(&self, name: &ItemName) -> usize {
        self.entries.partition_point(|entry| collation::compare(&entry.name, name) != Ordering::Greater)
    }

    pub(crate) fn entries(&self) -> &[ProjectedItem] {
        &self.entries
    }

    fn has_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= clock::now())
    }

    /// Whether it was forgotten: the provider may list the directory in another way by now.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(atomic::Ordering::Acquire)
    }

    fn set_stale(&self) {
        self.stale.store(true, atomic::Ordering::Release);
    }

    /// Notes whether its directories are asked for ahead. Whether that is new.
    pub(super) fn set_walked(&self, walked: bool) -> bool {
        self.walked.swap(walked, atomic::Ordering::AcqRel) != walked
    }
}

impl Listings {
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default(), scans: Mutex::default(), ahead: Ahead::new(), next: AtomicU64::new(1) }
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
            kept.listings.insert(directory, KeptListing { listing, used: 0, unused: None });
        }
    }

    /// The listing of a directory, if it was kept.
    pub(crate) fn kept(&self, directory: &RelPath) -> Option<Arc<Listing>> {
        let mut kept = self.kept.lock();
        kept.clock += 1;
        let clock = kept.clock;
        let kept = kept.listings.get_mut(directory)?;
        if kept.listing.has_expired() {
            return None;
        }
        kept.used = clock;
        kept.use_it(&self.ahead);
        Some(Arc::clone(&kept.listing))
    }

    /// Whether the listing of a directory is there. That is no use of it.
    fn has(&self, directory: &RelPath) -> bool {
        self.kept.lock().listings.get(directory).is_some_and(|kept| !kept.listing.has_expired())
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
            let scan = match self.join(commands, context.caller, directory, &version, Asker::Caller)? {
                Joined::Kept(listing) => return Ok(listing),
                Joined::Scan(scan) | Joined::Begun(scan) => scan,
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
            // If it was asked for ahead it has its use.
            drop(self.kept(directory));
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
        if let Some(old) = self.kept.lock().remove(directory, &self.ahead) {
            old.set_stale();
        }
    }

    /// Forgets every listing, also those that are on their way.
    pub(crate) fn clear(&self) {
        for (_, scan) in self.scans.lock().drain() {
            scan.set_stale();
        }
        let mut kept = self.kept.lock();
        kept.listings.drain().for_each(|(_, old)| old.listing.set_stale());
        kept.entries = 0;
        self.ahead.clear();
    }

    /// Asks for a listing that somebody is likely to want soon.
    pub(crate) fn prefetch(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        context: &Context<'_>,
        directory: &RelPath,
        version: VersionInfo,
    ) {
        if self.scans.lock().len() < PREFETCHES && !self.has(directory) {
            // Whoever wants it asks again, and hears of what went wrong.
            let _ = self.join(commands, context.caller, directory, || version.clone(), Asker::Nobody);
        }
    }

    /// Somebody walks the tree, and came to a directory whose listing he has: asks for those that he will want next.
    /// `above` is the directory that it is in, and its name there.
    pub(crate) fn walk_on(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        caller: Caller,
        (directory, listing): (&RelPath, &Arc<Listing>),
        above: Option<(&RelPath, &ItemName)>,
    ) {
        let siblings = above.and_then(|(above, name)| Some((above, self.kept(above)?, name)));
        let above = siblings.as_ref().map(|(above, siblings, name)| (*above, siblings, *name));
        let pace = self.ahead.walk(caller, (directory, listing), above);
        self.ask_ahead(commands, pace);
    }

    /// Asks for what somebody will want next, as far as that is in order.
    pub(super) fn ask_ahead(self: &Arc<Self>, commands: &Arc<CommandTable>, pace: Pace) {
        let mut wanted = self.ahead.next(pace);
        while let Some(Wanted { directory, version, caller }) = wanted {
            let begun = !self.has(&directory)
                && match self.join(commands, caller, &directory, || version.clone(), Asker::Walk) {
                    Ok(joined) => matches!(joined, Joined::Begun(_)),
                    Err(_) => return,
                };
            // Only what was begun for the walk says when it has come.
            if !begun {
                self.ahead.known();
            }
            wanted = self.ahead.next(Pace::Going);
        }
    }

    fn join(
        self: &Arc<Self>,
        commands: &Arc<CommandTable>,
        caller: Caller,
        directory: &RelPath,
        version: impl Fn() -> VersionInfo,
        asker: Asker,
    ) -> Result<Joined> {
        let enter = |scan: &Arc<Scan>| asker != Asker::Caller || scan.enter();
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
                caller,
                expires,
                asker,
            });
            enter(&scan);
            scans.insert(directory.to_owned(), Arc::clone(&scan));
            scan
        };
        if let Err(error) = scan::start(self, commands, &scan) {
            self.drop_scan(directory, &scan);
            return Err(error);
        }
        Ok(Joined::Begun(scan))
    }

    /// Whoever asks from here on asks anew, or finds the listing.
    pub(super) fn drop_scan(&self, directory: &RelPath, scan: &Arc<Scan>) {
        let mut scans = self.scans.lock();
        if scans.get(directory).is_some_and(|known| Arc::ptr_eq(known, scan)) {
            scans.remove(directory);
        }
    }

    pub(super) fn keep(
        &self,
        directory: &RelPath,
        listing: &Arc<Listing>,
        scan: &Scan,
        unused: Option<Unused>,
    ) {
        let mut kept = self.kept.lock();
        let mut new = KeptListing { listing: Arc::clone(listing), used: kept.clock + 1, unused };
        if scan.is_stale() {
            new.use_it(&self.ahead);
            return;
        }
        kept.remove(directory, &self.ahead);
        kept.clock += 1;
        kept.entries += listing.entries.len();
        kept.listings.insert(directory.to_owned(), new);
        while kept.entries > KEPT_ENTRIES && kept.listings.len() > 1 {
            let oldest = kept.listings.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { break };
            if let Some(old) = kept.remove(&oldest, &self.ahead) {
                old.set_stale();
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
