//! Changes of the view: what is local gives way to what the provider says.

use projfs_store::Access;
use projfs_store::Keep;
use projfs_store::NewKind;
use projfs_store::Place;
use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Origin;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::SymlinkState;
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

promises![
    notes_are_made_and_forgotten_together,
    notes_are_found_by_their_directory,
    a_stand_in_replaces_whatever_is_there,
    what_is_replaced_and_open_is_kept,
    a_directory_becomes_the_providers_and_full_again,
    a_switch_is_remembered,
];

fn notes_are_made_and_forgotten_together(root: &dyn Root) {
    let store = root.open();
    done(store.note(&origin("old"), &said(PlaceholderInfo::file(1))));
    let notes = [
        (origin("old"), None),
        (origin("a"), Some(said(PlaceholderInfo::file(2)))),
        (origin("d/a"), Some(said(PlaceholderInfo::file(3)))),
        (origin("a"), Some(said(PlaceholderInfo::file(4)))),
        (origin("never"), None),
    ];
    done(store.note_all(&notes));
    let check = |store: &dyn projfs_store::Store| {
        assert_eq!(store.notes(), 2);
        assert_eq!(store.noted(&origin("old")), None);
        assert_eq!(store.noted(&origin("a")), Some(said(PlaceholderInfo::file(4))));
        assert_eq!(store.noted(&origin("d/a")), Some(said(PlaceholderInfo::file(3))));
    };
    check(&*store);
    drop(store);
    check(&*root.open());
}

fn notes_are_found_by_their_directory(root: &dyn Root) {
    let store = root.open();
    for text in ["a", "d", "d/x", "d/y", "d/e/z", "dd"] {
        done(store.note(&origin(text), &said(PlaceholderInfo::file(1))));
    }
    done(store.forget(&origin("d/y")));
    let names = |text: &str| {
        let dir = if text.is_empty() { RelPath::root() } else { path(text) };
        let mut names: Vec<_> = store.noted_names(&dir.into()).iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(""), ["a", "d", "dd"]);
    assert_eq!(names("d"), ["x"]);
    assert_eq!(names("d/e"), ["z"]);
    let items = store.noted_below(&origin("d"));
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].name.as_bytes(), &items[0].info), (&b"x"[..], &said(PlaceholderInfo::file(1))));
    assert!(names("a").is_empty() && names("nowhere").is_empty());
}

fn a_stand_in_replaces_whatever_is_there(root: &dyn Root) {
    let store = root.open();
    let moved = Projected { origin: Origin::At(origin("from")), ..at_home() };
    let replace = |text: &str, info: &PlaceholderInfo| {
        let (dir, name) = at(text);
        store.replace(dir, name, info, &moved, Keep::Nothing)
    };
    store.write("full", b"content");
    done(store.make("link", NewKind::Symlink { target: (*b"there").into() }));
    store.bury("tombstone");
    done(store.put("stand-in", &said(PlaceholderInfo::file(7)), &at_home()));
    for text in ["full", "link", "tombstone", "stand-in"] {
        assert_eq!(done(replace(text, &said(PlaceholderInfo::file(9)))), None);
        let item = store.there(text);
        assert_eq!(item.state, ItemState::File(FileState::Placeholder(moved.clone())), "{text}");
        assert_eq!((item.stat.size, item.info), (9, Some(said(PlaceholderInfo::file(9)))));
        refused(store.open(place(text), Access::Read), Errno::ACCESS);
    }
    done(replace("full", &said(PlaceholderInfo::symlink(*b"where"))));
    assert_eq!(store.there("full").state, ItemState::Symlink(SymlinkState::Placeholder(moved.clone())));
    refused(replace("nothing", &said(PlaceholderInfo::file(9))), Errno::NOENT);
    done(store.make("directory", NewKind::Directory));
    refused(replace("directory", &said(PlaceholderInfo::file(9))), Errno::ISDIR);
    refused(replace("link", &said(PlaceholderInfo::directory())), Errno::ISDIR);
}

fn what_is_replaced_and_open_is_kept(root: &dyn Root) {
    let store = root.open();
    store.write("a", b"content");
    let (dir, name) = at("a");
    let trash = store.replace(dir, name, &said(PlaceholderInfo::file(9)), &at_home(), Keep::Trash);
    let trash = done(trash).expect("it is kept");
    assert_eq!(store.read(Place::Trash(trash)), b"content");
    assert_eq!(done(store.look_trash(trash)).stat.links, 0);
    done(store.discard(trash));
    assert_eq!(store.there("a").stat.size, 9);
}

fn a_directory_becomes_the_providers_and_full_again(root: &dyn Root) {
    let store = root.open();
    done(store.make("d", NewKind::Directory));
    done(store.make("d/in", NewKind::File));
    let (dir, name) = at("d");
    let number = store.there("d").stat.number;
    let info = PlaceholderInfo { mode: 0o711, ..said(PlaceholderInfo::directory()) };
    done(store.provide_directory(dir, name, &info, &at_home()));
    let check = |store: &dyn projfs_store::Store| {
        let item = store.there("d");
        assert_eq!(item.state, ItemState::Directory(DirectoryState::Placeholder(at_home())));
        assert_eq!((item.stat.mode & 0o7777, item.stat.times), (0o711, info.times));
        assert_eq!(item.stat.number, number, "it is the same directory");
        assert_eq!(store.names("d").len(), 1);
    };
    check(&*store);
    drop(store);
    let store = root.open();
    check(&*store);
    done(store.convert_directory(dir, name));
    done(store.convert_directory(dir, name));
    let item = store.there("d");
    assert_eq!(item.state, ItemState::Directory(DirectoryState::Full));
    assert_eq!((item.stat.mode & 0o7777, item.stat.times.write), (0o711, info.times.write));
    assert_eq!((item.stat.number, store.names("d").len()), (number, 1));
    let (dir, name) = at("d/in");
    refused(store.provide_directory(dir, name, &info, &at_home()), Errno::NOTDIR);
    refused(store.convert_directory(dir, name), Errno::NOTDIR);
}

fn a_switch_is_remembered(root: &dyn Root) {
    let store = root.open();
    assert!(!done(store.is_switching()));
    done(store.end_switch());
    done(store.begin_switch());
    done(store.begin_switch());
    drop(store);
    let store = root.open();
    assert!(done(store.is_switching()));
    done(store.end_switch());
    assert!(!done(store.is_switching()));
    drop(store);
    let store = root.open();
    assert!(!done(store.is_switching()));
    // It waits for the end of the one before.
    done(store.begin_switch());
    assert!(done(store.is_switching()));
    done(store.end_switch());
}
