//! What a power cut leaves of files, made by hand.

use std::fs::FileTimes;
use std::fs::OpenOptions;

use projfs_types::FileState;
use rustix::fs::FallocateFlags;

use super::*;

/// What is left of a file: its length, its record and its write time, and of its content what `take` leaves.
fn damage(world: &World, at: &str, take: impl FnOnce(&std::fs::File)) {
    let file = OpenOptions::new().write(true).open(world.disk(at)).unwrap();
    let write = file.metadata().unwrap().modified().unwrap();
    take(&file);
    file.set_times(FileTimes::new().set_modified(write)).unwrap();
}

fn placeholder(world: &World, at: &str) -> Projected {
    match world.state(at) {
        ItemState::File(FileState::Placeholder(projected)) => projected,
        state => panic!("{at} is {state:?}"),
    }
}

#[test]
fn content_that_did_not_reach_the_disk_is_fetched_again() {
    let mut world = World::new();
    let text = "x".repeat(8192);
    for at in ["whole", "short", "empty", "hole", "room"] {
        world.hydrate(at, &text);
    }
    world.stop();
    damage(&world, "short", |file| file.set_len(4096).unwrap());
    damage(&world, "empty", |file| file.set_len(0).unwrap());
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    damage(&world, "hole", |file| rustix::fs::fallocate(file, punch, 0, 4096).unwrap());
    damage(&world, "room", |file| {
        rustix::fs::fallocate(file, punch, 4096, 4096).unwrap();
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 4096, 4096).unwrap();
    });
    world.restart();
    assert_eq!(world.state("whole"), ItemState::File(FileState::Hydrated(clean())));
    for at in ["short", "empty", "hole", "room"] {
        placeholder(&world, at);
        assert_eq!(world.look(at).unwrap().stat.size, 8192, "{at}");
        world.hydrate(at, &text);
        assert_eq!(world.read(at).unwrap(), text[..1000], "{at}");
        assert_eq!(world.state(at), ItemState::File(FileState::Hydrated(clean())));
    }
}

#[test]
fn a_name_outlives_its_content() {
    let mut world = World::new();
    world.hydrate("f", "hello");
    let (dir, name) = split("f");
    world.store().set_projected(&dir, &name, &moved("f")).unwrap();
    world.rename("f", "g", Leave::Tombstone, Keep::Nothing).unwrap();
    world.stop();
    damage(&world, "g", |file| file.set_len(0).unwrap());
    world.restart();
    assert_eq!(world.state("f"), ItemState::Tombstone);
    assert_eq!(placeholder(&world, "g"), moved("f"));
    assert_eq!(errno(world.create("g", NewKind::File)), Errno::EXIST);
    // Whatever is changed of it now, what is left is never taken for what somebody wrote.
    let write = Some(crate::Time::At(Timestamp::from_seconds(5)));
    world.set("g", &AttributeChange { permissions: Some(0o600), write, ..AttributeChange::default() });
    for _ in 0..2 {
        assert_eq!(placeholder(&world, "g").origin, moved("f").origin);
        assert_eq!(world.look("g").unwrap().stat.mode, 0o100_600);
        assert_eq!(world.look("g").unwrap().stat.times.write, Timestamp::from_seconds(5));
        world.restart();
    }
    world.rename("g", "h", Leave::Nothing, Keep::Nothing).unwrap();
    assert_eq!(placeholder(&world, "h").origin, moved("f").origin);
}

#[test]
fn content_is_written_block_by_block_or_known_not_to_be() {
    let world = World::new();
    let written = |pieces: &[(u64, usize)]| {
        let content = world.store().begin_content(0).unwrap();
        for (offset, length) in pieces {
            content.write_at(*offset, &vec![1; *length]).unwrap();
        }
        content.is_blockwise()
    };
    assert!(written(&[(0, 8192), (8192, 4096), (12288, 5)]));
    assert!(written(&[(8192, 5), (0, 4096), (4096, 4096)]), "in any order");
    assert!(!written(&[(0, 3000), (3000, 3000)]));
    assert!(!written(&[(4096, 4096), (0, 4097)]));
    assert!(!written(&[(0, 4096), (0, 4096)]), "twice");
    assert!(written(&[(0, 0), (0, 4096), (0, 0)]));
}
