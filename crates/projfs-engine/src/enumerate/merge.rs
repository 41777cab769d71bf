//! `Snapshot`: a directory as it is listed: disk and projection, less tombstones.

use std::collections::HashMap;

use projfs_store::Listed;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Number;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::collation::Collation;

use super::Listing;

/// Cookies 1 and 2 stand after `.` and `..`.
pub(crate) const FIRST: u64 = 2;

/// From here on the cookies of items that are not projected: a hash of the name, so that an item keeps its
/// cookie whatever comes and goes around it. A projected item's is its place in the listing, for the same reason.
const LOCAL: u64 = 1 << 62;

/// A directory as it is listed.
pub(crate) struct Snapshot {
    /// The directory's count of changes when this was made.
    pub(crate) changes: u64,
    listing: Option<Arc<Listing>>,
    /// What is on disk under projected names, which it may spell otherwise; a tombstone has no kind.
    over: HashMap<ItemNameBuf, (ItemNameBuf, Option<ItemKind>)>,
    /// What is local under other names, by cookie.
    local: Vec<(u64, ItemNameBuf, ItemKind)>,
}

/// One entry of a listing.
pub(crate) enum SnapshotEntry<'a> {
    /// Nothing was on disk under the name.
    Projected(&'a ProjectedItem),
    /// Something of this kind was.
    Local(&'a ItemName, ItemKind),
}

impl Snapshot {
    /// Merges what is local with what is projected; local names win.
    pub(crate) fn merge(
        changes: u64,
        listing: Option<Arc<Listing>>,
        on_disk: Vec<Listed>,
        collation: Collation,
    ) -> Self {
        let mut over = HashMap::new();
        let mut local = Vec::new();
        for item in on_disk {
            let projected = listing.as_ref().and_then(|listing| listing.find(&item.name, collation));
            if let Some(projected) = projected {
                let hides = |(_, kind): &(ItemNameBuf, Option<ItemKind>)| kind.is_some();
                // An item beside a tombstone of another spelling is what is shown.
                if item.kind.is_some() || !over.get(&projected.name).is_some_and(hides) {
                    over.insert(projected.name.clone(), (item.name, item.kind));
                }
            } else if let Some(kind) = item.kind {
                local.push((local_cookie(&item.name), item.name, kind));
            }
        }
        local.sort_unstable_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        Self { changes, listing, over, local }
    }

    /// The entries after `cookie`, each with its own cookie.
    pub(crate) fn after(&self, cookie: u64) -> impl Iterator<Item = (u64, SnapshotEntry<'_>)> {
        let projected = self.listing.as_ref().map_or(&[][..], |listing| listing.entries());
        let skip = usize::try_from(cookie.saturating_sub(FIRST)).unwrap_or(usize::MAX).min(projected.len());
        let projected = projected.iter().enumerate().skip(skip).filter_map(|(place, item)| {
            let cookie = FIRST + 1 + place as u64;
            match self.over.get(&*item.name) {
                None => Some((cookie, SnapshotEntry::Projected(item))),
                Some((name, Some(kind))) => Some((cookie, SnapshotEntry::Local(name, *kind))),
                Some((_, None)) => None,
            }
        });
        let start = self.local.partition_point(|(known, ..)| *known <= cookie);
        let local = &self.local[start..];
        let local = local.iter().map(|(cookie, name, kind)| (*cookie, SnapshotEntry::Local(name, *kind)));
        projected.chain(local)
    }

    /// Whether the provider may list the directory in another way by now.
    pub(crate) fn is_stale(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.is_stale())
    }

    /// Whether nothing is listed.
    pub(crate) fn is_empty(&self) -> bool {
        self.after(0).next().is_none()
    }
}

/// Two names with one cookie must be read in one go, or the second is skipped: one chance in 2^61 a pair.
fn local_cookie(name: &ItemName) -> u64 {
    let number = Number::of_origin(&RelPath::root().join(name).into()).0;
    LOCAL | (number & (LOCAL - 1))
}
