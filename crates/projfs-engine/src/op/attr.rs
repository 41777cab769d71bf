//! Attributes: what `stat` shows, and changing it.

use projfs_provider::Closed;
use projfs_provider::PreOperation;
use projfs_store::AttributeChange;
use projfs_types::ItemKind;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::Number;
use projfs_types::RelPathBuf;
use projfs_types::Stat;
use projfs_types::What;

use super::lookup::Peeked;
use super::lookup::missing;
use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Settled;
use crate::flow::Under;
use crate::handle::HandleId;
use crate::notify::Visit;
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
        let peeked = match self.peek(context, node) {
            Err(error) if error.kind == ErrorKind::NotFound => match self.handles.ranges_of(node) {
                Some(file) => return Ok(self.stat_of_parts(&file)),
                None => return Err(error),
            },
            peeked => peeked?,
        };
        match peeked {
            Peeked::Root => Ok(self.store.look_root()?.stat),
            Peeked::Trash(trash) => Ok(self.store.look_trash(trash)?.stat),
            Peeked::Named { under: Under::Unknown { origin }, info: Some(info), .. } => {
                Ok(self.projected_stat(&info, Number::of_origin(&origin)))
            }
            Peeked::Named { dir, name, under, .. } => match self.seen(&dir, &name, &under) {
                Some((stat, _)) => Ok(stat),
                None => missing(),
            },
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
        let mut visit = self.visit(context, node)?;
        // Through an open file, it is that one's visit.
        let told = if handle.is_none() { self.tell_opened(context, &mut visit) } else { Ok(()) };
        let changed = told.and_then(|()| self.set_heard(context, visit.as_ref(), node, handle, change));
        if handle.is_none() {
            let how = match (&changed, change.size) {
                (Ok(()), Some(_)) => Closed::Modified,
                (Ok(()), None) | (Err(_), _) => Closed::Unmodified,
            };
            self.end_visit(context, visit, how);
        }
        changed?;
        self.attributes(context, node)
    }

    fn set_heard(
        &self,
        context: &Context<'_>,
        visit: Option<&Visit>,
        node: NodeId,
        handle: Option<HandleId>,
        change: &SetAttributes,
    ) -> Result<()> {
        if let Some(size) = change.size {
            let wanted = NotifyMask::PRE_TRUNCATE;
            self.authorize(context, visit, wanted, |_| PreOperation::Truncate { size })?;
            self.set_size(context, node, handle, size)?;
        }
        if change.others != AttributeChange::default() {
            self.authorize_metadata(context, visit)?;
            self.set_others(context, node, &change.others)?;
        }
        Ok(())
    }

    /// Asks before mode, owner, times or extended attributes change.
    pub(super) fn authorize_metadata(&self, context: &Context<'_>, visit: Option<&Visit>) -> Result<()> {
        self.authorize(context, visit, NotifyMask::PRE_SET_METADATA, |visit| PreOperation::SetMetadata {
            kind: visit.kind(),
        })
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
        let event = if size == 0 { Event::Truncate } else { Event::Modify };
        self.settle_node(context, node, event, |settled| {
            match settled {
                Settled::Root => return Err(ErrorKind::IsDirectory.into()),
                Settled::Trash(_) => {}
                Settled::Named(dir, name, under) => {
                    let kind = under.kind().ok_or(ErrorKind::NotFound)?;
                    self.record(context, dir.path.join(name), kind, What::Modified)?;
                }
            }
            Ok(self.store.open(settled.place(), projfs_store::Access::ReadWrite)?.set_len(size)?)
        })
    }

    fn set_others(&self, context: &Context<'_>, node: NodeId, change: &AttributeChange) -> Result<()> {
        self.settle_node(context, node, Event::SetMetadata, |settled| {
            self.record_metadata(context, settled)?;
            Ok(self.store.set_attributes(settled.place(), change)?)
        })
    }

    /// The journal hears of everything that has a name, and of the root.
    pub(super) fn record_metadata(&self, context: &Context<'_>, settled: &Settled<'_>) -> Result<()> {
        let (path, kind) = match settled {
            Settled::Root => (RelPathBuf::root(), ItemKind::Directory),
            Settled::Trash(_) => return Ok(()),
            Settled::Named(dir, name, under) => {
                if !self.notifier.is_silent()
                    && let Some(node) = self.node_under(dir, name, under)
                {
                    self.handles.touch(node);
                }
                self.nodes.changed(dir.node);
                (dir.path.join(name), under.kind().ok_or(ErrorKind::NotFound)?)
            }
        };
        self.record(context, path, kind, What::Metadata)
    }
}
