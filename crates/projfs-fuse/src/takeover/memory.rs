//! `Memory`: the file in memory that outlives the daemon.
//!
//! At its start is a header: a magic number, the format, and where the first entry that matters begins. Entries follow,
//! each replacing what was said of its subject before. From time to time everything is said again, the header is set to
//! the beginning of that, by one call, and what is before it is given back to the system.
//!
//! What is written is there for whoever comes next as soon as it is copied into the mapping. Behind the last entry there
//! are zeros up to the end of the file, and half an entry if the daemon was killed while it wrote one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use projfs_engine::HandleId;
use projfs_engine::HandleRecord;
use projfs_engine::Ledger;
use projfs_engine::NodeRecord;
use projfs_engine::Remembered;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::Cursor;
use projfs_types::NodeId;
use rustix::fs::FallocateFlags;
use rustix::fs::MemfdFlags;
use rustix::fs::SealFlags;
use rustix::io::Errno;

use super::entry::Entry;
use super::entry::IoRecord;
use super::window::Window;
use crate::wire::init::Negotiated;
use crate::wire::notify::Notification;

const MAGIC: [u8; 8] = *b"projfsM\x02";

/// The format of the file. A program of another one cannot go on with the mount.
pub const MEMORY_FORMAT: u8 = MAGIC[7];

/// Where the entries begin, and what is given back of the file is a multiple of.
const PAGE: u64 = 4096;

/// From how many bytes on it is worth saying everything again, and by how much it must have grown.
const LEAST: u64 = 1 << 20;
const GROWTH: u64 = 4;

/// How many exchanges of names are remembered: more than can be under way.
const EXCHANGES: usize = 256;

/// What a mount has to remember beyond its daemon, as a file without a name.
pub struct Memory {
    file: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Where the first entry that matters is, and where the next one goes.
    start: u64,
    end: u64,
    /// How much there was after everything was said again.
    least: u64,
    window: Option<Window>,
    bytes: Vec<u8>,
    begin: Option<Entry<'static>>,
    exchanged: VecDeque<u64>,
    pending: Vec<Notification>,
    stopping: bool,
    lost: bool,
}

/// The file cannot be gone on with.
#[derive(Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// It is none, or of another version of this crate.
    Format,
    /// The daemon that wrote it could not write all.
    Incomplete,
    /// The system's.
    System(Errno),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => write!(f, "what is remembered of the mount is in a form that is not known"),
            Self::Incomplete => write!(f, "not everything about the mount could be remembered"),
            Self::System(errno) => write!(f, "what is remembered of the mount cannot be read: {errno}"),
        }
    }
}

impl std::error::Error for MemoryError {}

impl From<Errno> for MemoryError {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// What a daemon that has died left in a [`Memory`].
#[derive(Debug)]
pub struct Recollection {
    /// What is in force on the connection.
    pub negotiated: Negotiated,
    /// Where it is mounted.
    pub path: PathBuf,
    /// What is projected, in the words of who mounted.
    pub source: String,
    /// What the engine goes on with.
    pub engine: Remembered,
    /// How the kernel reads files.
    pub(crate) io: HashMap<NodeId, IoRecord>,
    /// What the kernel may not have been told.
    pub(crate) pending: Vec<Notification>,
}

impl Memory {
    /// An empty one.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> Result<Self, Errno> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("projfs-memory", flags)?;
        // What is mapped cannot be cut off: to touch it then would end the process.
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK)?;
        rustix::io::pwrite(&file, &header(PAGE), 0)?;
        let state = State { start: PAGE, end: PAGE, ..State::default() };
        Ok(Self { file, state: mutex(Rank::Memory, state), changed: Condvar::new() })
    }

    /// One that another process has written, and what it left. Half an entry at its end is dropped.
    ///
    /// # Errors
    /// [`MemoryError`].
    pub fn read(file: OwnedFd) -> Result<(Self, Recollection), MemoryError> {
        let mut head = [0; 24];
        if rustix::io::pread(&file, &mut head, 0)? != head.len() || head[..8] != MAGIC {
            return Err(MemoryError::Format);
        }
        let number = |at: usize| u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|byte| head[at + byte]));
        let (start, lost) = (number(8), number(16) != 0);
        if lost {
            return Err(MemoryError::Incomplete);
        }
        let size = u64::try_from(rustix::fs::fstat(&file)?.st_size).unwrap_or(0);
        let mut bytes =
            vec![0; usize::try_from(size.saturating_sub(start)).map_err(|_| MemoryError::Format)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match rustix::io::pread(&file, &mut bytes[filled..], start + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        let mut begin = None;
        let mut engine = Remembered::default();
        let mut io = HashMap::new();
        let mut pending = Vec::new();
        let mut rest = &bytes[..filled];
        let mut end = start;
        while let Some((entry, length)) = Entry::decode(rest) {
            rest = &rest[length..];
            end += length as u64;
            match entry {
                Entry::Begin { .. } => begin = Some(entry),
                Entry::Node(id, record) => set(&mut engine.nodes, id, record),
                Entry::Handle(id, record) => set(&mut engine.handles, id, record),
                Entry::Exchanged(request) => engine.exchanged.push(request),
                Entry::Io(id, record) => set(&mut io, id, record),
                Entry::Pending(notification) => pending.push(notification.into_owned()),
                Entry::Told => pending.clear(),
            }
        }
        let Some(Entry::Begin { negotiated, since, path, source }) = begin.clone() else {
            return Err(MemoryError::Format);
        };
        engine.since = since;
        let half = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if end < size {
            rustix::fs::fallocate(&file, half, end, size - end)?;
        }
        let exchanged = engine.exchanged.iter().copied().collect();
        let begin = begin.map(Entry::owned);
        let state = State { start, end, least: end - start, begin, exchanged, ..State::default() };
        let memory = Self { file, state: mutex(Rank::Memory, state), changed: Condvar::new() };
        Ok((memory, Recollection { negotiated, path, source, engine, io, pending }))
    }

    /// Says what the connection is: what was negotiated, where the journal was when it began, where it is mounted, and
    /// what is projected.
    pub fn begin(&self, negotiated: &Negotiated, since: Option<Cursor>, path: PathBuf, source: String) {
        let entry = Entry::Begin { negotiated: negotiated.clone(), since, path, source };
        let mut state = self.state.lock();
        self.append(&mut state, &entry);
        state.begin = Some(entry);
    }

    pub(crate) fn io(&self, node: NodeId, record: Option<IoRecord>) {
        self.append(&mut self.state.lock(), &Entry::Io(node, record));
    }

    /// The kernel is about to be told.
    pub(crate) fn pending(&self, notification: &Notification) {
        let mut state = self.state.lock();
        self.append(&mut state, &Entry::Pending(Cow::Borrowed(notification)));
        state.pending.push(notification.clone());
    }

    /// The kernel has been told everything.
    pub(crate) fn told(&self) {
        let mut state = self.state.lock();
        if !state.pending.is_empty() {
            state.pending.clear();
            self.append(&mut state, &Entry::Told);
        }
    }

    /// Waits until it is worth saying everything again, and has it said by `all`; until it is stopped.
    pub(crate) fn tidy(&self, all: impl Fn()) {
        loop {
            let mut state = self.state.lock();
            while !state.stopping && !state.is_long() {
                self.changed.wait(&mut state);
            }
            if state.stopping {
                return;
            }
            let start = state.end;
            if let Some(begin) = state.begin.clone() {
                self.append(&mut state, &begin);
            }
            for request in state.exchanged.clone() {
                self.append(&mut state, &Entry::Exchanged(request));
            }
            for notification in state.pending.clone() {
                self.append(&mut state, &Entry::Pending(Cow::Borrowed(&notification)));
            }
            drop(state);
            // What changes meanwhile is said after this, and replaces it.
            all();
            let mut state = self.state.lock();
            state.least = state.end - start;
            if state.lost || rustix::io::pwrite(&self.file, &header(start), 0) != Ok(HEADER) {
                return;
            }
            let before = (start / PAGE).saturating_sub(1) * PAGE;
            let free = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            if before > 0
                && let Err(errno) = rustix::fs::fallocate(&self.file, free, PAGE, before)
            {
                tracing::debug!(%errno, "what is not needed any more stays in memory");
            }
            state.start = start;
        }
    }

    /// Ends [`tidy`](Self::tidy).
    pub(crate) fn stop(&self) {
        self.state.lock().stopping = true;
        self.changed.notify_all();
    }

    fn append(&self, state: &mut State, entry: &Entry<'_>) {
        if state.lost {
            return;
        }
        let mut bytes = std::mem::take(&mut state.bytes);
        bytes.clear();
        entry.encode(&mut bytes);
        if let Err(errno) = state.put(&self.file, &bytes) {
            tracing::error!(%errno, "the mount will not outlive this process: it cannot be remembered");
            state.lost = true;
            let _ = rustix::io::pwrite(&self.file, &1_u64.to_le_bytes(), 16);
            return;
        }
        state.bytes = bytes;
        if state.is_long() {
            self.changed.notify_all();
        }
    }
}

impl State {
    /// Puts an entry behind the others.
    fn put(&mut self, file: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            let window = match self.window.take().filter(|window| window.holds(self.end)) {
                Some(window) => self.window.insert(window),
                None => self.window.insert(Window::open(file, self.end)?),
            };
            let put = window.put(self.end, bytes);
            self.end += put as u64;
            bytes = &bytes[put..];
        }
        Ok(())
    }

    fn is_long(&self) -> bool {
        self.end - self.start > LEAST.max(GROWTH * self.least)
    }
}

impl Entry<'_> {
    pub(super) fn owned(self) -> Entry<'static> {
        match self {
            Self::Begin { negotiated, since, path, source } => {
                Entry::Begin { negotiated, since, path, source }
            }
            Self::Node(id, record) => Entry::Node(id, record),
            Self::Handle(id, record) => Entry::Handle(id, record),
            Self::Exchanged(request) => Entry::Exchanged(request),
            Self::Io(id, record) => Entry::Io(id, record),
            Self::Pending(notification) => Entry::Pending(Cow::Owned(notification.into_owned())),
            Self::Told => Entry::Told,
        }
    }
}

pub(super) const HEADER: usize = 24;

pub(super) fn header(start: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&start.to_le_bytes());
    bytes
}

fn set<K: std::hash::Hash + Eq, V>(known: &mut HashMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(known.insert(key, value)),
        None => drop(known.remove(&key)),
    }
}

impl AsFd for Memory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Ledger for Memory {
    fn node(&self, id: NodeId, node: Option<&NodeRecord>) {
        self.append(&mut self.state.lock(), &Entry::Node(id, node.cloned()));
    }

    fn handle(&self, id: HandleId, handle: Option<&HandleRecord>) {
        self.append(&mut self.state.lock(), &Entry::Handle(id, handle.copied()));
    }

    fn exchanged(&self, request: u64) {
        let mut state = self.state.lock();
        self.append(&mut state, &Entry::Exchanged(request));
        if state.exchanged.len() >= EXCHANGES {
            state.exchanged.pop_front();
        }
        state.exchanged.push_back(request);
    }
}

#[cfg(test)]
mod tests;
