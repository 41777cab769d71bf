//! `GitProvider`: a commit as a projection.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Lifetime;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_types::FileTimes;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;

use crate::Error;
use crate::ErrorKind;
use crate::cache::TreeCache;
use crate::names;
use crate::objects::Id;
use crate::objects::Objects;
use crate::objects::Reader;
use crate::objects::Unreadable;
use crate::tree::Entry;
use crate::tree::EntryKind;
use crate::tree::Omission;
use crate::tree::RawEntry;
use crate::tree::Tree;
use crate::version;

/// The memory for trees, in bytes. A hundred thousand entries take about ten million.
const TREE_CACHE: usize = 64 << 20;

/// How much content is handed over at a time, in bytes: between two pieces a fetch can be cancelled.
const PIECE: usize = 1 << 20;

/// Trees with entries that are left out, and were logged. More of them are no longer logged.
const MOST_LOGGED: usize = 1000;

/// Projects one commit of a local repository.
///
/// The commit is chosen once: what happens to the branch afterwards does not matter, and a repository may be
/// repacked or fetched into meanwhile.
pub struct GitProvider {
    objects: Objects,
    id_length: usize,
    root: Id,
    seconds: i64,
    times: FileTimes,
    description: Description,
    trees: TreeCache,
    logged: Mutex<HashSet<Id>>,
}

/// What is projected, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The repository's own directory (`.git`, or that of a bare repository or of a linked work tree).
    pub repository: PathBuf,
    /// The revision as it was asked for.
    pub revision: String,
    /// The commit that it named, in hexadecimal.
    pub commit: String,
}

impl GitProvider {
    /// Opens a commit of the repository that `repository` is, or is in. Without a revision it is `HEAD`.
    ///
    /// A revision is whatever `git rev-parse` takes that leads to a commit, also through tags. The id of a tree
    /// is not taken: it has no time. The whole commit is projected, also if `repository` is a subdirectory.
    ///
    /// # Errors
    /// Each [`ErrorKind`]; the error names the repository and the revision.
    pub fn open(repository: &Path, revision: Option<&str>) -> Result<Self, Error> {
        let revision = revision.unwrap_or("HEAD");
        let objects = Objects::open(repository, revision)?;
        let commit = objects.commit(repository, revision)?;
        let provider = Self {
            id_length: objects.id_length(),
            root: commit.tree,
            seconds: commit.seconds,
            times: FileTimes::all(Timestamp::from_seconds(commit.seconds)),
            description: Description {
                repository: objects.directory(),
                revision: revision.to_owned(),
                commit: commit.id.to_string(),
            },
            trees: TreeCache::new(TREE_CACHE),
            logged: Mutex::default(),
            objects,
        };
        // What cannot be read at all is better found before anything is mounted.
        let unreadable =
            |cause: ProviderError| Error::new(ErrorKind::Unreadable, repository, revision).because(cause);
        provider.tree(commit.tree, RelPath::root()).map_err(unreadable)?;
        Ok(provider)
    }

    /// The projected commit's id, in hexadecimal.
    pub fn commit_id(&self) -> &str {
        &self.description.commit
    }

    /// What is projected, for people.
    pub fn describe(&self) -> &Description {
        &self.description
    }

    /// The commit's time, in seconds since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    /// How many bytes an object id has.
    pub(crate) fn id_length(&self) -> usize {
        self.id_length
    }

    /// The commit's tree.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// The entries of a tree as it has them.
    pub(crate) fn raw_tree(&self, id: Id) -> Result<Vec<RawEntry>, Unreadable> {
        self.objects.read(|reader| reader.tree(id))
    }

    /// The size of a blob that is here.
    pub(crate) fn local_size(&self, id: Id) -> Result<u64, Unreadable> {
        self.objects.read(|reader| reader.size(id))
    }

    /// The content of a blob.
    pub(crate) fn content(&self, id: Id) -> Result<Vec<u8>, Unreadable> {
        self.objects.read(|reader| reader.blob(id, <[u8]>::to_vec))
    }

    /// The tree `id`, which is the directory at `path`.
    fn tree(&self, id: Id, path: &RelPath) -> Result<Arc<Tree>, ProviderError> {
        if let Some(tree) = self.trees.get(id) {
            return Ok(tree);
        }
        let raw = self
            .objects
            .read(|reader| reader.tree(id))
            .map_err(|words| unreadable("tree", id, path, &words))?;
        let (tree, left_out) = Tree::check(raw);
        self.log(id, path, &left_out);
        let tree = Arc::new(tree);
        self.trees.insert(id, Arc::clone(&tree));
        Ok(tree)
    }

    fn log(&self, id: Id, path: &RelPath, left_out: &[Omission]) {
        if left_out.is_empty() || !self.is_news(id) {
            return;
        }
        tracing::warn!(tree = %id, count = left_out.len(), "entries of a directory are left out");
        for (name, reason) in left_out {
            tracing::debug!(directory = ?path, name = ?String::from_utf8_lossy(name), ?reason, "left out");
        }
    }

    /// Whether the tree `id` was not logged yet, and still can be.
    fn is_news(&self, id: Id) -> bool {
        let mut logged = self.logged.lock();
        logged.len() < MOST_LOGGED && logged.insert(id)
    }

    /// The directory at `path`.
    fn directory(&self, path: &RelPath) -> Result<Arc<Tree>, ProviderError> {
        let mut tree = self.tree(self.root, RelPath::root())?;
        let mut walked = RelPathBuf::root();
        for name in path.components() {
            walked.push(name);
            let entry = tree.get(name).ok_or_else(ProviderError::not_found)?;
            tree = match entry.kind {
                EntryKind::Directory => self.tree(entry.id, &walked)?,
                EntryKind::Submodule => Arc::default(),
                EntryKind::File | EntryKind::Executable | EntryKind::Symlink(_) => {
                    return Err(ProviderError::not_found());
                }
            };
        }
        Ok(tree)
    }

    /// Calls `take` with the entry at `path`.
    fn with_entry<T>(
        &self,
        path: &RelPath,
        take: impl FnOnce(&Entry) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let (parent, name) = path.split_last().ok_or_else(ProviderError::not_found)?;
        let directory = self.directory(parent)?;
        take(directory.get(name).ok_or_else(ProviderError::not_found)?)
    }

    /// The metadata of `entry`; nothing if it is left out.
    fn info(&self, entry: &Entry, reader: Reader<'_>) -> Result<Option<PlaceholderInfo>, Unreadable> {
        let info = match &entry.kind {
            EntryKind::File => PlaceholderInfo::file(reader.size(entry.id)?),
            EntryKind::Executable => PlaceholderInfo::file(reader.size(entry.id)?).with_mode(0o755),
            EntryKind::Directory | EntryKind::Submodule => PlaceholderInfo::directory(),
            EntryKind::Symlink(Some(target)) => PlaceholderInfo::symlink(target.clone()),
            EntryKind::Symlink(None) => match reader.target(entry.id)? {
                target if names::is_target(&target) => PlaceholderInfo::symlink(target),
                _ => return Ok(None),
            },
        };
        Ok(Some(info.with_times(self.times).with_version(version::of_entry(entry.id, &entry.kind))))
    }
}

impl Provider for GitProvider {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.with_entry(request.path(), |entry| {
            let info = self.objects.read(|reader| self.info(entry, reader));
            let info = info.map_err(|words| unreadable("object", entry.id, request.path(), &words))?;
            Ok(ProjectedItem::new(entry.name.clone(), info.ok_or_else(ProviderError::not_found)?))
        })
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let tree = self.directory(request.path())?;
        let mut items = Vec::with_capacity(tree.entries().len());
        self.objects.read(|reader| {
            tree.entries().iter().try_for_each(|entry| {
                let info = self.info(entry, reader).map_err(|words| {
                    unreadable("object", entry.id, &request.path().join(&entry.name), &words)
                })?;
                items.extend(info.map(|info| ProjectedItem::new(entry.name.clone(), info)));
                Ok::<_, ProviderError>(())
            })
        })?;
        DirEntries::unsorted(items)
    }

    /// Delivers the whole blob. It is the one that the version names: the file stays what its placeholder says,
    /// also when another commit is projected since.
    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let id = match version::object(request.version(), self.id_length) {
            Some(id) => id,
            None => self.with_entry(request.path(), |entry| match entry.kind {
                EntryKind::File | EntryKind::Executable => Ok(entry.id),
                EntryKind::Directory | EntryKind::Symlink(_) | EntryKind::Submodule => {
                    Err(ProviderError::new(ProviderErrorKind::InvalidInput, "not a file"))
                }
            })?,
        };
        let deliver = |data: &[u8]| {
            let mut offset = 0;
            data.chunks(PIECE).try_for_each(|piece| {
                sink.write_at(offset, piece)?;
                offset += piece.len() as u64;
                Ok(())
            })
        };
        let delivered = self.objects.read(|reader| reader.blob(id, deliver));
        delivered.map_err(|words| unreadable("blob", id, request.path(), &words))?
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: Lifetime::Stable, data: DataAccess::WholeFile }
    }
}

fn unreadable(what: &str, id: Id, path: &RelPath, words: &str) -> ProviderError {
    ProviderError::new(ProviderErrorKind::Io, format!("cannot read {what} {id} of {path:?}: {words}"))
}

impl fmt::Debug for GitProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GitProvider").field(&self.description).finish()
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.revision)?;
        f.write_str(self.commit.get(..12).unwrap_or(&self.commit))?;
        write!(f, ") of {}", self.repository.display())
    }
}

#[cfg(test)]
mod tests;
