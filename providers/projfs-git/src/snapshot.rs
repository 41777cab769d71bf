//! `Snapshot`: one commit of a repository, as far as it was looked at.

mod ahead;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use projfs_provider::CancelToken;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_types::FileTimes;
use projfs_types::ItemName;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;

use crate::Error;
use crate::ErrorKind;
use crate::attributes::Attributes;
use crate::attributes::Chain;
use crate::attributes::Rules;
use crate::cache::Sizes;
use crate::cache::TreeCache;
use crate::convert::Conversion;
use crate::error::Source;
use crate::fetch::Extent;
use crate::fetch::Failure;
use crate::fetch::Fetcher;
use crate::fetch::Git;
use crate::filters::Filters;
use crate::filters::Pointers;
use crate::names;
use crate::objects::Commit;
use crate::objects::Id;
use crate::objects::Objects;
use crate::objects::Owner;
use crate::objects::Reader;
use crate::objects::Unreadable;
use crate::objects::permissions;
use crate::provider::Content;
use crate::tree::Entry;
use crate::tree::EntryKind;
use crate::tree::Omission;
use crate::tree::Tree;
use crate::version;

/// The memory for trees, in bytes. A hundred thousand entries take about ten million.
const TREE_CACHE: usize = 64 << 20;

/// Trees with entries that are left out, and were logged. More of them are no longer logged.
const MOST_LOGGED: usize = 1000;

/// One commit of a repository.
pub(crate) struct Snapshot {
    pub(crate) objects: Objects,
    pub(crate) id_length: usize,
    pub(crate) root: Id,
    /// The commit's time, in seconds since 1970.
    pub(crate) seconds: i64,
    times: FileTimes,
    trees: TreeCache,
    /// Trees of which it was said that entries are left out.
    pub(crate) logged: Mutex<HashSet<Id>>,
    /// Nothing if content is shown as it is stored.
    attributes: Option<Attributes>,
    filters: Filters,
    /// How large converted files are.
    sizes: Sizes,
    /// Nothing if the repository has no more than is here.
    pub(crate) fetcher: Option<Fetcher>,
}

/// A directory.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) tree: Arc<Tree>,
    /// Its attributes, and those above it.
    chain: Chain,
}

impl Snapshot {
    /// A commit of a repository.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub(crate) fn new(
        objects: Objects,
        commit: &Commit,
        content: Content,
        path: &Path,
        revision: &str,
    ) -> Result<Self, Error> {
        let settings = objects.settings();
        let lfs = objects.read(|reader| pointers(reader, commit.tree));
        let read = |repository: &gix::Repository| {
            let attributes = match content {
                Content::CheckedOut => Some(Attributes::of(repository, permissions().attributes)?),
                Content::Stored => None,
            };
            Ok((attributes, Filters::of(repository, lfs)?))
        };
        let read = objects.with_gix(read);
        let (attributes, filters) =
            read.map_err(|cause: Source| Error::new(ErrorKind::Unreadable, path, revision).because(cause))?;
        let promisors = &settings.promisors;
        let git = || Git::new(objects.directory().to_owned(), promisors.clone());
        let fetcher = (!promisors.is_empty() && settings.owner == Owner::Us).then(|| Fetcher::new(git()));
        Ok(Self {
            id_length: objects.id_length(),
            root: commit.tree,
            seconds: commit.seconds,
            times: FileTimes::all(Timestamp::from_seconds(commit.seconds)),
            trees: TreeCache::new(TREE_CACHE),
            logged: Mutex::default(),
            attributes,
            filters,
            sizes: Sizes::default(),
            fetcher,
            objects,
        })
    }

    /// The directory at `path`.
    pub(crate) fn directory(
        self: &Arc<Self>,
        path: &RelPath,
        cancel: &CancelToken,
    ) -> Result<Directory, ProviderError> {
        let mut walked = RelPathBuf::root();
        let mut directory = Directory::default();
        directory.enter(self.tree(self.root, &walked, cancel)?, &walked);
        for name in path.components() {
            let entry = directory.tree.get(name).ok_or_else(ProviderError::not_found)?;
            let (id, kind) = (entry.id, entry.kind.clone());
            walked.push(name);
            match kind {
                EntryKind::Directory => directory.enter(self.tree(id, &walked, cancel)?, &walked),
                EntryKind::Submodule => directory.tree = Arc::default(),
                EntryKind::File | EntryKind::Executable | EntryKind::Symlink(_) | EntryKind::LinkAsFile => {
                    return Err(ProviderError::not_found());
                }
            }
        }
        Ok(directory)
    }

    /// Everything in the directory at `path`.
    pub(crate) fn list(
        self: &Arc<Self>,
        path: &RelPath,
        cancel: &CancelToken,
    ) -> Result<Vec<ProjectedItem>, ProviderError> {
        let directory = self.directory(path, cancel)?;
        let entries: Vec<_> = directory.tree.entries().iter().collect();
        self.describe(path, &directory, &entries, cancel)
    }

    /// What is called `name` in the directory at `path`.
    pub(crate) fn item(
        self: &Arc<Self>,
        path: &RelPath,
        name: &ItemName,
        cancel: &CancelToken,
    ) -> Result<ProjectedItem, ProviderError> {
        let directory = self.directory(path, cancel)?;
        let entry = directory.tree.get(name).ok_or_else(ProviderError::not_found)?;
        let item = self.describe(path, &directory, &[entry], cancel)?.pop();
        item.ok_or_else(ProviderError::not_found)
    }

    /// The blob and the conversion of a file.
    pub(crate) fn file(
        self: &Arc<Self>,
        path: &RelPath,
        cancel: &CancelToken,
    ) -> Result<(Id, Option<Conversion>), ProviderError> {
        let (parent, name) = path.split_last().ok_or_else(ProviderError::not_found)?;
        let directory = self.directory(parent, cancel)?;
        let entry = directory.tree.get(name).ok_or_else(ProviderError::not_found)?;
        match entry.kind {
            EntryKind::File | EntryKind::Executable => {
                let rules = self.rules(&directory.chain, parent, cancel)?;
                let conversion = rules.map(|rules| rules.conversion(path)).transpose();
                Ok((entry.id, conversion.map_err(|why| unreadable("file", entry.id, path, &why))?.flatten()))
            }
            EntryKind::LinkAsFile => Ok((entry.id, None)),
            EntryKind::Directory | EntryKind::Symlink(_) | EntryKind::Submodule => {
                Err(ProviderError::new(ProviderErrorKind::InvalidInput, "not a file"))
            }
        }
    }

    /// Calls `take` with the content of a blob, piece by piece, as it is checked out to `path`.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        path: &RelPath,
        id: Id,
        conversion: Option<&Conversion>,
        cancel: &CancelToken,
        mut take: impl FnMut(&[u8]) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let place = path.split_last().map_or(RelPath::root(), |(parent, _)| parent);
        self.bring(&[id], Extent::Around(place), cancel, |_| path.to_owned())?;
        let delivered = self.objects.read(|reader| {
            let Some(conversion) = conversion else { return reader.blob(id, take) };
            reader.blob(id, |blob| {
                let content = conversion.apply(blob, id)?;
                match &conversion.filter {
                    Some(filter) => self.filters.smudge(filter, path, id, &content, take),
                    None => Ok(take(&content)),
                }
            })?
        });
        delivered.map_err(|why| unreadable("blob", id, path, &why))?
    }

    /// What these entries of a directory are, but for those that cannot be shown.
    fn describe(
        self: &Arc<Self>,
        path: &RelPath,
        directory: &Directory,
        entries: &[&Entry],
        cancel: &CancelToken,
    ) -> Result<Vec<ProjectedItem>, ProviderError> {
        // Attributes matter to files only: on the way to something none are fetched.
        let any_file =
            entries.iter().any(|entry| matches!(entry.kind, EntryKind::File | EntryKind::Executable));
        if !self.objects.settings().promisors.is_empty() {
            let chain = if any_file { &directory.chain[..] } else { &[] };
            let own = entries.iter().filter(|entry| entry.kind.is_blob()).map(|entry| entry.id);
            let ids: Vec<_> = chain.iter().map(|(_, id)| *id).chain(own).collect();
            self.bring(&ids, Extent::Around(path), cancel, |id| {
                let name = entries.iter().find(|entry| entry.id == id);
                name.map_or_else(|| path.to_owned(), |entry| path.join(&entry.name))
            })?;
        }
        let rules = if any_file { self.rules(&directory.chain, path, cancel)? } else { None };
        let mut items = Vec::with_capacity(entries.len());
        self.objects.read(|reader| {
            entries.iter().try_for_each(|entry| {
                let item = || path.join(&entry.name);
                let info = self.info(entry, rules.as_deref(), &item, reader);
                let info = info.map_err(|why| unreadable("object", entry.id, &item(), &why))?;
                items.extend(info.map(|info| ProjectedItem::new(entry.name.clone(), info)));
                Ok::<_, ProviderError>(())
            })
        })?;
        Ok(items)
    }

    /// The metadata of `entry`; nothing if it is left out.
    fn info(
        &self,
        entry: &Entry,
        rules: Option<&Rules>,
        path: &dyn Fn() -> RelPathBuf,
        reader: Reader<'_>,
    ) -> Result<Option<PlaceholderInfo>, Unreadable> {
        let mut conversion = None;
        let info = match &entry.kind {
            EntryKind::File | EntryKind::Executable => {
                conversion = rules.map(|rules| rules.conversion(&path())).transpose()?.flatten();
                let size = match &conversion {
                    Some(conversion) => self.converted_size(entry.id, conversion, path, reader)?,
                    None => reader.size(entry.id)?,
                };
                match entry.kind {
                    EntryKind::Executable => PlaceholderInfo::file(size).with_mode(0o755),
                    _ => PlaceholderInfo::file(size),
                }
            }
            EntryKind::LinkAsFile => PlaceholderInfo::file(reader.size(entry.id)?),
            EntryKind::Directory | EntryKind::Submodule => PlaceholderInfo::directory(),
            EntryKind::Symlink(Some(target)) => PlaceholderInfo::symlink(target.clone()),
            EntryKind::Symlink(None) => match reader.target(entry.id)? {
                target if names::is_target(&target) => PlaceholderInfo::symlink(target),
                _ => return Ok(None),
            },
        };
        let version = version::of_entry(entry.id, &entry.kind, conversion.as_ref());
        Ok(Some(info.with_times(self.times).with_version(version)))
    }

    /// How large a file is that is not its blob.
    fn converted_size(
        &self,
        id: Id,
        conversion: &Conversion,
        path: &dyn Fn() -> RelPathBuf,
        reader: Reader<'_>,
    ) -> Result<u64, Unreadable> {
        if let Some(size) = self.sizes.get(id, conversion) {
            return Ok(size);
        }
        let size = reader.blob(id, |blob| {
            let content = conversion.apply(blob, id)?;
            let Some(filter) = &conversion.filter else { return Ok(content.len() as u64) };
            if let Some(size) = self.filters.size(filter, &content) {
                return Ok(size);
            }
            let mut size = 0;
            let counted = self.filters.smudge(filter, &path(), id, &content, |piece| {
                size += piece.len() as u64;
                Ok::<_, std::convert::Infallible>(())
            })?;
            counted.map(|()| size).or(Ok(size))
        })??;
        self.sizes.insert(id, conversion.clone(), size);
        Ok(size)
    }

    /// The rules of a directory with these attributes, if there are any.
    pub(crate) fn rules(
        self: &Arc<Self>,
        chain: &Chain,
        path: &RelPath,
        cancel: &CancelToken,
    ) -> Result<Option<Arc<Rules>>, ProviderError> {
        let Some(attributes) = &self.attributes else { return Ok(None) };
        let ids: Vec<_> = chain.iter().map(|(_, id)| *id).collect();
        self.bring(&ids, Extent::Exact, cancel, |_| path.to_owned())?;
        let read = |id| self.objects.read(|reader| reader.blob(id, <[u8]>::to_vec));
        let rules = attributes.rules(chain, read);
        Ok(Some(rules.map_err(|why| {
            let message = format!("cannot read the attributes of {path:?}: {why}");
            ProviderError::new(ProviderErrorKind::Io, message)
        })?))
    }

    /// Has missing objects fetched, if there is somewhere to fetch from. `path` tells what an object is.
    pub(crate) fn bring(
        self: &Arc<Self>,
        ids: &[Id],
        extent: Extent<'_>,
        cancel: &CancelToken,
        path: impl Fn(Id) -> RelPathBuf,
    ) -> Result<(), ProviderError> {
        let settings = self.objects.settings();
        if settings.promisors.is_empty() {
            return Ok(());
        }
        let missing = self.objects.missing(ids.iter().copied());
        let Some(fetcher) = &self.fetcher else {
            let Some(id) = missing.first() else { return Ok(()) };
            let why = "the repository belongs to somebody else, see safe.directory in git-config(1)";
            let message = format!("object {id} of {:?} is missing, and not fetched: {why}", path(*id));
            return Err(ProviderError::new(ProviderErrorKind::Io, message));
        };
        fetcher.bring(&missing, extent, self, cancel).map_err(|failure| match failure {
            Failure::Cancelled => ProviderErrorKind::Cancelled.into(),
            Failure::Refused { id, words } => {
                let message = format!("cannot fetch object {id} of {:?}: {words}", path(id));
                ProviderError::new(ProviderErrorKind::Io, message)
            }
        })
    }

    /// The tree `id`, which is the directory at `path`.
    pub(crate) fn tree(
        self: &Arc<Self>,
        id: Id,
        path: &RelPath,
        cancel: &CancelToken,
    ) -> Result<Arc<Tree>, ProviderError> {
        match self.tree_here(id, path) {
            Err(Unreadable::Missing(_)) => {
                // With it come all that are below it.
                self.bring(&[id], Extent::Exact, cancel, |_| path.to_owned())?;
                self.tree_here(id, path)
            }
            found => found,
        }
        .map_err(|why| unreadable("tree", id, path, &why))
    }

    /// The same, unless it is not here.
    fn tree_here(&self, id: Id, path: &RelPath) -> Result<Arc<Tree>, Unreadable> {
        if let Some(tree) = self.trees.get(id) {
            return Ok(tree);
        }
        let raw = self.objects.read(|reader| reader.tree(id))?;
        let (tree, left_out) = Tree::check(raw, self.objects.settings().protection);
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
}

impl Directory {
    /// Goes into a directory, which is at `path`.
    fn enter(&mut self, tree: Arc<Tree>, path: &RelPath) {
        let attributes = ItemName::new(b".gitattributes").ok().and_then(|name| tree.get(name));
        if let Some(entry) = attributes
            && matches!(entry.kind, EntryKind::File | EntryKind::Executable)
        {
            self.chain.push((path.to_owned(), entry.id));
        }
        self.tree = tree;
    }
}

/// What a commit itself says of Git LFS. What is not here may say anything.
fn pointers(reader: Reader<'_>, root: Id) -> Pointers {
    let entries = reader.tree(root).unwrap_or_default();
    match entries.iter().find(|entry| *entry.name == *b".lfsconfig") {
        Some(entry) => reader.blob(entry.id, Pointers::of_file).unwrap_or(Pointers::Maybe),
        None => Pointers::Followed,
    }
}

fn unreadable(what: &str, id: Id, path: &RelPath, why: &Unreadable) -> ProviderError {
    tracing::warn!(object = %id, %why, "an object cannot be read");
    tracing::debug!(object = %id, ?path, "the object that cannot be read");
    ProviderError::new(ProviderErrorKind::Io, format!("cannot read {what} {id} of {path:?}: {why}"))
}
