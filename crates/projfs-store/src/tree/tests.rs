//! A store on disk: each step, and what is left of it after a restart.

use std::path::PathBuf;

use projfs_types::FileTimes;
use projfs_types::ItemKind;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Origin;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;
use rustix::io::Errno;
use tempfile::TempDir;

use super::*;
use crate::NewKind;

mod changes;
mod extended;
mod moves;
mod power;
mod roots;
mod stopped;
mod strangers;

/// A root that is opened anew at will.
struct World {
    temporary: TempDir,
    store: Option<TreeStore>,
}

impl World {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        TreeStore::mark(temporary.path(), Existing::Refuse).unwrap();
        let store = Some(TreeStore::open(temporary.path()).unwrap());
        Self { temporary, store }
    }

    fn store(&self) -> &TreeStore {
        self.store.as_ref().unwrap()
    }

    fn stop(&mut self) {
        self.store = None;
    }

    fn restart(&mut self) {
        self.stop();
        self.store = Some(TreeStore::open(self.temporary.path()).unwrap());
    }

    fn disk(&self, path: &str) -> PathBuf {
        self.temporary.path().join(path)
    }

    fn look(&self, at: &str) -> Option<Item> {
        let (dir, name) = split(at);
        self.store().look(&dir, &name).unwrap()
    }

    fn state(&self, at: &str) -> ItemState {
        self.look(at).unwrap_or_else(|| panic!("nothing at {at}")).state
    }

    fn names(&self, dir: &str) -> Vec<(String, Option<ItemKind>)> {
        let listed = self.store().list(&path(dir)).unwrap();
        listed.into_iter().map(|listed| (listed.name.to_string(), listed.kind)).collect()
    }

    fn publish(&self, at: &str, text: &str, state: &FileState) -> Result<()> {
        let (dir, name) = split(at);
        let content = self.store().begin_content(text.len() as u64)?;
        content.write_at(0, text.as_bytes())?;
        let number = Number::of_origin(&path(at).into());
        self.store().publish(&dir, &name, &content, &file(text.len() as u64), state, number)
    }

    fn hydrate(&self, at: &str, text: &str) {
        self.publish(at, text, &FileState::Hydrated(clean())).unwrap();
    }

    fn put_directory(&self, at: &str) {
        let (dir, name) = split(at);
        self.store().put_directory(&dir, &name, &directory(), &clean()).unwrap();
    }

    fn put_stand_in(&self, at: &str, size: u64) {
        let (dir, name) = split(at);
        self.store().put_stand_in(&dir, &name, &file(size), &moved("else/where")).unwrap();
    }

    fn create(&self, at: &str, kind: NewKind) -> Result<Created> {
        let (dir, name) = split(at);
        self.store().create(&dir, &name, &new_item(kind, 0o640))
    }

    fn write(&self, at: &str, text: &str) {
        self.create(at, NewKind::File).unwrap().file.unwrap().write_at(0, text.as_bytes()).unwrap();
    }

    fn read(&self, at: &str) -> Result<String> {
        let (dir, name) = split(at);
        let file = self.store().open(Place::Named(&dir, &name), Access::Read)?;
        let mut text = vec![0; 1000];
        let length = file.read_at(0, &mut text)?;
        Ok(String::from_utf8_lossy(&text[..length]).into_owned())
    }

    fn remove(&self, at: &str, leave: Leave, keep: Keep) -> Result<Option<TrashId>> {
        let (dir, name) = split(at);
        self.store().remove(&dir, &name, leave, keep)
    }

    fn rename(&self, from: &str, to: &str, leave: Leave, keep: Keep) -> Result<Option<TrashId>> {
        let (from, to) = (split(from), split(to));
        self.store().rename((&from.0, &from.1), (&to.0, &to.1), leave, keep)
    }

    fn set(&self, at: &str, change: &AttributeChange) {
        let (dir, name) = split(at);
        self.store().set_attributes(Place::Named(&dir, &name), change).unwrap();
    }

    fn set_dirty(&self, at: &str) {
        let (dir, name) = split(at);
        let dirty = Projected { metadata: Metadata::Dirty, ..clean() };
        self.store().set_projected(&dir, &name, &dirty).unwrap();
    }
}

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text.as_bytes()).unwrap()
}

fn split(text: &str) -> (RelPathBuf, projfs_types::ItemNameBuf) {
    let path = path(text);
    let (dir, name) = path.split_last().unwrap();
    (dir.to_owned(), name.to_owned())
}

fn times() -> FileTimes {
    FileTimes {
        creation: Timestamp { seconds: 1_000_000_000, nanoseconds: 1 },
        access: Timestamp { seconds: 1_300_000_000, nanoseconds: 2 },
        write: Timestamp { seconds: 1_200_000_000, nanoseconds: 3 },
        change: Timestamp { seconds: 1_250_000_000, nanoseconds: 4 },
    }
}

fn file(size: u64) -> PlaceholderInfo {
    PlaceholderInfo { times: times(), version: version(), mode: 0o444, ..PlaceholderInfo::file(size) }
}

fn directory() -> PlaceholderInfo {
    PlaceholderInfo { times: times(), version: version(), mode: 0o555, ..PlaceholderInfo::directory() }
}

fn version() -> VersionInfo {
    VersionInfo::of_content(b"version 1").unwrap()
}

fn clean() -> Projected {
    Projected::clean(version())
}

fn moved(origin: &str) -> Projected {
    Projected { origin: Origin::At(path(origin).into()), ..clean() }
}

fn new_item(kind: NewKind, permissions: u32) -> NewItem {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    NewItem { kind, permissions, uid, gid }
}

fn errno<T>(result: Result<T>) -> Errno {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.errno(),
    }
}
