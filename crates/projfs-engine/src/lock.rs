//! The namespace lock and the directory locks.
//!
//! Outermost is the namespace: shared by everything that goes by names, exclusive for renames that move a
//! directory. Below it are the directories: the lock of a directory guards the states of its items. There is
//! a fixed number of them, shared out by node id; several are always taken in ascending order and at once, so
//! there is no order between directories to get wrong. The tables' locks are below all of these.

use projfs_sync::Rank;
use projfs_sync::RwLock;
use projfs_sync::RwLockReadGuard;
use projfs_sync::RwLockWriteGuard;
use projfs_sync::rw_lock;
use projfs_types::NodeId;

const STRIPES: usize = 512;

/// The locks of one instance.
pub(crate) struct Locks {
    namespace: RwLock<()>,
    directories: Vec<RwLock<()>>,
}

/// What is held: proof, for those who need it, that names stay put.
pub(crate) struct Held<'a> {
    _directories: Directories<'a>,
    _namespace: Namespace<'a>,
}

#[expect(dead_code, reason = "guards are held, not read")]
enum Namespace<'a> {
    Shared(RwLockReadGuard<'a, ()>),
    Exclusive(RwLockWriteGuard<'a, ()>),
}

#[expect(dead_code, reason = "guards are held, not read")]
enum Directories<'a> {
    None,
    Shared(RwLockReadGuard<'a, ()>),
    Exclusive(Vec<RwLockWriteGuard<'a, ()>>),
}

impl Locks {
    pub(crate) fn new() -> Self {
        Self {
            namespace: rw_lock(Rank::Namespace, ()),
            directories: (0..STRIPES).map(|_| rw_lock(Rank::Directory, ())).collect(),
        }
    }

    /// To look at the items of a directory.
    pub(crate) fn look(&self, directory: NodeId) -> Held<'_> {
        let namespace = Namespace::Shared(self.namespace.read());
        Held {
            _directories: Directories::Shared(self.directories[stripe(directory)].read()),
            _namespace: namespace,
        }
    }

    /// To change items of these directories.
    pub(crate) fn change(&self, directories: &[NodeId]) -> Held<'_> {
        let namespace = Namespace::Shared(self.namespace.read());
        let mut stripes: Vec<_> = directories.iter().map(|&directory| stripe(directory)).collect();
        stripes.sort_unstable();
        stripes.dedup();
        let guards = stripes.into_iter().map(|stripe| self.directories[stripe].write()).collect();
        Held { _directories: Directories::Exclusive(guards), _namespace: namespace }
    }

    /// To move a directory: nothing else goes by names meanwhile.
    pub(crate) fn everything(&self) -> Held<'_> {
        Held { _directories: Directories::None, _namespace: Namespace::Exclusive(self.namespace.write()) }
    }
}

fn stripe(directory: NodeId) -> usize {
    usize::try_from(directory.0 % STRIPES as u64).unwrap_or_default()
}
