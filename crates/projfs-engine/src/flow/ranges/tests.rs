mod items;
mod plans;
mod rig;

use projfs_provider::CancelToken;
use projfs_provider::ProviderErrorKind;
use projfs_store::Access;
use projfs_store::MemoryStore;
use projfs_types::RelPathBuf;

use super::*;
use crate::Coverage;
use crate::OpenHow;
use crate::Seek;
use crate::StateWord;

use rig::*;

#[test]
fn a_read_in_the_middle_of_a_long_file_fetches_one_block() {
    let rig = Rig::new();
    let opened = rig.open("long", READ);
    assert_eq!(opened.coverage, Coverage::Partial);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 5 << 30..(5 << 30) + 4096);
    rig.check(opened.handle, (5 << 30) + 100..(5 << 30) + 70000);
    assert_eq!(rig.source.asked(), [5 << 30..(5 << 30) + MIB; 1]);
    rig.check(opened.handle, 0..1);
    rig.check(opened.handle, LONG - 1..LONG);
    assert_eq!(rig.source.asked(), [0..MIB, LONG - MIB..LONG]);
    assert_eq!(rig.read(opened.handle, LONG - 3..LONG + 3).unwrap(), bytes(LONG - 3..LONG));
    assert_eq!(rig.read(opened.handle, LONG..LONG + 3).unwrap(), []);
    // What is not there yet is no hole.
    let seek = |offset, what| rig.engine.seek(&rig.hasty(), opened.handle, offset, what);
    assert_eq!(seek(77, Seek::Data).unwrap(), 77);
    assert_eq!(seek(77, Seek::Hole).unwrap(), LONG);
    rig.engine.sync(&rig.hasty(), opened.handle, false).unwrap();
    assert_eq!(rig.state("long"), StateWord::Placeholder);
    rig.close(opened);
    assert_eq!(rig.state("long"), StateWord::Placeholder);
    assert_eq!(rig.source.asked(), []);
}

#[test]
fn a_file_that_was_read_to_its_end_is_hydrated() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    for at in (0..40 * MIB).step_by(1 << 17) {
        rig.check(opened.handle, at..at + (1 << 17));
    }
    let expected: Vec<_> = (0..40).map(|block| block * MIB..(block + 1) * MIB).collect();
    assert_eq!(rig.source.asked(), expected);
    assert_eq!(kind(rig.engine.finish(&rig.hasty(), opened.handle)), ErrorKind::WouldWait);
    rig.close(opened);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    let again = rig.open("file", READ);
    assert_eq!(again.coverage, Coverage::Whole);
    rig.check(again.handle, 7 * MIB - 5..7 * MIB + 5);
    rig.close(again);
    assert_eq!(rig.source.asked(), []);
    let statistics = rig.engine.statistics();
    assert_eq!((statistics.hydrated_files, statistics.hydrated_bytes), (1, 40 * MIB));
}

#[test]
fn small_files_and_whole_file_providers_are_fetched_in_the_open() {
    let rig = Rig::new();
    assert_eq!(rig.open("small", READ).coverage, Coverage::Whole);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    let rig = Rig::over(MemoryStore::new(), DataAccess::WholeFile);
    assert_eq!(rig.open("file", READ).coverage, Coverage::Whole);
    assert_eq!(rig.source.asked(), [0..40 * MIB; 1]);
}

#[test]
fn an_operation_without_patience_asks_nothing() {
    let rig = Rig::new();
    let node = rig.node("file");
    let opened = rig.engine.open(&rig.hasty(), node, READ).unwrap();
    let mut buffer = [0; 10];
    assert_eq!(kind(rig.engine.read(&rig.hasty(), opened.handle, 0, &mut buffer)), ErrorKind::WouldWait);
    assert_eq!(kind(rig.engine.open(&rig.hasty(), node, WRITE)), ErrorKind::WouldWait);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.engine.read(&rig.hasty(), opened.handle, MIB - 10, &mut buffer).unwrap(), 10);
}

#[test]
fn what_is_short_or_fails_is_an_error_and_leaves_no_zeros() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 2 * MIB..2 * MIB + 1);
    rig.source.behave(|_, range| Ok(range.start..range.end - 1));
    let failed = rig.read(opened.handle, 0..10);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::Io));
    rig.source.behave(|_, _| Err(ProviderErrorKind::Unavailable.into()));
    let failed = rig.read(opened.handle, 0..10);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::Unavailable));
    // What is there is there.
    rig.check(opened.handle, 2 * MIB..3 * MIB);
    rig.source.behave(|_, range| Ok(range.clone()));
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.state("file"), StateWord::Placeholder);
}

#[test]
fn wrong_bytes_of_one_command_spoil_nothing_of_others() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 0..10);
    // Over what is there, and then an error; or none.
    *rig.source.zeros.lock() = Some(0..MIB);
    rig.source.behave(|_, _| Err(ProviderErrorKind::Io.into()));
    assert!(rig.read(opened.handle, MIB..MIB + 10).is_err());
    rig.check(opened.handle, 0..MIB);
    rig.source.behave(|_, range| Ok(range.clone()));
    rig.check(opened.handle, MIB..2 * MIB);
    rig.check(opened.handle, 0..MIB);
    // Over what another command brings.
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    let gate = gated(&rig);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| rig.check(opened.handle, 0..MIB));
        gate.wait_for(1);
        *rig.source.zeros.lock() = Some(0..MIB);
        rig.check(opened.handle, 4 * MIB..5 * MIB);
        gate.open();
        reader.join().unwrap();
    });
    *rig.source.zeros.lock() = None;
    rig.check(opened.handle, 0..5 * MIB);
}

#[test]
fn more_than_there_is_is_an_error() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    *rig.source.zeros.lock() = Some(40 * MIB..40 * MIB + 1);
    assert_eq!(kind(rig.read(opened.handle, 0..10)), ErrorKind::Provider(ProviderErrorKind::Io));
    *rig.source.zeros.lock() = None;
    rig.check(opened.handle, 0..10);
}

#[test]
fn what_is_delivered_unasked_is_kept() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.source.behave(|_, _| Ok(0..40 * MIB));
    rig.check(opened.handle, 9 * MIB..9 * MIB + 10);
    rig.source.asked();
    rig.check(opened.handle, 0..40 * MIB);
    assert_eq!(rig.source.asked(), []);
}

#[test]
fn readers_of_one_range_wait_for_one_command_and_others_do_not() {
    let rig = Rig::new();
    let gate = gated(&rig);
    let opened = rig.open("file", READ);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                scope.spawn({
                    let rig = &rig;
                    move || rig.read(opened.handle, reader * 1000..reader * 1000 + 10).unwrap()
                })
            })
            .collect();
        gate.wait_for(1);
        waiting(&rig, 4);
        rig.check(opened.handle, 5 * MIB..5 * MIB + 10);
        gate.open();
        for (reader, thread) in (0..).zip(readers) {
            assert_eq!(thread.join().unwrap(), bytes(reader * 1000..reader * 1000 + 10));
        }
    });
    assert_eq!(rig.source.asked(), [0..MIB, 5 * MIB..6 * MIB]);
}

#[test]
fn the_last_reader_to_leave_cancels_the_command() {
    let rig = Rig::new();
    let gate = gated(&rig);
    let opened = rig.open("file", READ);
    let (one, other) = (CancelToken::new(), CancelToken::new());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| rig.read_until(&one, opened.handle, 0..10));
        gate.wait_for(1);
        let second = scope.spawn(|| rig.read_until(&other, opened.handle, 20..30));
        waiting(&rig, 2);
        one.cancel();
        assert_eq!(kind(first.join().unwrap()), ErrorKind::Interrupted);
        assert!(!second.is_finished());
        waiting(&rig, 1);
        other.cancel();
        assert_eq!(kind(second.join().unwrap()), ErrorKind::Interrupted);
    });
    gate.open();
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB, 0..MIB]);
}

#[test]
fn an_error_of_one_range_is_not_one_of_another() {
    let rig = Rig::new();
    rig.source.behave(|_, range| match range.contains(&(3 * MIB)) {
        true => Err(ProviderErrorKind::TimedOut.into()),
        false => Ok(range.clone()),
    });
    let opened = rig.open("file", READ);
    let failed = rig.read(opened.handle, 2 * MIB..4 * MIB);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::TimedOut));
    rig.check(opened.handle, MIB..3 * MIB);
    rig.check(opened.handle, 4 * MIB..5 * MIB);
    // Hydrating it fails as a whole, and changes nothing.
    let path = RelPathBuf::new("file").unwrap();
    rig.source.behave(|_, range| match range.contains(&(30 * MIB)) {
        true => Err(ProviderErrorKind::TimedOut.into()),
        false => Ok(range.clone()),
    });
    assert!(rig.engine.hydrate_path(&rig.context(), &path, &mut |_| {}).is_err());
    assert_eq!(rig.state("file"), StateWord::Placeholder);
    rig.source.behave(|_, range| Ok(range.clone()));
    rig.source.asked();
    rig.engine.hydrate_path(&rig.context(), &path, &mut |_| {}).unwrap();
    // What was there, or came in the meantime, is not asked for again.
    assert!(rig.source.asked().iter().all(|range| !range.contains(&MIB) && !range.contains(&(4 * MIB))));
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    rig.check(opened.handle, 0..40 * MIB);
}
