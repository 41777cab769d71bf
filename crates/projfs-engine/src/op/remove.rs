//! Removing names.

use projfs_provider::Closed;
use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::TrashId;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::What;

use super::lookup::missing;
use crate::Engine;
use crate::enumerate::Listing;
use crate::enumerate::Snapshot;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::port::Context;
use crate::transition::Beneath;
use crate::transition::Change;
use crate::transition::Event;
use crate::transition::Found;
use crate::transition::step;

/// What may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveKind {
    /// Anything but a directory (`unlink`).
    NotDirectory,
    /// An empty directory (`rmdir`).
    Directory,
}

impl Engine {
    /// Removes a name. What the provider has beneath it is hidden by a tombstone.
    ///
    /// # Errors
    /// `NotFound`, `IsDirectory`, `NotDirectory`; `NotEmpty` if anything is shown in the directory; the provider's; the
    /// store's.
    pub fn remove(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        kind: RemoveKind,
    ) -> Result<()> {
        let mut known = None;
        let mut visit = None;
        let name = &*self.spelling(context, parent, name)?;
        loop {
            let (dir, node) = match self.victim(context, parent, name, kind) {
                Ok(victim) => victim,
                Err(error) => {
                    self.end_visit(context, visit.take(), Closed::Unmodified);
                    return Err(error);
                }
            };
            let result = self
                .announce(context, &mut visit, node, Event::Delete, None)
                .and_then(|()| self.remove_known(context, &dir, node, name, kind, &mut known));
            self.nodes.forget(node, 1);
            let how = match result {
                Ok(None) => continue,
                Ok(Some(())) => Closed::Deleted { modified: false },
                Err(_) => Closed::Unmodified,
            };
            self.end_visit(context, visit.take(), how);
            return result.map(|_| ());
        }
    }

    /// The item to be removed, a placeholder at least and referred to once more.
    fn victim(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        kind: RemoveKind,
    ) -> Result<(DirView, NodeId)> {
        let Some(entry) = self.lookup(context, parent, name)? else { return missing() };
        let dir = self.nodes.view(parent);
        let refusal = match (kind, entry.stat.kind()) {
            (RemoveKind::NotDirectory, ItemKind::Directory) => Some(ErrorKind::IsDirectory),
            (RemoveKind::Directory, ItemKind::File | ItemKind::Symlink | ItemKind::Special) => {
                Some(ErrorKind::NotDirectory)
            }
            _ => None,
        };
        match (dir, refusal) {
            (Ok(dir), None) => Ok((dir, entry.node)),
            (dir, refusal) => {
                self.nodes.forget(entry.node, 1);
                let dir = dir?;
                Err(Error::new(refusal.unwrap_or(ErrorKind::Stale), &dir.path.join(name)))
            }
        }
    }

    /// Removes a name if it is as it was found; nothing if one must look again.
    fn remove_known(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        node: NodeId,
        name: &ItemName,
        kind: RemoveKind,
        known: &mut Option<Beneath>,
    ) -> Result<Option<()>> {
        let parent = dir.node;
        // Before anything is asked or changed for its sake.
        let listing = match kind {
            RemoveKind::Directory => self.check_empty(context, node)?,
            RemoveKind::NotDirectory => None,
        };
        self.prepare(context, parent, Prepared::Dirty)?;
        let _held = self.locks.change(&[parent, node]);
        let dir = self.nodes.view(parent)?;
        let under = self.under(&dir, name)?;
        if self.node_under(&dir, name, &under) != Some(node) || dir.prepared < Prepared::Dirty {
            return Ok(None);
        }
        if listing.as_ref().is_some_and(|listing| listing.is_stale())
            || kind == RemoveKind::Directory && !self.is_empty_now(node, listing)?
        {
            return Ok(None);
        }
        let beneath = match known.take() {
            // Of what was asked before it became a placeholder of the provider's again, nothing holds.
            Some(known) if !matches!(under, Under::Noted { .. }) => known,
            Some(_) | None => self.beneath(&dir, name, &under),
        };
        let Some(leave) = leave_of(&under, beneath, Event::Delete) else {
            drop(_held);
            *known = Some(self.ask_existence(context, &dir, name)?);
            return Ok(None);
        };
        let item_kind = under.kind().ok_or(ErrorKind::NotFound)?;
        self.record(context, dir.path.join(name), item_kind, What::Deleted)?;
        self.drop_parts(&under)?;
        self.leave_to_others(&dir, name, &under)?;
        self.forget_before(&dir, name, leave)?;
        let trash = self.store.remove(&dir.path, name, leave, self.keep_of(Some(node)))?;
        if let Under::Noted { origin, .. } = &under {
            self.forget_hidden(origin);
        }
        self.end_directory(&dir, name, &under);
        self.drop_name(node, parent, name, trash)?;
        self.nodes.changed(parent);
        Ok(Some(()))
    }

    /// Before a name that leaves nothing goes: a note may be left from before, which must not come to light.
    pub(super) fn forget_before(&self, dir: &DirView, name: &ItemName, leave: Leave) -> Result<()> {
        match (leave, self.home(dir, name)) {
            (Leave::Nothing, Some(home)) => Ok(self.store.forget(&home)?),
            (Leave::Nothing, None) | (Leave::Tombstone, _) => Ok(()),
        }
    }

    /// Whether the store is to keep an item that loses a name.
    pub(crate) fn keep_of(&self, node: Option<NodeId>) -> Keep {
        match node {
            Some(node) if self.nodes.needs_trash(node) => Keep::Trash,
            _ => Keep::Nothing,
        }
    }

    /// A node has lost a name in the store, which kept the content in `trash` for those who have it open.
    pub(crate) fn drop_name(
        &self,
        node: NodeId,
        parent: NodeId,
        name: &ItemName,
        trash: Option<TrashId>,
    ) -> Result<()> {
        if !self.nodes.is_open(node) {
            self.files.remove(node);
        }
        // Its last handle may have been closed since.
        if let Some(needless) = self.nodes.removed(node, parent, name, trash) {
            self.end_trash(needless);
        }
        Ok(())
    }

    /// The listing by which a directory was found to be empty; nothing for a full one.
    ///
    /// # Errors
    /// `NotEmpty` if anything is shown in the directory; the provider's; the store's.
    pub(super) fn check_empty(&self, context: &Context<'_>, node: NodeId) -> Result<Option<Arc<Listing>>> {
        let view = self.nodes.view(node)?;
        let listing = match &view.projection {
            None => None,
            Some(projection) => {
                let version = || self.directory_version(&view);
                Some(self.listings.get(&self.commands, context, projection, version)?)
            }
        };
        if self.is_empty_now(node, listing.clone())? {
            Ok(listing)
        } else {
            Err(Error::new(ErrorKind::NotEmpty, &view.path))
        }
    }

    /// Whether nothing is shown in a directory that has this listing.
    pub(super) fn is_empty_now(&self, node: NodeId, listing: Option<Arc<Listing>>) -> Result<bool> {
        let view = self.nodes.view(node)?;
        let local = self.local_names(&view, listing.as_deref())?;
        Ok(Snapshot::merge(0, listing, local, self.options.collation).is_empty())
    }
}

/// What stays under a name that an item leaves; nothing if the provider must be asked.
pub(super) fn leave_of(under: &Under, beneath: Beneath, event: Event) -> Option<Leave> {
    let state = under.state();
    let found = state.as_ref().map_or(Found::Nothing, Found::Local);
    match step(found, beneath, event).ok()?.change {
        Change::RemoveLeavingTombstone | Change::MoveLeavingTombstone => Some(Leave::Tombstone),
        Change::Remove | Change::Move => Some(Leave::Nothing),
        Change::Nothing
        | Change::Note
        | Change::Hydrate
        | Change::Convert
        | Change::Dirty
        | Change::Detach
        | Change::Forget => None,
    }
}
