//! `IoTable`: the mode of every open file and its backing id, with the ids of closed files kept for the next open.
//!
//! An id costs the kernel an open file, not us a descriptor; making one costs 10 us. So they are kept, the least
//! recently used is closed first, and never one whose file is open in passthrough mode: the kernel would go on with the
//! old file and refuse the next open, which would bring another id.

use std::collections::HashMap;
use std::collections::HashSet;
use std::os::fd::BorrowedFd;

use projfs_engine::Access;
use projfs_engine::Coverage;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::NodeId;
use rustix::io::Errno;

use super::mode::BackingId;
use super::mode::IoMode;
use crate::takeover::IoRecord;
use crate::takeover::Memory;

/// Makes and closes backing ids: the device of a connection, or a stand-in for it.
pub trait BackingFiles: Send + Sync {
    /// Gives the kernel a file.
    ///
    /// # Errors
    /// `EPERM` without the privilege, `ELOOP` if too many file systems are stacked, among others.
    fn open(&self, file: BorrowedFd<'_>) -> Result<BackingId, Errno>;

    /// Takes an id back. Opens that use it are not disturbed.
    fn close(&self, id: BackingId);
}

/// How a file was opened, and how the open is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedAs {
    /// The kernel asks us for content.
    Cached,
    /// The kernel uses this file by itself.
    Passthrough(BackingId),
}

/// The modes of all open files, and their backing ids.
pub struct IoTable {
    /// Absent where passthrough is not in force.
    files: Option<Box<dyn BackingFiles>>,
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<NodeId, Node>,
    kept: usize,
    clock: u64,
    refused: bool,
    memory: Option<Arc<Memory>>,
}

#[derive(Default)]
struct Node {
    mode: IoMode,
    /// How many of the opens are for writing.
    writers: u32,
    backing: Option<BackingId>,
    /// An id made stale while in use: closed with the last open.
    stale: bool,
    used: u64,
}

impl IoTable {
    /// A table that keeps up to `limit` backing ids, plus those in use.
    pub fn new(files: Option<Box<dyn BackingFiles>>, limit: usize) -> Self {
        Self { files, limit, state: Mutex::new(State::default()) }
    }

    /// A table of a connection that outlives this process, with what the one before had in it: how the kernel reads
    /// files, and which are open, for what.
    pub(crate) fn kept(
        files: Option<Box<dyn BackingFiles>>,
        limit: usize,
        memory: Arc<Memory>,
        io: impl IntoIterator<Item = (NodeId, IoRecord)>,
        open: impl IntoIterator<Item = (NodeId, Access)>,
    ) -> Self {
        let mut state = State { memory: Some(memory), ..State::default() };
        let mut opens: HashMap<NodeId, (u32, u32)> = HashMap::new();
        for (node, how) in open {
            let count = opens.entry(node).or_default();
            *count = (count.0 + 1, count.1 + u32::from(how == Access::ReadWrite));
        }
        let io: HashMap<NodeId, IoRecord> = io.into_iter().collect();
        let nodes: HashSet<NodeId> = io.keys().chain(opens.keys()).copied().collect();
        for node in nodes {
            let (opens, writers) = opens.get(&node).copied().unwrap_or_default();
            let record = io.get(&node);
            let (backing, stale) = (record.and_then(|io| io.backing), record.is_some_and(|io| io.stale));
            let mode = match (opens, backing) {
                (0, _) => IoMode::Closed,
                // The record may be of before the first open, which was not answered then.
                (opens, Some(backing)) if record.is_some_and(|io| io.passes_through) => {
                    IoMode::Passthrough { opens, backing }
                }
                (opens, _) => IoMode::Cached { opens },
            };
            state.kept += usize::from(backing.is_some());
            state.nodes.insert(node, Node { mode, writers, backing, stale, used: 0 });
        }
        Self { files, limit, state: Mutex::new(state) }
    }

    /// Takes down again how the kernel reads every file.
    pub(crate) fn note_all(&self) {
        let state = self.state.lock();
        state.nodes.keys().for_each(|node| state.note(*node));
    }

    /// Counts one more open of `node` and says how to answer it. `file` opens the file in the store; it is called
    /// without a lock, and only if an id has to be made. Whatever goes wrong with the id, the open is a cached one.
    pub fn open<F: std::os::fd::AsFd>(
        &self,
        node: NodeId,
        coverage: Coverage,
        how: Access,
        file: impl FnOnce() -> Result<F, Errno>,
    ) -> OpenedAs {
        let fresh = match self.needs_id(node, coverage) {
            Some(files) => self.make_id(files, file),
            None => None,
        };
        let mut unwanted = Vec::new();
        let opened = {
            let mut state = self.state.lock();
            state.open(node, (coverage, how), fresh, &mut unwanted);
            state.trim(self.limit, &mut unwanted);
            state.opened_as(node)
        };
        self.close_ids(&unwanted);
        opened
    }

    /// Counts one close of `node`, at `RELEASE`, or at once if an open was counted and then not answered.
    pub fn close(&self, node: NodeId, how: Access) {
        let mut unwanted = Vec::new();
        {
            let mut state = self.state.lock();
            if let Some(entry) = state.nodes.get_mut(&node) {
                entry.mode = entry.mode.close();
                entry.writers = entry.writers.saturating_sub(u32::from(how == Access::ReadWrite));
                if entry.mode == IoMode::Closed {
                    let drop_id = entry.stale || entry.backing.is_none();
                    if drop_id {
                        state.remove(node, &mut unwanted);
                    }
                }
            }
            state.trim(self.limit, &mut unwanted);
        }
        self.close_ids(&unwanted);
    }

    /// Forgets the id of `node`, as its content is now in another file or the kernel has forgotten the node. An id in
    /// use goes with the last close.
    pub fn forget(&self, node: NodeId) {
        let mut unwanted = Vec::new();
        {
            let mut state = self.state.lock();
            match state.nodes.get_mut(&node) {
                None => {}
                Some(entry) if entry.mode == IoMode::Closed => state.remove(node, &mut unwanted),
                Some(entry) => {
                    entry.stale = true;
                    state.note(node);
                }
            }
        }
        self.close_ids(&unwanted);
    }

    /// The mode of `node` now.
    pub fn mode(&self, node: NodeId) -> IoMode {
        self.state.lock().nodes.get(&node).map(|entry| entry.mode).unwrap_or_default()
    }

    /// Whether `node` can change without anything being sent here: it is open for writing in passthrough mode.
    pub fn is_written_unseen(&self, node: NodeId) -> bool {
        let state = self.state.lock();
        let node = state.nodes.get(&node);
        node.is_some_and(|node| node.writers > 0 && matches!(node.mode, IoMode::Passthrough { .. }))
    }

    /// How many ids the kernel holds for us.
    pub fn ids(&self) -> usize {
        self.state.lock().kept
    }

    fn needs_id(&self, node: NodeId, coverage: Coverage) -> Option<&dyn BackingFiles> {
        let files = self.files.as_deref().filter(|_| coverage == Coverage::Whole)?;
        let state = self.state.lock();
        let known =
            state.nodes.get(&node).is_some_and(|node| node.mode != IoMode::Closed || node.backing.is_some());
        (!known && !state.refused).then_some(files)
    }

    fn make_id<F: std::os::fd::AsFd>(
        &self,
        files: &dyn BackingFiles,
        file: impl FnOnce() -> Result<F, Errno>,
    ) -> Option<BackingId> {
        match file().and_then(|file| files.open(file.as_fd())) {
            Ok(id) => Some(id),
            Err(errno) => {
                tracing::debug!(%errno, "no backing id: the file is read through the daemon");
                // Neither comes or goes with one file; asking again for each would cost every open a call.
                if matches!(errno, Errno::PERM | Errno::LOOP) {
                    self.state.lock().refused = true;
                }
                None
            }
        }
    }

    fn close_ids(&self, ids: &[BackingId]) {
        if let Some(files) = &self.files {
            ids.iter().for_each(|id| files.close(*id));
        }
    }
}

impl State {
    fn open(
        &mut self,
        node: NodeId,
        (coverage, how): (Coverage, Access),
        fresh: Option<BackingId>,
        unwanted: &mut Vec<BackingId>,
    ) {
        self.clock += 1;
        let entry = self.nodes.entry(node).or_default();
        entry.used = self.clock;
        match (entry.backing, fresh) {
            // Another open of this node was faster; its id is the one the kernel knows.
            (Some(_), Some(fresh)) => unwanted.push(fresh),
            (None, Some(fresh)) if entry.mode == IoMode::Closed => {
                entry.backing = Some(fresh);
                self.kept += 1;
            }
            (None, Some(fresh)) => unwanted.push(fresh),
            (_, None) => {}
        }
        entry.mode = entry.mode.open(coverage, entry.backing);
        entry.writers += u32::from(how == Access::ReadWrite);
        if matches!(entry.mode, IoMode::Cached { opens: 1 } | IoMode::Passthrough { opens: 1, .. }) {
            self.note(node);
        }
    }

    /// Takes down how the kernel reads a file now, before it is told so, and before an id is closed.
    fn note(&self, node: NodeId) {
        let Some(memory) = &self.memory else { return };
        let record = self.nodes.get(&node).map(|entry| IoRecord {
            passes_through: matches!(entry.mode, IoMode::Passthrough { .. }),
            backing: entry.backing,
            stale: entry.stale,
        });
        memory.io(node, record);
    }

    fn opened_as(&self, node: NodeId) -> OpenedAs {
        match self.nodes.get(&node).map(|entry| entry.mode) {
            Some(IoMode::Passthrough { backing, .. }) => OpenedAs::Passthrough(backing),
            Some(IoMode::Cached { .. } | IoMode::Closed) | None => OpenedAs::Cached,
        }
    }

    fn remove(&mut self, node: NodeId, unwanted: &mut Vec<BackingId>) {
        if let Some(id) = self.nodes.remove(&node).and_then(|entry| entry.backing) {
            self.kept -= 1;
            unwanted.push(id);
        }
        self.note(node);
    }

    /// Closes an eighth of the ids at once when there are too many, so that the search is paid rarely.
    fn trim(&mut self, limit: usize, unwanted: &mut Vec<BackingId>) {
        if self.kept <= limit {
            return;
        }
        let idle = |(node, entry): (&NodeId, &Node)| {
            let unused = !matches!(entry.mode, IoMode::Passthrough { .. }) && entry.backing.is_some();
            unused.then_some((entry.used, *node))
        };
        let mut oldest: Vec<_> = self.nodes.iter().filter_map(idle).collect();
        oldest.sort_unstable();
        let surplus = self.kept - limit + limit / 8;
        for (_, node) in oldest.into_iter().take(surplus) {
            let Some(entry) = self.nodes.get_mut(&node) else { continue };
            unwanted.extend(entry.backing.take());
            self.kept -= 1;
            if entry.mode == IoMode::Closed {
                self.nodes.remove(&node);
            }
            self.note(node);
        }
    }
}

#[cfg(test)]
mod tests;
