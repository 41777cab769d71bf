//! `NodeTable`: what the kernel, or an open handle, still refers to.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use projfs_store::TrashId;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::RelPathBuf;

use super::hasher::IdHasher;
use super::names::Names;
pub(crate) use super::view::DirView;
pub(crate) use super::view::Links;
pub(crate) use super::view::Location;
pub(crate) use super::view::Prepared;
pub(crate) use super::view::Seen;
use crate::enumerate::Snapshot;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::ledger::Ledger;

/// What is done when a node goes. It may take leaf locks.
pub(crate) type Gone = Box<dyn Fn(NodeId) + Send + Sync>;

/// What the kernel, or an open handle, still refers to. A leaf lock.
pub(crate) struct NodeTable {
    nodes: Mutex<Nodes>,
    /// Called when a node goes, before its id can lead to another item: what is kept by the id goes with it.
    gone: Gone,
    /// The most ids that were tried for one number so far. Ids before a taken one come free again, so all are looked at.
    attempts: AtomicU64,
}

pub(super) struct Node {
    number: Number,
    kind: ItemKind,
    /// Names by which the item was seen, the latest first; empty once it was removed.
    names: Names,
    /// Where a removed item's content is, while it is open.
    trash: Option<TrashId>,
    links: Links,
    lookups: u64,
    opens: u32,
    /// How many nodes have this one as their parent: they find their path through it.
    children: u32,
    directory: Option<Box<DirectoryNode>>,
}

/// What is known of a directory.
#[derive(Clone)]
struct DirectoryNode {
    /// Where in the projection its entries are; nothing for a full directory.
    projection: Option<OriginBuf>,
    prepared: Prepared,
    /// Counts changes of its names and of what they lead to.
    changes: u64,
    snapshot: Option<Arc<Snapshot>>,
    /// How many of its directories were listed.
    listed: u32,
    /// Somebody walks the tree, and has come here.
    walked: bool,
    /// Its place and its number do not say what it shows.
    is_away: bool,
}

impl DirectoryNode {
    fn new(projection: Option<OriginBuf>, prepared: Prepared) -> Box<Self> {
        Box::new(Self {
            projection,
            prepared,
            changes: 0,
            snapshot: None,
            listed: 0,
            walked: false,
            is_away: false,
        })
    }
}

impl NodeTable {
    /// A table with the root in it, which never leaves.
    pub(crate) fn new(root: Number, gone: Gone) -> Self {
        let root = Node {
            number: root,
            kind: ItemKind::Directory,
            names: Names::None,
            trash: None,
            links: Links::One,
            lookups: 1,
            opens: 0,
            children: 0,
            directory: Some(DirectoryNode::new(Some(OriginBuf::root()), Prepared::Dirty)),
        };
        let mut nodes = Nodes::default();
        nodes.known.insert(NodeId::ROOT, root);
        Self { nodes: Mutex::new(nodes), gone, attempts: AtomicU64::new(1) }
    }

    /// The node of an item that was seen under a name, referred to `lookups` more times by the kernel.
    pub(crate) fn insert(&self, seen: Seen<'_>, lookups: u64) -> NodeId {
        let mut nodes = self.nodes.lock();
        // An item that was removed keeps its node to itself, although its number may be given again.
        let known = self.ids(seen.number).find(|id| {
            nodes.get(id).is_some_and(|node| {
                let shared = (node.links, seen.links) == (Links::Several, Links::Several);
                node.number == seen.number && (node.names.contains(seen.parent, seen.name) || shared)
            })
        });
        if let Some(id) = known.filter(|id| nodes.get(id).is_some_and(|node| node.kind != seen.kind)) {
            // The provider has another item there by now.
            drop_name(&mut nodes, &self.gone, id, seen.parent, seen.name);
            drop(nodes);
            return self.insert(seen, lookups);
        }
        if let Some(id) = known
            && let Some(node) = nodes.get_mut(&id)
        {
            node.lookups += lookups;
            node.links = seen.links;
            if let Some(directory) = &mut node.directory {
                directory.prepared = directory.prepared.max(seen.prepared);
            }
            if node.names.add(seen.parent, seen.name) {
                add_child(&mut nodes, seen.parent);
            }
            nodes.note(id);
            return id;
        }
        let id = self.free_id(&nodes, seen.number);
        let directory =
            (seen.kind == ItemKind::Directory).then(|| DirectoryNode::new(seen.projection, seen.prepared));
        nodes.known.insert(
            id,
            Node {
                number: seen.number,
                kind: seen.kind,
                names: Names::One(seen.parent, seen.name.to_owned()),
                trash: None,
                links: seen.links,
                lookups,
                opens: 0,
                children: 0,
                directory,
            },
        );
        add_child(&mut nodes, seen.parent);
        nodes.place(id);
        nodes.note(id);
        id
    }

    /// A node for a file without a name.
    pub(crate) fn insert_nameless(&self, number: Number, trash: TrashId, lookups: u64) -> NodeId {
        let mut nodes = self.nodes.lock();
        let id = self.free_id(&nodes, number);
        let node = Node {
            number,
            kind: ItemKind::File,
            names: Names::None,
            trash: Some(trash),
            links: Links::One,
            lookups,
            opens: 0,
            children: 0,
            directory: None,
        };
        nodes.known.insert(id, node);
        nodes.note(id);
        id
    }

    /// Where a node is.
    pub(crate) fn location(&self, id: NodeId) -> Result<Location> {
        if id == NodeId::ROOT {
            return Ok(Location::Root);
        }
        let nodes = self.nodes.lock();
        let node = nodes.get(&id).ok_or(ErrorKind::Stale)?;
        match (node.names.first(), node.trash) {
            (Some((parent, name)), _) => Ok(Location::Named(parent, name.to_owned())),
            (None, Some(trash)) => Ok(Location::Trash(trash)),
            (None, None) => Err(ErrorKind::NotFound.into()),
        }
    }

    /// A directory as it is now.
    pub(crate) fn view(&self, id: NodeId) -> Result<DirView> {
        let nodes = self.nodes.lock();
        let node = nodes.get(&id).ok_or(ErrorKind::Stale)?;
        let directory = node.directory.as_deref().ok_or(ErrorKind::NotDirectory)?;
        let (projection, prepared) = (directory.projection.clone(), directory.prepared);
        Ok(DirView { node: id, path: path(&nodes, id)?, projection, prepared })
    }

    /// The path of a node in the store.
    pub(crate) fn path(&self, id: NodeId) -> Result<RelPathBuf> {
        path(&self.nodes.lock(), id)
    }

    pub(crate) fn kind(&self, id: NodeId) -> Result<ItemKind> {
        Ok(self.nodes.lock().get(&id).ok_or(ErrorKind::Stale)?.kind)
    }

    pub(crate) fn number(&self, id: NodeId) -> Result<Number> {
        Ok(self.nodes.lock().get(&id).ok_or(ErrorKind::Stale)?.number)
    }

    /// The node under a name, if it is known.
    pub(crate) fn named(&self, parent: NodeId, name: &ItemName, number: Number) -> Option<NodeId> {
        let nodes = self.nodes.lock();
        self.ids(number).find(|id| {
            nodes.get(id).is_some_and(|node| node.number == number && node.names.contains(parent, name))
        })
    }

    /// The ids that the nodes of a number may have.
    fn ids(&self, number: Number) -> impl Iterator<Item = NodeId> {
        (0..self.attempts.load(Ordering::Relaxed)).map(move |attempt| NodeId::of_number(number, attempt))
    }

    /// An id for one more node of a number. The table is locked, and so is the count of attempts.
    fn free_id(&self, nodes: &Nodes, number: Number) -> NodeId {
        let mut attempt = 0;
        loop {
            let id = NodeId::of_number(number, attempt);
            attempt += 1;
            if !nodes.known.contains_key(&id) {
                self.attempts.fetch_max(attempt, Ordering::Relaxed);
                return id;
            }
        }
    }

    /// Notes what was done to a directory for the sake of what is in it.
    pub(crate) fn set_prepared(&self, id: NodeId, prepared: Prepared) {
        let mut nodes = self.nodes.lock();
        if let Some(directory) = nodes.get_mut(&id).and_then(|node| node.directory.as_deref_mut()) {
            directory.prepared = directory.prepared.max(prepared);
        }
        nodes.note(id);
    }

    /// Notes that a name of a directory, or what it leads to, has changed.
    pub(crate) fn changed(&self, id: NodeId) {
        if let Some(directory) = self.nodes.lock().get_mut(&id).and_then(|node| node.directory.as_deref_mut())
        {
            directory.changes += 1;
        }
    }

    /// How often a directory changed so far, and the listing that was kept.
    pub(crate) fn snapshot(&self, id: NodeId) -> Result<(u64, Option<Arc<Snapshot>>)> {
        let nodes = self.nodes.lock();
        let node = nodes.get(&id).ok_or(ErrorKind::Stale)?;
        let directory = node.directory.as_deref().ok_or(ErrorKind::NotDirectory)?;
        Ok((directory.changes, directory.snapshot.clone()))
    }

    pub(crate) fn keep_snapshot(&self, id: NodeId, snapshot: Option<Arc<Snapshot>>) {
        if let Some(directory) = self.nodes.lock().get_mut(&id).and_then(|node| node.directory.as_deref_mut())
        {
            directory.snapshot = snapshot;
        }
    }

    /// Notes that a directory is listed. If somebody seems to walk the tree: the directory's parent and its name there.
    pub(crate) fn listed(&self, id: NodeId) -> Option<(NodeId, ItemNameBuf)> {
        let mut nodes = self.nodes.lock();
        let (parent, name) = nodes.get(&id)?.names.first().map(|(parent, name)| (parent, name.to_owned()))?;
        let above = nodes.get_mut(&parent)?.directory.as_deref_mut()?;
        above.listed += 1;
        let walked = above.walked || above.listed > 1;
        nodes.get_mut(&id)?.directory.as_deref_mut()?.walked = walked;
        walked.then_some((parent, name))
    }

    /// One more handle refers to the node.
    pub(crate) fn opened(&self, id: NodeId) {
        if let Some(node) = self.nodes.lock().get_mut(&id) {
            node.opens += 1;
        }
    }

    /// Whether a removed item's content must be kept: handles refer to it, and nothing else leads to it.
    pub(crate) fn needs_trash(&self, id: NodeId) -> bool {
        let nodes = self.nodes.lock();
        nodes.get(&id).is_some_and(|node| node.opens > 0 && node.trash.is_none() && !node.names.are_several())
    }

    /// Whether handles refer to the node.
    pub(crate) fn is_open(&self, id: NodeId) -> bool {
        self.nodes.lock().get(&id).is_some_and(|node| node.opens > 0)
    }

    /// One handle less refers to the node. What was kept in the trash for it, and now can go.
    pub(crate) fn closed(&self, id: NodeId) -> Option<TrashId> {
        let mut nodes = self.nodes.lock();
        let node = nodes.get_mut(&id)?;
        node.opens -= 1;
        let trash = if node.opens == 0 { node.trash.take() } else { None };
        if trash.is_some() {
            nodes.note(id);
        }
        drop_unused(&mut nodes, &self.gone, id);
        trash
    }

    /// The kernel refers to the node `lookups` times less.
    pub(crate) fn forget(&self, id: NodeId, lookups: u64) {
        if id == NodeId::ROOT {
            return;
        }
        let mut nodes = self.nodes.lock();
        if let Some(node) = nodes.get_mut(&id) {
            node.lookups = node.lookups.saturating_sub(lookups);
            nodes.note(id);
            drop_unused(&mut nodes, &self.gone, id);
        }
    }

    /// A node has lost a name; `trash` is where its content went, if it was kept. It comes back if nobody needs it any
    /// more.
    pub(crate) fn removed(
        &self,
        id: NodeId,
        parent: NodeId,
        name: &ItemName,
        trash: Option<TrashId>,
    ) -> Option<TrashId> {
        let mut nodes = self.nodes.lock();
        let Some(node) = nodes.get_mut(&id) else { return trash };
        let needless = if node.opens > 0 && node.trash.is_none() {
            node.trash = trash;
            None
        } else {
            trash
        };
        nodes.note(id);
        drop_name(&mut nodes, &self.gone, id, parent, name);
        needless
    }

    /// A node has one more name. What was in the trash for it need not be any more.
    pub(crate) fn linked(&self, id: NodeId, parent: NodeId, name: &ItemName) -> Option<TrashId> {
        let mut nodes = self.nodes.lock();
        let node = nodes.get_mut(&id)?;
        let trash = node.trash.take();
        node.links = if node.names.is_empty() { Links::One } else { Links::Several };
        if node.names.add(parent, name) {
            add_child(&mut nodes, parent);
        }
        nodes.note(id);
        trash
    }

    /// A node has another name instead of one.
    pub(crate) fn renamed(&self, id: NodeId, from: (NodeId, &ItemName), to: (NodeId, &ItemName)) {
        let mut nodes = self.nodes.lock();
        let Some(node) = nodes.get_mut(&id) else { return };
        let removed = node.names.remove(from.0, from.1);
        let added = node.names.add(to.0, to.1);
        if let Some(directory) = &mut node.directory {
            directory.prepared = directory.prepared.max(Prepared::OnDisk);
        }
        if added {
            add_child(&mut nodes, to.0);
        }
        nodes.place(id);
        nodes.note(id);
        if removed {
            remove_child(&mut nodes, &self.gone, from.0);
        }
    }

    /// Every node, and what it is.
    pub(crate) fn all(&self) -> Vec<(NodeId, ItemKind)> {
        self.nodes.lock().known.iter().map(|(id, node)| (*id, node.kind)).collect()
    }

    /// Every name of every node, with the directory that it is in.
    pub(crate) fn all_names(&self) -> Vec<(NodeId, ItemNameBuf)> {
        let nodes = self.nodes.lock();
        let names = nodes.known.values().flat_map(|node| node.names.iter());
        names.map(|(parent, name)| (parent, name.to_owned())).collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.lock().known.len()
    }
}

/// The nodes, and where is taken down what they are.
#[derive(Default)]
pub(super) struct Nodes {
    known: HashMap<NodeId, Node, BuildHasherDefault<IdHasher>>,
    ledger: Option<Arc<dyn Ledger>>,
    /// The directories whose place and number do not say what they show, by what they show.
    away: HashMap<RelPathBuf, Vec<NodeId>>,
}

impl Nodes {
    fn get(&self, id: &NodeId) -> Option<&Node> {
        self.known.get(id)
    }

    fn get_mut(&mut self, id: &NodeId) -> Option<&mut Node> {
        self.known.get_mut(id)
    }

    /// Takes down what a node is now, or that it is not any more.
    fn note(&self, id: NodeId) {
        if let Some(ledger) = self.ledger.as_deref()
            && id != NodeId::ROOT
        {
            ledger.node(id, self.known.get(&id).map(Node::record).as_ref());
        }
    }
}

fn path(nodes: &Nodes, mut id: NodeId) -> Result<RelPathBuf> {
    let mut names = Vec::new();
    while id != NodeId::ROOT {
        let node = nodes.get(&id).ok_or(ErrorKind::Stale)?;
        let (parent, name) = node.names.first().ok_or(ErrorKind::NotFound)?;
        names.push(name);
        id = parent;
    }
    Ok(names.into_iter().rev().collect())
}

fn drop_name(nodes: &mut Nodes, gone: &Gone, id: NodeId, parent: NodeId, name: &ItemName) {
    if nodes.get_mut(&id).is_some_and(|node| node.names.remove(parent, name)) {
        nodes.note(id);
        remove_child(nodes, gone, parent);
    }
    drop_unused(nodes, gone, id);
}

fn add_child(nodes: &mut Nodes, parent: NodeId) {
    if let Some(node) = nodes.get_mut(&parent) {
        node.children += 1;
    }
}

fn remove_child(nodes: &mut Nodes, gone: &Gone, parent: NodeId) {
    if let Some(node) = nodes.get_mut(&parent) {
        node.children -= 1;
        drop_unused(nodes, gone, parent);
    }
}

/// Drops a node that nothing refers to, and its parents for which that becomes true: in a loop, as trees may be deeper
/// than a stack.
fn drop_unused(nodes: &mut Nodes, gone: &Gone, id: NodeId) {
    let unused = |node: &Node| node.lookups == 0 && node.opens == 0 && node.children == 0;
    let mut pending = vec![id];
    while let Some(id) = pending.pop() {
        if id == NodeId::ROOT || !nodes.get(&id).is_some_and(unused) {
            continue;
        }
        let Some(mut node) = nodes.known.remove(&id) else { continue };
        if let Some(directory) = node.directory.as_deref_mut().filter(|directory| directory.is_away) {
            let projection = directory.projection.take();
            nodes.misplace(id, projection);
        }
        nodes.note(id);
        gone(id);
        for parent in node.names.parents() {
            if let Some(node) = nodes.get_mut(&parent) {
                node.children -= 1;
                pending.push(parent);
            }
        }
    }
}

mod kept;
mod shown;

#[cfg(test)]
mod tests;
