//! Notes, directories and stand-ins that are the provider's.

use projfs_store::Access;
use projfs_store::NewKind;
use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::PlaceholderId;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPathBuf;
use projfs_types::SymlinkState;
use projfs_types::VersionInfo;
use projfs_types::mode;
use rustix::io::Errno;

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
use super::version;

promises![
    notes_are_kept_until_forgotten,
    each_placeholder_shows_what_was_said,
    numbers_come_from_origins,
    placeholders_take_free_names_only,
    a_stand_in_has_no_content,
    records_can_be_replaced,
    long_records_are_kept,
];

fn notes_are_kept_until_forgotten(root: &dyn Root) {
    let store = root.open();
    let infos = [PlaceholderInfo::file(3), PlaceholderInfo::directory(), PlaceholderInfo::symlink(*b"there")];
    for (info, text) in infos.iter().zip(["a", "a/b", "c"]) {
        done(store.note(&origin(text), &said(info.clone())));
    }
    done(store.note(&origin("a"), &said(PlaceholderInfo::file(4))));
    assert_eq!(store.notes(), 3);
    done(store.forget(&origin("a/b")));
    done(store.forget(&origin("never")));
    drop(store);
    let store = root.open();
    assert_eq!(store.notes(), 2);
    assert_eq!(store.noted(&origin("a")), Some(said(PlaceholderInfo::file(4))));
    assert_eq!(store.noted(&origin("a/b")), None);
    assert_eq!(store.noted(&origin("c")), Some(said(PlaceholderInfo::symlink(*b"there"))));
    // A note is not an item of the tree.
    assert_eq!(store.names(""), []);
}

fn each_placeholder_shows_what_was_said(root: &dyn Root) {
    let store = root.open();
    let rows = [
        (
            "file",
            PlaceholderInfo { mode: 0o751, attributes: 0x2, ..said(PlaceholderInfo::file(1 << 40)) },
            ItemState::File(FileState::Placeholder(at_home())),
            mode::FILE,
        ),
        (
            "dir",
            said(PlaceholderInfo::directory()),
            ItemState::Directory(DirectoryState::Placeholder(at_home())),
            mode::DIRECTORY,
        ),
        (
            "link",
            said(PlaceholderInfo::symlink(*b"to/there")),
            ItemState::Symlink(SymlinkState::Placeholder(at_home())),
            mode::SYMLINK,
        ),
    ];
    for (text, info, ..) in &rows {
        done(store.put(text, info, &at_home()));
    }
    drop(store);
    let store = root.open();
    for (text, info, state, type_bits) in rows {
        let item = store.there(text);
        assert_eq!(item.state, state, "{text}");
        assert_eq!(item.stat.mode, type_bits | u32::from(info.mode), "{text}");
        assert_eq!(item.stat.times.write, info.times.write, "{text}");
        assert_eq!(item.stat.number, Number::of_origin(&origin(text)), "{text}");
        if text != "dir" {
            assert_eq!(item.stat.size, info.size(), "{text}");
        }
        assert_eq!(item.info, Some(info), "{text}");
    }
    assert_eq!(store.names("dir"), []);
}

fn numbers_come_from_origins(root: &dyn Root) {
    let store = root.open();
    let (file, dir) = (said(PlaceholderInfo::file(1)), said(PlaceholderInfo::directory()));
    let elsewhere = Projected { origin: Origin::At(origin("old/place")), ..at_home() };
    done(store.put("dir", &dir, &elsewhere));
    done(store.put("dir/sub", &dir, &at_home()));
    done(store.put("dir/sub/file", &file, &at_home()));
    done(store.put("dir/sub/other", &file, &elsewhere));
    let rows = [
        ("dir", "old/place"),
        ("dir/sub", "old/place/sub"),
        ("dir/sub/file", "old/place/sub/file"),
        ("dir/sub/other", "old/place"),
    ];
    for (text, from) in rows {
        assert_eq!(store.there(text).stat.number, Number::of_origin(&origin(from)), "{text}");
    }
}

fn placeholders_take_free_names_only(root: &dyn Root) {
    let store = root.open();
    let (file, dir) = (said(PlaceholderInfo::file(1)), said(PlaceholderInfo::directory()));
    store.write("taken", b"abc");
    refused(store.put("taken", &file, &at_home()), Errno::EXIST);
    refused(store.put("taken", &dir, &at_home()), Errno::EXIST);
    refused(store.put("missing/file", &file, &at_home()), Errno::NOENT);
    refused(store.put("missing/dir", &dir, &at_home()), Errno::NOENT);
    refused(store.put("taken/file", &file, &at_home()), Errno::NOTDIR);
    assert_eq!(store.read(place("taken")), b"abc");
    let (root, other) = at("other");
    refused(store.put_directory(root, other, &file, &at_home()), Errno::NOTDIR);
    refused(store.put_stand_in(root, other, &dir, &at_home()), Errno::ISDIR);
    assert!(store.item("other").is_none());
}

fn a_stand_in_has_no_content(root: &dyn Root) {
    let store = root.open();
    done(store.put("file", &said(PlaceholderInfo::file(10)), &at_home()));
    done(store.put("link", &said(PlaceholderInfo::symlink(*b"x")), &at_home()));
    for access in [Access::Read, Access::ReadWrite] {
        assert!(store.open(place("file"), access).is_err());
        assert!(store.open(place("link"), access).is_err());
    }
}

fn records_can_be_replaced(root: &dyn Root) {
    let store = root.open();
    let infos = [PlaceholderInfo::file(3), PlaceholderInfo::directory(), PlaceholderInfo::symlink(*b"x")];
    let projected = Projected {
        origin: Origin::At(origin("from/here")),
        version: version("v2"),
        metadata: Metadata::Dirty,
    };
    for (info, text) in infos.iter().zip(["file", "dir", "link"]) {
        done(store.put(text, &said(info.clone()), &at_home()));
        let number = store.there(text).stat.number;
        let (dir, name) = at(text);
        done(store.set_projected(dir, name, &projected));
        let item = store.there(text);
        assert_eq!(item.state.projected(), Some(&projected), "{text}");
        assert_eq!(item.stat.number, number, "{text}");
        assert_eq!(
            item.info,
            Some(PlaceholderInfo { version: version("v2"), ..said(info.clone()) }),
            "{text}"
        );
    }
    done(store.make("full", NewKind::File));
    refused(store.set_projected(path(""), name("full"), &projected), Errno::INVAL);
    refused(store.set_projected(path(""), name("missing"), &projected), Errno::NOENT);
}

fn long_records_are_kept(root: &dyn Root) {
    let store = root.open();
    let id = |byte| PlaceholderId::new(&[byte; 128]).expect("128 bytes are allowed");
    let version = VersionInfo { content: id(1), provider: id(2) };
    let origin = vec!["x".repeat(200); 3].join("/");
    let origin = Origin::At(RelPathBuf::new(origin).expect("the suite uses paths only").into());
    let projected = Projected { origin, version: version.clone(), metadata: Metadata::Dirty };
    let infos =
        [PlaceholderInfo::file(3), PlaceholderInfo::directory(), PlaceholderInfo::symlink([b'x'; 300])];
    for (info, text) in infos.iter().zip(["file", "dir", "link"]) {
        let info = PlaceholderInfo { version: version.clone(), ..said(info.clone()) };
        done(store.put(text, &info, &projected));
    }
    drop(store);
    let store = root.open();
    for (info, text) in infos.into_iter().zip(["file", "dir", "link"]) {
        let item = store.there(text);
        assert_eq!(item.state.projected(), Some(&projected), "{text}");
        assert_eq!(item.info, Some(PlaceholderInfo { version: version.clone(), ..said(info) }), "{text}");
    }
}
