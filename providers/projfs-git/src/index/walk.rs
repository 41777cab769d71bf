//! Going through the trees of a commit.

use projfs_provider::CancelToken;
use projfs_provider::ProviderError;
use projfs_types::ItemName;
use projfs_types::RelPathBuf;

use crate::Error;
use crate::ErrorKind;
use crate::GitProvider;
use crate::attributes::Chain;
use crate::attributes::Rules;
use crate::objects::Id;
use crate::objects::Unreadable;
use crate::tree::EntryKind;
use crate::tree::RawEntry;
use crate::tree::Tree;

use super::Directory;
use super::Entry;
use super::Index;

impl GitProvider {
    /// The index of the commit. Blobs are not read, but for those that say what attributes files have.
    ///
    /// # Errors
    /// [`Unreadable`](ErrorKind::Unreadable) if a tree is missing or damaged, or has an entry that is not shown:
    /// `git` would not check out such a commit either.
    pub fn index(&self) -> Result<Index<'_>, Error> {
        let mut index = Index { provider: self, entries: Vec::new(), directories: Vec::new() };
        index.add_directory(RelPathBuf::root(), self.snapshot.root, &Chain::new())?;
        Ok(index)
    }
}

impl Index<'_> {
    /// Adds a directory and all that is below; its place.
    fn add_directory(&mut self, path: RelPathBuf, tree: Id, above: &Chain) -> Result<usize, Error> {
        let snapshot = &self.provider.snapshot;
        let read = || snapshot.objects.read(|reader| reader.tree(tree));
        let mut raw = read();
        if let Err(Unreadable::Missing(_)) = raw {
            // In a partial clone without trees it is fetched with all that are below it.
            snapshot.tree(tree, &path, &CancelToken::new()).map_err(|error| self.failed(error))?;
            raw = read();
        }
        let raw = raw.map_err(|why| self.failed(format!("the tree {tree} of {path:?}: {why}")))?;
        self.refuse(&path, &raw)?;
        let is_file = |entry: &RawEntry| matches!(entry.kind, EntryKind::File | EntryKind::Executable);
        let attributes = raw.iter().find(|entry| is_file(entry) && *entry.name == *b".gitattributes");
        let longer =
            attributes.map(|entry| above.iter().cloned().chain([(path.clone(), entry.id)]).collect());
        let chain: &Chain = longer.as_ref().unwrap_or(above);
        let rules = snapshot.rules(chain, &path, &CancelToken::new());
        let rules = rules.map_err(|error| self.failed(error))?;
        let place = self.directories.len();
        let first = self.entries.len();
        let bytes = path.as_bytes().into();
        self.directories.push(Directory {
            path: bytes,
            tree,
            entries: 0,
            children: Vec::new(),
            ignore: None,
        });
        // The order of trees is that of the index, for a directory is where its name with a slash belongs.
        for entry in raw {
            let invalid = |error| self.failed(format!("a name in the directory {path:?}: {error}"));
            let below = path.join(ItemName::new(&entry.name).map_err(invalid)?);
            if is_file(&entry) && *entry.name == *b".gitignore" {
                self.directories[place].ignore = Some(self.entries.len());
            }
            let RawEntry { id, kind, .. } = entry;
            let (mode, size) = match kind {
                EntryKind::Directory => {
                    let child = self.add_directory(below, id, chain)?;
                    self.directories[place].children.push(child);
                    continue;
                }
                EntryKind::File => (0o100_644, self.size(id, &below, rules.as_deref())),
                EntryKind::Executable => (0o100_755, self.size(id, &below, rules.as_deref())),
                EntryKind::Symlink(Some(target)) => (0o120_000, target.len() as u64),
                EntryKind::Symlink(None) | EntryKind::LinkAsFile => (0o120_000, self.size(id, &below, None)),
                EntryKind::Submodule => (0o160_000, 0),
            };
            self.entries.push(Entry { path: below.as_bytes().into(), id, mode, size });
        }
        self.directories[place].entries = self.entries.len() - first;
        Ok(place)
    }

    /// Nothing of a hostile tree is in an index: what is not shown would look deleted.
    fn refuse(&self, path: &RelPathBuf, raw: &[RawEntry]) -> Result<(), Error> {
        let copy =
            |entry: &RawEntry| RawEntry { name: entry.name.clone(), id: entry.id, kind: entry.kind.clone() };
        let protection = self.provider.snapshot.objects.settings().protection;
        let (_, left_out) = Tree::check(raw.iter().map(copy).collect(), protection);
        match left_out.first() {
            None => Ok(()),
            Some((name, reason)) => {
                let name = String::from_utf8_lossy(name);
                Err(self.failed(format!("invalid path {name:?} in the directory {path:?}: {reason:?}")))
            }
        }
    }

    /// How large a file is; 0 if that takes its content.
    fn size(&self, id: Id, path: &RelPathBuf, rules: Option<&Rules>) -> u64 {
        match rules.map_or(Ok(None), |rules| rules.conversion(path)) {
            Ok(None) => self.provider.snapshot.objects.read(|reader| reader.size(id)).unwrap_or(0),
            Ok(Some(_)) | Err(_) => 0,
        }
    }

    /// The content of a file as it is checked out.
    pub(super) fn checked_out(&self, path: &[u8]) -> Result<Vec<u8>, ProviderError> {
        let (snapshot, cancel) = (&self.provider.snapshot, CancelToken::new());
        let path = RelPathBuf::new(path).map_err(|_| ProviderError::not_found())?;
        let (id, conversion) = snapshot.file(&path, &cancel)?;
        let mut content = Vec::new();
        snapshot.deliver(&path, id, conversion.as_ref(), &cancel, |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    fn failed(&self, why: impl Into<crate::error::Source>) -> Error {
        let described = self.provider.describe();
        Error::new(ErrorKind::Unreadable, &described.repository, &described.revision).because(why)
    }
}
