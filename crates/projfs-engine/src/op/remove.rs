//! Removing names.

use projfs_store::Keep;
use projfs_store::Leave;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::What;

use super::lookup::missing;
use crate::Engine;
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
        loop {
            let (dir, node) = self.victim(context, parent, name, kind)?;
            let result = self.remove_known(context, &dir, node, name, kind, &mut known);
            self.nodes.forget(node, 1);
            if let Some(()) = result? {
                return Ok(());
            }
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
        if kind == RemoveKind::Directory {
            // Before anything is asked or changed for its sake.
            self.check_empty(context, node)?;
        }
        self.prepare(context, parent, Prepared::Dirty)?;
        let _held = self.locks.change(&[parent, node]);
        let dir = self.nodes.view(parent)?;
        let under = self.under(&dir, name)?;
        if self.node_under(&dir, name, &under) != Some(node) {
            return Ok(None);
        }
        if kind == RemoveKind::Directory && !self.is_empty_now(node)? {
            return Ok(None);
        }
        let beneath = match known.take() {
            Some(known) => known,
            None => self.beneath(&dir, name, &under),
        };
        let Some(leave) = leave_of(&under, beneath, Event::Delete) else {
            drop(_held);
            *known = Some(self.ask_existence(context, &dir, name)?);
            return Ok(None);
        };
        let item_kind = under.kind().ok_or(ErrorKind::NotFound)?;
        self.record(context, dir.path.join(name), item_kind, What::Deleted)?;
        let keep = if self.nodes.is_open(node) { Keep::Trash } else { Keep::Nothing };
        self.drop_parts(&under)?;
        let trash = self.store.remove(&dir.path, name, leave, keep)?;
        if let Under::Noted { origin, .. } = &under {
            self.store.forget(origin)?;
        }
        if trash.is_none() {
            self.files.remove(node);
        }
        self.nodes.removed(node, parent, name, trash);
        self.nodes.changed(parent);
        Ok(Some(()))
    }

    /// # Errors
    /// `NotEmpty` if anything is shown in a directory.
    pub(super) fn check_empty(&self, context: &Context<'_>, node: NodeId) -> Result<()> {
        let view = self.nodes.view(node)?;
        if let Some(projection) = &view.projection {
            let version = self.directory_version(&view);
            self.listings.get(&self.commands, context, projection, &version)?;
        }
        if self.is_empty_now(node)? { Ok(()) } else { Err(Error::new(ErrorKind::NotEmpty, &view.path)) }
    }

    /// Whether nothing is shown in a directory whose listing was just asked for; false as well if that was dropped again.
    pub(super) fn is_empty_now(&self, node: NodeId) -> Result<bool> {
        let view = self.nodes.view(node)?;
        let listing = match &view.projection {
            None => None,
            Some(projection) => match self.listings.kept(projection) {
                Some(listing) => Some(listing),
                None => return Ok(false),
            },
        };
        Ok(Snapshot::merge(0, listing, self.store.list(&view.path)?).is_empty())
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
        | Change::Forget => None,
    }
}
