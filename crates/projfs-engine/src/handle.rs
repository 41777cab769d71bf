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
use crate::notify::OpenVisit;

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
    /// Of a file of which the provider hears.
    pub(crate) visit: Option<OpenVisit>,
}

impl Handle {
    /// The file that comes in parts, as long as it does.
    pub(crate) fn parts(&self) -> Option<&Arc<RangeFile>> {
        self.ranges.as_ref().filter(|file| !file.is_settled())
    }
}

impl Handles {
    fn reserve(&mut self) -> HandleId {
        self.next += 1;
        HandleId(self.next)
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
        let id = handles.reserve();
        handles.open.insert(id, handle);
        id
    }

    /// A number that no handle has or will have.
    pub(crate) fn reserve(&self) -> HandleId {
        self.handles.lock().reserve()
    }

    /// The provider hears of an open file until it is closed.
    pub(crate) fn keep_visit(&self, id: HandleId, visit: OpenVisit) {
        if let Some(handle) = self.handles.lock().open.get_mut(&id) {
            handle.visit = Some(visit);
        }
    }

    /// Attributes of a node were changed.
    pub(crate) fn touch(&self, node: NodeId) {
        for handle in self.handles.lock().open.values().filter(|handle| handle.node == node) {
            if let Some(visit) = &handle.visit {
                visit.touch();
            }
        }
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
