//! Putting, publishing, converting, creating, changing attributes.

use std::os::unix::fs::MetadataExt;

use projfs_types::DirectoryState;
use projfs_types::SymlinkState;

use super::*;
use crate::Time;

#[test]
fn nothing_is_known_of_an_empty_root() {
    let world = World::new();
    assert!(world.look("a").is_none());
    assert!(world.look("a/b/c").is_none());
    assert!(world.look(".projfs").is_none());
    assert!(world.names("").is_empty());
    assert!(world.names("a").is_empty());
    let root = world.store().look_root().unwrap();
    assert_eq!(root.stat.number, Number::of_origin(&OriginBuf::root()));
    assert!(matches!(root.state, ItemState::Directory(DirectoryState::Placeholder(_))));
}

#[test]
fn notes_survive_a_restart() {
    let mut world = World::new();
    let mut link = PlaceholderInfo::symlink(*b"target");
    link.version.provider = projfs_types::PlaceholderId::new(&[7; 128]).unwrap();
    world.store().note(&path("a/b").into(), &file(10)).unwrap();
    world.store().note(&path("a/l").into(), &link).unwrap();
    world.store().note(&path("gone").into(), &directory()).unwrap();
    world.store().forget(&path("gone").into()).unwrap();
    world.store().forget(&path("never").into()).unwrap();
    for _ in 0..2 {
        assert_eq!(world.store().noted(&path("a/b").into()), Some(file(10)));
        assert_eq!(world.store().noted(&path("a/l").into()), Some(link.clone()));
        assert_eq!(world.store().noted(&path("gone").into()), None);
        assert_eq!(world.store().notes(), 2);
        world.restart();
    }
}

#[test]
fn a_wasteful_log_is_compacted() {
    let mut world = World::new();
    for round in 0..30 {
        for item in 0..1000 {
            world.store().note(&path(&format!("dir/item-{item}")).into(), &file(round)).unwrap();
        }
    }
    assert!(std::fs::metadata(world.disk(".projfs/placeholders")).unwrap().len() < 2 << 20);
    world.restart();
    assert_eq!(world.store().notes(), 1000);
    assert_eq!(world.store().noted(&path("dir/item-999").into()), Some(file(29)));
}

#[test]
fn a_directory_shows_what_the_provider_said() {
    let mut world = World::new();
    assert!(world.look("d").is_none(), "remembered as absent");
    assert!(world.look("d/x").is_none());
    world.put_directory("d");
    world.put_directory("d/e");
    for _ in 0..2 {
        for at in ["d", "d/e"] {
            let item = world.look(at).unwrap();
            assert_eq!(item.state, ItemState::Directory(DirectoryState::Placeholder(clean())));
            assert_eq!(item.info, Some(directory()));
            assert_eq!(item.stat.times, times());
            assert_eq!(item.stat.mode, 0o040_555);
            assert_eq!(item.stat.number, Number::of_origin(&path(at).into()));
        }
        assert_eq!(world.names(""), [("d".to_owned(), Some(ItemKind::Directory))]);
        world.restart();
    }
    assert_eq!(std::fs::metadata(world.disk("d")).unwrap().mode() & 0o700, 0o700);
}

#[test]
fn a_dirty_directory_shows_its_own_times_and_fetching_does_not_move_them() {
    let world = World::new();
    world.put_directory("d");
    world.hydrate("d/f", "text");
    world.set_dirty("d");
    assert_eq!(world.look("d").unwrap().stat.times.write, times().write);
    world.hydrate("d/g", "text");
    world.put_directory("d/sub");
    assert_eq!(world.look("d").unwrap().stat.times.write, times().write);
    world.write("d/h", "mine");
    let now = world.look("d").unwrap().stat.times;
    assert!(now.write > times().write);
    assert_eq!(now.creation, times().creation);
}

#[test]
fn a_stand_in_shows_its_item_and_is_never_read() {
    let mut world = World::new();
    world.put_stand_in("f", 1234);
    let target = PlaceholderInfo::symlink(vec![b'x'; 3000]);
    let (dir, name) = split("l");
    world.store().put_stand_in(&dir, &name, &target, &moved("far/away")).unwrap();
    for _ in 0..2 {
        let item = world.look("f").unwrap();
        assert_eq!(item.state, ItemState::File(FileState::Placeholder(moved("else/where"))));
        assert_eq!((item.stat.size, item.stat.mode, item.stat.links), (1234, 0o100_444, 1));
        assert_eq!(item.stat.times, times());
        assert_eq!(item.stat.number, Number::of_origin(&path("else/where").into()));
        assert_eq!(errno(world.read("f")), Errno::ACCESS);
        let item = world.look("l").unwrap();
        assert!(matches!(item.state, ItemState::Symlink(SymlinkState::Placeholder(_))));
        assert_eq!(item.stat.size, 3000);
        assert_eq!(&*world.store().read_link(&dir, &name).unwrap(), vec![b'x'; 3000]);
        let kinds = [("f".to_owned(), Some(ItemKind::File)), ("l".to_owned(), Some(ItemKind::Symlink))];
        assert_eq!(world.names(""), kinds);
        world.restart();
    }
    let on_disk = std::fs::metadata(world.disk("f")).unwrap();
    assert_eq!((on_disk.mode() & 0o7777, on_disk.len()), (0, 0));
}

#[test]
fn a_hydrated_file_has_content_and_the_provider_s_times() {
    let mut world = World::new();
    world.hydrate("f", "hello");
    for _ in 0..2 {
        let item = world.look("f").unwrap();
        assert_eq!(item.state, ItemState::File(FileState::Hydrated(clean())));
        assert_eq!(item.info, Some(file(5)));
        assert_eq!(item.stat.times, times());
        assert_eq!(item.stat.mode, 0o100_444);
        assert_eq!(world.read("f").unwrap(), "hello");
        world.restart();
    }
    assert_eq!(std::fs::read_to_string(world.disk("f")).unwrap(), "hello");
    assert_eq!(errno(world.publish("f", "again", &FileState::Hydrated(clean()))), Errno::EXIST);
}

#[test]
fn content_of_another_length_is_refused() {
    let world = World::new();
    let content = world.store().begin_content(5).unwrap();
    content.write_at(0, b"hell").unwrap();
    let (dir, name) = split("f");
    let state = FileState::Hydrated(clean());
    let result = world.store().publish(&dir, &name, &content, &file(5), &state, Number(1 << 63));
    assert_eq!(errno(result), Errno::INVAL);
    assert!(world.look("f").is_none());
}

#[test]
fn times_that_the_disk_cannot_hold_are_shown_all_the_same() {
    let mut world = World::new();
    let mut info = file(5);
    info.times = FileTimes::all(Timestamp { seconds: -11_644_473_600, nanoseconds: 100 });
    let content = world.store().begin_content(5).unwrap();
    content.write_at(0, b"hello").unwrap();
    let (dir, name) = split("f");
    let state = FileState::Hydrated(clean());
    world.store().publish(&dir, &name, &content, &info, &state, Number(1 << 63)).unwrap();
    world.restart();
    let item = world.look("f").unwrap();
    assert_eq!(item.state, ItemState::File(state));
    assert_eq!(item.stat.times, info.times);
}

#[test]
fn a_full_publish_keeps_number_and_mode() {
    let mut world = World::new();
    world.publish("f", "mine", &FileState::Full).unwrap();
    for _ in 0..2 {
        let item = world.look("f").unwrap();
        assert_eq!(item.state, ItemState::File(FileState::Full));
        assert_eq!(item.stat.number, Number::of_origin(&path("f").into()));
        assert_eq!(item.stat.mode, 0o100_444);
        assert!(item.stat.times.write > times().write);
        assert!(item.info.is_none());
        world.restart();
    }
}

#[test]
fn content_over_a_stand_in_takes_over_what_was_changed() {
    let mut world = World::new();
    world.put_stand_in("f", 4);
    let (dir, name) = split("f");
    let place = Place::Named(&dir, &name);
    let dirty = Projected { metadata: Metadata::Dirty, ..moved("else/where") };
    world.store().set_projected(&dir, &name, &dirty).unwrap();
    world.set("f", &AttributeChange { permissions: Some(0o600), ..AttributeChange::default() });
    world.store().set_xattr(place, b"user.note", b"kept", 0).unwrap();
    world.publish("f", "text", &FileState::Hydrated(dirty.clone())).unwrap();
    world.restart();
    let item = world.look("f").unwrap();
    assert_eq!(item.state, ItemState::File(FileState::Hydrated(dirty)));
    assert_eq!(item.stat.mode, 0o100_600);
    assert_eq!(item.stat.times.write, times().write);
    assert_eq!(world.store().get_xattr(Place::Named(&dir, &name), b"user.note").unwrap(), b"kept");
    assert_eq!(world.read("f").unwrap(), "text");
}

#[test]
fn a_converted_file_keeps_number_mode_content() {
    let mut world = World::new();
    world.hydrate("f", "hello");
    let (dir, name) = split("f");
    world.store().convert(&dir, &name).unwrap();
    world.store().convert(&dir, &name).unwrap();
    for _ in 0..2 {
        let item = world.look("f").unwrap();
        assert_eq!(item.state, ItemState::File(FileState::Full));
        assert_eq!(item.stat.number, Number::of_origin(&path("f").into()));
        assert_eq!(item.stat.mode, 0o100_444);
        assert_eq!(item.stat.times.write, times().write);
        assert_eq!(world.read("f").unwrap(), "hello");
        world.restart();
    }
}

#[test]
fn what_changes_while_stopped_is_full() {
    let mut world = World::new();
    world.hydrate("f", "hello");
    world.stop();
    std::fs::write(world.disk("f"), "other").unwrap();
    world.restart();
    assert_eq!(world.state("f"), ItemState::File(FileState::Full));
    assert_eq!(world.look("f").unwrap().stat.number, Number::of_origin(&path("f").into()));
}

#[test]
fn every_kind_is_created() {
    let mut world = World::new();
    world.write("file", "text");
    world.create("dir", NewKind::Directory).unwrap();
    world.create("link", NewKind::Symlink { target: (*b"dir").into() }).unwrap();
    world.create("fifo", NewKind::Special { type_bits: 0o010_000, device: (0, 0) }).unwrap();
    assert_eq!(errno(world.create("file", NewKind::File)), Errno::EXIST);
    assert_eq!(errno(world.create("dir", NewKind::Directory)), Errno::EXIST);
    assert_eq!(errno(world.create(".projfs", NewKind::File)), Errno::PERM);
    assert_eq!(errno(world.create("no/f", NewKind::File)), Errno::NOENT);
    for _ in 0..2 {
        assert_eq!(world.state("file"), ItemState::File(FileState::Full));
        assert_eq!(world.look("file").unwrap().stat.mode, 0o100_640);
        assert_eq!(world.state("dir"), ItemState::Directory(DirectoryState::Full));
        assert_eq!(world.look("dir").unwrap().stat.mode, 0o040_640);
        assert_eq!(world.state("link"), ItemState::Symlink(SymlinkState::Full));
        assert_eq!(world.state("fifo"), ItemState::Special);
        let (dir, name) = split("link");
        assert_eq!(&*world.store().read_link(&dir, &name).unwrap(), b"dir");
        world.restart();
    }
}

#[test]
fn what_is_created_consumes_a_tombstone() {
    let world = World::new();
    for (at, kind) in [
        ("file", NewKind::File),
        ("dir", NewKind::Directory),
        ("link", NewKind::Symlink { target: (*b"x").into() }),
    ] {
        world.remove(at, Leave::Tombstone, Keep::Nothing).unwrap();
        assert_eq!(world.state(at), ItemState::Tombstone);
        world.create(at, kind).unwrap();
        assert_ne!(world.state(at), ItemState::Tombstone);
    }
    world.remove("h", Leave::Tombstone, Keep::Nothing).unwrap();
    world.hydrate("h", "text");
    world.remove("p", Leave::Tombstone, Keep::Nothing).unwrap();
    world.put_directory("p");
    world.remove("s", Leave::Tombstone, Keep::Nothing).unwrap();
    world.put_stand_in("s", 1);
    assert_eq!(std::fs::read_dir(world.disk(".projfs/new")).unwrap().count(), 0);
}

#[test]
fn attributes_change_in_inode_and_record() {
    let mut world = World::new();
    world.hydrate("f", "text");
    world.put_directory("d");
    world.write("full", "text");
    let time = Timestamp { seconds: 1_500_000_000, nanoseconds: 9 };
    for at in ["f", "d"] {
        world.set_dirty(at);
    }
    for at in ["f", "d", "full"] {
        let mode = AttributeChange { permissions: Some(0o711), ..AttributeChange::default() };
        world.set(at, &mode);
        world.set(at, &AttributeChange { write: Some(Time::At(time)), ..AttributeChange::default() });
    }
    for _ in 0..2 {
        for at in ["f", "d", "full"] {
            let item = world.look(at).unwrap();
            assert_eq!(item.stat.mode & 0o7777, 0o711, "{at}");
            assert_eq!(item.stat.times.write, time, "{at}");
        }
        assert!(matches!(world.state("f"), ItemState::File(FileState::Hydrated(_))));
        assert_eq!(world.look("f").unwrap().info.unwrap().mode, 0o711);
        world.restart();
    }
}

#[test]
fn our_attributes_are_neither_shown_nor_touched() {
    let world = World::new();
    world.hydrate("f", "text");
    let (dir, name) = split("f");
    let place = Place::Named(&dir, &name);
    for ours in [&b"user.projfs"[..], b"user.projfs.more", b"user.projfs.anything"] {
        assert_eq!(errno(world.store().get_xattr(place, ours)), Errno::NODATA);
        assert_eq!(errno(world.store().set_xattr(place, ours, b"", 0)), Errno::PERM);
        assert_eq!(errno(world.store().remove_xattr(place, ours)), Errno::PERM);
    }
    world.store().set_xattr(place, b"user.projfsish", b"1", 0).unwrap();
    assert_eq!(world.store().list_xattr(place).unwrap(), b"user.projfsish\0");
    world.store().remove_xattr(place, b"user.projfsish").unwrap();
    assert_eq!(errno(world.store().remove_xattr(place, b"user.projfsish")), Errno::NODATA);
}

#[test]
fn syncing_works_where_nothing_is_and_where_all_is_new() {
    let world = World::new();
    assert_eq!(errno(world.store().sync_directory(&path("not/there"))), Errno::NOENT);
    world.put_directory("a");
    world.put_directory("a/b");
    world.hydrate("a/b/f", "text");
    world.store().sync_directory(&path("a/b")).unwrap();
    world.rename("a", "c", Leave::Tombstone, Keep::Nothing).unwrap();
    world.store().sync_directory(&path("c/b")).unwrap();
    world.store().sync_all().unwrap();
    assert!(world.store().space().unwrap().blocks > 0);
}

#[test]
fn what_fails_leaves_nothing() {
    let world = World::new();
    world.write("d", "a file");
    assert_eq!(errno(world.publish("missing/f", "text", &FileState::Hydrated(clean()))), Errno::NOENT);
    assert_eq!(errno(world.publish("d/f", "text", &FileState::Full)), Errno::NOTDIR);
    let (dir, name) = split("d");
    let result = world.store().put_directory(&dir, &name, &directory(), &clean());
    assert_eq!(errno(result), Errno::EXIST);
    let result = world.store().put_stand_in(&dir, &name, &file(1), &clean());
    assert_eq!(errno(result), Errno::EXIST);
    let target = NewKind::Symlink { target: vec![b'x'; 5000].into() };
    assert_eq!(errno(world.create("l", target)), Errno::NAMETOOLONG);
    let target = NewKind::Symlink { target: (*b"x").into() };
    assert_eq!(errno(world.create("d", target)), Errno::EXIST);
    assert_eq!(world.read("d").unwrap(), "a file");
    assert_eq!(world.names("").len(), 1);
    assert_eq!(std::fs::read_dir(world.disk(".projfs/new")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(world.disk(".projfs/trash")).unwrap().count(), 0);
}

#[test]
fn an_open_file_does_what_a_file_does() {
    let world = World::new();
    let one = world.create("one", NewKind::File).unwrap().file.unwrap();
    let two = world.create("two", NewKind::File).unwrap().file.unwrap();
    one.write_at(0, b"0123456789").unwrap();
    assert_eq!(one.copy_to(2, &*two, 1, 100).unwrap(), 8);
    assert_eq!(two.len().unwrap(), 9);
    two.set_len(4).unwrap();
    assert_eq!(world.read("two").unwrap(), "\u{0}234");
    two.allocate(0, 0, 1 << 16).unwrap();
    two.set_len(1 << 20).unwrap();
    assert_eq!(two.seek(0, crate::Seek::Data).unwrap(), 0);
    assert!(two.seek(0, crate::Seek::Hole).unwrap() > 0);
    assert!(!two.is_empty().unwrap());
    one.sync(false).unwrap();
    one.sync(true).unwrap();
    assert!(one.descriptor().is_some());
}
