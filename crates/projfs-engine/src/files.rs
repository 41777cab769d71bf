//! `OpenFiles`: the store's files that are open now, by node; closed again when there are too many.

use std::collections::HashMap;

use projfs_store::Access;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::NodeId;

/// The store's files that are open now. A handle does not hold a descriptor: it finds the file here, or opens it
/// again. A leaf lock.
pub(crate) struct OpenFiles {
    capacity: usize,
    files: Mutex<Files>,
}

#[derive(Default)]
struct Files {
    open: HashMap<NodeId, OpenFile>,
    /// Counts uses: the smallest was used longest ago.
    clock: u64,
}

struct OpenFile {
    file: Arc<dyn StoreFile>,
    access: Access,
    used: u64,
}

impl OpenFiles {
    /// At most `capacity` files stay open.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(2), files: Mutex::default() }
    }

    /// The file of a node, if it is open for as much.
    pub(crate) fn get(&self, node: NodeId, access: Access) -> Option<Arc<dyn StoreFile>> {
        let mut files = self.files.lock();
        files.clock += 1;
        let clock = files.clock;
        let open = files.open.get_mut(&node)?;
        if access == Access::ReadWrite && open.access == Access::Read {
            return None;
        }
        open.used = clock;
        Some(Arc::clone(&open.file))
    }

    pub(crate) fn insert(&self, node: NodeId, file: Arc<dyn StoreFile>, access: Access) {
        let mut files = self.files.lock();
        files.clock += 1;
        let used = files.clock;
        files.open.insert(node, OpenFile { file, access, used });
        if files.open.len() > self.capacity {
            // A quarter at once, so that finding the oldest is not done for every file.
            let mut uses: Vec<u64> = files.open.values().map(|open| open.used).collect();
            let quarter = uses.len() / 4;
            let (_, &mut limit, _) = uses.select_nth_unstable(quarter);
            files.open.retain(|_, open| open.used > limit);
        }
    }

    pub(crate) fn remove(&self, node: NodeId) {
        self.files.lock().open.remove(&node);
    }
}
