//! Which directories show a path of the projection.
//!
//! Most are where the projection has them, and are found from there by their numbers. The others are listed: what was moved,
//! what was made here, and what is shown under a name that something else has left.

use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::RelPath;

use super::NodeTable;
use super::Nodes;
use super::Prepared;

impl NodeTable {
    /// A directory is the provider's, or full, in another way than before.
    pub(crate) fn provide(&self, id: NodeId, projection: Option<OriginBuf>, prepared: Prepared) {
        let mut nodes = self.nodes.lock();
        if let Some(directory) = nodes.get_mut(&id).and_then(|node| node.directory.as_deref_mut()) {
            let before = std::mem::replace(&mut directory.projection, projection);
            directory.prepared = prepared;
            directory.changes += 1;
            nodes.misplace(id, before);
            nodes.place(id);
        }
        nodes.note(id);
    }

    /// The directories whose entries are those of `path` in the projection.
    pub(crate) fn showing(&self, path: &RelPath) -> Vec<NodeId> {
        let nodes = self.nodes.lock();
        let mut found = Vec::new();
        let mut above = path;
        loop {
            let away = nodes.away.get(above).into_iter().flatten().copied();
            let starts = away.chain(above.is_root().then_some(NodeId::ROOT));
            let below = path.strip_prefix(above).unwrap_or(RelPath::root());
            found.extend(starts.filter_map(|start| self.down(&nodes, start, below)));
            match above.split_last() {
                Some((parent, _)) => above = parent,
                None => break,
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The directory at a path below another, where the projection has it.
    fn down(&self, nodes: &Nodes, start: NodeId, path: &RelPath) -> Option<NodeId> {
        let mut origin = nodes.projection(start)?.clone();
        let mut at = start;
        for name in path.components() {
            origin = OriginBuf::new(origin.join(name), origin.life());
            let number = Number::of_origin(&origin);
            at = self.ids(number).find(|id| {
                nodes.get(id).is_some_and(|node| node.number == number && node.names.contains(at, name))
            })?;
        }
        nodes.projection(at).map(|_| at)
    }
}

impl Nodes {
    fn projection(&self, id: NodeId) -> Option<&OriginBuf> {
        self.get(&id)?.directory.as_deref()?.projection.as_ref()
    }

    /// Lists a directory, if what it shows does not follow from where it is.
    pub(super) fn place(&mut self, id: NodeId) {
        let Some(node) = self.get(&id) else { return };
        let Some(directory) = node.directory.as_deref().filter(|directory| !directory.is_away) else {
            return;
        };
        let (Some(projection), Some((parent, name))) = (&directory.projection, node.names.first()) else {
            return;
        };
        let is_home = self.projection(parent).is_some_and(|above| {
            above.life() == projection.life() && projection.split_last() == Some((&**above, name))
        });
        if is_home && node.number == Number::of_origin(projection) {
            return;
        }
        let path = projection.path().clone();
        if let Some(directory) = self.get_mut(&id).and_then(|node| node.directory.as_deref_mut()) {
            directory.is_away = true;
        }
        self.away.entry(path).or_default().push(id);
    }

    /// A directory does not show any more what it did.
    pub(super) fn misplace(&mut self, id: NodeId, before: Option<OriginBuf>) {
        if let Some(directory) = self.get_mut(&id).and_then(|node| node.directory.as_deref_mut()) {
            directory.is_away = false;
        }
        let Some(before) = before else { return };
        if let Some(away) = self.away.get_mut(&*before) {
            away.retain(|known| *known != id);
            if away.is_empty() {
                self.away.remove(&*before);
            }
        }
    }
}
