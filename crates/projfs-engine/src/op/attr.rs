//! Attributes: what `stat` shows, and changing it.

use projfs_store::AttributeChange;
use projfs_store::Place;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Stat;
use projfs_types::What;

use super::lookup::missing;
use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::handle::HandleId;
use crate::node::table::DirView;
use crate::node::table::Location;
use crate::port::Context;
use crate::transition::Event;

/// New values for some of an item's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetAttributes {
    /// The length, in bytes.
    pub size: Option<u64>,
    /// Everything else.
    pub others: AttributeChange,
}

impl Engine {
    /// What `stat` shows of a node.
    ///
    /// # Errors
    /// `Stale`, `NotFound`; the provider's, if only it knows the item; the store's.
    pub fn attributes(&self, context: &Context<'_>, node: NodeId) -> Result<Stat> {
        let location = match self.nodes.location(node) {
            Err(error) if error.kind == ErrorKind::NotFound => match self.handles.ranges_of(node) {
                Some(file) => return Ok(self.stat_of_parts(&file)),
                None => return Err(error),
            },
            location => location?,
        };
        match location {
            Location::Root => Ok(self.store.look_root()?.stat),
            Location::Trash(trash) => Ok(self.store.look_trash(trash)?.stat),
            Location::Named(parent, name) => {
                let (dir, under, info) = self.peek(context, parent, &name)?;
                match (&under, info) {
                    (Under::Unknown { origin }, Some(info)) => Ok(self.projected_stat(&info, origin)),
                    _ => match self.seen(&dir, &name, &under) {
                        Some((stat, _)) => Ok(stat),
                        None => missing(),
                    },
                }
            }
        }
    }

    /// Changes attributes of a node, through an open file if there is one; what it shows then.
    ///
    /// # Errors
    /// `IsDirectory` for the length of a directory, `Invalid` for that of anything else that is no file; the provider's, if
    /// the item must be fetched first; the store's.
    pub fn set_attributes(
        &self,
        context: &Context<'_>,
        node: NodeId,
        handle: Option<HandleId>,
        change: &SetAttributes,
    ) -> Result<Stat> {
        if let Some(size) = change.size {
            self.set_size(context, node, handle, size)?;
        }
        if change.others != AttributeChange::default() {
            self.set_others(context, node, &change.others)?;
        }
        self.attributes(context, node)
    }

    fn set_size(
        &self,
        context: &Context<'_>,
        node: NodeId,
        handle: Option<HandleId>,
        size: u64,
    ) -> Result<()> {
        if let Some(handle) = handle {
            return Ok(self.writable(context, handle)?.set_len(size)?);
        }
        match self.nodes.location(node)? {
            Location::Root => Err(ErrorKind::IsDirectory.into()),
            Location::Trash(trash) => {
                Ok(self.store.open(Place::Trash(trash), projfs_store::Access::ReadWrite)?.set_len(size)?)
            }
            Location::Named(parent, name) => {
                let event = if size == 0 { Event::Truncate } else { Event::Modify };
                self.settle(context, parent, &name, event, |dir, under| {
                    let path = dir.path.join(&name);
                    self.record(context, path, under.kind().ok_or(ErrorKind::NotFound)?, What::Modified)?;
                    let place = Place::Named(&dir.path, &name);
                    Ok(self.store.open(place, projfs_store::Access::ReadWrite)?.set_len(size)?)
                })
            }
        }
    }

    fn set_others(&self, context: &Context<'_>, node: NodeId, change: &AttributeChange) -> Result<()> {
        match self.nodes.location(node)? {
            Location::Root => Ok(self.store.set_attributes(Place::Root, change)?),
            Location::Trash(trash) => Ok(self.store.set_attributes(Place::Trash(trash), change)?),
            Location::Named(parent, name) => {
                self.settle(context, parent, &name, Event::SetMetadata, |dir, under| {
                    self.record_metadata(context, dir, &name, under)?;
                    self.nodes.changed(dir.node);
                    Ok(self.store.set_attributes(Place::Named(&dir.path, &name), change)?)
                })
            }
        }
    }

    pub(super) fn record_metadata(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
        under: &Under,
    ) -> Result<()> {
        let kind = under.kind().ok_or(ErrorKind::NotFound)?;
        self.record(context, dir.path.join(name), kind, What::Metadata)
    }
}
