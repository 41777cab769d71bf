//! Going through the trees of a commit.

use crate::Error;
use crate::ErrorKind;
use crate::GitProvider;
use crate::objects::Id;
use crate::tree::EntryKind;
use crate::tree::RawEntry;
use crate::tree::Tree;

use super::Directory;
use super::Entry;
use super::Index;

impl GitProvider {
    /// The index of the commit. No blob is read.
    ///
    /// # Errors
    /// [`Unreadable`](ErrorKind::Unreadable) if a tree is missing or damaged, or has an entry that is not shown:
    /// `git` would not check out such a commit either.
    pub fn index(&self) -> Result<Index<'_>, Error> {
        let mut index = Index { provider: self, entries: Vec::new(), directories: Vec::new() };
        index.add_directory(Box::default(), self.root())?;
        Ok(index)
    }
}

impl Index<'_> {
    /// Adds a directory and all that is below; its place.
    fn add_directory(&mut self, path: Box<[u8]>, tree: Id) -> Result<usize, Error> {
        let raw = self.provider.raw_tree(tree).map_err(|words| {
            self.failed(format!("the tree {tree} of {}: {words}", String::from_utf8_lossy(&path)))
        })?;
        self.refuse(&path, &raw)?;
        let place = self.directories.len();
        let first = self.entries.len();
        self.directories.push(Directory { path, tree, entries: 0, children: Vec::new(), ignore: None });
        // The order of trees is that of the index, for a directory is where its name with a slash belongs.
        for RawEntry { name, id, kind } in raw {
            let above = &self.directories[place].path;
            let slash: &[u8] = if above.is_empty() { b"" } else { b"/" };
            let path = [above, slash, &name].concat().into_boxed_slice();
            if matches!(kind, EntryKind::File | EntryKind::Executable) && *name == *b".gitignore" {
                self.directories[place].ignore = Some(self.entries.len());
            }
            let (mode, size) = match kind {
                EntryKind::Directory => {
                    let child = self.add_directory(path, id)?;
                    self.directories[place].children.push(child);
                    continue;
                }
                EntryKind::File => (0o100_644, self.size(id)),
                EntryKind::Executable => (0o100_755, self.size(id)),
                EntryKind::Symlink(target) => {
                    (0o120_000, target.map_or_else(|| self.size(id), |target| target.len() as u64))
                }
                EntryKind::Submodule => (0o160_000, 0),
            };
            self.entries.push(Entry { path, id, mode, size });
        }
        self.directories[place].entries = self.entries.len() - first;
        Ok(place)
    }

    /// Nothing of a hostile tree is in an index: what is not shown would look deleted.
    fn refuse(&self, path: &[u8], raw: &[RawEntry]) -> Result<(), Error> {
        let copy =
            |entry: &RawEntry| RawEntry { name: entry.name.clone(), id: entry.id, kind: entry.kind.clone() };
        let (_, left_out) = Tree::check(raw.iter().map(copy).collect());
        match left_out.first() {
            None => Ok(()),
            Some((name, reason)) => {
                let (path, name) = (String::from_utf8_lossy(path), String::from_utf8_lossy(name));
                Err(self.failed(format!("invalid path {name:?} in the directory {path:?}: {reason:?}")))
            }
        }
    }

    fn size(&self, id: Id) -> u64 {
        self.provider.local_size(id).unwrap_or(0)
    }

    fn failed(&self, words: String) -> Error {
        let described = self.provider.describe();
        Error::new(ErrorKind::Unreadable, &described.repository, &described.revision).because(words)
    }
}
