//! `HandleTable`: open files and directories.

use std::collections::HashMap;
use std::collections::HashSet;

use projfs_store::Access;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::NodeId;

use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::ranges::RangeFile;

/// An open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HandleId(pub u64);

/// What is known of an open file.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) node: NodeId,
    pub(crate) access: Access,
    /// Of a file that came in parts when it was opened.
    pub(crate) ranges: Option<Arc<RangeFile>>,
}

impl Handle {
    /// The file that comes in parts, as long as it does.
    pub(crate) fn parts(&self) -> Option<&Arc<RangeFile>> {
        self.ranges.as_ref().filter(|file| !file.is_settled())
    }
}

/// Open files. A leaf lock.
#[derive(Default)]
pub(crate) struct HandleTable {
    handles: Mutex<Handles>,
}

#[derive(Default)]
struct Handles {
    next: u64,
    open: HashMap<HandleId, Handle>,
}

impl HandleTable {
    pub(crate) fn insert(&self, handle: Handle) -> HandleId {
        let mut handles = self.handles.lock();
        handles.next += 1;
        let id = HandleId(handles.next);
        handles.open.insert(id, handle);
        id
    }

    pub(crate) fn get(&self, id: HandleId) -> Result<Handle> {
        Ok(self.handles.lock().open.get(&id).ok_or(ErrorKind::BadHandle)?.clone())
    }

    pub(crate) fn remove(&self, id: HandleId) -> Option<Handle> {
        self.handles.lock().open.remove(&id)
    }

    /// What an open file without a name still reads. There are few, so they are searched for.
    pub(crate) fn ranges_of(&self, node: NodeId) -> Option<Arc<RangeFile>> {
        let handles = self.handles.lock();
        let mut known = handles.open.values().filter(|handle| handle.node == node);
        known.find_map(|handle| handle.ranges.clone())
    }

    /// What is open for writing.
    pub(crate) fn writing(&self) -> HashSet<NodeId> {
        let handles = self.handles.lock();
        let writing = handles.open.values().filter(|handle| handle.access == Access::ReadWrite);
        writing.map(|handle| handle.node).collect()
    }

    /// How many files are open.
    pub(crate) fn len(&self) -> usize {
        self.handles.lock().open.len()
    }
}
