//! Removing, renaming, exchanging, linking, and what is kept of them.

use projfs_types::DirectoryState;

use super::*;

#[test]
fn removing_leaves_what_was_asked_for() {
    let mut world = World::new();
    assert_eq!(errno(world.remove("a", Leave::Nothing, Keep::Nothing)), Errno::NOENT);
    for at in ["a", "b", "c"] {
        world.hydrate(at, "text");
    }
    world.put_stand_in("d", 5);
    assert_eq!(world.remove("a", Leave::Nothing, Keep::Nothing).unwrap(), None);
    assert_eq!(world.remove("b", Leave::Tombstone, Keep::Nothing).unwrap(), None);
    assert!(world.remove("c", Leave::Tombstone, Keep::Trash).unwrap().is_some());
    assert!(world.remove("d", Leave::Nothing, Keep::Trash).unwrap().is_some());
    world.remove("never", Leave::Tombstone, Keep::Nothing).unwrap();
    world.remove("never", Leave::Tombstone, Keep::Nothing).unwrap();
    for _ in 0..2 {
        assert!(world.look("a").is_none());
        assert!(world.look("d").is_none());
        for at in ["b", "c", "never"] {
            assert_eq!(world.state(at), ItemState::Tombstone);
        }
        let names = ["b", "c", "never"].map(|name| (name.to_owned(), None));
        assert_eq!(world.names(""), names);
        world.restart();
    }
    assert_eq!(std::fs::read_dir(world.disk(".projfs/trash")).unwrap().count(), 0);
    world.remove("b", Leave::Nothing, Keep::Nothing).unwrap();
    assert!(world.look("b").is_none());
}

#[test]
fn a_directory_goes_with_its_tombstones_and_nothing_else() {
    let world = World::new();
    world.put_directory("d");
    world.write("d/f", "text");
    world.remove("d/g", Leave::Tombstone, Keep::Nothing).unwrap();
    assert_eq!(errno(world.remove("d", Leave::Tombstone, Keep::Nothing)), Errno::NOTEMPTY);
    world.remove("d/f", Leave::Tombstone, Keep::Nothing).unwrap();
    assert_eq!(world.remove("d", Leave::Tombstone, Keep::Trash).unwrap(), None);
    assert_eq!(world.state("d"), ItemState::Tombstone);
    assert!(world.look("d/g").is_none());
    assert!(world.names("d").is_empty());
    assert_eq!(std::fs::read_dir(world.disk(".projfs/trash")).unwrap().count(), 0);
}

#[test]
fn what_is_in_the_trash_can_be_used_and_shows_no_name() {
    let world = World::new();
    world.write("f", "text");
    let (dir, name) = split("g");
    let (from, old) = split("f");
    world.store().link(Place::Named(&from, &old), &dir, &name).unwrap();
    assert_eq!(world.look("g").unwrap().stat.links, 2);
    let id = world.remove("f", Leave::Nothing, Keep::Trash).unwrap().unwrap();
    assert_eq!(world.look("g").unwrap().stat.links, 1);
    assert_eq!(world.store().look_trash(id).unwrap().stat.links, 1);
    world.remove("g", Leave::Nothing, Keep::Nothing).unwrap();
    assert_eq!(world.store().look_trash(id).unwrap().stat.links, 0);
    let file = world.store().open(Place::Trash(id), Access::ReadWrite).unwrap();
    file.write_at(4, b" more").unwrap();
    let mode = AttributeChange { permissions: Some(0o600), ..AttributeChange::default() };
    world.store().set_attributes(Place::Trash(id), &mode).unwrap();
    let item = world.store().look_trash(id).unwrap();
    assert_eq!((item.stat.size, item.stat.mode), (9, 0o100_600));
    world.store().discard(id).unwrap();
    assert_eq!(errno(world.store().look_trash(id)), Errno::NOENT);
}

#[test]
fn a_nameless_file_can_get_a_name() {
    let mut world = World::new();
    let (id, created) = world.store().create_nameless(&new_item(NewKind::File, 0o600)).unwrap();
    created.file.unwrap().write_at(0, b"text").unwrap();
    assert_eq!(created.item.stat.links, 0);
    world.remove("f", Leave::Tombstone, Keep::Nothing).unwrap();
    let (dir, name) = split("f");
    world.store().link(Place::Trash(id), &dir, &name).unwrap();
    assert_eq!(errno(world.store().link(Place::Trash(id), &dir, &name)), Errno::EXIST);
    assert_eq!(world.look("f").unwrap().stat.links, 1);
    world.store().discard(id).unwrap();
    assert_eq!(world.look("f").unwrap().stat.links, 1);
    world.restart();
    assert_eq!(world.read("f").unwrap(), "text");
}

#[test]
fn a_rename_moves_and_leaves() {
    let mut world = World::new();
    world.put_directory("d");
    world.hydrate("d/f", "text");
    world.rename("d/f", "g", Leave::Tombstone, Keep::Nothing).unwrap();
    world.rename("d", "e", Leave::Tombstone, Keep::Nothing).unwrap();
    world.rename("g", "h", Leave::Nothing, Keep::Nothing).unwrap();
    for _ in 0..2 {
        assert_eq!(world.state("d"), ItemState::Tombstone);
        assert_eq!(world.state("e/f"), ItemState::Tombstone);
        assert!(world.look("d/f").is_none());
        assert!(world.look("g").is_none());
        assert_eq!(world.read("h").unwrap(), "text");
        world.restart();
    }
    assert_eq!(errno(world.rename("g", "x", Leave::Nothing, Keep::Nothing)), Errno::NOENT);
    assert_eq!(errno(world.rename("d", "x", Leave::Nothing, Keep::Nothing)), Errno::NOENT);
}

#[test]
fn a_rename_replaces_a_file_and_can_keep_it() {
    let world = World::new();
    for at in ["a", "b", "c"] {
        world.write(at, at);
    }
    assert_eq!(world.rename("a", "b", Leave::Tombstone, Keep::Nothing).unwrap(), None);
    assert_eq!((world.state("a"), world.read("b").unwrap().as_str()), (ItemState::Tombstone, "a"));
    let kept = world.rename("b", "c", Leave::Nothing, Keep::Trash).unwrap().unwrap();
    let mut text = [0; 1];
    world.store().open(Place::Trash(kept), Access::Read).unwrap().read_at(0, &mut text).unwrap();
    assert_eq!(&text, b"c");
    assert_eq!(world.store().look_trash(kept).unwrap().stat.links, 0);
    assert_eq!(world.look("c").unwrap().stat.links, 1);
}

#[test]
fn two_names_of_one_file_both_stay() {
    let world = World::new();
    world.write("a", "text");
    let ((from, old), (dir, name)) = (split("a"), split("b"));
    world.store().link(Place::Named(&from, &old), &dir, &name).unwrap();
    assert_eq!(world.rename("a", "b", Leave::Tombstone, Keep::Trash).unwrap(), None);
    assert_eq!(world.read("a").unwrap(), "text");
    assert_eq!(world.read("b").unwrap(), "text");
}

#[test]
fn things_move_onto_tombstones() {
    let mut world = World::new();
    for leave in [Leave::Nothing, Leave::Tombstone] {
        let tag = format!("{leave:?}");
        let (from, to) = (format!("from-{tag}"), format!("to-{tag}"));
        world.remove(&to, Leave::Tombstone, Keep::Nothing).unwrap();
        world.put_directory(&from);
        world.write(&format!("{from}/f"), "text");
        world.rename(&from, &to, leave, Keep::Nothing).unwrap();
        let (file, new) = (format!("file-{tag}"), format!("new-{tag}"));
        world.remove(&new, Leave::Tombstone, Keep::Nothing).unwrap();
        world.write(&file, "text");
        world.rename(&file, &new, leave, Keep::Trash).unwrap();
        for _ in 0..2 {
            assert_eq!(world.read(&format!("{to}/f")).unwrap(), "text");
            assert_eq!(world.read(&new).unwrap(), "text");
            for left in [&from, &file] {
                let expected = (leave == Leave::Tombstone).then_some(ItemState::Tombstone);
                assert_eq!(world.look(left).map(|item| item.state), expected);
            }
            world.restart();
        }
    }
}

#[test]
fn a_directory_replaces_one_that_holds_tombstones() {
    let world = World::new();
    world.put_directory("empty");
    world.remove("empty/x", Leave::Tombstone, Keep::Nothing).unwrap();
    world.put_directory("used");
    world.write("used/x", "text");
    world.create("d", NewKind::Directory).unwrap();
    world.write("d/f", "text");
    world.write("file", "text");
    assert_eq!(errno(world.rename("d", "used", Leave::Nothing, Keep::Nothing)), Errno::NOTEMPTY);
    assert_eq!(errno(world.rename("d", "file", Leave::Nothing, Keep::Nothing)), Errno::NOTDIR);
    assert_eq!(errno(world.rename("file", "d", Leave::Nothing, Keep::Nothing)), Errno::ISDIR);
    assert_eq!(errno(world.rename("d", "d/below", Leave::Nothing, Keep::Nothing)), Errno::INVAL);
    world.rename("d", "empty", Leave::Tombstone, Keep::Trash).unwrap();
    assert_eq!(world.state("empty"), ItemState::Directory(DirectoryState::Full));
    assert_eq!(world.names("empty"), [("f".to_owned(), Some(ItemKind::File))]);
    assert_eq!(world.state("d"), ItemState::Tombstone);
}

#[test]
fn exchanged_items_are_each_where_the_other_was() {
    let mut world = World::new();
    world.put_directory("d");
    world.write("d/f", "text");
    world.write("g", "other");
    let (one, other) = (split("d"), split("g"));
    world.store().exchange((&one.0, &one.1), (&other.0, &other.1)).unwrap();
    for _ in 0..2 {
        assert_eq!(world.read("d").unwrap(), "other");
        assert_eq!(world.read("g/f").unwrap(), "text");
        world.restart();
    }
    let missing = split("x");
    let result = world.store().exchange((&one.0, &one.1), (&missing.0, &missing.1));
    assert_eq!(errno(result), Errno::NOENT);
}

#[test]
fn a_record_too_long_for_one_attribute_moves_along_and_changes() {
    let mut world = World::new();
    world.put_stand_in("f", 7);
    let (dir, name) = split("f");
    for round in 0..4 {
        let projected = moved(&format!("{}/{round}", "long".repeat(30)));
        world.store().set_projected(&dir, &name, &projected).unwrap();
        world.restart();
        assert_eq!(world.state("f"), ItemState::File(FileState::Placeholder(projected)));
    }
    world.store().set_projected(&dir, &name, &clean()).unwrap();
    let second = |name: &str| rustix::fs::lgetxattr(world.disk("f"), name, &mut [0; 256][..]).is_ok();
    assert!(!crate::record::MORE.iter().all(|name| second(name)), "what is superseded is gone");
    assert_eq!(world.state("f"), ItemState::File(FileState::Placeholder(clean())));
}
