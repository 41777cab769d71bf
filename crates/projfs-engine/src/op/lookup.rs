//! Looking a name up.

use projfs_store::TrashId;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::PlaceholderInfo;

use crate::Engine;
use crate::engine::Entry;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Location;
use crate::port::Context;

impl Engine {
    /// What is under a name; nothing if there is no such item. An item that the provider alone has becomes a placeholder.
    ///
    /// # Errors
    /// `Stale` or `NotDirectory` for the directory; the provider's and the store's.
    pub fn lookup(&self, context: &Context<'_>, parent: NodeId, name: &ItemName) -> Result<Option<Entry>> {
        let (name, absent) = self.spelling_and_absence(context, parent, name)?;
        let name = &*name;
        loop {
            let dir = {
                let _held = self.locks.look(parent);
                let dir = self.nodes.view(parent)?;
                match self.under(&dir, name)? {
                    Under::Unknown { .. } if absent == Some(self.negative.generation()) => return Ok(None),
                    Under::Unknown { .. } => dir,
                    Under::Nothing => return Ok(None),
                    under => return Ok(self.enter(&dir, name, &under)),
                }
            };
            if !self.discover(context, &dir, name)? {
                return Ok(None);
            }
        }
    }

    /// The kernel refers to a node `lookups` times less. Never waits.
    pub fn forget(&self, node: NodeId, lookups: u64) {
        self.nodes.forget(node, lookups);
    }

    /// Where a node is, bringing nothing into being; with the provider's word for what is only projected.
    pub(crate) fn peek(&self, context: &Context<'_>, node: NodeId) -> Result<Peeked> {
        let mut tries = 0;
        loop {
            let (parent, name) = match self.nodes.location(node)? {
                Location::Root => return Ok(Peeked::Root),
                Location::Trash(trash) => return Ok(Peeked::Trash(trash)),
                Location::Named(parent, name) => (parent, name),
            };
            let (dir, under) = {
                let _held = self.locks.look(parent);
                // It may have been moved, and the directory it was in removed.
                let Ok(dir) = self.nodes.view(parent) else {
                    self.moved_on(node, &mut tries)?;
                    continue;
                };
                let under = self.under(&dir, &name)?;
                if !self.leads_to(&dir, &name, &under, node) {
                    self.moved_on(node, &mut tries)?;
                    continue;
                }
                (dir, under)
            };
            let info = match &under {
                Under::Unknown { .. } => self.describe(context, &dir, &name)?,
                Under::Nothing | Under::Noted { .. } | Under::OnDisk(_) => None,
            };
            return Ok(Peeked::Named { dir, name, under, info });
        }
    }
}

/// Where a node was found.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(crate) enum Peeked {
    Root,
    Trash(TrashId),
    Named { dir: DirView, name: ItemNameBuf, under: Under, info: Option<PlaceholderInfo> },
}

/// For operations on something that must exist.
pub(crate) fn missing<T>() -> Result<T> {
    Err(ErrorKind::NotFound.into())
}
