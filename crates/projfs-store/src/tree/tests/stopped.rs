//! Steps of which a crash, or an error, leaves a part.

use projfs_types::DirectoryState;

use super::at::Inode;
use super::look::Seen;
use super::put::Replaced;
use super::put::timespec;
use super::*;
use crate::record::Record;
use crate::record::Recorded;

#[test]
fn a_write_time_that_the_inode_does_not_have_yet_is_believed() {
    let mut world = World::new();
    world.hydrate("f", "text");
    let at = world.store().at(RelPath::root(), &split("f").1).unwrap();
    let later = Timestamp { seconds: 1_400_000_000, nanoseconds: 5 };
    let found = at.find().unwrap().unwrap();
    let Seen::Projected { number, mut provided } = found.seen else { panic!("it is the provider's") };
    provided.info.times.write = later;
    let item = Recorded::Projected(provided);
    Inode::Named(&at).set_record(&Record { inode: found.stat.stx_ino, number, item }).unwrap();
    // Stopped before the inode has it, and thereafter.
    for _ in 0..2 {
        world.restart();
        let item = world.look("f").unwrap();
        assert_eq!(item.state, ItemState::File(FileState::Hydrated(clean())));
        assert_eq!((item.stat.times.write, item.stat.mode & 0o777), (later, 0o444));
        at.set_times(None, Some(timespec(later))).unwrap();
    }
    at.set_times(None, Some(timespec(Timestamp::from_seconds(5)))).unwrap();
    assert_eq!(world.state("f"), ItemState::File(FileState::Full));
}

#[test]
fn a_directory_that_is_emptied_to_be_replaced_looks_as_before() {
    let mut world = World::new();
    world.put_directory("d");
    world.remove("d/gone", Leave::Tombstone, Keep::Nothing).unwrap();
    let before = world.look("d").unwrap().stat;
    let (root, name) = split("d");
    let at = world.store().at(&root, &name).unwrap();
    world.store().make_empty((&root, &name), &at).unwrap();
    world.restart();
    let after = world.look("d").unwrap();
    assert_eq!(after.state, ItemState::Directory(DirectoryState::Full));
    assert_eq!((after.stat.number, after.stat.mode), (before.number, before.mode));
    assert_eq!(after.stat.times.write, before.times.write);
    assert!(world.names("d").is_empty());
}

#[test]
fn what_cannot_be_looked_at_is_unmade_and_the_tombstone_put_back() {
    let world = World::new();
    for (at, replaced) in [("file", Replaced::Nothing), ("hidden", Replaced::Tombstone)] {
        world.create(at, crate::NewKind::Directory).unwrap();
        let (root, name) = split(at);
        world.store().unmake(&world.store().at(&root, &name).unwrap(), replaced);
    }
    assert_eq!(world.names(""), [("hidden".to_owned(), None)]);
    assert_eq!(std::fs::read_dir(world.disk(".projfs/trash")).unwrap().count(), 0);
}
