//! What is taken down of the nodes, and a table made of it.

use std::collections::HashMap;

use projfs_store::TrashId;
use projfs_sync::Arc;
use projfs_sync::atomic::Ordering;
use projfs_types::ItemKind;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::Number;

use super::DirectoryNode;
use super::Links;
use super::Node;
use super::NodeTable;
use super::Prepared;
use super::add_child;
use crate::ledger::DirectoryRecord;
use crate::ledger::Ledger;
use crate::ledger::NodeRecord;
use crate::node::names::Names;

const LEVELS: [Prepared; 4] = [Prepared::Virtual, Prepared::Pinned, Prepared::OnDisk, Prepared::Dirty];

impl Node {
    /// What is taken down of it.
    pub(super) fn record(&self) -> NodeRecord {
        let level = |prepared| LEVELS.iter().position(|level| *level == prepared).unwrap_or(0);
        NodeRecord {
            number: self.number,
            kind: self.kind,
            names: self.names.iter().map(|(parent, name)| (parent, name.to_owned())).collect(),
            trash: self.trash,
            several: self.links == Links::Several,
            lookups: self.lookups,
            directory: self.directory.as_deref().map(|directory| DirectoryRecord {
                projection: directory.projection.clone(),
                prepared: level(directory.prepared) as u8,
            }),
        }
    }

    fn of_record(record: NodeRecord) -> Self {
        let directory = record.directory.map(|directory| {
            let prepared = LEVELS.get(usize::from(directory.prepared)).copied().unwrap_or(Prepared::Virtual);
            DirectoryNode::new(directory.projection, prepared)
        });
        Self {
            number: record.number,
            kind: record.kind,
            names: Names::of(record.names),
            trash: record.trash,
            links: if record.several { Links::Several } else { Links::One },
            lookups: record.lookups,
            opens: 0,
            children: 0,
            directory: directory.filter(|_| record.kind == ItemKind::Directory),
        }
    }
}

impl NodeTable {
    /// Takes nodes over from another process. Nothing uses the table yet.
    pub(crate) fn restore(&self, records: impl IntoIterator<Item = (NodeId, NodeRecord)>) {
        let mut nodes = self.nodes.lock();
        for (id, record) in records {
            let attempt =
                (0..).position(|attempt| attempt == 64 || NodeId::of_number(record.number, attempt) == id);
            self.attempts.fetch_max(attempt.unwrap_or(0) as u64 + 1, Ordering::Relaxed);
            nodes.known.insert(id, Node::of_record(record));
        }
        let parents: Vec<NodeId> = nodes.known.values().flat_map(|node| node.names.parents()).collect();
        for parent in parents {
            add_child(&mut nodes, parent);
        }
        let ids: Vec<NodeId> = nodes.known.keys().copied().collect();
        ids.into_iter().for_each(|id| nodes.place(id));
    }

    /// From here on, what nodes become is taken down; what they are is there already.
    pub(crate) fn keep(&self, ledger: Arc<dyn Ledger>) {
        self.nodes.lock().ledger = Some(ledger);
    }

    /// Says again what all nodes are.
    pub(crate) fn note_all(&self) {
        let nodes = self.nodes.lock();
        nodes.known.keys().for_each(|id| nodes.note(*id));
    }

    /// The directories, each after the one that it is in, with their latest names.
    pub(crate) fn directories(&self) -> Vec<(NodeId, NodeId, ItemNameBuf)> {
        let nodes = self.nodes.lock();
        let depth = |mut id: NodeId| {
            let mut depth = 0_usize;
            while let Some((parent, _)) = nodes.get(&id).and_then(|node| node.names.first()) {
                (id, depth) = (parent, depth + 1);
            }
            depth
        };
        let directories = nodes.known.iter().filter(|(_, node)| node.directory.is_some());
        let mut named: Vec<_> = directories
            .filter_map(|(id, node)| {
                node.names.first().map(|(parent, name)| (depth(*id), *id, parent, name.to_owned()))
            })
            .collect();
        named.sort_by_key(|(depth, ..)| *depth);
        named.into_iter().map(|(_, id, parent, name)| (id, parent, name)).collect()
    }

    /// Every name by which a node is known.
    pub(crate) fn index(&self) -> HashMap<(NodeId, ItemNameBuf), Vec<(NodeId, Number)>> {
        let nodes = self.nodes.lock();
        let mut index: HashMap<_, Vec<_>> = HashMap::with_capacity(nodes.known.len());
        for (id, node) in &nodes.known {
            for (parent, name) in node.names.iter() {
                index.entry((parent, name.to_owned())).or_default().push((*id, node.number));
            }
        }
        index
    }

    /// Takes from the nodes that no open file refers to what they have in the trash.
    pub(crate) fn unopened_trash(&self) -> Vec<TrashId> {
        let mut nodes = self.nodes.lock();
        let unopened = nodes.known.iter_mut().filter(|(_, node)| node.opens == 0);
        let taken: Vec<_> = unopened.filter_map(|(id, node)| Some((*id, node.trash.take()?))).collect();
        taken.iter().for_each(|(id, _)| nodes.note(*id));
        taken.into_iter().map(|(_, trash)| trash).collect()
    }

    /// What nodes have in the trash.
    pub(crate) fn trashed(&self) -> Vec<TrashId> {
        self.nodes.lock().known.values().filter_map(|node| node.trash).collect()
    }

    /// Something in the trash is what an open file of this number reads. False if there is no such file.
    pub(crate) fn bury(&self, number: Number, trash: TrashId) -> bool {
        let mut nodes = self.nodes.lock();
        let open = |node: &Node| {
            node.number == number && node.opens > 0 && node.trash.is_none() && node.names.is_empty()
        };
        let Some(id) = nodes.known.iter().find(|(_, node)| open(node)).map(|(id, _)| *id) else {
            return false;
        };
        if let Some(node) = nodes.get_mut(&id) {
            node.trash = Some(trash);
        }
        nodes.note(id);
        true
    }
}
