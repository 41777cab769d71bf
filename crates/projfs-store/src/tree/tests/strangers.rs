//! What others can do to a root, deep trees, and a process without privilege.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

use projfs_types::ItemName;
use rustix::thread::CapabilitySet;

use super::*;
use crate::StoreErrorKind;
use crate::record::ATTRIBUTE;
use crate::record::MORE;

#[test]
fn a_planted_link_is_not_followed() {
    let mut world = World::new();
    world.put_directory("d");
    world.stop();
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "text").unwrap();
    std::fs::remove_dir(world.disk("d")).unwrap();
    symlink(outside.path(), world.disk("d")).unwrap();
    symlink(outside.path().join("secret"), world.disk("f")).unwrap();
    world.restart();
    assert!(world.look("d/secret").is_none());
    assert!(world.names("d").is_empty());
    assert_eq!(errno(world.read("d/secret")), Errno::NOTDIR);
    assert_eq!(errno(world.create("d/new", NewKind::File)), Errno::NOTDIR);
    assert_eq!(errno(world.read("f")), Errno::LOOP);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn the_store_s_own_directory_is_out_of_reach() {
    let world = World::new();
    assert!(world.look(".projfs/instance").is_none());
    assert!(world.names(".projfs").is_empty());
    assert_eq!(errno(world.read(".projfs/instance")), Errno::NOENT);
    assert_eq!(errno(world.remove(".projfs", Leave::Tombstone, Keep::Nothing)), Errno::PERM);
    assert_eq!(errno(world.rename(".projfs", "x", Leave::Nothing, Keep::Nothing)), Errno::PERM);
    world.put_directory("d");
    world.create("d/.projfs", NewKind::File).unwrap();
}

#[test]
fn a_damaged_record_is_an_error_and_hides_nothing_else() {
    let mut world = World::new();
    world.hydrate("f", "text");
    world.hydrate("g", "text");
    world.stop();
    rustix::fs::setxattr(world.disk("f"), ATTRIBUTE, b"nonsense", rustix::fs::XattrFlags::empty()).unwrap();
    world.restart();
    let (dir, name) = split("f");
    let error = world.store().look(&dir, &name).unwrap_err();
    assert!(matches!(error.kind, StoreErrorKind::Corrupt(_)));
    assert_eq!(error.path, path("f"));
    assert_eq!(world.names("").len(), 2);
    world.remove("f", Leave::Nothing, Keep::Nothing).unwrap();
}

#[test]
fn a_copied_record_is_not_believed() {
    let mut world = World::new();
    world.hydrate("f", "text");
    world.put_stand_in("s", 100);
    world.stop();
    for (from, to) in [("f", "copy"), ("s", "other")] {
        std::fs::copy(world.disk(from), world.disk(to)).unwrap();
        for name in [ATTRIBUTE, MORE[0]] {
            let mut value = [0; 1000];
            if let Ok(length) = rustix::fs::getxattr(world.disk(from), name, &mut value) {
                let flags = rustix::fs::XattrFlags::empty();
                rustix::fs::setxattr(world.disk(to), name, &value[..length], flags).unwrap();
            }
        }
    }
    world.restart();
    assert_eq!(world.state("copy"), ItemState::File(FileState::Full));
    assert!(!world.look("copy").unwrap().stat.number.is_projected());
    assert!(world.look("other").is_none(), "an empty file must not pass for what it stood for");
    assert_eq!(world.names("").len(), 3);
    world.write("other", "mine");
    assert_eq!(world.read("other").unwrap(), "mine");
}

#[test]
fn a_stand_in_with_content_is_someone_s_file() {
    let mut world = World::new();
    world.put_stand_in("s", 100);
    world.stop();
    std::fs::set_permissions(world.disk("s"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(world.disk("s"), "mine").unwrap();
    world.restart();
    assert_eq!(world.state("s"), ItemState::File(FileState::Full));
    assert_eq!(world.read("s").unwrap(), "mine");
}

#[test]
fn paths_may_be_longer_than_path_max() {
    let mut world = World::new();
    let name = "n".repeat(200);
    let name = ItemName::new(name.as_bytes()).unwrap();
    let mut dir = RelPathBuf::root();
    for _ in 0..30 {
        world.store().put_directory(&dir, name, &directory(), &clean()).unwrap();
        dir.push(name);
    }
    assert!(dir.as_bytes().len() > 4096);
    for _ in 0..2 {
        assert!(world.store().look(&dir, name).unwrap().is_none());
        let (parent, last) = dir.split_last().unwrap();
        assert!(world.store().look(parent, last).unwrap().is_some());
        world.restart();
    }
    let (child, _) = split("f");
    assert!(child.is_root());
    let file = ItemName::new(b"f").unwrap();
    let created = world.store().create(&dir, file, &new_item(NewKind::File, 0o600)).unwrap();
    created.file.unwrap().write_at(0, b"text").unwrap();
    world.restart();
    let item = world.store().look(&dir, file).unwrap().unwrap();
    assert_eq!(item.stat.size, 4);
    let listed = world.store().list(&dir).unwrap();
    assert_eq!(listed.len(), 1);
}

#[test]
fn many_directories_are_found_with_few_descriptors() {
    let mut world = World::new();
    world.store.as_mut().unwrap().dirs = dirs::Dirs::with_capacity(16);
    for number in 0..1000 {
        world.create(&format!("d{number}"), NewKind::Directory).unwrap();
        world.write(&format!("d{number}/f"), "text");
    }
    for number in 0..1000 {
        assert_eq!(world.read(&format!("d{number}/f")).unwrap(), "text");
    }
    assert!(world.store().dirs.count() <= 16);
}

/// Runs as one without the privileges that root has over files; capabilities are each thread's own.
fn without_privilege(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let mut sets = rustix::thread::capabilities(None).unwrap();
            sets.effective
                .remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::FOWNER);
            rustix::thread::set_capabilities(None, sets).unwrap();
            test();
        });
        run.join().unwrap();
    });
}

#[test]
fn without_privilege_every_mode_can_be_shown() {
    without_privilege(|| {
        let mut world = World::new();
        world.put_stand_in("s", 9);
        world.put_directory("d");
        world.hydrate("d/h", "text");
        let (root, name) = split("full");
        let created = world.store().create(&root, &name, &new_item(NewKind::File, 0o400)).unwrap();
        created.file.unwrap().write_at(0, b"text").unwrap();
        let (root, name) = split("dir");
        world.store().create(&root, &name, &new_item(NewKind::Directory, 0o111)).unwrap();
        world.write("dir/f", "text");
        for _ in 0..2 {
            let stand_in = ItemState::File(FileState::Placeholder(moved("else/where")));
            assert_eq!(world.state("s"), stand_in);
            assert_eq!(world.look("d").unwrap().stat.mode & 0o7777, 0o555);
            assert_eq!(world.look("d/h").unwrap().stat.mode & 0o7777, 0o444);
            assert_eq!(world.look("full").unwrap().stat.mode & 0o7777, 0o400);
            assert_eq!(world.look("dir").unwrap().stat.mode & 0o7777, 0o111);
            assert_eq!(world.read("full").unwrap(), "text");
            assert_eq!(world.names("dir").len(), 1);
            assert_eq!(std::fs::metadata(world.disk("s")).unwrap().permissions().mode() & 0o7777, 0);
            world.restart();
        }
        world.set_dirty("s");
        let mode = |permissions| AttributeChange { permissions: Some(permissions), ..Default::default() };
        for permissions in [0, 0o644, 0o200] {
            for at in ["s", "d", "d/h", "full", "dir"] {
                world.set(at, &mode(permissions));
                assert_eq!(world.look(at).unwrap().stat.mode & 0o7777, permissions, "{at}");
            }
        }
        let (dir, name) = split("d/h");
        world.store().convert(&dir, &name).unwrap();
        assert_eq!(world.look("d/h").unwrap().stat.mode & 0o7777, 0o200);
        world.publish("s", "full text", &FileState::Full).unwrap();
        assert_eq!(world.look("s").unwrap().stat.mode & 0o7777, 0o200);
        assert_eq!(world.read("s").unwrap(), "full text");
        world.rename("dir", "moved", Leave::Tombstone, Keep::Nothing).unwrap();
        world.remove("moved/f", Leave::Nothing, Keep::Trash).unwrap();
    });
}

#[test]
fn a_group_directory_gives_its_group() {
    if !rustix::process::geteuid().is_root() {
        projfs_testkit::skipped("only root gives files to others");
        return;
    }
    let world = World::new();
    let group = NewItem { gid: 1234, uid: 1000, ..new_item(NewKind::Directory, 0o2775) };
    let (root, name) = split("d");
    world.store().create(&root, &name, &group).unwrap();
    let made = NewItem { gid: 99, uid: 1000, ..new_item(NewKind::File, 0o644) };
    let (dir, name) = split("d/f");
    world.store().create(&dir, &name, &made).unwrap();
    let made = NewItem { kind: NewKind::Directory, ..made };
    let (dir, name) = split("d/sub");
    world.store().create(&dir, &name, &made).unwrap();
    let stat = world.look("d/f").unwrap().stat;
    assert_eq!((stat.uid, stat.gid, stat.mode), (1000, 1234, 0o100_644));
    let stat = world.look("d/sub").unwrap().stat;
    assert_eq!((stat.uid, stat.gid, stat.mode), (1000, 1234, 0o042_644));
    world.write("d/g", "text");
    world.create("d/plain", NewKind::Directory).unwrap();
    assert_eq!(world.look("d/g").unwrap().stat.gid, 1234);
    assert_eq!(world.look("d/plain").unwrap().stat.mode, 0o042_640);
}
