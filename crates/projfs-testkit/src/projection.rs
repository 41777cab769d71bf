//! `Projection`: a small tree in memory, as a provider.

use std::collections::BTreeMap;
use std::ops::Range;

use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Request;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

/// A small tree in memory, as a provider.
#[derive(Clone, Debug, Default)]
pub struct Projection {
    items: BTreeMap<RelPathBuf, Given>,
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
    pub fn with(mut self, path: &str, info: PlaceholderInfo, content: Vec<u8>) -> Self {
        let path = RelPathBuf::new(path).expect("tests use correct paths");
        let count = self.items.len() as u64 + 1;
        let info = info.with_time(Timestamp::from_seconds(1_000_000 + i64::try_from(count).unwrap_or(0)));
        let version = VersionInfo::of_content(&count.to_le_bytes()).unwrap_or_default();
        self.items.insert(path, Given { info: info.with_version(version), content });
        self
    }

    /// The item at a path.
    pub fn get(&self, path: &RelPath) -> Option<&Given> {
        self.items.get(path)
    }

    /// All items.
    pub fn items(&self) -> impl Iterator<Item = (&RelPathBuf, ItemKind)> {
        self.items.iter().map(|(path, given)| (path, given.info.item_kind()))
    }

    /// The items of a directory.
    pub fn children<'a>(&'a self, dir: &RelPath) -> impl Iterator<Item = (&'a RelPathBuf, &'a Given)> {
        self.items.iter().filter(move |(path, _)| path.split_last().is_some_and(|(parent, _)| parent == dir))
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
        if !dir.is_root() && !self.get(dir).is_some_and(is_directory) {
            return Err(ProviderError::not_found());
        }
        DirEntries::unsorted(self.children(dir).map(|(path, _)| self.item(path)).collect::<Result<_, _>>()?)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let given = self.get(request.path()).ok_or_else(ProviderError::not_found)?;
        if *request.version() != given.info.version {
            return Err(ProviderError::new(ProviderErrorKind::InvalidInput, "another version is asked for"));
        }
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
        let bytes = given.content.get(start..end).ok_or(ProviderErrorKind::InvalidInput)?;
        sink.write_at(range.start, bytes)
    }
}
