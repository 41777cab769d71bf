//! What every store promises, as checks that any store can be put through.
//!
//! Each check is given a new root, and opens it as often as it needs: what a store promises to keep, it must
//! keep from one opening to the next. Errors are compared where every Linux file system gives the same.

mod attributes;
mod content;
mod extended;
mod files;
mod lives;
mod moves;
mod names;
mod partial;
mod placeholders;
mod views;

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use projfs_store::Created;
use projfs_store::Item;
use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::NewItem;
use projfs_store::NewKind;
use projfs_store::Place;
use projfs_store::Result;
use projfs_store::Store;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_types::FileTimes;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;
use rustix::io::Errno;

/// One root, which can be opened, closed (by dropping the store) and opened again.
pub trait Root {
    /// Opens the root. What was opened before is closed by then.
    fn open(&self) -> Box<dyn Store>;
}

/// One promise, checked: panics if it is broken.
pub type Check = fn(&dyn Root);

/// All checks, by name.
pub fn checks() -> impl Iterator<Item = (&'static str, Check)> {
    [
        names::CHECKS,
        moves::CHECKS,
        placeholders::CHECKS,
        content::CHECKS,
        partial::CHECKS,
        files::CHECKS,
        attributes::CHECKS,
        extended::CHECKS,
        lives::CHECKS,
        views::CHECKS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Puts a store through all checks, each on a root of its own.
///
/// # Panics
/// If promises are broken; the message names all of them.
pub fn check<R: Root>(new_root: impl Fn() -> R) {
    let mut broken = Vec::new();
    for (name, check) in checks() {
        let root = new_root();
        if catch_unwind(AssertUnwindSafe(|| check(&root))).is_err() {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "broken promises: {broken:#?}");
}

/// Lists functions of a module as checks, by their names.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        pub(super) const CHECKS: &[(&str, $crate::store_contract::Check)] = &[$((stringify!($name), $name)),*];
    };
}
use promises;

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).expect("the suite uses names only")
}

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).expect("the suite uses paths only")
}

/// What the provider has under a path, in its first life.
fn origin(text: &str) -> OriginBuf {
    path(text).into()
}

/// Splits a path as most methods of a store take it.
fn at(text: &str) -> (&RelPath, &ItemName) {
    path(text).split_last().expect("the suite does not use the root here")
}

fn place(text: &str) -> Place<'_> {
    let (dir, name) = at(text);
    Place::Named(dir, name)
}

fn done<T>(result: Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn refused<T>(result: Result<T>, errno: Errno) {
    match result {
        Ok(_) => panic!("done, but {errno:?} was due"),
        Err(error) => assert_eq!(error.errno(), errno, "{error}"),
    }
}

/// The store's methods on whole paths, for tests that read like a shell session.
trait Shell {
    fn item(&self, path: &str) -> Option<Item>;
    fn there(&self, path: &str) -> Item;
    fn names(&self, dir: &str) -> Vec<(String, Option<ItemKind>)>;
    fn make(&self, path: &str, kind: NewKind) -> Result<Created>;
    fn write(&self, path: &str, bytes: &[u8]);
    fn read(&self, place: Place<'_>) -> Vec<u8>;
    fn bury(&self, path: &str);
    fn put(&self, path: &str, info: &PlaceholderInfo, projected: &Projected) -> Result<()>;
    fn content(&self, bytes: &[u8]) -> Arc<dyn StoreFile>;
}

impl Shell for dyn Store + '_ {
    fn item(&self, path: &str) -> Option<Item> {
        let (dir, name) = at(path);
        done(self.look(dir, name))
    }

    #[track_caller]
    fn there(&self, path: &str) -> Item {
        self.item(path).unwrap_or_else(|| panic!("{path} is not there"))
    }

    fn names(&self, dir: &str) -> Vec<(String, Option<ItemKind>)> {
        let listed = done(self.list(path(dir)));
        listed.into_iter().map(|listed| (listed.name.to_string(), listed.kind)).collect()
    }

    fn make(&self, path: &str, kind: NewKind) -> Result<Created> {
        let (dir, name) = at(path);
        self.create(dir, name, &new(kind))
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let file = done(self.make(path, NewKind::File)).file.expect("a regular file was made");
        done(file.write_at(0, bytes));
    }

    fn read(&self, place: Place<'_>) -> Vec<u8> {
        read(&*done(self.open(place, projfs_store::Access::Read)))
    }

    fn bury(&self, path: &str) {
        let (dir, name) = at(path);
        assert_eq!(done(self.remove(dir, name, Leave::Tombstone, Keep::Nothing)), None);
    }

    fn put(&self, path: &str, info: &PlaceholderInfo, projected: &Projected) -> Result<()> {
        let (dir, name) = at(path);
        match info.item_kind() {
            ItemKind::Directory => self.put_directory(dir, name, info, projected),
            ItemKind::File | ItemKind::Symlink | ItemKind::Special => {
                self.put_stand_in(dir, name, info, projected)
            }
        }
    }

    fn content(&self, bytes: &[u8]) -> Arc<dyn StoreFile> {
        let content = done(self.begin_content(bytes.len() as u64));
        done(content.write_at(0, bytes));
        content
    }
}

/// The whole content of a file.
fn read(file: &dyn StoreFile) -> Vec<u8> {
    let length = usize::try_from(done(file.len())).expect("the suite's files are small");
    // One byte more than there is: a read must stop at the end.
    let mut bytes = vec![0xee; length + 1];
    let mut count = 0;
    while let more @ 1.. = done(file.read_at(count as u64, &mut bytes[count..])) {
        count += more;
    }
    assert_eq!(count, length);
    bytes.truncate(count);
    bytes
}

/// A new item, owned by this process, so that no privilege is needed.
fn new(kind: NewKind) -> NewItem {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    NewItem { kind, permissions: 0o640, uid, gid }
}

fn symlink(target: &str) -> NewKind {
    NewKind::Symlink { target: target.as_bytes().into() }
}

fn version(text: &str) -> VersionInfo {
    VersionInfo::of_content(text.as_bytes()).expect("the suite's ids are short")
}

/// What a provider might say: times that are not now, and a version.
fn said(info: PlaceholderInfo) -> PlaceholderInfo {
    let time = Timestamp { seconds: 1_500_000_000, nanoseconds: 123_456_700 };
    PlaceholderInfo { times: FileTimes::all(time), version: version("v1"), ..info }
}

fn at_home() -> Projected {
    Projected::clean(version("v1"))
}
