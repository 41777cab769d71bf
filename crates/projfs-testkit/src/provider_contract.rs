//! What every provider must do, whatever it projects.
//!
//! [`check`] looks at everything a provider projects, compares all that it says of an item with each other, and
//! asks for what does not exist. It panics at the first promise that is broken, naming the path. What the items
//! should be only the provider's own tests know: they look at the [`Snapshot`].

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use projfs_provider::CancelToken;
use projfs_provider::CommandId;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Request;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::Caller;
use projfs_types::ItemNameBuf;
use projfs_types::NAME_MAX;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use projfs_types::collation;

/// How many threads ask at once.
const THREADS: usize = 4;

/// Everything that a provider projects, by path. The root is not in it.
pub type Snapshot = BTreeMap<RelPathBuf, Seen>;

/// One item of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its metadata.
    pub info: PlaceholderInfo,
    /// A file's content; empty for everything else.
    pub content: Vec<u8>,
}

/// Checks all promises on everything that `provider` projects, which must not change meanwhile.
///
/// # Panics
/// At the first promise that is broken.
pub fn check(provider: &dyn Provider) -> Snapshot {
    let snapshot = walk(provider);
    std::thread::scope(|scope| {
        let walks: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| walk(provider))).collect();
        for walk in walks {
            assert!(walk.join().is_ok_and(|other| other == snapshot), "several threads see different things");
        }
    });
    snapshot
}

/// A question about `path`, as the engine asks it.
pub fn request(path: &RelPath, version: &VersionInfo) -> Request {
    request_until(path, version, CancelToken::new())
}

/// Fetches `range` of the file at `path`.
///
/// # Errors
/// The provider's.
///
/// # Panics
/// If the provider says that it delivered what it did not.
pub fn fetch(
    provider: &dyn Provider,
    path: &RelPath,
    info: &PlaceholderInfo,
    range: Range<u64>,
) -> Result<Vec<u8>, ProviderError> {
    let target = Arc::new(MemoryTarget::default());
    let cancel = CancelToken::new();
    let sink = DataSink::new(Arc::clone(&target) as Arc<dyn DataTarget>, info.size(), cancel.clone());
    provider.file_data(&request_until(path, &info.version, cancel), range.clone(), &sink)?;
    assert!(sink.received().covers(&range), "{path:?}: not all of {range:?} was delivered");
    let content = target.0.lock();
    Ok(content[at(range.start)..at(range.end)].to_vec())
}

fn walk(provider: &dyn Provider) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let mut directories = vec![(RelPathBuf::root(), VersionInfo::default())];
    while let Some((directory, version)) = directories.pop() {
        for item in list(provider, &directory, &version) {
            let path = directory.join(&item.name);
            check_metadata(&path, &item.info);
            check_agreement(provider, &path, &version, &item);
            let content = match item.info.kind {
                PlaceholderKind::File { .. } => check_file(provider, &path, &item.info),
                PlaceholderKind::Directory => {
                    check_no_data(provider, &path, &item.info.version);
                    directories.push((path.clone(), item.info.version.clone()));
                    Vec::new()
                }
                PlaceholderKind::Symlink { .. } => {
                    check_no_children(provider, &path, &item.info);
                    Vec::new()
                }
            };
            let before = snapshot.insert(path, Seen { info: item.info, content });
            assert!(before.is_none(), "{directory:?} is listed twice");
        }
    }
    snapshot
}

fn list(provider: &dyn Provider, directory: &RelPath, version: &VersionInfo) -> Vec<ProjectedItem> {
    let entries = provider.enumerate(&request(directory, version));
    let entries = entries.unwrap_or_else(|error| panic!("{directory:?} cannot be listed: {error}"));
    let again = provider.enumerate(&request(directory, version));
    let again =
        again.unwrap_or_else(|error| panic!("{directory:?} cannot be listed again: {error}")).into_vec();
    let entries = entries.into_vec();
    assert_eq!(again.len(), entries.len(), "{directory:?}: two listings differ");
    for (one, other) in entries.iter().zip(&again) {
        assert_eq!(one, other, "{directory:?}: two listings differ");
    }
    for pair in entries.windows(2) {
        let order = collation::compare(&pair[0].name, &pair[1].name);
        assert!(order.is_lt(), "{directory:?}: {:?} does not come before {:?}", pair[0].name, pair[1].name);
    }
    for name in missing_names(&entries) {
        let path = directory.join(&name);
        let info = provider.placeholder_info(&request(&path, version));
        assert_eq!(
            info.map_err(|error| error.kind),
            Err(ProviderErrorKind::NotFound),
            "{path:?} is not listed"
        );
        assert_eq!(provider.exists(&request(&path, version)), Ok(false), "{path:?} is not listed");
        check_is_no_directory(provider, &path, &VersionInfo::default());
        check_no_data(provider, &path, &VersionInfo::default());
    }
    entries
}

/// Names that are not in the listing, most of them close to one that is.
fn missing_names(entries: &[ProjectedItem]) -> Vec<ItemNameBuf> {
    let mut candidates =
        vec![b"no such name".to_vec(), vec![b'n'; NAME_MAX], b"\xff\xfe".to_vec(), b"*".to_vec()];
    let chosen = [entries.first(), entries.get(entries.len() / 2), entries.last()];
    for name in chosen.into_iter().flatten().map(|entry| entry.name.as_bytes()) {
        candidates.push([name, b" "].concat());
        candidates.push([name, b"."].concat());
        candidates.push(name[..name.len() - 1].to_vec());
    }
    let names = candidates.iter().filter_map(|name| ItemNameBuf::new(name).ok());
    names.filter(|name| entries.iter().all(|entry| entry.name != *name)).collect()
}

fn check_metadata(path: &RelPath, info: &PlaceholderInfo) {
    assert!(info.mode <= 0o7777, "{path:?}: the mode {:o} is more than permission bits", info.mode);
    let times = info.times;
    for time in [times.creation, times.access, times.write, times.change] {
        assert!(time.nanoseconds < 1_000_000_000, "{path:?}: {} nanoseconds", time.nanoseconds);
    }
    match &info.kind {
        PlaceholderKind::File { size } => assert!(i64::try_from(*size).is_ok(), "{path:?}: {size} bytes"),
        PlaceholderKind::Directory => {}
        PlaceholderKind::Symlink { target } => {
            assert!((1..=4095).contains(&target.len()), "{path:?}: a target of {} bytes", target.len());
            assert!(!target.contains(&0), "{path:?}: the target has a NUL byte");
        }
    }
}

fn check_agreement(provider: &dyn Provider, path: &RelPath, version: &VersionInfo, item: &ProjectedItem) {
    let found = provider.placeholder_info(&request(path, version));
    assert_eq!(found.as_ref(), Ok(item), "{path:?}: asked by name it differs from the listing");
    assert_eq!(provider.exists(&request(path, version)), Ok(true), "{path:?} is listed");
}

fn check_file(provider: &dyn Provider, path: &RelPath, info: &PlaceholderInfo) -> Vec<u8> {
    check_no_children(provider, path, info);
    let size = info.size();
    if size == 0 {
        return Vec::new();
    }
    let fetch = |range: Range<u64>| {
        fetch(provider, path, info, range.clone())
            .unwrap_or_else(|error| panic!("{path:?}: {range:?} cannot be read: {error}"))
    };
    let whole = fetch(0..size);
    if provider.traits().data == DataAccess::Ranges {
        let third = size / 3;
        for range in [0..1, size - 1..size, third..size - third, third..third + 1, 0..size.min(4096)] {
            assert!(
                fetch(range.clone()) == whole[at(range.start)..at(range.end)],
                "{path:?}: {range:?} differs"
            );
        }
    }
    check_cancelled(provider, path, info);
    whole
}

fn check_cancelled(provider: &dyn Provider, path: &RelPath, info: &PlaceholderInfo) {
    let cancel = CancelToken::new();
    cancel.cancel();
    let sink = DataSink::new(Arc::new(MemoryTarget::default()), info.size(), cancel.clone());
    let result = provider.file_data(&request_until(path, &info.version, cancel), 0..info.size(), &sink);
    let kind = result.map_err(|error| error.kind);
    assert_eq!(kind, Err(ProviderErrorKind::Cancelled), "{path:?}: nobody waits any more");
}

/// A file or a symbolic link has nothing below it.
fn check_no_children(provider: &dyn Provider, path: &RelPath, info: &PlaceholderInfo) {
    check_is_no_directory(provider, path, &info.version);
    for name in missing_names(&[]) {
        let child = path.join(&name);
        let found = provider.placeholder_info(&request(&child, &info.version));
        assert!(found.is_err(), "{child:?} is found below what is no directory");
        assert_ne!(provider.exists(&request(&child, &info.version)), Ok(true), "{child:?} exists");
    }
}

fn check_is_no_directory(provider: &dyn Provider, path: &RelPath, version: &VersionInfo) {
    assert!(provider.enumerate(&request(path, version)).is_err(), "{path:?} is listed and no directory");
}

fn check_no_data(provider: &dyn Provider, path: &RelPath, version: &VersionInfo) {
    let sink = DataSink::new(Arc::new(MemoryTarget::default()), 1, CancelToken::new());
    let result = provider.file_data(&request(path, version), 0..1, &sink);
    assert!(result.is_err(), "{path:?} has content and is no file");
}

/// The same, until `cancel` is set.
pub fn request_until(path: &RelPath, version: &VersionInfo, cancel: CancelToken) -> Request {
    let caller = Caller { pid: 1, uid: 0, gid: 0 };
    Request::new(CommandId(1), path.to_owned(), version.clone(), caller, cancel)
}

fn at(offset: u64) -> usize {
    usize::try_from(offset).expect("what is tested fits into memory")
}

#[derive(Default)]
struct MemoryTarget(Mutex<Vec<u8>>);

impl DataTarget for MemoryTarget {
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut content = self.0.lock();
        let start = at(offset);
        let end = start + data.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[start..end].copy_from_slice(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
