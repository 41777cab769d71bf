//! Durability: what survives a power cut.

use std::collections::HashMap;

use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_sync::mutex;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use super::Done;
use super::TreeStore;
use super::room::readable;
use crate::Space;

/// More are not remembered one by one: everything is synced at once instead.
const MOST: usize = 1 << 16;

/// Directories that were put on disk and whose own names may not survive a power cut yet.
///
/// A sync asks what it owes, syncs that, and then says that it is paid. Until then it is owed by everybody else who
/// syncs: nobody's sync may return because somebody else's has begun.
pub(crate) struct Unsynced(Mutex<Paths>);

#[derive(Default)]
struct Paths {
    /// Each with the time at which it was made last.
    made: HashMap<RelPathBuf, u64>,
    /// When one was last forgotten, or moved from where it was.
    unsure: Option<u64>,
    /// Counts what is told.
    time: u64,
}

/// Counts what is changed in names and records for content's sake, by nobody's wish: a file that is changed gets its name
/// in the store, and is the provider's no longer. `fdatasync` does not make that survive a power cut.
#[derive(Default)]
pub(crate) struct Conversions(AtomicU64);

impl Conversions {
    /// Before any count.
    pub(crate) const NEVER: u64 = u64::MAX;

    /// One more, which is about to happen or has happened.
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What a sync has to see to beside what it was called for.
struct Owed {
    what: Names,
    /// What is told later is not in it.
    until: u64,
}

enum Names {
    /// Those of these directories.
    Of(Vec<RelPathBuf>),
    /// It is not known whose.
    All,
}

impl Default for Unsynced {
    fn default() -> Self {
        Self(mutex(Rank::Store, Paths::default()))
    }
}

impl Unsynced {
    /// A directory was made.
    pub(crate) fn add(&self, path: RelPathBuf) {
        let mut paths = self.0.lock();
        paths.time += 1;
        let time = paths.time;
        if paths.made.len() >= MOST {
            paths.made.clear();
            paths.unsure = Some(time);
        }
        paths.made.insert(path, time);
    }

    /// A directory moved: those in it are elsewhere now.
    pub(crate) fn moved(&self) {
        let mut paths = self.0.lock();
        paths.time += 1;
        if !paths.made.is_empty() {
            paths.made.clear();
            paths.unsure = Some(paths.time);
        }
    }

    /// What a sync of the directory `dir` owes: the names of those on the way to it.
    fn owed(&self, dir: &RelPath) -> Owed {
        let paths = self.0.lock();
        let what = match paths.unsure {
            Some(_) => Names::All,
            None => {
                let above = std::iter::successors(Some(dir), |path| Some(path.split_last()?.0));
                let made = above.filter(|path| paths.made.contains_key(*path));
                Names::Of(made.map(RelPath::to_owned).collect())
            }
        };
        Owed { what, until: paths.time }
    }

    /// What a sync of everything owes.
    fn all(&self) -> Owed {
        Owed { what: Names::All, until: self.0.lock().time }
    }

    /// It was synced. What was told since is still owed.
    fn paid(&self, owed: &Owed) {
        let mut paths = self.0.lock();
        match &owed.what {
            Names::Of(names) => {
                for name in names {
                    if paths.made.get(name).is_some_and(|made| *made <= owed.until) {
                        paths.made.remove(name);
                    }
                }
            }
            Names::All => {
                paths.made.retain(|_, made| *made > owed.until);
                paths.unsure = paths.unsure.filter(|since| *since > owed.until);
            }
        }
    }
}

impl TreeStore {
    /// Syncs a directory, and the ones above it whose names may not have survived a power cut.
    pub(crate) fn sync_directory_at(&self, dir: &RelPath) -> Done<()> {
        let fd = self.dir(dir)?;
        let owed = self.unsynced.owed(dir);
        match &owed.what {
            Names::All => rustix::fs::syncfs(readable(&self.root)?)?,
            Names::Of(names) => {
                rustix::fs::fsync(readable(&fd)?)?;
                for (parent, _) in names.iter().filter_map(|name| name.split_last()) {
                    if let Some(fd) = self.dirs.get(&self.root, parent)? {
                        rustix::fs::fsync(readable(&fd)?)?;
                    }
                }
            }
        }
        self.unsynced.paid(&owed);
        Ok(())
    }

    /// Syncs everything.
    pub(crate) fn sync_everything(&self) -> Done<()> {
        let owed = self.unsynced.all();
        rustix::fs::syncfs(readable(&self.root)?)?;
        self.unsynced.paid(&owed);
        Ok(())
    }

    /// Size and use of the file system.
    pub(crate) fn space_left(&self) -> Done<Space> {
        let vfs = rustix::fs::fstatvfs(&*self.root)?;
        Ok(Space {
            block_size: u32::try_from(vfs.f_frsize).unwrap_or(4096),
            blocks: vfs.f_blocks,
            free: vfs.f_bfree,
            available: vfs.f_bavail,
            files: vfs.f_files,
            free_files: vfs.f_ffree,
            name_length: u32::try_from(vfs.f_namemax).unwrap_or(255),
        })
    }
}

#[cfg(test)]
mod tests;
