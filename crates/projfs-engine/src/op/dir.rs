//! Listing directories.

use projfs_store::Listed;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::RelPath;
use projfs_types::Stat;
use projfs_types::collation;
use rustix::io::Errno;

use crate::Engine;
use crate::engine::Entry;
use crate::enumerate::Listing;
use crate::enumerate::Snapshot;
use crate::enumerate::SnapshotEntry;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Links;
use crate::node::table::Location;
use crate::node::table::Prepared;
use crate::node::table::Seen;
use crate::port::Context;

/// One entry for a listing.
#[derive(Debug)]
pub struct DirEntry<'a> {
    /// The name; `.` and `..` come first.
    pub name: &'a [u8],
    /// The item's number.
    pub number: Number,
    /// What it is.
    pub kind: ItemKind,
    /// Where the listing goes on after it.
    pub cookie: u64,
    /// The item's node and attributes, if they were asked for. The kernel refers to the node once more.
    pub entry: Option<Entry>,
}

/// Takes the entries of a listing.
pub trait DirSink {
    /// Whether an entry with a name of this length still fits.
    fn fits(&self, name_length: usize) -> bool;
    /// Takes an entry that fits.
    fn push(&mut self, entry: DirEntry<'_>);
}

/// Whether an item's record, or the disk under it, is damaged: an error of whoever uses the item, and not of a listing that
/// it is in.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Store(Errno::UCLEAN | Errno::IO))
}

/// Its own cannot be read.
fn number_of_damaged(dir: &DirView, name: &ItemName) -> Number {
    Number::of_origin(&dir.path.join(name).into())
}

fn kind_of(entry: &SnapshotEntry<'_>) -> ItemKind {
    match entry {
        SnapshotEntry::Projected(item) => item.info.item_kind(),
        SnapshotEntry::Local(_, kind) => *kind,
    }
}

impl Engine {
    /// Lists a directory from `cookie` on, 0 being the start, until `sink` is full. With `plus`, nodes and attributes come
    /// along; nothing is made a placeholder by that.
    ///
    /// # Errors
    /// `NotDirectory`, `Stale`; the provider's; the store's.
    pub fn read_dir(
        &self,
        context: &Context<'_>,
        node: NodeId,
        cookie: u64,
        plus: bool,
        sink: &mut dyn DirSink,
    ) -> Result<()> {
        let snapshot = self.snapshot(context, node, cookie)?;
        let _held = self.locks.look(node);
        let dir = self.nodes.view(node)?;
        let parent = match self.nodes.location(node)? {
            Location::Named(parent, _) => self.nodes.number(parent)?,
            Location::Root | Location::Trash(_) => self.nodes.number(node)?,
        };
        for (at, name, number) in [(0, &b"."[..], self.nodes.number(node)?), (1, &b".."[..], parent)] {
            if cookie <= at {
                if !sink.fits(name.len()) {
                    return Ok(());
                }
                let kind = ItemKind::Directory;
                sink.push(DirEntry { name, number, kind, cookie: at + 1, entry: None });
            }
        }
        let (changes, _) = self.nodes.snapshot(node)?;
        let fresh = changes == snapshot.changes;
        for (cookie, entry) in snapshot.after(cookie) {
            let name = match &entry {
                SnapshotEntry::Projected(item) => &*item.name,
                SnapshotEntry::Local(name, _) => name,
            };
            if !sink.fits(name.as_bytes().len()) {
                return Ok(());
            }
            if Self::is_reserved(node, name) {
                continue;
            }
            if snapshot.is_stale() {
                if let Some((number, kind)) = self.listed_before(&dir, name, &entry)? {
                    sink.push(DirEntry { name: name.as_bytes(), number, kind, cookie, entry: None });
                }
                continue;
            }
            // What was removed since the listing began is passed over.
            let listed = match self.listed(&dir, name, &entry, fresh) {
                Err(error) if is_damage(&error) => {
                    let (number, kind) = (number_of_damaged(&dir, name), kind_of(&entry));
                    sink.push(DirEntry { name: name.as_bytes(), number, kind, cookie, entry: None });
                    continue;
                }
                listed => listed?,
            };
            let Some((stat, seen)) = listed else { continue };
            let (number, kind) = (seen.number, seen.kind);
            // What a listing says of an item that nobody has looked up holds no longer than the listing.
            let holds = seen.prepared > Prepared::Virtual || self.lifetime() == self.item_lifetime();
            let entry = (plus && holds).then(|| Entry { node: self.nodes.insert(seen, 1), stat });
            sink.push(DirEntry { name: name.as_bytes(), number, kind, cookie, entry });
        }
        Ok(())
    }

    /// What an entry shows in a listing that began before the view changed: it goes on to its end as it began, so that
    /// nobody sees some names of the one view and some of the other. What the items are like is asked of each by its
    /// name. Nothing if it was deleted here since.
    fn listed_before(
        &self,
        dir: &DirView,
        name: &ItemName,
        entry: &SnapshotEntry<'_>,
    ) -> Result<Option<(Number, ItemKind)>> {
        let kind = kind_of(entry);
        let under = match self.under(dir, name) {
            Err(error) if is_damage(&error) => {
                return Ok(Some((number_of_damaged(dir, name), kind)));
            }
            under => under?,
        };
        Ok(match (&under, &dir.projection) {
            (Under::OnDisk(_), _) => self.seen(dir, name, &under).map(|(_, seen)| (seen.number, seen.kind)),
            (_, Some(projection)) => Some((Number::of_origin(&self.store.origin(projection, name)), kind)),
            (_, None) => None,
        })
    }

    /// What an entry of a listing shows, and what its node is made from; nothing if it is gone.
    fn listed<'a>(
        &self,
        dir: &DirView,
        name: &'a ItemName,
        entry: &SnapshotEntry<'_>,
        fresh: bool,
    ) -> Result<Option<(Stat, Seen<'a>)>> {
        let SnapshotEntry::Projected(item) = entry else {
            let under = self.under(dir, name)?;
            return Ok(self.seen(dir, name, &under));
        };
        if !fresh {
            let under = self.under(dir, name)?;
            if !matches!(under, Under::Unknown { .. }) {
                return Ok(self.seen(dir, name, &under));
            }
        }
        let Some(origin) = self.home(dir, name) else { return Ok(None) };
        // A placeholder stays as it was described when it became one.
        let (noted, prepared) = match self.store.noted(&origin) {
            Some(noted) => (Some(noted), Prepared::Pinned),
            None => (None, Prepared::Virtual),
        };
        let stat = self.projected_stat(noted.as_ref().unwrap_or(&item.info), Number::of_origin(&origin));
        let (number, kind) = (stat.number, stat.kind());
        let projection = (kind == ItemKind::Directory).then_some(origin);
        let (parent, links) = (dir.node, Links::One);
        Ok(Some((stat, Seen { parent, name, number, kind, links, projection, prepared })))
    }

    /// The listing to read from: that of now at the start, the same from then on.
    fn snapshot(&self, context: &Context<'_>, node: NodeId, cookie: u64) -> Result<Arc<Snapshot>> {
        let (changes, kept) = self.nodes.snapshot(node)?;
        if let Some(kept) = kept
            && (cookie > 0 || kept.changes == changes && !kept.is_stale() && self.lifetime().is_none())
        {
            return Ok(kept);
        }
        loop {
            let view = self.nodes.view(node)?;
            let listing = match &view.projection {
                None => None,
                Some(projection) => {
                    let version = || self.directory_version(&view);
                    let listing = self.listings.get(&self.commands, context, projection, version)?;
                    if let Some((parent, name)) = self.nodes.listed(node) {
                        self.walk_on(context, (projection, &listing), (parent, &name));
                    }
                    Some(listing)
                }
            };
            let _held = self.locks.look(node);
            let view = self.nodes.view(node)?;
            let (changes, _) = self.nodes.snapshot(node)?;
            let local = self.local_names(&view, listing.as_deref())?;
            let snapshot = Arc::new(Snapshot::merge(changes, listing, local, self.options.collation));
            if !snapshot.is_stale() {
                self.nodes.keep_snapshot(node, Some(Arc::clone(&snapshot)));
                return Ok(snapshot);
            }
        }
    }

    /// What is local in a directory and may make its listing another than the provider's: what is on disk, tombstones
    /// included, and placeholders that the provider does not list.
    pub(crate) fn local_names(&self, dir: &DirView, listing: Option<&Listing>) -> Result<Vec<Listed>> {
        let mut local = match dir.prepared {
            Prepared::Virtual | Prepared::Pinned => Vec::new(),
            Prepared::OnDisk | Prepared::Dirty => self.store.list(&dir.path)?,
        };
        let Some(projection) = &dir.projection else { return Ok(local) };
        let on_disk = local.len();
        for name in self.store.noted_names(projection) {
            let known = listing.is_some_and(|listing| listing.find(&name, self.options.collation).is_some())
                || local[..on_disk].binary_search_by(|item| collation::compare(&item.name, &name)).is_ok();
            if !known && let Some(info) = self.store.noted(&self.store.origin(projection, &name)) {
                local.push(Listed { name, kind: Some(info.item_kind()) });
            }
        }
        Ok(local)
    }

    /// Asks for the listings that somebody who walks the tree will want next.
    fn walk_on(
        &self,
        context: &Context<'_>,
        (projection, listing): (&RelPath, &Arc<Listing>),
        (parent, name): (NodeId, &ItemName),
    ) {
        // A listing that does not last is asked for when it is wanted.
        if self.lifetime().is_some() {
            return;
        }
        let above = self.nodes.view(parent).ok().and_then(|view| view.projection);
        let above = above.as_deref().map(|above| (above, name));
        self.listings.walk_on(&self.commands, context.caller, (projection, listing), above);
    }
}
