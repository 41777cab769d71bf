//! Content that comes from the provider, and what becomes of it.

use projfs_store::Access;
use projfs_store::AttributeChange;
use projfs_store::Store;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::mode;
use rustix::io::Errno;

use super::Result;
use super::Root;
use super::Shell;
use super::at;
use super::at_home;
use super::done;
use super::name;
use super::origin;
use super::path;
use super::place;
use super::promises;
use super::refused;
use super::said;

promises![
    content_that_is_not_published_leaves_no_trace,
    a_published_file_is_whole_and_shows_what_was_said,
    content_of_the_wrong_length_is_refused,
    publishing_replaces_a_tombstone,
    publishing_replaces_a_stand_in_and_keeps_what_was_changed,
    publishing_replaces_nothing_else,
    a_file_can_be_published_as_full,
    a_conversion_keeps_the_file,
    only_files_with_content_are_converted,
    what_changed_underneath_is_full,
];

fn hydrated() -> FileState {
    FileState::Hydrated(at_home())
}

fn publish(store: &dyn Store, text: &str, content: &Arc<dyn StoreFile>, state: &FileState) -> Result<()> {
    let (dir, name) = at(text);
    let number = Number::of_origin(&origin(text));
    store.publish(dir, name, content, &said(PlaceholderInfo::file(3)), state, number)
}

fn content_that_is_not_published_leaves_no_trace(root: &dyn Root) {
    let store = root.open();
    let content = store.content(b"abc");
    assert_eq!(super::read(&*content), b"abc");
    drop(content);
    assert_eq!(store.names(""), []);
}

fn a_published_file_is_whole_and_shows_what_was_said(root: &dyn Root) {
    let store = root.open();
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    let content = store.content(b"abc");
    done(publish(&*store, "dir/file", &content, &hydrated()));
    assert_eq!(super::read(&*content), b"abc");
    drop((content, store));
    let store = root.open();
    let item = store.there("dir/file");
    let info = said(PlaceholderInfo::file(3));
    assert_eq!(item.state, ItemState::File(hydrated()));
    assert_eq!(item.stat.mode, mode::FILE | 0o644);
    assert_eq!((item.stat.size, item.stat.links), (3, 1));
    assert_eq!(item.stat.times.write, info.times.write);
    assert_eq!(item.stat.number, Number::of_origin(&origin("dir/file")));
    assert_eq!(item.info, Some(info));
    assert_eq!(store.read(place("dir/file")), b"abc");
}

fn content_of_the_wrong_length_is_refused(root: &dyn Root) {
    let store = root.open();
    for bytes in [&b""[..], b"ab", b"abcd"] {
        refused(publish(&*store, "file", &store.content(bytes), &hydrated()), Errno::INVAL);
    }
    refused(publish(&*store, "missing/file", &store.content(b"abc"), &hydrated()), Errno::NOENT);
    assert_eq!(store.names(""), []);
}

fn publishing_replaces_a_tombstone(root: &dyn Root) {
    let store = root.open();
    store.bury("file");
    done(publish(&*store, "file", &store.content(b"abc"), &hydrated()));
    assert_eq!(store.read(place("file")), b"abc");
}

fn publishing_replaces_a_stand_in_and_keeps_what_was_changed(root: &dyn Root) {
    let store = root.open();
    let dirty = Projected { metadata: Metadata::Dirty, ..at_home() };
    done(store.put("file", &said(PlaceholderInfo::file(3)), &dirty));
    let change = AttributeChange { permissions: Some(0o700), ..AttributeChange::default() };
    done(store.set_attributes(place("file"), &change));
    done(store.set_xattr(place("file"), b"user.color", b"red", 0));
    let state = FileState::Hydrated(dirty);
    done(publish(&*store, "file", &store.content(b"abc"), &state));
    let item = store.there("file");
    assert_eq!(item.state, ItemState::File(state));
    assert_eq!(item.stat.mode, mode::FILE | 0o700);
    assert_eq!(done(store.get_xattr(place("file"), b"user.color")), b"red");
    assert_eq!(store.read(place("file")), b"abc");
    assert_eq!(store.names("").len(), 1);
}

fn publishing_replaces_nothing_else(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"old");
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    for text in ["file", "dir"] {
        refused(publish(&*store, text, &store.content(b"abc"), &hydrated()), Errno::EXIST);
    }
    assert_eq!(store.read(place("file")), b"old");
}

fn a_file_can_be_published_as_full(root: &dyn Root) {
    let store = root.open();
    done(store.put("file", &said(PlaceholderInfo::file(3)), &at_home()));
    let content = store.content(b"other");
    done(publish(&*store, "file", &content, &FileState::Full));
    done(content.write_at(5, b"!"));
    drop((content, store));
    let store = root.open();
    let item = store.there("file");
    assert_eq!(item.state, ItemState::File(FileState::Full));
    assert_eq!(item.info, None);
    assert_eq!(item.stat.mode, mode::FILE | 0o644);
    assert_eq!(item.stat.number, Number::of_origin(&origin("file")));
    assert!(item.stat.times.write > said(PlaceholderInfo::file(3)).times.write);
    assert_eq!(store.read(place("file")), b"other!");
}

fn a_conversion_keeps_the_file(root: &dyn Root) {
    let store = root.open();
    done(publish(&*store, "file", &store.content(b"abc"), &hydrated()));
    let before = store.there("file").stat;
    let file = done(store.open(place("file"), Access::Read));
    done(store.convert(path(""), name("file")));
    let item = store.there("file");
    assert_eq!(item.state, ItemState::File(FileState::Full));
    assert_eq!(item.info, None);
    assert_eq!((item.stat.number, item.stat.mode), (before.number, before.mode));
    assert_eq!(item.stat.times.write, before.times.write);
    let writer = done(store.open(place("file"), Access::ReadWrite));
    done(writer.write_at(0, b"X"));
    assert_eq!(super::read(&*file), b"Xbc");
    drop((file, writer, store));
    let store = root.open();
    assert_eq!(store.there("file").stat.number, before.number);
}

fn only_files_with_content_are_converted(root: &dyn Root) {
    let store = root.open();
    done(store.put("stand-in", &said(PlaceholderInfo::file(3)), &at_home()));
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    for text in ["stand-in", "dir"] {
        refused(store.convert(path(""), name(text)), Errno::INVAL);
    }
    refused(store.convert(path(""), name("missing")), Errno::NOENT);
}

fn what_changed_underneath_is_full(root: &dyn Root) {
    let store = root.open();
    done(publish(&*store, "file", &store.content(b"abc"), &hydrated()));
    let file = done(store.open(place("file"), Access::ReadWrite));
    done(file.write_at(3, b"def"));
    drop(file);
    let item = store.there("file");
    assert_eq!(item.state, ItemState::File(FileState::Full));
    assert_eq!((item.stat.size, item.stat.number), (6, Number::of_origin(&origin("file"))));
}
