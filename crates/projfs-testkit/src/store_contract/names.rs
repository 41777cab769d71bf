//! Making and finding names.

use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::NewKind;
use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::SymlinkState;
use projfs_types::mode;
use rustix::io::Errno;

use super::Place;
use super::Root;
use super::Shell;
use super::at;
use super::done;
use super::name;
use super::new;
use super::path;
use super::promises;
use super::refused;
use super::symlink;

promises![
    a_new_root_is_an_empty_placeholder,
    what_is_not_on_disk_is_nothing,
    each_kind_can_be_made,
    nothing_is_made_where_it_cannot_be,
    a_name_is_made_once,
    making_consumes_a_tombstone,
    a_directory_passes_its_group_on,
    names_are_listed_in_order,
    a_nameless_file_can_get_a_name,
    a_device_is_no_tombstone,
];

const FIFO: u32 = 0o010_000;

fn a_new_root_is_an_empty_placeholder(root: &dyn Root) {
    let store = root.open();
    let item = done(store.look_root());
    assert!(matches!(item.state, ItemState::Directory(DirectoryState::Placeholder(_))));
    assert_eq!(item.stat.kind(), ItemKind::Directory);
    assert_eq!(store.names(""), []);
    assert_eq!(store.notes(), 0);
    assert!(store.item(".projfs").is_none());
}

fn what_is_not_on_disk_is_nothing(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"x");
    assert!(store.item("other").is_none());
    assert!(store.item("dir/other").is_none());
    assert!(store.item("file/other").is_none());
    assert_eq!(store.names("dir"), []);
}

fn each_kind_can_be_made(root: &dyn Root) {
    let store = root.open();
    let made = [
        ("file", NewKind::File, ItemState::File(FileState::Full), mode::FILE | 0o640),
        ("dir", NewKind::Directory, ItemState::Directory(DirectoryState::Full), mode::DIRECTORY | 0o640),
        ("link", symlink("to/there"), ItemState::Symlink(SymlinkState::Full), mode::SYMLINK | 0o777),
        ("fifo", NewKind::Special { type_bits: FIFO, device: (0, 0) }, ItemState::Special, FIFO | 0o640),
    ];
    let mut numbers: Vec<Number> = Vec::new();
    for (name, kind, state, mode) in made {
        let created = done(store.make(name, kind));
        assert_eq!(created.file.is_some(), name == "file");
        for item in [created.item, store.there(name)] {
            assert_eq!((&item.state, item.stat.mode, item.info), (&state, mode, None), "{name}");
            assert_eq!(item.stat.uid, new(NewKind::File).uid);
            assert!(!item.stat.number.is_projected());
            numbers.push(item.stat.number);
        }
    }
    assert_eq!(&*done(store.read_link(path(""), name("link"))), b"to/there");
    assert_eq!(store.there("link").stat.size, 8);
    assert_eq!(store.there("file").stat.links, 1);
    refused(store.read_link(path(""), name("file")), Errno::INVAL);
    drop(store);

    let store = root.open();
    let again = ["file", "dir", "link", "fifo"].map(|name| [store.there(name).stat.number; 2]);
    assert_eq!(again.concat(), numbers);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 4);
}

fn nothing_is_made_where_it_cannot_be(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"");
    refused(store.make("missing/file", NewKind::File), Errno::NOENT);
    refused(store.make("file/file", NewKind::File), Errno::NOTDIR);
    refused(store.make("link", symlink("")), Errno::NOENT);
    assert!(store.make(".projfs", NewKind::File).is_err());
}

fn a_name_is_made_once(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    done(store.make("dir", NewKind::Directory));
    for taken in ["file", "dir"] {
        for kind in [NewKind::File, NewKind::Directory, symlink("x")] {
            refused(store.make(taken, kind), Errno::EXIST);
        }
    }
    assert_eq!(store.read(super::place("file")), b"abc");
}

fn making_consumes_a_tombstone(root: &dyn Root) {
    let store = root.open();
    let fifo = NewKind::Special { type_bits: FIFO, device: (0, 0) };
    for (name, kind) in [("a", NewKind::File), ("b", NewKind::Directory), ("c", symlink("x")), ("d", fifo)] {
        store.bury(name);
        assert_eq!(store.there(name).state, ItemState::Tombstone);
        let created = done(store.make(name, kind));
        assert_eq!(store.there(name).state, created.item.state);
    }
    assert_eq!(store.names("").len(), 4);
}

fn a_directory_passes_its_group_on(root: &dyn Root) {
    let store = root.open();
    let (dir, dir_name) = at("dir");
    let mut directory = new(NewKind::Directory);
    directory.permissions = 0o2755;
    done(store.create(dir, dir_name, &directory));
    let gid = store.there("dir").stat.gid;
    done(store.make("dir/file", NewKind::File));
    done(store.make("dir/dir", NewKind::Directory));
    assert_eq!(store.there("dir/file").stat.gid, gid);
    assert_eq!(store.there("dir/file").stat.mode & 0o2000, 0);
    assert_eq!(store.there("dir/dir").stat.gid, gid);
    assert_eq!(store.there("dir/dir").stat.mode & 0o2000, 0o2000);
}

fn names_are_listed_in_order(root: &dyn Root) {
    let store = root.open();
    for name in ["b", "B", "a_b", "aZ", "\u{e9}", "Z", "_"] {
        store.write(name, b"");
    }
    store.bury("C");
    done(store.make("d", NewKind::Directory));
    drop(store);

    let store = root.open();
    let file = Some(ItemKind::File);
    let listed = [
        ("aZ", file),
        ("a_b", file),
        ("B", file),
        ("b", file),
        ("C", None),
        ("d", Some(ItemKind::Directory)),
        ("Z", file),
        ("_", file),
        ("\u{e9}", file),
    ];
    assert_eq!(store.names(""), listed.map(|(name, kind)| (name.to_owned(), kind)));
}

fn a_nameless_file_can_get_a_name(root: &dyn Root) {
    let store = root.open();
    let (trash, created) = done(store.create_nameless(&new(NewKind::File)));
    let file = created.file.expect("a regular file was made");
    done(file.write_at(0, b"abc"));
    assert_eq!(store.names(""), []);
    let item = done(store.look_trash(trash));
    assert_eq!((item.stat.number, item.stat.size), (created.item.stat.number, 3));
    assert_eq!(store.read(Place::Trash(trash)), b"abc");
    let (dir, name) = at("file");
    done(store.link(Place::Trash(trash), dir, name));
    done(store.discard(trash));
    refused(store.look_trash(trash), Errno::NOENT);
    done(file.write_at(3, b"def"));
    assert_eq!(store.read(super::place("file")), b"abcdef");
    let stat = store.there("file").stat;
    assert_eq!((stat.number, stat.links), (created.item.stat.number, 1));
}

fn a_device_is_no_tombstone(root: &dyn Root) {
    let store = root.open();
    let kind = |device| NewKind::Special { type_bits: mode::CHARACTER, device };
    assert!(store.make("other", kind((0xfff, 0xf_ffff))).is_err());
    assert!(store.item("other").is_none());
    match store.make("device", kind((0, 0))) {
        Ok(_) => {}
        Err(_) if !rustix::process::geteuid().is_root() => {
            crate::say("SKIPPED a_device_is_no_tombstone: only root makes devices");
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let item = store.there("device");
    assert_eq!((item.state, item.stat.device), (ItemState::Special, (0, 0)));
    let (dir, name) = at("device");
    done(store.remove(dir, name, Leave::Tombstone, Keep::Nothing));
    assert_eq!(store.there("device").state, ItemState::Tombstone);
}
