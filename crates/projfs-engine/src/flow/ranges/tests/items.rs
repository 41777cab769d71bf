//! What becomes of parts when something becomes of their item.

use projfs_types::NodeId;

use super::*;
use crate::RemoveKind;
use crate::RenameHow;

#[test]
fn opening_for_writing_fetches_the_rest_once() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let writer = rig.open("file", WRITE);
    assert_eq!(writer.coverage, Coverage::Whole);
    let asked = rig.source.asked();
    assert_eq!(asked.iter().map(|range| range.end - range.start).sum::<u64>(), 40 * MIB);
    assert_eq!(rig.state("file"), StateWord::Full);
    rig.engine.write(&rig.context(), writer.handle, 4, b"written").unwrap();
    assert_eq!(rig.read(reader.handle, 4..11).unwrap(), b"written");
    rig.check(reader.handle, 11..2 * MIB);
    rig.close(writer);
    rig.close(reader);
    assert_eq!(rig.source.asked(), []);
}

#[test]
fn truncating_fetches_nothing_and_is_seen_by_readers() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    rig.source.asked();
    let writer = rig.open("file", OpenHow { access: Access::ReadWrite, truncate: true });
    assert_eq!(rig.read(reader.handle, 0..10).unwrap(), []);
    rig.engine.write(&rig.context(), writer.handle, 0, b"new").unwrap();
    assert_eq!(rig.read(reader.handle, 0..10).unwrap(), b"new");
    assert_eq!(rig.source.asked(), []);
    assert_eq!(rig.state("file"), StateWord::Full);
}

#[test]
fn a_deleted_file_goes_on_for_those_who_have_it_open() {
    let rig = Rig::new();
    let (node, reader) = (rig.node("file"), rig.open("file", READ));
    rig.check(reader.handle, 0..1);
    rig.engine.remove(&rig.context(), NodeId::ROOT, named("file"), RemoveKind::NotDirectory).unwrap();
    rig.check(reader.handle, 0..10);
    rig.check(reader.handle, 9 * MIB..9 * MIB + 10);
    assert_eq!(rig.source.asked(), [0..MIB, 9 * MIB..10 * MIB]);
    let stat = rig.engine.attributes(&rig.context(), node).unwrap();
    assert_eq!((stat.size, stat.links), (40 * MIB, 0));
    let again = rig.engine.open(&rig.context(), node, READ).unwrap();
    rig.check(again.handle, 9 * MIB..9 * MIB + 10);
    assert_eq!(kind(rig.engine.open(&rig.context(), node, WRITE)), ErrorKind::NotFound);
    rig.close(again);
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(reader);
    assert!(rig.engine.attributes(&rig.context(), node).is_err());
    assert!(rig.engine.lookup(&rig.context(), NodeId::ROOT, named("file")).unwrap().is_none());
}

#[test]
fn a_file_that_moves_keeps_its_parts() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let (from, to) = ((NodeId::ROOT, named("file")), (NodeId::ROOT, named("other")));
    rig.engine.rename(&rig.context(), from, to, RenameHow::Replace).unwrap();
    rig.source.asked();
    rig.check(reader.handle, 0..10);
    let other = rig.open("other", READ);
    rig.check(other.handle, 0..10);
    rig.check(other.handle, MIB..2 * MIB);
    assert_eq!(rig.source.asked(), [MIB..2 * MIB; 1]);
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(other);
    rig.close(reader);
    assert_eq!(rig.state("other"), StateWord::Hydrated);
    // And what replaces a file drops its parts.
    let long = rig.open("long", READ);
    rig.check(long.handle, 0..1);
    let (from, to) = ((NodeId::ROOT, named("other")), (NodeId::ROOT, named("long")));
    rig.engine.rename(&rig.context(), from, to, RenameHow::Replace).unwrap();
    rig.check(long.handle, 3 << 30..(3 << 30) + 10);
    rig.close(long);
    let replaced = rig.open("long", READ);
    assert_eq!(replaced.coverage, Coverage::Whole);
    rig.check(replaced.handle, 5..10);
}

#[test]
fn dehydrating_drops_the_parts() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let path = RelPathBuf::new("file").unwrap();
    rig.engine.dehydrate_path(&rig.context(), &path, false, &mut |_, kept| kept.unwrap()).unwrap();
    assert_eq!(rig.state("file"), StateWord::Virtual);
    rig.check(reader.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    let again = rig.open("file", READ);
    rig.check(again.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    // The first reader's parts are whole, and nobody's but its own.
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(reader);
    assert_eq!(rig.state("file"), StateWord::Placeholder);
    rig.check(again.handle, 0..40 * MIB);
    rig.close(again);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
}

#[test]
fn parts_are_kept_when_the_engine_is_started_again() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 0..20 * MIB);
    let store = rig.store.clone();
    drop(rig);
    let rig = Rig::over(store.clone(), DataAccess::Ranges);
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 0..20 * MIB);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 0..40 * MIB);
    assert_eq!(rig.source.asked().iter().map(|range| range.end - range.start).sum::<u64>(), 20 * MIB);
    drop(rig);
    // Whole, but not closed: the next open gives it its name.
    let rig = Rig::over(store, DataAccess::Ranges);
    assert_eq!(rig.open("file", READ).coverage, Coverage::Whole);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    assert_eq!(rig.source.asked(), []);
}
