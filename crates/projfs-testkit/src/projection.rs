//! `Projection`: a small tree in memory, as a provider.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Request;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

/// A small tree in memory, as a provider. A clone is the same tree.
#[derive(Clone, Debug, Default)]
pub struct Projection(Arc<Mutex<Items>>);

#[derive(Debug, Default)]
struct Items {
    now: BTreeMap<RelPathBuf, Given>,
    /// Every content that there ever was: who has an older version open, or known, can still read it.
    contents: HashMap<VersionInfo, Vec<u8>>,
    /// Whether a directory that is not there is listed as an empty one.
    lenient: bool,
}

/// One item of a [`Projection`].
#[derive(Clone, Debug)]
pub struct Given {
    /// What the provider says of it.
    pub info: PlaceholderInfo,
    /// A file's content.
    pub content: Vec<u8>,
}

impl Projection {
    /// Adds a file.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        self.with(path, PlaceholderInfo::file(content.len() as u64), content)
    }

    /// Adds a directory.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.with(path, PlaceholderInfo::directory(), Vec::new())
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.with(path, PlaceholderInfo::symlink(target.as_bytes()), Vec::new())
    }

    /// Adds an item. Each gets a time and a version of its own, so that none is taken for another.
    ///
    /// # Panics
    /// If the path is none.
    #[must_use]
    pub fn with(self, path: &str, info: PlaceholderInfo, content: Vec<u8>) -> Self {
        let path = RelPathBuf::new(path).expect("tests use correct paths");
        let count = self.0.lock().now.len() as u64 + 1;
        let info = info.with_time(Timestamp::from_seconds(1_000_000 + i64::try_from(count).unwrap_or(0)));
        let version = VersionInfo::of_content(&count.to_le_bytes()).unwrap_or_default();
        self.set(path, Given { info: info.with_version(version), content });
        self
    }

    /// Lists a directory that is not there as an empty one, and what is below something else too: for those who make
    /// whatever they like the provider's.
    #[must_use]
    pub fn lenient(self) -> Self {
        self.0.lock().lenient = true;
        self
    }

    /// Another version of an item, or a new item.
    pub fn set(&self, path: RelPathBuf, given: Given) {
        self.offer(&given.info.version, &given.content);
        self.0.lock().now.insert(path, given);
    }

    /// There is no such item any more, nor anything below it.
    pub fn remove(&self, path: &RelPath) {
        self.0.lock().now.retain(|known, _| !known.starts_with(path));
    }

    /// Content that is asked for by its version.
    pub fn offer(&self, version: &VersionInfo, content: &[u8]) {
        self.0.lock().contents.insert(version.clone(), content.to_vec());
    }

    /// The item at a path.
    pub fn get(&self, path: &RelPath) -> Option<Given> {
        self.0.lock().now.get(path).cloned()
    }

    /// All items.
    pub fn items(&self) -> Vec<(RelPathBuf, ItemKind)> {
        let items = self.0.lock();
        items.now.iter().map(|(path, given)| (path.clone(), given.info.item_kind())).collect()
    }

    /// The items of a directory.
    pub fn children(&self, dir: &RelPath) -> Vec<(RelPathBuf, Given)> {
        let items = self.0.lock();
        let below = |path: &RelPathBuf| path.split_last().is_some_and(|(parent, _)| parent == dir);
        let below = items.now.iter().filter(|(path, _)| below(path));
        below.map(|(path, given)| (path.clone(), given.clone())).collect()
    }

    fn item(&self, path: &RelPath) -> Result<ProjectedItem, ProviderError> {
        let given = self.get(path).ok_or_else(ProviderError::not_found)?;
        let (_, name) = path.split_last().ok_or_else(ProviderError::not_found)?;
        Ok(ProjectedItem::new(name.to_owned(), given.info.clone()))
    }
}

impl Provider for Projection {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.item(request.path())
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let dir = request.path();
        let is_directory = |given: &Given| given.info.item_kind() == ItemKind::Directory;
        let lenient = self.0.lock().lenient;
        if !lenient && !dir.is_root() && !self.get(dir).as_ref().is_some_and(is_directory) {
            return Err(ProviderError::not_found());
        }
        DirEntries::unsorted(
            self.children(dir).iter().map(|(path, _)| self.item(path)).collect::<Result<_, _>>()?,
        )
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let items = self.0.lock();
        let content = items.contents.get(request.version());
        let content = content.ok_or_else(|| {
            ProviderError::new(ProviderErrorKind::InvalidInput, "a version is asked for that never was")
        })?;
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let bytes = content.get(start..end).ok_or(ProviderErrorKind::InvalidInput)?;
        sink.write_at(range.start, bytes)
    }
}
