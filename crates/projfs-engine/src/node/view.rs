//! What is known of a node, at the moment of asking.

use projfs_store::TrashId;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::RelPathBuf;

/// What was done to a directory for the sake of what is in it. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Prepared {
    /// Nothing: it may be virtual.
    Virtual,
    /// It is a placeholder, or full.
    Pinned,
    /// It is in the tree.
    OnDisk,
    /// It is in the tree, and marked dirty unless it is full.
    Dirty,
}

/// A directory, at the moment of asking.
#[derive(Clone, Debug)]
pub(crate) struct DirView {
    pub(crate) node: NodeId,
    /// Where it is in the store.
    pub(crate) path: RelPathBuf,
    /// Where in the projection its entries are; nothing for a full directory.
    pub(crate) projection: Option<OriginBuf>,
    pub(crate) prepared: Prepared,
}

/// Where a node is, at the moment of asking.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    Root,
    Named(NodeId, ItemNameBuf),
    Trash(TrashId),
}

/// What a node is made from.
pub(crate) struct Seen<'a> {
    pub(crate) parent: NodeId,
    pub(crate) name: &'a ItemName,
    pub(crate) number: Number,
    pub(crate) kind: ItemKind,
    /// Whether it may have other names.
    pub(crate) links: Links,
    /// Of a directory.
    pub(crate) projection: Option<OriginBuf>,
    pub(crate) prepared: Prepared,
}

/// Whether an item may have more names than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// It has one. Another item with its number is another: one that is projected again where this one came from.
    One,
    /// It has several.
    Several,
}

impl Links {
    /// Whether an item of this kind, with this count, has several.
    pub(crate) fn of(kind: ItemKind, links: u32) -> Self {
        if kind != ItemKind::Directory && links > 1 { Self::Several } else { Self::One }
    }
}
