//! Giving an item one more name.

use projfs_provider::Closed;
use projfs_store::Item;
use projfs_store::Place;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Stat;
use projfs_types::What;

use super::lookup::missing;
use crate::Engine;
use crate::engine::Entry;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Location;
use crate::node::table::Prepared;
use crate::port::Context;
use crate::transition::Event;

impl Engine {
    /// Gives an item one more name. A placeholder file is hydrated first: both names then share one file of the store.
    ///
    /// # Errors
    /// `Exists`; `IsDirectory` for a directory; the provider's; the store's.
    pub fn link(
        &self,
        context: &Context<'_>,
        node: NodeId,
        parent: NodeId,
        name: &ItemName,
    ) -> Result<Entry> {
        if self.notifier.is_silent() {
            return self.link_unheard(context, node, parent, name);
        }
        let to = self.nodes.path(parent)?.join(name);
        let mut visit = None;
        if let Location::Trash(_) = self.nodes.location(node)? {
            // A file without a name: for the provider it comes into being.
            visit = self.visit_new(context, parent, name, ItemKind::File)?;
            let entry = self.link_unheard(context, node, parent, name)?;
            self.tell_created(context, &mut visit, &entry);
            self.end_visit(context, visit, Closed::Unmodified);
            return Ok(entry);
        }
        let linked = self
            .announce(context, &mut visit, node, Event::Link, Some(&to))
            .and_then(|()| self.link_unheard(context, node, parent, name));
        if linked.is_ok() {
            self.tell_linked(context, visit.as_ref(), to);
        }
        self.end_visit(context, visit, Closed::Unmodified);
        linked
    }

    fn link_unheard(
        &self,
        context: &Context<'_>,
        node: NodeId,
        parent: NodeId,
        name: &ItemName,
    ) -> Result<Entry> {
        let mut free = None;
        loop {
            self.free_name(context, parent, name, &mut free)?;
            let source = self.nodes.location(node)?;
            self.settle_node(context, node, Event::Link, |_| Ok(()))?;
            self.prepare(context, parent, Prepared::Dirty)?;
            let linked = match &source {
                Location::Root => return Err(ErrorKind::IsDirectory.into()),
                Location::Trash(trash) => {
                    let _held = self.locks.change(&[parent]);
                    let dir = self.nodes.view(parent)?;
                    if dir.prepared < Prepared::Dirty || !self.is_free(&dir, name, &mut free)? {
                        continue;
                    }
                    self.record(context, dir.path.join(name), ItemKind::File, What::Created)?;
                    let item = self.store.look_trash(*trash)?;
                    self.store.link(Place::Trash(*trash), &dir.path, name)?;
                    if let Some(trash) = self.nodes.linked(node, parent, name) {
                        self.end_trash(trash);
                    }
                    self.appeared(&dir, name);
                    self.nodes.changed(parent);
                    self.enter(&dir, name, &self.under_linked(&dir, name, item))
                }
                Location::Named(from_parent, from_name) => {
                    let _held = self.locks.change(&[*from_parent, parent]);
                    let from = self.nodes.view(*from_parent)?;
                    let dir = self.nodes.view(parent)?;
                    let under = self.under(&from, from_name)?;
                    if self.node_under(&from, from_name, &under) != Some(node)
                        || dir.prepared < Prepared::Dirty
                        || !self.is_free(&dir, name, &mut free)?
                    {
                        continue;
                    }
                    let what = What::Linked { to: dir.path.join(name) };
                    let Under::OnDisk(item) = under else { continue };
                    let kind = item.state.kind().ok_or(ErrorKind::NotFound)?;
                    self.record(context, from.path.join(from_name), kind, what)?;
                    self.store.link(Place::Named(&from.path, from_name), &dir.path, name)?;
                    self.nodes.linked(node, parent, name);
                    self.appeared(&dir, name);
                    self.nodes.changed(parent);
                    self.enter(&dir, name, &self.under_linked(&dir, name, *item))
                }
            };
            return match linked {
                Some(entry) => Ok(entry),
                None => missing(),
            };
        }
    }

    /// What is under a name that an item has just got. That has happened: if it cannot be looked at, it is as it was before,
    /// with one name more.
    fn under_linked(&self, dir: &DirView, name: &ItemName, before: Item) -> Under {
        self.under(dir, name).unwrap_or_else(|error| {
            tracing::warn!(%error, "an item that was linked cannot be looked at");
            let links = before.stat.links + 1;
            Under::OnDisk(Box::new(Item { stat: Stat { links, ..before.stat }, ..before }))
        })
    }
}
