//! Directories are pinned, put on disk and marked dirty for the sake of what is in them, from the root down.

use projfs_types::DirectoryState;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::NodeId;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;

use super::resolve::Under;
use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::negative::Generation;
use crate::node::table::DirView;
use crate::node::table::Location;
use crate::node::table::Prepared;
use crate::port::Context;

impl Engine {
    /// Brings a directory to `level`. No lock of a directory may be held.
    pub(crate) fn prepare(&self, context: &Context<'_>, node: NodeId, level: Prepared) -> Result<()> {
        let mut tries = 0;
        while !self.prepare_chain(context, node, level)? {
            self.moved_on(node, &mut tries)?;
        }
        Ok(())
    }

    /// False if a directory was renamed meanwhile.
    fn prepare_chain(&self, context: &Context<'_>, node: NodeId, level: Prepared) -> Result<bool> {
        // Its ancestors first, from the top: they need to be where it can be put.
        let mut chain = Vec::new();
        let mut at = node;
        let mut wanted = level;
        loop {
            let view = self.nodes.view(at)?;
            if view.prepared >= wanted {
                break;
            }
            let Location::Named(parent, name) = self.nodes.location(at)? else {
                return Err(ErrorKind::NotFound.into());
            };
            chain.push((at, parent, name, wanted));
            at = parent;
            wanted = wanted.min(Prepared::OnDisk);
        }
        for (node, parent, name, wanted) in chain.into_iter().rev() {
            if !self.prepare_one(context, node, parent, &name, wanted)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn prepare_one(
        &self,
        context: &Context<'_>,
        node: NodeId,
        parent: NodeId,
        name: &ItemName,
        level: Prepared,
    ) -> Result<bool> {
        loop {
            let dir = {
                let _held = self.locks.change(&[parent]);
                // It may have been moved, and the directory it was in removed.
                let Ok(dir) = self.nodes.view(parent) else { return Ok(false) };
                let under = self.under(&dir, name)?;
                if !self.leads_to(&dir, name, &under, node) {
                    return Ok(false);
                }
                match under {
                    Under::Unknown { .. } => dir,
                    Under::Noted { .. } if level == Prepared::Pinned => {
                        self.nodes.set_prepared(node, level);
                        return Ok(true);
                    }
                    Under::Noted { origin, info }
                        if info.item_kind() == projfs_types::ItemKind::Directory =>
                    {
                        let mut projected = Projected::clean(info.version.clone());
                        if level == Prepared::Dirty {
                            projected.metadata = Metadata::Dirty;
                        }
                        self.store.put_directory(&dir.path, name, &info, &projected)?;
                        self.forget_hidden(&origin);
                        self.nodes.changed(parent);
                        self.nodes.set_prepared(node, level);
                        return Ok(true);
                    }
                    Under::OnDisk(item) => {
                        match &item.state {
                            ItemState::Directory(DirectoryState::Full) => {}
                            ItemState::Directory(DirectoryState::Placeholder(projected)) => {
                                if level == Prepared::Dirty && projected.metadata == Metadata::Clean {
                                    let dirty = Projected { metadata: Metadata::Dirty, ..projected.clone() };
                                    self.store.set_projected(&dir.path, name, &dirty)?;
                                    self.nodes.changed(parent);
                                }
                            }
                            ItemState::File(_)
                            | ItemState::Symlink(_)
                            | ItemState::Special
                            | ItemState::Tombstone => return Err(ErrorKind::NotFound.into()),
                        }
                        self.nodes.set_prepared(node, level);
                        return Ok(true);
                    }
                    Under::Nothing | Under::Noted { .. } => return Err(ErrorKind::NotFound.into()),
                }
            };
            if !self.discover(context, &dir, name)? {
                return Err(ErrorKind::NotFound.into());
            }
        }
    }

    /// Makes a virtual item a placeholder, as the provider described it. An item that is local by now stays as it is,
    /// and so does one of which the description is of a view that has changed since.
    pub(crate) fn pin(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        info: &PlaceholderInfo,
        asked: Generation,
    ) -> Result<()> {
        self.prepare(context, parent, Prepared::Pinned)?;
        let _held = self.locks.change(&[parent]);
        if asked != self.negative.generation() {
            return Ok(());
        }
        let dir: DirView = self.nodes.view(parent)?;
        if let Under::Unknown { origin } = self.under(&dir, name)? {
            self.store.note(&origin, info)?;
        }
        Ok(())
    }
}
