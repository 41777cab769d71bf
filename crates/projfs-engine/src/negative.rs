//! `NegativeCache`: what the provider said does not exist.

use std::collections::HashSet;

use projfs_sync::Mutex;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

/// How many paths are kept. Dropping them is always allowed.
const CAPACITY: usize = 100_000;

/// Paths of the projection that the provider said do not exist. A leaf lock.
#[derive(Default)]
pub(crate) struct NegativeCache {
    paths: Mutex<HashSet<RelPathBuf>>,
}

impl NegativeCache {
    pub(crate) fn contains(&self, path: &RelPath) -> bool {
        self.paths.lock().contains(path)
    }

    pub(crate) fn insert(&self, path: RelPathBuf) {
        let mut paths = self.paths.lock();
        if paths.len() >= CAPACITY {
            paths.clear();
        }
        paths.insert(path);
    }
}
