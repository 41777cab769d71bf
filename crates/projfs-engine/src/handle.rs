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
use crate::ledger::HandleRecord;
use crate::ledger::Ledger;
use crate::notify::OpenVisit;

/// How many numbers one process may give before those of the next begin.
const GENERATION: u64 = (1 << 40) - 1;

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
    /// The kernel's number for the request that opened it.
    pub(crate) request: u64,
    /// What a sync through another handle of the file failed with. The file system below says it once, and everybody who
    /// has the file open is to hear it.
    pub(crate) unsynced: Option<ErrorKind>,
}

impl Handle {
    fn record(&self) -> HandleRecord {
        let (node, access, request) = (self.node, self.access, self.request);
        HandleRecord { node, access, in_parts: self.ranges.is_some(), request }
    }

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
    ledger: Option<Arc<dyn Ledger>>,
}

impl HandleTable {
    pub(crate) fn insert(&self, handle: Handle) -> HandleId {
        let mut handles = self.handles.lock();
        let id = handles.reserve();
        if let Some(ledger) = &handles.ledger {
            ledger.handle(id, Some(&handle.record()));
        }
        handles.open.insert(id, handle);
        id
    }

    /// Takes open files over from another process. New numbers begin beyond all that it can have given, those of
    /// directories among them, of which nothing is taken down.
    pub(crate) fn restore(&self, taken: impl IntoIterator<Item = (HandleId, Handle)>) {
        let mut handles = self.handles.lock();
        handles.open.extend(taken);
        let last = handles.open.keys().map(|id| id.0).max().unwrap_or(0);
        handles.next = handles.next.max((last | GENERATION) + 1);
    }

    /// From here on, what is opened and closed is taken down; what is open is there already.
    pub(crate) fn keep(&self, ledger: Arc<dyn Ledger>) {
        self.handles.lock().ledger = Some(ledger);
    }

    /// Says again what is open.
    pub(crate) fn note_all(&self) {
        let handles = self.handles.lock();
        let Some(ledger) = &handles.ledger else { return };
        handles.open.iter().for_each(|(id, handle)| ledger.handle(*id, Some(&handle.record())));
    }

    /// What a request has opened.
    pub(crate) fn opened_by(&self, request: u64) -> Option<(HandleId, Handle)> {
        let handles = self.handles.lock();
        let mut by = handles.open.iter().filter(|(_, handle)| handle.request == request);
        by.next().map(|(id, handle)| (*id, handle.clone()))
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

    /// A sync of a file through one handle has failed: the others are told when they sync.
    pub(crate) fn sync_failed(&self, node: NodeId, told: HandleId, kind: ErrorKind) {
        let mut handles = self.handles.lock();
        for (_, handle) in handles.open.iter_mut().filter(|(id, handle)| handle.node == node && **id != told)
        {
            handle.unsynced.get_or_insert(kind);
        }
    }

    /// What a handle has still to be told of a sync through another.
    pub(crate) fn take_unsynced(&self, id: HandleId) -> Option<ErrorKind> {
        self.handles.lock().open.get_mut(&id)?.unsynced.take()
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
        let mut handles = self.handles.lock();
        let removed = handles.open.remove(&id);
        if let (Some(ledger), Some(_)) = (&handles.ledger, &removed) {
            ledger.handle(id, None);
        }
        removed
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
