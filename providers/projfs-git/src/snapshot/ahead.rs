//! What is fetched with what is missing.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use projfs_provider::CancelToken;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_types::ItemNameBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use super::Snapshot;
use crate::fetch::Extent;
use crate::fetch::Surroundings;
use crate::objects::Id;
use crate::tree::EntryKind;
use crate::tree::Tree;

/// How many files of a directory are fetched when one of them is missing.
const SIBLINGS: usize = 1024;

/// How many entries are looked at to find what to fetch ahead.
const MOST_VISITED: usize = 100_000;

impl Surroundings for Snapshot {
    fn missing(&self, ids: &[Id]) -> Vec<Id> {
        self.objects.missing(ids.iter().copied())
    }

    fn around(&self, places: &[RelPathBuf], ahead: usize) -> Vec<Id> {
        let mut found = Found { ids: HashSet::new(), most: usize::MAX, visited: 0 };
        for place in places {
            let tree = self.walk_here(place);
            let missing = tree.map(|tree| self.missing_of(&tree)).unwrap_or_default();
            found.ids.extend(missing.into_iter().take(SIBLINGS));
        }
        found.most = found.ids.len() + ahead;
        for place in places {
            // What is below, then what follows in the directory above, and so on.
            let mut scope: &RelPath = place;
            let mut after = None;
            while self.gather(scope, after.as_ref(), &mut found).is_continue() {
                let Some((parent, name)) = scope.split_last() else { break };
                after = Some(name.to_owned());
                scope = parent;
            }
        }
        found.ids.into_iter().collect()
    }

    fn bytes(&self, ids: &[Id]) -> u64 {
        self.objects.read(|reader| ids.iter().filter_map(|id| reader.size(*id).ok()).sum())
    }
}

/// What is to be fetched.
struct Found {
    ids: HashSet<Id>,
    most: usize,
    visited: usize,
}

impl Found {
    fn add(&mut self, visited: usize, ids: Vec<Id>) -> ControlFlow<()> {
        self.visited += visited;
        for id in ids {
            if self.ids.len() >= self.most {
                return ControlFlow::Break(());
            }
            self.ids.insert(id);
        }
        if self.ids.len() >= self.most || self.visited >= MOST_VISITED {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl Snapshot {
    /// Has everything at and below `paths` fetched, at once.
    ///
    /// # Errors
    /// What could not be fetched.
    pub(crate) fn prefetch(
        self: &Arc<Self>,
        paths: &[RelPathBuf],
        cancel: &CancelToken,
    ) -> Result<(), ProviderError> {
        if self.fetcher.is_none() {
            return Ok(());
        }
        let mut wanted = HashSet::new();
        for path in paths {
            let entry = match path.split_last() {
                None => None,
                Some((parent, name)) => {
                    let directory = match self.directory(parent, cancel) {
                        Err(error) if error.kind == ProviderErrorKind::NotFound => continue,
                        directory => directory?,
                    };
                    let Some(entry) = directory.tree.get(name) else { continue };
                    wanted.extend(directory.chain.iter().map(|(_, id)| *id));
                    Some((entry.id, entry.kind.clone()))
                }
            };
            match entry {
                None => self.everything(self.root, path, cancel, &mut wanted)?,
                Some((id, EntryKind::Directory)) => self.everything(id, path, cancel, &mut wanted)?,
                Some((_, EntryKind::Submodule)) => {}
                Some((
                    id,
                    EntryKind::File | EntryKind::Executable | EntryKind::Symlink(_) | EntryKind::LinkAsFile,
                )) => {
                    wanted.insert(id);
                }
            }
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        self.bring(&wanted, Extent::Exact, cancel, |_| RelPathBuf::root())
    }

    /// Every blob below a directory.
    fn everything(
        self: &Arc<Self>,
        root: Id,
        path: &RelPath,
        cancel: &CancelToken,
        wanted: &mut HashSet<Id>,
    ) -> Result<(), ProviderError> {
        let mut seen = HashSet::from([root]);
        let mut directories = vec![root];
        while let Some(id) = directories.pop() {
            if cancel.is_cancelled() {
                return Err(ProviderErrorKind::Cancelled.into());
            }
            for entry in self.tree(id, path, cancel)?.entries() {
                if entry.kind.is_blob() {
                    wanted.insert(entry.id);
                } else if entry.kind == EntryKind::Directory && seen.insert(entry.id) {
                    directories.push(entry.id);
                }
            }
        }
        Ok(())
    }

    /// Looks through a directory and all below it, in the order of the names, from the one after `after` around to it.
    fn gather(&self, scope: &RelPath, after: Option<&ItemNameBuf>, found: &mut Found) -> ControlFlow<()> {
        let Some(tree) = self.walk_here(scope) else { return ControlFlow::Continue(()) };
        found.add(tree.entries().len(), self.missing_of(&tree))?;
        let entries = tree.entries();
        let start = after.map_or(0, |after| entries.partition_point(|entry| entry.name <= *after));
        let around = entries[start..].iter().chain(&entries[..start]);
        let children = around.filter(|entry| entry.kind == EntryKind::Directory);
        let mut directories: Vec<_> =
            children.filter(|entry| Some(&entry.name) != after).map(|entry| entry.id).collect();
        directories.reverse();
        while let Some(id) = directories.pop() {
            let Ok(tree) = self.tree_here(id, scope) else { continue };
            found.add(tree.entries().len(), self.missing_of(&tree))?;
            let children = tree.entries().iter().rev().filter(|entry| entry.kind == EntryKind::Directory);
            directories.extend(children.map(|entry| entry.id));
        }
        ControlFlow::Continue(())
    }

    /// The directory at `path`, if all of the way to it is here.
    fn walk_here(&self, path: &RelPath) -> Option<Arc<Tree>> {
        let mut tree = self.tree_here(self.root, RelPath::root()).ok()?;
        for name in path.components() {
            let entry = tree.get(name).filter(|entry| entry.kind == EntryKind::Directory)?;
            tree = self.tree_here(entry.id, path).ok()?;
        }
        Some(tree)
    }

    fn missing_of(&self, tree: &Tree) -> Vec<Id> {
        let blobs = tree.entries().iter().filter(|entry| entry.kind.is_blob());
        self.objects.missing(blobs.map(|entry| entry.id))
    }
}
