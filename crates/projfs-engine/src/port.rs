//! What the engine needs from the floor above it, and what an operation is given.

use projfs_provider::CancelToken;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;

/// Tells the kernel that what it cached is stale. Called after the change; never waits.
pub trait KernelCache: Send + Sync + 'static {
    /// What `name` leads to has changed.
    fn entry_changed(&self, parent: NodeId, name: &ItemName);
    /// The attributes of an item have changed, its content has not.
    fn attributes_changed(&self, node: NodeId);
    /// The item has another content, in another file: nothing that was kept of it is valid.
    fn content_changed(&self, node: NodeId);
    /// An item is gone, and nothing is there in its place.
    fn item_gone(&self, parent: NodeId, node: NodeId, name: &ItemName) {
        let _ = node;
        self.entry_changed(parent, name);
    }
    /// The kernel refers to a node no more, and its id may be another item's next. Called with a lock held.
    fn node_gone(&self, node: NodeId) {
        let _ = node;
    }
    /// What any name leads to may have changed, that it leads nowhere included. False if the kernel cannot be told so
    /// (before Linux 6.16), and has to be told of each name.
    fn names_changed(&self) -> bool {
        false
    }
}

/// How long an operation may wait.
#[derive(Clone, Copy, Debug)]
pub enum Patience<'a> {
    /// Not at all: it fails with [`ErrorKind::WouldWait`](crate::ErrorKind::WouldWait), and has changed nothing.
    None,
    /// Until this is set.
    Until(&'a CancelToken),
}

/// On whose behalf an operation runs, and how long it may wait.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The process.
    pub caller: Caller,
    /// How long it may wait.
    pub patience: Patience<'a>,
    /// The kernel's number for the request (`unique`); 0 if there is none.
    pub request: u64,
}
