//! Extended attributes.

use projfs_store::Place;
use projfs_types::NodeId;
use projfs_types::RelPathBuf;

use super::lookup::missing;
use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::Location;
use crate::port::Context;
use crate::transition::Event;

impl Engine {
    /// The value of an extended attribute.
    ///
    /// # Errors
    /// `NoAttribute` also for those of the store's own.
    pub fn get_xattr(&self, _context: &Context<'_>, node: NodeId, name: &[u8]) -> Result<Vec<u8>> {
        match self.with_place(node, |place| Ok(self.store.get_xattr(place, name)?))? {
            Some(value) => Ok(value),
            None => Err(ErrorKind::NoAttribute.into()),
        }
    }

    /// The names of the extended attributes, each ended by a NUL.
    ///
    /// # Errors
    /// The store's.
    pub fn list_xattr(&self, _context: &Context<'_>, node: NodeId) -> Result<Vec<u8>> {
        Ok(self.with_place(node, |place| Ok(self.store.list_xattr(place)?))?.unwrap_or_default())
    }

    /// Sets an extended attribute; `flags` are those of `setxattr`.
    ///
    /// # Errors
    /// The store's: `EPERM` for those of its own.
    pub fn set_xattr(
        &self,
        context: &Context<'_>,
        node: NodeId,
        name: &[u8],
        value: &[u8],
        flags: u32,
    ) -> Result<()> {
        self.change_xattr(context, node, name, |place| Ok(self.store.set_xattr(place, name, value, flags)?))
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// The store's: `EPERM` for those of its own.
    pub fn remove_xattr(&self, context: &Context<'_>, node: NodeId, name: &[u8]) -> Result<()> {
        self.change_xattr(context, node, name, |place| Ok(self.store.remove_xattr(place, name)?))
    }

    fn change_xattr(
        &self,
        context: &Context<'_>,
        node: NodeId,
        attribute: &[u8],
        change: impl Fn(Place<'_>) -> Result<()>,
    ) -> Result<()> {
        if projfs_store::is_own_attribute(attribute) {
            return Err(ErrorKind::Reserved.into());
        }
        match self.nodes.location(node)? {
            Location::Root => change(Place::Root),
            Location::Trash(trash) => change(Place::Trash(trash)),
            Location::Named(parent, name) => {
                self.settle(context, parent, &name, Event::SetMetadata, |dir, under| {
                    self.record_metadata(context, dir, &name, under)?;
                    change(Place::Named(&dir.path, &name))
                })
            }
        }
    }

    /// Calls `act` with the place of an item on disk; nothing if it is not there.
    pub(super) fn with_place<T>(
        &self,
        node: NodeId,
        act: impl FnOnce(Place<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.nodes.location(node)? {
            Location::Root => act(Place::Root).map(Some),
            Location::Trash(trash) => act(Place::Trash(trash)).map(Some),
            Location::Named(parent, name) => {
                let _held = self.locks.look(parent);
                let dir = self.nodes.view(parent)?;
                match self.under(&dir, &name)? {
                    Under::OnDisk(item) if item.state.kind().is_some() => {
                        act(Place::Named(&dir.path, &name)).map(Some)
                    }
                    Under::OnDisk(_) | Under::Nothing => missing(),
                    Under::Noted { .. } | Under::Unknown { .. } => Ok(None),
                }
            }
        }
    }

    /// The path of a node below the root, for messages.
    pub fn path_of(&self, node: NodeId) -> Option<RelPathBuf> {
        self.nodes.path(node).ok()
    }
}
