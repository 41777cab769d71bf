use projfs_types::DirectoryState;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Origin;
use projfs_types::VersionInfo;

use super::*;

fn name(text: &str) -> ItemNameBuf {
    ItemNameBuf::new(text).unwrap()
}

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

fn at_home() -> Projected {
    Projected::clean(VersionInfo::default())
}

fn content(store: &MemoryStore, bytes: &[u8]) -> Arc<dyn StoreFile> {
    let content = store.begin_content(bytes.len() as u64).unwrap();
    content.write_at(0, bytes).unwrap();
    content
}

#[test]
fn a_clone_leads_to_the_same_content() {
    let store = MemoryStore::new();
    let info = PlaceholderInfo::directory();
    store.put_directory(RelPath::root(), &name("d"), &info, &at_home()).unwrap();
    store.note(&path("d/f").into(), &PlaceholderInfo::file(3)).unwrap();
    let again = store.clone();
    drop(store);
    let item = again.look(RelPath::root(), &name("d")).unwrap().unwrap();
    assert_eq!(item.state, ItemState::Directory(DirectoryState::Placeholder(at_home())));
    assert_eq!(again.noted(&path("d/f").into()), Some(PlaceholderInfo::file(3)));
    again.lose_notes();
    assert_eq!(again.notes(), 0);
}

#[test]
fn a_number_comes_from_the_origin_not_from_the_path() {
    let store = MemoryStore::new();
    let moved = Projected { origin: Origin::At(path("old/place").into()), ..at_home() };
    store.put_directory(RelPath::root(), &name("new"), &PlaceholderInfo::directory(), &moved).unwrap();
    store.put_stand_in(&path("new"), &name("f"), &PlaceholderInfo::file(1), &at_home()).unwrap();
    let number = |dir: &str, item: &str| store.look(&path(dir), &name(item)).unwrap().unwrap().stat.number;
    assert_eq!(number("", "new"), Number::of_origin(&path("old/place").into()));
    assert_eq!(number("new", "f"), Number::of_origin(&path("old/place/f").into()));
}

#[test]
fn content_without_a_name_leaves_no_trace() {
    let store = MemoryStore::new();
    let free = store.space().unwrap();
    let lost = content(&store, b"bytes");
    assert_ne!(store.space().unwrap(), free);
    drop(lost);
    assert_eq!(store.space().unwrap(), free);
}

#[test]
fn content_of_another_store_is_refused() {
    let (store, other) = (MemoryStore::new(), MemoryStore::new());
    let foreign = content(&other, b"abc");
    let answer = store.publish(
        RelPath::root(),
        &name("f"),
        &foreign,
        &PlaceholderInfo::file(3),
        &FileState::Full,
        Number(7),
    );
    assert_eq!(answer.unwrap_err().errno(), Errno::XDEV);
}

#[test]
fn inode_numbers_are_not_used_again() {
    let store = MemoryStore::with_clock(|| Timestamp::from_seconds(5));
    let new = NewItem { kind: crate::NewKind::File, permissions: 0o644, uid: 1, gid: 2 };
    let first = store.create(RelPath::root(), &name("f"), &new).unwrap().item.stat;
    assert_eq!(first.times.write, Timestamp::from_seconds(5));
    store.remove(RelPath::root(), &name("f"), Leave::Nothing, Keep::Nothing).unwrap();
    let second = store.create(RelPath::root(), &name("f"), &new).unwrap().item.stat;
    assert_ne!(first.number, second.number);
}
