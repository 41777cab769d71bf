//! What the kernel is asked not to send, and how long it may keep what it was told.

use rustix::io::Errno;

use crate::wire::abi::Opcode;
use crate::wire::init::Negotiated;
use crate::wire::reply::Lifetime;

/// Lifetimes and flags of one mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether listings change only when we say so.
    pub listings: Listings,
    /// Whether somebody wants to hear of every directory that is opened; costs a request each.
    pub directory_opens: bool,
    /// Whether `statx` shows the time of creation; costs a request where the plain attributes are known already.
    pub birth_time: bool,
    /// How long a name leads to its item.
    pub entries: Lifetime,
    /// How long attributes hold.
    pub attributes: Lifetime,
    /// How long a name that leads nowhere is remembered.
    pub negatives: Lifetime,
}

/// Who decides when a listing is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listings {
    /// We do, by invalidating. The kernel then opens directories by itself and caches listings.
    Stable,
    /// The provider's content changes by itself: every listing is asked for.
    Changing,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            listings: Listings::Stable,
            directory_opens: false,
            birth_time: false,
            entries: Lifetime::Forever,
            attributes: Lifetime::Forever,
            negatives: Lifetime::Forever,
        }
    }
}

impl Policy {
    /// The answer that makes the kernel do without an operation from then on; `None` if it is served.
    pub fn declines(&self, opcode: Opcode, negotiated: &Negotiated) -> Option<Errno> {
        let declined = match opcode {
            // Permissions are checked by the kernel (`default_permissions`).
            Opcode::Access => true,
            // Nothing is written late, so a close has nothing to wait for.
            Opcode::Flush => true,
            Opcode::Statx => !self.birth_time,
            Opcode::Opendir => {
                self.listings == Listings::Stable && !self.directory_opens && negotiated.no_opendir
            }
            _ => false,
        };
        declined.then_some(Errno::NOSYS)
    }
}
