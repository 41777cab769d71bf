//! Extended attributes.

use projfs_provider::Closed;
use projfs_store::Place;
use projfs_types::ExtendedAttributes;
use projfs_types::NodeId;
use projfs_types::RelPathBuf;
use projfs_types::USER_PREFIX;

use super::lookup::Peeked;
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
    /// `NoAttribute` also for those of the store's own; the provider's, if only it knows the item.
    pub fn get_xattr(&self, context: &Context<'_>, node: NodeId, name: &[u8]) -> Result<Vec<u8>> {
        let on_disk = |place: Place<'_>| Ok(self.store.get_xattr(place, name)?);
        // Of the others a provider gives none: it need not be asked.
        if !name.starts_with(USER_PREFIX) {
            return self.with_place(node, on_disk)?.ok_or_else(|| ErrorKind::NoAttribute.into());
        }
        let projected = |extended: &ExtendedAttributes| {
            extended.get(name).map(<[u8]>::to_vec).ok_or_else(|| ErrorKind::NoAttribute.into())
        };
        self.with_extended(context, node, &on_disk, &projected)
    }

    /// The names of the extended attributes, each ended by a NUL.
    ///
    /// # Errors
    /// The provider's, if only it knows the item; the store's.
    pub fn list_xattr(&self, context: &Context<'_>, node: NodeId) -> Result<Vec<u8>> {
        let on_disk = |place: Place<'_>| Ok(self.store.list_xattr(place)?);
        let projected = |extended: &ExtendedAttributes| {
            Ok(extended.iter().flat_map(|(name, _)| name.iter().chain(&[0])).copied().collect())
        };
        self.with_extended(context, node, &on_disk, &projected)
    }

    /// Calls one of the two: with the place of an item on disk, or with what the provider gives one that is not there.
    fn with_extended<T>(
        &self,
        context: &Context<'_>,
        node: NodeId,
        on_disk: &dyn Fn(Place<'_>) -> Result<T>,
        projected: &dyn Fn(&ExtendedAttributes) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 0;
        loop {
            if let Some(done) = self.with_place(node, on_disk)? {
                return Ok(done);
            }
            match self.peek(context, node)? {
                Peeked::Named { under: Under::Noted { info, .. }, .. } => return projected(&info.extended),
                Peeked::Named { under: Under::Unknown { .. }, info: Some(info), .. } => {
                    return projected(&info.extended);
                }
                Peeked::Named { under: Under::Unknown { .. } | Under::Nothing, .. } => return missing(),
                // It came there meanwhile.
                Peeked::Root | Peeked::Trash(_) | Peeked::Named { under: Under::OnDisk(_), .. } => {
                    self.moved_on(node, &mut tries)?;
                }
            }
        }
    }

    /// The extended attributes of an item on disk that a provider could have given it.
    pub(crate) fn extended_on_disk(&self, place: Place<'_>) -> Result<ExtendedAttributes> {
        let names = self.store.list_xattr(place)?;
        let mut found = Vec::new();
        for name in names.split(|&byte| byte == 0).filter(|name| name.starts_with(USER_PREFIX)) {
            found.push((name, self.store.get_xattr(place, name)?));
        }
        Ok(ExtendedAttributes::found(found))
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
        // An item that has no such attribute stays as it is.
        if !projfs_store::is_own_attribute(name) {
            self.get_xattr(context, node, name)?;
        }
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
        let mut visit = self.visit(context, node)?;
        let changed = self
            .tell_opened(context, &mut visit)
            .and_then(|()| self.authorize_metadata(context, visit.as_ref()))
            .and_then(|()| {
                self.settle_node(context, node, Event::SetMetadata, |settled| {
                    self.record_metadata(context, settled)?;
                    change(settled.place())
                })
            });
        self.end_visit(context, visit, Closed::Unmodified);
        changed
    }

    /// Calls `act` with the place of an item on disk; nothing if it is not there.
    pub(super) fn with_place<T>(
        &self,
        node: NodeId,
        act: impl FnOnce(Place<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut tries = 0;
        loop {
            let (parent, name) = match self.nodes.location(node)? {
                Location::Root => return act(Place::Root).map(Some),
                Location::Trash(trash) => return act(Place::Trash(trash)).map(Some),
                Location::Named(parent, name) => (parent, name),
            };
            let held = self.locks.look(parent);
            // It may have been moved, and the directory it was in removed.
            let Ok(dir) = self.nodes.view(parent) else {
                drop(held);
                self.moved_on(node, &mut tries)?;
                continue;
            };
            let under = self.under(&dir, &name)?;
            if !self.leads_to(&dir, &name, &under, node) {
                drop(held);
                self.moved_on(node, &mut tries)?;
                continue;
            }
            return match under {
                Under::OnDisk(_) => act(Place::Named(&dir.path, &name)).map(Some),
                Under::Nothing | Under::Noted { .. } | Under::Unknown { .. } => Ok(None),
            };
        }
    }

    /// The path of a node below the root, for messages.
    pub fn path_of(&self, node: NodeId) -> Option<RelPathBuf> {
        self.nodes.path(node).ok()
    }
}
