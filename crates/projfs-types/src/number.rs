//! `Number` and `NodeId`: two names of an item, derived from one identity by two functions.

use twox_hash::XxHash3_64;

use crate::Life;
use crate::OriginBuf;

/// What `st_ino` shows: the same from first sight of an item to its end.
///
/// A projected item's is a hash of its origin with the top bit set; a local item's is its file's inode
/// number in the store, whose top bit is clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(pub u64);

/// What the kernel calls an item (`nodeid` of the FUSE protocol). Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u64);

const PROJECTED: u64 = 1 << 63;

impl Number {
    /// The number of the item that the provider calls `origin`.
    pub fn of_origin(origin: &OriginBuf) -> Self {
        let hash = match origin.life() {
            Life::FIRST => XxHash3_64::oneshot(origin.as_bytes()),
            // Not as a seed: of short paths, one seeded with a small number has the hash of another.
            _ => XxHash3_64::oneshot(&origin.to_bytes()),
        };
        Self(hash | PROJECTED)
    }

    /// The number of a local item, from the inode number of its file in the store.
    pub fn of_inode(inode: u64) -> Self {
        Self(inode & !PROJECTED)
    }

    /// Whether the item was, at first sight, the provider's.
    pub fn is_projected(self) -> bool {
        self.0 & PROJECTED != 0
    }
}

impl NodeId {
    /// The root (`FUSE_ROOT_ID`).
    pub const ROOT: Self = Self(1);

    /// The node id that an item's number leads to. `attempt` counts the ids that were taken already.
    pub fn of_number(number: Number, attempt: u64) -> Self {
        let seed = 0x6e6f_6465_6964_0000_u64.wrapping_add(attempt);
        let id = XxHash3_64::oneshot_with_seed(seed, &number.0.to_le_bytes());
        Self(if id <= Self::ROOT.0 { id + 2 } else { id })
    }
}
