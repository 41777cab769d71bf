//! Extended attributes that a provider gave: what is on disk, and what a crash leaves.

use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::ExtendedAttributes;

use super::super::look::Found;
use super::*;
use crate::record::ATTRIBUTE;
use crate::record::Extended;
use crate::record::Record;
use crate::record::Recorded;
use crate::tree::at::Inode;

fn of(pairs: &[(&str, &str)]) -> ExtendedAttributes {
    ExtendedAttributes::new(pairs.iter().copied()).unwrap()
}

fn red() -> ExtendedAttributes {
    of(&[("user.color", "red"), ("user.old", "1")])
}

fn blue() -> ExtendedAttributes {
    of(&[("user.color", "blue"), ("user.new", "1")])
}

impl World {
    fn shown(&self, at: &str) -> ExtendedAttributes {
        let (dir, name) = split(at);
        let place = Place::Named(&dir, &name);
        let names = self.store().list_xattr(place).unwrap();
        let names = names.split(|&byte| byte == 0).filter(|name| name.starts_with(b"user."));
        ExtendedAttributes::found(names.map(|name| (name, self.store().get_xattr(place, name).unwrap())))
    }

    /// What a file of the file system below has.
    fn below(&self, at: &str) -> ExtendedAttributes {
        let mut names = vec![0; 4096];
        let length = rustix::fs::llistxattr(self.disk(at), &mut names).unwrap();
        let names = names[..length].split(|&byte| byte == 0).filter(|name| name.starts_with(b"user."));
        ExtendedAttributes::found(names.map(|name| {
            let mut value = vec![0; 4096];
            let length = rustix::fs::lgetxattr(self.disk(at), name, &mut value).unwrap();
            (name, value[..length].to_vec())
        }))
    }

    /// A directory with red ones whose record says that it has blue ones, as a crash leaves it.
    fn half_given(&self, at: &str) {
        self.put_directory(at);
        let (dir, name) = split(at);
        let info = directory().with_extended_attributes(red());
        self.store().provide_directory(&dir, &name, &info, &clean()).unwrap();
        let at = self.store().at(&dir, &name).unwrap();
        let Some(Found { stat, seen: Seen::Projected { number, mut provided } }) = at.find().unwrap() else {
            panic!("it is the provider's");
        };
        provided.info.extended = blue();
        provided.extended = Extended::InRecord;
        let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
        Inode::Named(&at).set_record(&record).unwrap();
    }
}

#[test]
fn stopped_a_file_has_them_as_any_other() {
    let mut world = World::new();
    let (dir, name) = split("f");
    let info = file(4).with_extended_attributes(red());
    let content = world.store().begin_content(4).unwrap();
    content.write_at(0, b"text").unwrap();
    let state = FileState::Hydrated(clean());
    world
        .store()
        .publish(&dir, &name, &content, &info, &state, Number::of_origin(&path("f").into()))
        .unwrap();
    drop(content);
    world.stop();
    assert_eq!(world.below("f"), red());
    // A program changes it while nothing is mounted: it is the program's, with all that it has.
    std::fs::write(world.disk("f"), "other").unwrap();
    world.restart();
    assert_eq!(world.state("f"), ItemState::File(FileState::Full));
    assert_eq!(world.shown("f"), red());
}

#[test]
fn a_crash_while_a_directory_is_given_others_leaves_it_with_all_of_them() {
    let mut world = World::new();
    world.half_given("d");
    world.restart();
    for _ in 0..2 {
        assert_eq!((world.shown("d"), world.below("d")), (blue(), red()));
        assert_eq!(world.look("d").unwrap().info, Some(directory().with_extended_attributes(blue())));
        assert_eq!(
            errno(world.store().get_xattr(Place::Named(&path(""), &split("d").1), b"user.old")),
            Errno::NODATA
        );
        // What else changes leaves that as it is.
        world.set_dirty("d");
        world.set("d", &AttributeChange { permissions: Some(0o700), ..AttributeChange::default() });
        world.restart();
        world.set("d", &AttributeChange { permissions: Some(0o555), ..AttributeChange::default() });
        let (dir, name) = split("d");
        world
            .store()
            .provide_directory(&dir, &name, &directory().with_extended_attributes(red()), &clean())
            .unwrap();
        world.remove("d", Leave::Nothing, Keep::Nothing).unwrap();
        world.half_given("d");
    }
}

#[test]
fn the_next_change_finishes_what_a_crash_has_left() {
    let world = World::new();
    for name in ["set", "removed", "given", "full"] {
        world.half_given(name);
    }
    let place = |name| Place::Named(RelPath::root(), name);
    let names = ["set", "removed", "given", "full"].map(|name| split(name).1);
    world.store().set_xattr(place(&names[0]), b"user.mine", b"1", 0).unwrap();
    world.store().remove_xattr(place(&names[1]), b"user.new").unwrap();
    let given = directory().with_extended_attributes(blue());
    world.store().provide_directory(RelPath::root(), &names[2], &given, &clean()).unwrap();
    world.store().convert_directory(RelPath::root(), &names[3]).unwrap();
    let expected = [
        of(&[("user.color", "blue"), ("user.mine", "1"), ("user.new", "1")]),
        of(&[("user.color", "blue")]),
        blue(),
        blue(),
    ];
    for (name, expected) in ["set", "removed", "given", "full"].into_iter().zip(expected) {
        assert_eq!((world.shown(name), world.below(name)), (expected.clone(), expected), "{name}");
    }
}

#[test]
fn what_has_no_room_is_refused_and_leaves_no_trace() {
    let mut world = World::new();
    // More than a block of the file system below, which is checked in the engine before.
    let large = ExtendedAttributes::found([("user.large", vec![7; 1 << 17])]);
    let (dir, name) = split("item");
    let info = file(4).with_extended_attributes(large.clone());
    assert!(world.store().put_stand_in(&dir, &name, &info, &clean()).is_err());
    let content = world.store().begin_content(4).unwrap();
    content.write_at(0, b"text").unwrap();
    let state = FileState::Hydrated(clean());
    assert!(world.store().publish(&dir, &name, &content, &info, &state, Number(1)).is_err());
    let info = directory().with_extended_attributes(large);
    assert!(world.store().put_directory(&dir, &name, &info, &clean()).is_err());
    assert!(world.look("item").is_none());
    drop(content);
    world.restart();
    assert_eq!(std::fs::read_dir(world.temporary.path()).unwrap().count(), 1);
}

#[test]
fn a_note_whose_extended_attributes_nobody_can_have_is_forgotten() {
    let mut world = World::new();
    let room = EXTENDED_SIZE_MAX - 16 - "user.a".len();
    let most = file(4).with_extended_attributes(of(&[("user.a", &"x".repeat(room))]));
    let more = ExtendedAttributes::found([("user.a", vec![b'x'; room + 1])]);
    world.store().note(&path("most").into(), &most).unwrap();
    world.store().note(&path("more").into(), &file(4).with_extended_attributes(more)).unwrap();
    world.restart();
    assert_eq!(world.store().noted(&path("most").into()), Some(most));
    assert_eq!(world.store().noted(&path("more").into()), None);
}

#[test]
fn the_record_stays_small() {
    let world = World::new();
    let (dir, name) = split("f");
    let info = file(4).with_extended_attributes(red());
    world.store().put_stand_in(&dir, &name, &info, &clean()).unwrap();
    let with = rustix::fs::lgetxattr(world.disk("f"), ATTRIBUTE, &mut [0_u8; 128][..]).unwrap();
    world.store().replace(&dir, &name, &file(4), &clean(), Keep::Nothing).unwrap();
    assert_eq!(rustix::fs::lgetxattr(world.disk("f"), ATTRIBUTE, &mut [0_u8; 128][..]).unwrap(), with);
}
