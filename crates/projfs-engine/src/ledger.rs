//! `Ledger`: what another process would have to know to go on with the nodes and open files that the kernel refers to.

use std::collections::HashMap;
use std::fmt;

use projfs_store::Access;
use projfs_store::TrashId;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::OriginBuf;

use crate::handle::HandleId;

/// Takes down what the kernel refers to, as it changes. Each call says all there is to say of its subject and replaces
/// what was said of it before; none waits, and none fails: what cannot be taken down costs the next process that subject.
///
/// The count of lookups that is taken down is never lower than the kernel's: it is taken down before an answer that
/// raises it, and after a `FORGET` that lowers it.
pub trait Ledger: Send + Sync + 'static {
    /// A node is so now; nothing if it is not referred to any more.
    fn node(&self, id: NodeId, node: Option<&NodeRecord>);
    /// An open file is so now; nothing if it is closed.
    fn handle(&self, id: HandleId, handle: Option<&HandleRecord>);
    /// The exchange of two names that this request (`unique`) asked for has happened.
    fn exchanged(&self, request: u64);
}

/// What is taken down of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRecord {
    /// What `st_ino` shows.
    pub number: Number,
    /// What it is.
    pub kind: ItemKind,
    /// The names by which it was seen, the latest first; none once it was removed.
    pub names: Vec<(NodeId, ItemNameBuf)>,
    /// Where a removed file's content is, while it is open.
    pub trash: Option<TrashId>,
    /// Whether it may have several names.
    pub several: bool,
    /// How often the kernel looked it up, at least.
    pub lookups: u64,
    /// Of a directory.
    pub directory: Option<DirectoryRecord>,
}

/// What is taken down of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRecord {
    /// Where in the projection its entries are; nothing for a full directory.
    pub projection: Option<OriginBuf>,
    /// How much was done to it for the sake of what is in it: 0 to 3.
    pub prepared: u8,
}

/// What is taken down of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandleRecord {
    /// The file.
    pub node: NodeId,
    /// What it is open for.
    pub access: Access,
    /// Whether its content came in parts when it was opened.
    pub in_parts: bool,
    /// The request (`unique`) that opened it.
    pub request: u64,
}

/// What was taken down by a process that has died.
#[derive(Clone, Default)]
pub struct Remembered {
    /// The nodes, without the root.
    pub nodes: HashMap<NodeId, NodeRecord>,
    /// The open files.
    pub handles: HashMap<HandleId, HandleRecord>,
    /// Requests whose exchange of names has happened.
    pub exchanged: Vec<u64>,
    /// Where the journal was when the connection to the kernel began. Requests are numbered anew for each connection.
    pub since: Option<Cursor>,
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, handles) = (self.nodes.len(), self.handles.len());
        f.debug_struct("Remembered").field("nodes", &nodes).field("handles", &handles).finish_non_exhaustive()
    }
}
