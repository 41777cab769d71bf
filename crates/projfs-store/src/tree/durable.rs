//! Durability: what survives a power cut.

use std::collections::HashSet;

use projfs_sync::Mutex;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use super::Done;
use super::TreeStore;
use super::room::readable;
use crate::Space;

/// More are not remembered one by one: everything is synced at once instead.
const MOST: usize = 1 << 16;

/// Directories that were put on disk and whose own names may not survive a power cut yet.
#[derive(Default)]
pub(crate) struct Unsynced(Mutex<Paths>);

#[derive(Default)]
struct Paths {
    made: HashSet<RelPathBuf>,
    /// Some were forgotten, or are no longer where they were.
    unsure: bool,
}

impl Unsynced {
    /// A directory was made.
    pub(crate) fn add(&self, path: RelPathBuf) {
        let mut paths = self.0.lock();
        if paths.made.len() >= MOST {
            paths.made.clear();
            paths.unsure = true;
        }
        paths.made.insert(path);
    }

    /// A directory moved: those in it are elsewhere now.
    pub(crate) fn moved(&self) {
        let mut paths = self.0.lock();
        paths.unsure |= !paths.made.is_empty();
        paths.made.clear();
    }
}

impl TreeStore {
    /// Syncs a directory, and the ones above it whose names may not have survived a power cut.
    pub(crate) fn sync_directory_at(&self, dir: &RelPath) -> Done<()> {
        let paths = std::mem::take(&mut *self.unsynced.0.lock());
        let result = self.sync_with(dir, &paths);
        if let Ok(synced) = &result {
            let mut left = self.unsynced.0.lock();
            left.made.extend(paths.made.into_iter().filter(|path| !synced.contains(path)));
        } else {
            let mut left = self.unsynced.0.lock();
            left.made.extend(paths.made);
            left.unsure |= paths.unsure;
        }
        result.map(|_| ())
    }

    fn sync_with(&self, dir: &RelPath, paths: &Paths) -> Done<HashSet<RelPathBuf>> {
        let fd = self.dir(dir)?;
        if paths.unsure {
            rustix::fs::syncfs(readable(&self.root)?)?;
            return Ok(paths.made.clone());
        }
        let mut synced = HashSet::new();
        rustix::fs::fsync(readable(&fd)?)?;
        let mut path = dir;
        while let Some((parent, _)) = path.split_last() {
            if paths.made.contains(path) {
                if let Some(fd) = self.dirs.get(&self.root, parent)? {
                    rustix::fs::fsync(readable(&fd)?)?;
                }
                synced.insert(path.to_owned());
            }
            path = parent;
        }
        Ok(synced)
    }

    /// Syncs everything.
    pub(crate) fn sync_everything(&self) -> Done<()> {
        let paths = std::mem::take(&mut *self.unsynced.0.lock());
        let result = readable(&self.root).and_then(rustix::fs::syncfs);
        if result.is_err() {
            let mut left = self.unsynced.0.lock();
            left.made.extend(paths.made);
            left.unsure |= paths.unsure;
        }
        Ok(result?)
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
