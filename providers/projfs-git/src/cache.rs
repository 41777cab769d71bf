//! What was found out lately, within a fixed amount of memory: trees, and how large converted files are.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::convert::Conversion;
use crate::objects::Id;
use crate::tree::Tree;

/// How many sizes are kept.
const MOST_SIZES: usize = 1 << 17;

/// How large files are that are not their blobs.
#[derive(Debug, Default)]
pub(crate) struct Sizes(Mutex<HashMap<(Id, Conversion), u64>>);

impl Sizes {
    /// The size in bytes, if it is known.
    pub(crate) fn get(&self, id: Id, conversion: &Conversion) -> Option<u64> {
        self.0.lock().get(&(id, conversion.clone())).copied()
    }

    /// Keeps a size. When there are too many, all are forgotten.
    pub(crate) fn insert(&self, id: Id, conversion: Conversion, size: u64) {
        let mut sizes = self.0.lock();
        if sizes.len() >= MOST_SIZES {
            sizes.clear();
        }
        sizes.insert((id, conversion), size);
    }
}

/// The trees used lately.
///
/// Two generations stand for an exact order of use: a tree that is used moves to the young one; when that has
/// half of the memory, it becomes the old one, and what was still in the old one is forgotten.
#[derive(Debug)]
pub(crate) struct TreeCache {
    half: usize,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Id, Arc<Tree>>,
    young_weight: usize,
    old: HashMap<Id, Arc<Tree>>,
}

impl TreeCache {
    /// A cache of about `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { half: capacity / 2, generations: Mutex::default() }
    }

    /// The tree, if it is here.
    pub(crate) fn get(&self, id: Id) -> Option<Arc<Tree>> {
        let mut generations = self.generations.lock();
        if let Some(tree) = generations.young.get(&id) {
            return Some(Arc::clone(tree));
        }
        let tree = generations.old.remove(&id)?;
        generations.insert(id, Arc::clone(&tree), self.half);
        Some(tree)
    }

    /// Keeps a tree. One that would take half of the memory by itself is not kept.
    pub(crate) fn insert(&self, id: Id, tree: Arc<Tree>) {
        self.generations.lock().insert(id, tree, self.half);
    }
}

impl Generations {
    fn insert(&mut self, id: Id, tree: Arc<Tree>, half: usize) {
        let weight = tree.weight();
        if weight > half {
            return;
        }
        if self.young_weight + weight > half {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        if self.young.insert(id, tree).is_none() {
            self.young_weight += weight;
        }
    }
}

#[cfg(test)]
mod tests;
