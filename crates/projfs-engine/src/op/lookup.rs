//! Looking a name up.

use projfs_types::ItemName;
use projfs_types::NodeId;

use crate::Engine;
use crate::engine::Entry;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::port::Context;

impl Engine {
    /// What is under a name; nothing if there is no such item. An item that the provider alone has becomes a placeholder.
    ///
    /// # Errors
    /// `Stale` or `NotDirectory` for the directory; the provider's and the store's.
    pub fn lookup(&self, context: &Context<'_>, parent: NodeId, name: &ItemName) -> Result<Option<Entry>> {
        loop {
            let dir = {
                let _held = self.locks.look(parent);
                let dir = self.nodes.view(parent)?;
                match self.under(&dir, name)? {
                    Under::Unknown { .. } => dir,
                    Under::Nothing => return Ok(None),
                    under => return Ok(self.enter(&dir, name, &under)),
                }
            };
            match self.describe(context, &dir, name)? {
                Some(info) => self.pin(context, parent, name, &info)?,
                None => return Ok(None),
            }
        }
    }

    /// The kernel refers to a node `lookups` times less. Never waits.
    pub fn forget(&self, node: NodeId, lookups: u64) {
        self.nodes.forget(node, lookups);
    }

    /// What is under a name, bringing nothing into being and referring to nothing; with the provider's word for what is
    /// only projected.
    pub(crate) fn peek(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
    ) -> Result<(crate::node::table::DirView, Under, Option<projfs_types::PlaceholderInfo>)> {
        let (dir, under) = {
            let _held = self.locks.look(parent);
            let dir = self.nodes.view(parent)?;
            let under = self.under(&dir, name)?;
            (dir, under)
        };
        let info = match &under {
            Under::Unknown { .. } => self.describe(context, &dir, name)?,
            Under::Nothing | Under::Noted { .. } | Under::OnDisk(_) => None,
        };
        Ok((dir, under, info))
    }
}

/// For operations on something that must exist.
pub(crate) fn missing<T>() -> Result<T> {
    Err(ErrorKind::NotFound.into())
}
