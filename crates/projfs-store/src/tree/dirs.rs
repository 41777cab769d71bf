//! `Dirs`: descriptors of directories by their path, the least recently used dropped first.
//!
//! That a directory is *not* on disk is remembered too, until one is made there. A descriptor that was
//! opened while a rename took place may be of the wrong directory, and is not kept.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use projfs_sync::Arc;
use projfs_sync::Rank;
use projfs_sync::RwLock;
use projfs_sync::rw_lock;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use super::Done;
use super::room::OWN;

/// How much of a path is opened at once, in bytes: below `PATH_MAX`.
const STRIDE: usize = 4000;
const MOST: u64 = 4096;
const LEAST: usize = 16;

/// Open directories by path.
pub(crate) struct Dirs {
    known: RwLock<Known>,
    clock: AtomicU64,
    capacity: usize,
}

#[derive(Default)]
struct Known {
    entries: HashMap<RelPathBuf, Entry>,
    /// Counts what made entries stale.
    upheavals: u64,
}

struct Entry {
    /// Nothing: the directory is not on disk.
    dir: Option<Arc<OwnedFd>>,
    used: AtomicU64,
}

impl Dirs {
    /// As many as 4,096 or a quarter of the descriptors that the process may have.
    pub(crate) fn new() -> Self {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let capacity = limit.map_or(MOST, |limit| (limit / 4).min(MOST));
        Self::with_capacity(usize::try_from(capacity).unwrap_or(LEAST).max(LEAST))
    }

    /// As many as `capacity`.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { known: rw_lock(Rank::Store, Known::default()), clock: AtomicU64::new(0), capacity }
    }

    /// The directory `path`; nothing if it is not on disk.
    pub(crate) fn get(&self, root: &Arc<OwnedFd>, path: &RelPath) -> Done<Option<Arc<OwnedFd>>> {
        if path.is_root() {
            return Ok(Some(Arc::clone(root)));
        }
        let (start, below, upheavals) = {
            let known = self.known.read();
            if let Some(entry) = known.entries.get(path) {
                entry.used.store(self.tick(), Ordering::Relaxed);
                return Ok(entry.dir.clone());
            }
            let (start, below) = nearest(&known, root, path);
            (start, below, known.upheavals)
        };
        let dir = match start {
            Some(start) if path.components().next().is_none_or(|first| first.as_bytes() != OWN) => {
                descend(start, below)?
            }
            _ => None,
        };
        self.keep(path, dir.as_ref(), upheavals);
        Ok(dir)
    }

    /// A directory was made: it is on disk now.
    pub(crate) fn made(&self, path: &RelPath) {
        let mut known = self.known.write();
        known.upheavals += 1;
        known.entries.remove(path);
    }

    /// A directory moved or went: what is known of any path may be wrong.
    pub(crate) fn moved(&self) {
        let mut known = self.known.write();
        known.upheavals += 1;
        known.entries.clear();
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn keep(&self, path: &RelPath, dir: Option<&Arc<OwnedFd>>, upheavals: u64) {
        let mut known = self.known.write();
        if known.upheavals != upheavals {
            return;
        }
        if known.entries.len() >= self.capacity {
            known.drop_oldest(self.capacity / 8 + 1);
        }
        let entry = Entry { dir: dir.cloned(), used: AtomicU64::new(self.tick()) };
        known.entries.insert(path.to_owned(), entry);
    }

    /// How many are known.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.known.read().entries.len()
    }
}

impl Known {
    /// Dropping several at once makes the search for the oldest cheap per entry.
    fn drop_oldest(&mut self, count: usize) {
        let mut ages: Vec<u64> =
            self.entries.values().map(|entry| entry.used.load(Ordering::Relaxed)).collect();
        let nth = count.min(ages.len()).saturating_sub(1);
        if ages.is_empty() {
            return;
        }
        let (_, &mut newest_dropped, _) = ages.select_nth_unstable(nth);
        self.entries.retain(|_, entry| entry.used.load(Ordering::Relaxed) > newest_dropped);
    }
}

/// The nearest ancestor that is known, and the way down from there; none if it is known not to be on disk.
fn nearest<'p>(known: &Known, root: &Arc<OwnedFd>, path: &'p RelPath) -> (Option<Arc<OwnedFd>>, &'p RelPath) {
    let mut above = path;
    while let Some((parent, _)) = above.split_last() {
        above = parent;
        if let Some(entry) = known.entries.get(above) {
            return (entry.dir.clone(), path.strip_prefix(above).unwrap_or(path));
        }
    }
    (Some(Arc::clone(root)), path)
}

/// Opens the directory `below` a directory; nothing if any part of the way is not a directory.
fn descend(start: Arc<OwnedFd>, below: &RelPath) -> Done<Option<Arc<OwnedFd>>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let mut dir = start;
    let mut rest = below.as_bytes();
    while !rest.is_empty() {
        let (step, after) = split_step(rest);
        match rustix::fs::openat2(&*dir, step, flags, Mode::empty(), resolve) {
            Ok(next) => dir = Arc::new(next),
            // A symbolic link planted where a directory was expected is not one.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        rest = after;
    }
    Ok(Some(dir))
}

/// As many names as fit into one step, and what follows them.
fn split_step(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= STRIDE {
        return (path, &[]);
    }
    let end = path[..STRIDE].iter().rposition(|&byte| byte == b'/').unwrap_or(path.len());
    (&path[..end], path.get(end + 1..).unwrap_or(&[]))
}
