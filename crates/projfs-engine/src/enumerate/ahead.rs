//! `Ahead`: the listings that somebody who walks the tree will want, asked for before he does.
//!
//! A walk goes down before it goes on. What is to be asked for is therefore a stack: each place is a directory whose
//! listing is there, and how far its subdirectories were asked for. Every listing that arrives goes on top, so that the
//! provider's threads go on by themselves; they stop when enough lies ready that nobody has used.

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::Caller;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::Listing;

/// How much may lie ready, in entries.
const ENOUGH: usize = 16_384;

/// With how much less the threads begin again: not for each listing that is used.
const LITTLE: usize = ENOUGH / 2;

/// What a listing counts beside its entries.
const LISTING: usize = 16;

/// How many listings are asked for at a time.
const AT_A_TIME: usize = 8;

/// How many places are remembered. Those that are walked last are forgotten first.
const PLACES: usize = 256;

/// What is asked for before it is wanted. A leaf lock.
pub(super) struct Ahead(Mutex<Walk>);

#[derive(Default)]
struct Walk {
    /// The last is walked next.
    places: Vec<Place>,
    /// For whom is asked.
    caller: Option<Caller>,
    /// How many listings are on their way.
    asking: usize,
    /// What lies ready and was not used.
    ready: usize,
    /// Counts the walks that went elsewhere. What lies ready from before is not counted.
    turn: u64,
}

/// A directory whose subdirectories are to be asked for.
struct Place {
    directory: RelPathBuf,
    listing: Arc<Listing>,
    next: usize,
}

/// A directory to be asked for.
pub(super) struct Wanted {
    pub(super) directory: RelPathBuf,
    pub(super) version: VersionInfo,
    pub(super) caller: Caller,
}

/// Who asks for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Whoever found what was asked for ahead. He wakes nobody unless little is left.
    Foreseen,
    /// Whoever came unforeseen, or a thread that asks anyway.
    Going,
}

/// Marks a listing that was asked for ahead and not used yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unused(u64);

impl Ahead {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Somebody walks through `directory`, and found its listing. If the walk came here unforeseen it goes on from here:
    /// in the directories of this one, and then in those that come after it in the one above.
    pub(super) fn walk(
        &self,
        caller: Caller,
        (directory, listing): (&RelPath, &Arc<Listing>),
        above: Option<(&RelPath, &Arc<Listing>, &ItemName)>,
    ) -> Pace {
        let mut walk = self.0.lock();
        if !listing.set_walked(true) {
            return Pace::Foreseen;
        }
        walk.turn += 1;
        walk.ready = 0;
        walk.caller = Some(caller);
        if let Some((above, siblings, name)) = above
            && siblings.set_walked(true)
        {
            walk.push(above, siblings, siblings.place_after(name));
        }
        walk.push(directory, listing, 0);
        Pace::Going
    }

    /// A listing that was asked for ahead is there. Says how to mark it.
    pub(super) fn arrived(&self, directory: &RelPath, listing: &Arc<Listing>) -> Unused {
        let mut walk = self.0.lock();
        walk.asking = walk.asking.saturating_sub(1);
        if listing.set_walked(true) {
            walk.push(directory, listing, 0);
        }
        walk.ready += LISTING + listing.entries().len();
        Unused(walk.turn)
    }

    /// What was to be asked for is there already.
    pub(super) fn known(&self) {
        let mut walk = self.0.lock();
        walk.asking = walk.asking.saturating_sub(1);
    }

    /// A listing that was asked for ahead does not come. A provider that fails is not pressed.
    pub(super) fn failed(&self) {
        let mut walk = self.0.lock();
        walk.asking = walk.asking.saturating_sub(1);
        for place in walk.places.drain(..) {
            place.listing.set_walked(false);
        }
    }

    /// A listing that lay ready is used, or gone.
    pub(super) fn used(&self, unused: Unused, entries: usize) {
        let mut walk = self.0.lock();
        if walk.turn == unused.0 {
            walk.ready = walk.ready.saturating_sub(LISTING + entries);
        }
    }

    /// The next to be asked for, if it is time.
    pub(super) fn next(&self, pace: Pace) -> Option<Wanted> {
        let mut walk = self.0.lock();
        let (asking, enough) = match pace {
            Pace::Foreseen => (1, LITTLE),
            Pace::Going => (AT_A_TIME, ENOUGH),
        };
        if walk.asking >= asking || walk.ready >= enough {
            return None;
        }
        let caller = walk.caller?;
        while let Some(place) = walk.places.last_mut() {
            let rest = place.listing.entries().get(place.next..).unwrap_or_default();
            let Some(found) = rest.iter().position(|item| item.info.item_kind() == ItemKind::Directory)
            else {
                walk.places.pop();
                continue;
            };
            let item = &rest[found];
            let wanted = Wanted {
                directory: place.directory.join(&item.name),
                version: item.info.version.clone(),
                caller,
            };
            place.next += found + 1;
            walk.asking += 1;
            return Some(wanted);
        }
        None
    }

    /// Everything is forgotten.
    pub(super) fn clear(&self) {
        let mut walk = self.0.lock();
        walk.places.clear();
        walk.caller = None;
        walk.ready = 0;
        walk.turn += 1;
    }
}

impl Walk {
    fn push(&mut self, directory: &RelPath, listing: &Arc<Listing>, next: usize) {
        if self.places.len() == PLACES {
            // Whoever comes by there goes on from there.
            self.places.remove(0).listing.set_walked(false);
        }
        self.places.push(Place { directory: directory.to_owned(), listing: Arc::clone(listing), next });
    }
}

#[cfg(test)]
mod tests;
