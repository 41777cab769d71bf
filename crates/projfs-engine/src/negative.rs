//! `NegativeCache`: what the provider said does not exist (`PRJ_FLAG_USE_NEGATIVE_PATH_CACHE`).

use std::collections::HashMap;

use projfs_sync::Mutex;
use projfs_types::NodeId;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation::Collation;

/// How many paths are kept. Dropping them is always allowed.
const CAPACITY: usize = 100_000;

/// Paths of the projection that the provider said do not exist, each with the directory in which it was looked for, as
/// the kernel may remember the same. A leaf lock.
pub(crate) struct NegativeCache {
    capacity: usize,
    paths: Mutex<Paths>,
}

#[derive(Default)]
struct Paths {
    absent: HashMap<RelPathBuf, NodeId>,
    /// Counts clearings: what was asked before one is not kept after it.
    generation: Generation,
}

/// What answers belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generation(u64);

/// What became of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is kept.
    Yes,
    /// It is kept, and these went to make room for it.
    Instead(Vec<(RelPathBuf, NodeId)>),
    /// It is not: it was asked for before the last clearing.
    No,
}

impl Default for NegativeCache {
    fn default() -> Self {
        Self { capacity: CAPACITY, paths: Mutex::default() }
    }
}

impl NegativeCache {
    pub(crate) fn contains(&self, path: &RelPath) -> bool {
        self.paths.lock().absent.contains_key(path)
    }

    /// To be taken before the provider is asked.
    pub(crate) fn generation(&self) -> Generation {
        self.paths.lock().generation
    }

    /// Keeps an answer, unless it was asked for before the last clearing.
    pub(crate) fn insert(&self, path: RelPathBuf, directory: NodeId, asked: Generation) -> Kept {
        let mut paths = self.paths.lock();
        if paths.generation != asked {
            return Kept::No;
        }
        let gone = if paths.absent.len() >= self.capacity {
            std::mem::take(&mut paths.absent)
        } else {
            HashMap::new()
        };
        paths.absent.insert(path, directory);
        if gone.is_empty() { Kept::Yes } else { Kept::Instead(gone.into_iter().collect()) }
    }

    /// Something is there now. Where case does not matter, under every spelling: then all go, which is always allowed.
    pub(crate) fn remove(&self, path: &RelPath, collation: Collation) {
        let mut paths = self.paths.lock();
        match collation {
            Collation::Sensitive => {
                paths.absent.remove(path);
            }
            Collation::Insensitive => paths.absent.clear(),
        }
    }

    /// Forgets everything, also answers that are on their way. What was kept.
    pub(crate) fn clear(&self) -> Vec<(RelPathBuf, NodeId)> {
        let mut paths = self.paths.lock();
        paths.generation.0 += 1;
        std::mem::take(&mut paths.absent).into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
