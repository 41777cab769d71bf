//! Content that comes in parts.

use std::ops::Range;

use projfs_store::PartialFile;
use projfs_store::Result;
use projfs_store::Store;
use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use rustix::io::Errno;

use super::Root;
use super::Shell;
use super::at;
use super::at_home;
use super::done;
use super::origin;
use super::place;
use super::promises;
use super::refused;
use super::said;
use super::version;

promises![
    what_was_marked_is_there_and_nothing_else,
    everybody_has_the_same_parts,
    parts_are_kept_from_one_opening_to_the_next,
    parts_of_another_version_are_dropped,
    parts_of_a_long_file_take_no_room,
    only_files_come_in_parts,
    what_is_whole_is_published_once,
    what_is_not_whole_is_not_published,
    a_refused_publication_keeps_the_parts,
    what_is_whole_can_be_full_at_once,
    what_is_whole_replaces_a_stand_in,
    dropped_parts_are_left_to_those_who_have_them,
];

fn info() -> PlaceholderInfo {
    said(PlaceholderInfo::file(10))
}

fn number() -> Number {
    Number::of_origin(&origin("file"))
}

fn partial(store: &dyn Store) -> Arc<dyn PartialFile> {
    done(store.partial(number(), &info()))
}

fn put(partial: &dyn PartialFile, range: Range<u64>) {
    let bytes: Vec<u8> = range.clone().map(digit).collect();
    done(partial.file().write_at(range.start, &bytes));
    done(partial.mark(range));
}

fn digit(offset: u64) -> u8 {
    b"0123456789"[usize::try_from(offset % 10).expect("a digit")]
}

fn publish(store: &dyn Store, partial: &dyn PartialFile, state: &FileState) -> Result<()> {
    let (dir, name) = at("file");
    store.publish(dir, name, &partial.file(), &info(), state, number())
}

fn hydrated() -> FileState {
    FileState::Hydrated(at_home())
}

fn what_was_marked_is_there_and_nothing_else(root: &dyn Root) {
    let store = root.open();
    let partial = partial(&*store);
    assert_eq!(done(partial.file().len()), 10);
    assert_eq!(partial.missing(0..10), [0..10; 1]);
    // A range that was written and not marked is missing.
    done(partial.file().write_at(0, b"012"));
    assert_eq!(partial.missing(0..10), [0..10; 1]);
    put(&*partial, 2..4);
    put(&*partial, 6..7);
    assert_eq!(partial.missing(0..10), [0..2, 4..6, 7..10]);
    assert_eq!(partial.missing(3..7), [4..6; 1]);
    assert_eq!(partial.missing(2..4), []);
    assert_eq!(partial.missing(9..100), [9..10; 1]);
    assert_eq!(store.names(""), []);
}

fn everybody_has_the_same_parts(root: &dyn Root) {
    let store = root.open();
    let (one, other) = (partial(&*store), partial(&*store));
    put(&*one, 0..4);
    put(&*other, 4..8);
    assert_eq!(one.missing(0..10), [8..10; 1]);
    assert_eq!(other.missing(0..10), [8..10; 1]);
    let mut bytes = [0; 8];
    assert_eq!(done(one.file().read_at(0, &mut bytes)), 8);
    assert_eq!(&bytes, b"01234567");
    let elsewhere = done(store.partial(Number::of_origin(&origin("elsewhere")), &info()));
    assert_eq!(elsewhere.missing(0..10), [0..10; 1]);
}

fn parts_are_kept_from_one_opening_to_the_next(root: &dyn Root) {
    let store = root.open();
    put(&*partial(&*store), 3..6);
    assert_eq!(partial(&*store).missing(0..10), [0..3, 6..10]);
    drop(store);
    let store = root.open();
    let partial = partial(&*store);
    assert_eq!(partial.missing(0..10), [0..3, 6..10]);
    let mut bytes = [0; 3];
    assert_eq!(done(partial.file().read_at(3, &mut bytes)), 3);
    assert_eq!(&bytes, b"345");
}

fn parts_of_another_version_are_dropped(root: &dyn Root) {
    let store = root.open();
    let old = partial(&*store);
    put(&*old, 0..10);
    let newer = PlaceholderInfo { version: version("v2"), ..info() };
    let longer = said(PlaceholderInfo::file(11));
    for (info, size) in [(newer, 10), (longer, 11)] {
        let new = done(store.partial(number(), &info));
        assert_eq!(new.missing(0..20), [0..size; 1]);
        let mut bytes = [1; 10];
        assert_eq!(done(new.file().read_at(0, &mut bytes)), 10);
        assert_eq!(bytes, [0; 10]);
    }
    assert_eq!(old.missing(0..10), []);
    done(old.complete());
    let (dir, name) = at("file");
    assert!(store.publish(dir, name, &old.file(), &info(), &hydrated(), number()).is_err());
    assert!(store.item("file").is_none());
}

fn parts_of_a_long_file_take_no_room(root: &dyn Root) {
    let store = root.open();
    let size = 10 << 30;
    let before = done(store.space()).free;
    let partial = done(store.partial(number(), &said(PlaceholderInfo::file(size))));
    put(&*partial, size - 10..size);
    assert_eq!(partial.missing(0..size), [0..size - 10; 1]);
    assert!(before.saturating_sub(done(store.space()).free) < 1 << 16);
}

fn only_files_come_in_parts(root: &dyn Root) {
    let store = root.open();
    refused(store.partial(number(), &said(PlaceholderInfo::directory())), Errno::INVAL);
}

fn what_is_whole_is_published_once(root: &dyn Root) {
    let store = root.open();
    let partial = partial(&*store);
    put(&*partial, 5..10);
    put(&*partial, 0..5);
    done(partial.complete());
    done(publish(&*store, &*partial, &hydrated()));
    drop((partial, store));
    let store = root.open();
    let item = store.there("file");
    assert_eq!(item.state, ItemState::File(hydrated()));
    assert_eq!((item.stat.size, item.stat.links), (10, 1));
    assert_eq!(item.stat.times.write, info().times.write);
    assert_eq!(store.read(place("file")), b"0123456789");
    // What is asked for now is another file.
    assert_eq!(self::partial(&*store).missing(0..10), [0..10; 1]);
    put(&*self::partial(&*store), 0..1);
    assert_eq!(store.there("file").state, ItemState::File(hydrated()));
}

fn what_is_not_whole_is_not_published(root: &dyn Root) {
    let store = root.open();
    let partial = partial(&*store);
    put(&*partial, 0..9);
    refused(partial.complete(), Errno::INVAL);
    for state in [hydrated(), FileState::Full] {
        refused(publish(&*store, &*partial, &state), Errno::INVAL);
    }
    put(&*partial, 9..10);
    refused(publish(&*store, &*partial, &hydrated()), Errno::INVAL);
    done(partial.complete());
    done(publish(&*store, &*partial, &hydrated()));
}

fn a_refused_publication_keeps_the_parts(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"mine");
    let partial = partial(&*store);
    put(&*partial, 0..10);
    done(partial.complete());
    refused(publish(&*store, &*partial, &hydrated()), Errno::EXIST);
    assert_eq!(store.read(place("file")), b"mine");
    drop(partial);
    let partial = self::partial(&*store);
    assert_eq!(partial.missing(0..10), []);
    store.bury("file");
    done(partial.complete());
    done(publish(&*store, &*partial, &hydrated()));
    assert_eq!(store.read(place("file")), b"0123456789");
}

fn what_is_whole_can_be_full_at_once(root: &dyn Root) {
    let store = root.open();
    let partial = partial(&*store);
    put(&*partial, 0..10);
    done(partial.complete());
    done(publish(&*store, &*partial, &FileState::Full));
    drop((partial, store));
    let store = root.open();
    assert_eq!(store.there("file").state, ItemState::File(FileState::Full));
    assert_eq!(store.read(place("file")), b"0123456789");
}

fn what_is_whole_replaces_a_stand_in(root: &dyn Root) {
    let store = root.open();
    let dirty = Projected { metadata: Metadata::Dirty, ..at_home() };
    done(store.put("file", &info(), &dirty));
    done(store.set_xattr(place("file"), b"user.color", b"red", 0));
    let partial = partial(&*store);
    put(&*partial, 0..10);
    done(partial.complete());
    let state = FileState::Hydrated(dirty);
    done(publish(&*store, &*partial, &state));
    assert_eq!(store.there("file").state, ItemState::File(state));
    assert_eq!(done(store.get_xattr(place("file"), b"user.color")), b"red");
    assert_eq!(store.names("").len(), 1);
}

fn dropped_parts_are_left_to_those_who_have_them(root: &dyn Root) {
    let store = root.open();
    done(store.drop_partial(number()));
    let old = partial(&*store);
    put(&*old, 0..5);
    done(store.drop_partial(number()));
    let new = partial(&*store);
    assert_eq!(new.missing(0..10), [0..10; 1]);
    put(&*old, 5..10);
    assert_eq!(old.missing(0..10), []);
    let mut bytes = [0; 10];
    assert_eq!(done(old.file().read_at(0, &mut bytes)), 10);
    assert_eq!(&bytes, b"0123456789");
    assert_eq!(new.missing(0..10), [0..10; 1]);
}
