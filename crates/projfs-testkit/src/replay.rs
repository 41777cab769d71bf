//! `Replay`: the names that a tree must have after what the journal says, if it says everything, in order.

use std::collections::BTreeMap;

use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

/// The names of a tree, and what is under each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// All of them, directories included, the root apart.
    pub tree: BTreeMap<RelPathBuf, ItemKind>,
}

impl Replay {
    /// Does what an entry says.
    ///
    /// # Errors
    /// It cannot have happened to this tree.
    pub fn apply(&mut self, entry: &JournalEntry) -> Result<(), String> {
        let fail = |why: String| Err(format!("{entry:?}: {why}"));
        let at = |path: &RelPath| match path.is_root() {
            true => Some(ItemKind::Directory),
            false => self.tree.get(path).copied(),
        };
        let expects_item = !matches!(entry.what, What::Created);
        match at(&entry.path) {
            Some(kind) if expects_item && kind != entry.kind => return fail(format!("there is a {kind:?}")),
            None if expects_item => return fail("there is no such item".into()),
            Some(_) if !expects_item => return fail("it is there already".into()),
            Some(_) | None => {}
        }
        let new = match &entry.what {
            What::Created => Some(&entry.path),
            What::Renamed { to } | What::Linked { to } => Some(to),
            _ => None,
        };
        if let Some((parent, _)) = new.and_then(|new| new.split_last())
            && at(parent) != Some(ItemKind::Directory)
        {
            return fail(format!("{parent} is no directory"));
        }
        match &entry.what {
            What::Created => {
                self.tree.insert(entry.path.clone(), entry.kind);
            }
            What::Linked { to } => {
                if self.tree.insert(to.clone(), entry.kind).is_some() {
                    return fail("the new name is taken".into());
                }
            }
            What::Deleted => {
                if self.take(&entry.path).len() > 1 {
                    return fail("the directory is not empty".into());
                }
            }
            What::Renamed { to } => {
                if self.take(to).len() > 1 {
                    return fail("what is replaced is not empty".into());
                }
                let moved = self.take(&entry.path);
                self.put(to, moved);
            }
            What::Exchanged { with } => {
                let (one, other) = (self.take(&entry.path), self.take(with));
                if other.is_empty() {
                    return fail("there is nothing to exchange it with".into());
                }
                self.put(with, one);
                self.put(&entry.path, other);
            }
            What::Modified | What::Metadata | What::Converted | What::Updated => {}
        }
        Ok(())
    }

    /// Takes out an item with all below it; each with its path below the item.
    fn take(&mut self, path: &RelPath) -> Vec<(RelPathBuf, ItemKind)> {
        let of_it = |known: &RelPathBuf| known.starts_with(path);
        let known: Vec<RelPathBuf> = self.tree.keys().filter(|known| of_it(known)).cloned().collect();
        let depth = path.components().count();
        let taken = known.into_iter().filter_map(|known| {
            let kind = self.tree.remove(&known)?;
            Some((known.components().skip(depth).collect(), kind))
        });
        taken.collect()
    }

    fn put(&mut self, path: &RelPath, items: Vec<(RelPathBuf, ItemKind)>) {
        for (below, kind) in items {
            let path = below.components().fold(path.to_owned(), |path, name| path.join(name));
            self.tree.insert(path, kind);
        }
    }
}
