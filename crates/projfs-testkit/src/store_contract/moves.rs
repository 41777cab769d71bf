//! Linking, removing, renaming and exchanging names.

use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::NewKind;
use projfs_store::Place;
use projfs_store::Result;
use projfs_store::Store;
use projfs_store::TrashId;
use projfs_types::DirectoryState;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use rustix::io::Errno;

use super::Root;
use super::Shell;
use super::at;
use super::at_home;
use super::done;
use super::origin;
use super::path;
use super::place;
use super::promises;
use super::refused;
use super::said;
use super::symlink;

promises![
    a_file_may_have_two_names,
    a_link_needs_an_item_and_a_free_name,
    removing_leaves_what_is_asked_for,
    a_tombstone_lasts,
    a_directory_goes_with_its_tombstones,
    what_is_open_is_kept_in_the_trash,
    renaming_moves_the_item_itself,
    renaming_replaces_what_may_be_replaced,
    renaming_refuses_what_rename_refuses,
    renaming_takes_records_along,
    exchanging_swaps_two_items,
];

fn rename(store: &dyn Store, from: &str, to: &str) -> Result<Option<TrashId>> {
    store.rename(at(from), at(to), Leave::Nothing, Keep::Nothing)
}

fn remove(store: &dyn Store, text: &str) -> Result<Option<TrashId>> {
    let (dir, name) = at(text);
    store.remove(dir, name, Leave::Nothing, Keep::Nothing)
}

fn number(store: &dyn Store, text: &str) -> Number {
    store.there(text).stat.number
}

fn a_file_may_have_two_names(root: &dyn Root) {
    let store = root.open();
    store.write("one", b"abc");
    store.bury("two");
    let (dir, name) = at("two");
    done(store.link(place("one"), dir, name));
    assert_eq!(number(&*store, "one"), number(&*store, "two"));
    assert_eq!(store.there("two").stat.links, 2);
    done(remove(&*store, "one"));
    assert_eq!(store.there("two").stat.links, 1);
    assert_eq!(store.read(place("two")), b"abc");
}

fn a_link_needs_an_item_and_a_free_name(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"");
    done(store.make("dir", NewKind::Directory));
    let (dir, name) = at("new");
    refused(store.link(place("missing"), dir, name), Errno::NOENT);
    refused(store.link(place("dir"), dir, name), Errno::PERM);
    refused(store.link(place("file"), path("missing"), name), Errno::NOENT);
    refused(store.link(place("file"), path(""), super::name("dir")), Errno::EXIST);
    store.bury("buried");
    refused(store.link(place("buried"), dir, name), Errno::NOENT);
    assert!(store.item("new").is_none());
}

fn removing_leaves_what_is_asked_for(root: &dyn Root) {
    let store = root.open();
    for text in ["gone", "buried"] {
        store.write(text, b"");
    }
    assert_eq!(done(remove(&*store, "gone")), None);
    assert!(store.item("gone").is_none());
    store.bury("buried");
    assert_eq!(store.there("buried").state, ItemState::Tombstone);
    refused(remove(&*store, "gone"), Errno::NOENT);
    refused(remove(&*store, "missing/gone"), Errno::NOENT);
    done(store.make("link", symlink("x")));
    done(remove(&*store, "link"));
    assert_eq!(store.names("").len(), 1);
}

fn a_tombstone_lasts(root: &dyn Root) {
    let store = root.open();
    store.bury("virtual");
    store.bury("virtual");
    drop(store);
    let store = root.open();
    assert_eq!(store.there("virtual").state, ItemState::Tombstone);
    assert_eq!(store.names(""), [("virtual".to_owned(), None)]);
    refused(store.open(place("virtual"), projfs_store::Access::Read), Errno::NOENT);
    let (dir, name) = at("virtual");
    assert_eq!(done(store.remove(dir, name, Leave::Nothing, Keep::Trash)), None);
    assert!(store.item("virtual").is_none());
}

fn a_directory_goes_with_its_tombstones(root: &dyn Root) {
    let store = root.open();
    done(store.make("dir", NewKind::Directory));
    store.write("dir/file", b"");
    store.bury("dir/buried");
    refused(remove(&*store, "dir"), Errno::NOTEMPTY);
    assert_eq!(store.names("dir").len(), 2);
    store.bury("dir/file");
    done(remove(&*store, "dir"));
    assert!(store.item("dir").is_none());
    done(store.make("dir", NewKind::Directory));
    assert_eq!(store.names("dir"), []);
}

fn what_is_open_is_kept_in_the_trash(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    let before = number(&*store, "file");
    let (dir, name) = at("file");
    let trash = done(store.remove(dir, name, Leave::Tombstone, Keep::Trash)).expect("it was to be kept");
    assert_eq!(store.there("file").state, ItemState::Tombstone);
    assert_eq!(done(store.look_trash(trash)).stat.number, before);
    assert_eq!(store.read(Place::Trash(trash)), b"abc");
    done(store.discard(trash));
    refused(store.look_trash(trash), Errno::NOENT);
    refused(store.discard(trash), Errno::NOENT);
}

fn renaming_moves_the_item_itself(root: &dyn Root) {
    let store = root.open();
    done(store.make("dir", NewKind::Directory));
    store.write("dir/file", b"abc");
    let [dir, file] = ["dir", "dir/file"].map(|text| number(&*store, text));
    done(rename(&*store, "dir", "moved"));
    assert!(store.item("dir").is_none());
    assert_eq!([dir, file], ["moved", "moved/file"].map(|text| number(&*store, text)));
    assert_eq!(done(store.rename(at("moved/file"), at("file"), Leave::Tombstone, Keep::Nothing)), None);
    assert_eq!(store.there("moved/file").state, ItemState::Tombstone);
    assert_eq!(number(&*store, "file"), file);
    drop(store);
    let store = root.open();
    assert_eq!(store.there("moved/file").state, ItemState::Tombstone);
    assert_eq!(store.read(place("file")), b"abc");
}

fn renaming_replaces_what_may_be_replaced(root: &dyn Root) {
    let store = root.open();
    store.write("new", b"new");
    store.write("old", b"old");
    let trash = done(store.rename(at("new"), at("old"), Leave::Nothing, Keep::Trash));
    assert_eq!(store.read(place("old")), b"new");
    let trash = trash.expect("what was replaced was to be kept");
    assert_eq!(store.read(Place::Trash(trash)), b"old");
    done(store.discard(trash));

    store.bury("buried");
    assert_eq!(done(store.rename(at("old"), at("buried"), Leave::Tombstone, Keep::Trash)), None);
    assert_eq!(store.read(place("buried")), b"new");

    for text in ["one", "other"] {
        done(store.make(text, NewKind::Directory));
    }
    store.bury("other/buried");
    store.write("one/file", b"");
    done(rename(&*store, "one", "other"));
    assert_eq!(store.names("other").len(), 1);
    assert!(store.item("one").is_none());
}

fn renaming_refuses_what_rename_refuses(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    for text in ["dir", "full"] {
        done(store.make(text, NewKind::Directory));
    }
    store.write("full/file", b"");
    store.bury("buried");
    refused(rename(&*store, "missing", "new"), Errno::NOENT);
    refused(rename(&*store, "buried", "new"), Errno::NOENT);
    refused(rename(&*store, "file", "missing/new"), Errno::NOENT);
    refused(rename(&*store, "dir", "file"), Errno::NOTDIR);
    refused(rename(&*store, "file", "dir"), Errno::ISDIR);
    refused(rename(&*store, "dir", "full"), Errno::NOTEMPTY);
    refused(rename(&*store, "full", "full/inside"), Errno::INVAL);
    assert_eq!(store.names("").len(), 4);
    // Two names of one file: nothing happens, and both stay.
    let (dir, name) = at("again");
    done(store.link(place("file"), dir, name));
    assert_eq!(done(store.rename(at("file"), at("again"), Leave::Nothing, Keep::Trash)), None);
    assert_eq!(store.there("file").stat.links, 2);
}

fn renaming_takes_records_along(root: &dyn Root) {
    let store = root.open();
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    done(store.put("dir/file", &said(PlaceholderInfo::file(7)), &at_home()));
    let [dir, file] = ["dir", "dir/file"].map(|text| number(&*store, text));
    let moved = Projected { origin: Origin::At(origin("dir")), ..at_home() };
    let (parent, name) = at("dir");
    done(store.set_projected(parent, name, &moved));
    done(store.rename(at("dir"), at("moved"), Leave::Tombstone, Keep::Nothing));
    drop(store);
    let store = root.open();
    let item = store.there("moved");
    assert_eq!(item.state, ItemState::Directory(DirectoryState::Placeholder(moved)));
    assert_eq!([dir, file], ["moved", "moved/file"].map(|text| number(&*store, text)));
    assert_eq!(store.there("moved/file").state.projected(), Some(&at_home()));
}

fn exchanging_swaps_two_items(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    done(store.make("dir", NewKind::Directory));
    store.write("dir/inside", b"def");
    done(store.exchange(at("file"), at("dir/inside")));
    assert_eq!(store.read(place("file")), b"def");
    assert_eq!(store.read(place("dir/inside")), b"abc");
    done(store.exchange(at("file"), at("dir")));
    assert_eq!(store.read(place("dir")), b"def");
    assert_eq!(store.read(place("file/inside")), b"abc");
    store.bury("buried");
    refused(store.exchange(at("file"), at("missing")), Errno::NOENT);
    refused(store.exchange(at("file"), at("file/inside")), Errno::INVAL);
    assert!(store.exchange(at("file"), at("buried")).is_err());
}
