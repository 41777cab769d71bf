use std::path::Path;

use projfs_types::ItemKind;
use projfs_types::What;
use rustix::fs::Mode;
use rustix::fs::OFlags;

use super::*;

const BOOT: Boot = Boot([b'a'; 36]);
const NEXT_BOOT: Boot = Boot([b'b'; 36]);
/// Some ten entries a segment, some three segments.
const SMALL: JournalOptions = JournalOptions { segment_size: 512, limit: 1600 };

fn open(dir: &Path, boot: Boot) -> TreeJournal {
    let dir = rustix::fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    TreeJournal::open_in(dir, SMALL, boot).unwrap()
}

/// What is left when a process dies: nothing is synced, nothing is closed.
fn die(journal: TreeJournal) {
    std::mem::forget(journal);
}

fn entry(number: u64) -> JournalEntry {
    let path = RelPathBuf::new(format!("dir/{number}")).unwrap();
    JournalEntry { path, kind: ItemKind::File, what: What::Modified, request: number }
}

/// The entries that can be read from `cursor` on, by their requests.
fn requests(journal: &TreeJournal, mut cursor: Cursor, limit: usize) -> Option<Vec<u64>> {
    let mut requests = Vec::new();
    loop {
        match journal.since(cursor, limit).unwrap() {
            Since::Entries { entries, next } => {
                assert!(entries.len() <= limit);
                assert_eq!(next.sequence, cursor.sequence + entries.len() as u64);
                if entries.is_empty() {
                    assert_eq!(next, journal.end());
                    return Some(requests);
                }
                requests.extend(entries.iter().map(|entry| entry.request));
                cursor = next;
            }
            Since::Gone { next } => {
                assert_eq!(next, journal.end());
                return None;
            }
        }
    }
}

fn files(dir: &Path) -> Vec<String> {
    let names =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.filter(|name| name != "epoch" && name != "readers").collect::<Vec<_>>();
    names.sort();
    names
}

#[test]
fn entries_are_read_from_any_cursor_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir_fd = rustix::fs::open(dir.path(), OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let options = JournalOptions { segment_size: 8192, limit: u64::MAX };
    let journal = TreeJournal::open_in(dir_fd, options, BOOT).unwrap();
    let start = journal.end();
    let cursors = (0..500).map(|number| journal.append(&entry(number)).unwrap()).collect::<Vec<_>>();
    assert!(files(dir.path()).len() > 2);
    for (from, cursor) in cursors.iter().enumerate() {
        assert_eq!(*cursor, Cursor { sequence: start.sequence + from as u64, ..start });
        for limit in [1, 7, 64, 65, usize::MAX] {
            let Since::Entries { entries, .. } = journal.since(*cursor, limit).unwrap() else { panic!() };
            let expected = (from as u64..500).take(limit).map(entry).collect::<Vec<_>>();
            assert_eq!(entries, expected);
        }
    }
    assert_eq!(requests(&journal, start, 33), Some((0..500).collect()));
}

#[test]
fn a_process_that_dies_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    for number in 0..20 {
        journal.append(&entry(number)).unwrap();
    }
    let end = journal.end();
    die(journal);
    let journal = open(dir.path(), BOOT);
    assert_eq!(journal.end(), end);
    journal.append(&entry(20)).unwrap();
    assert_eq!(requests(&journal, start, 100), Some((0..21).collect()));
}

#[test]
fn a_reboot_begins_a_new_epoch_unless_the_journal_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.append(&entry(0)).unwrap();
    drop(journal);
    let journal = open(dir.path(), NEXT_BOOT);
    assert_eq!(requests(&journal, start, 100), Some(vec![0]));
    die(journal);
    let journal = open(dir.path(), BOOT);
    assert!(journal.end().epoch > start.epoch);
    assert_eq!(requests(&journal, start, 100), None);
    let new = journal.append(&entry(1)).unwrap();
    assert_eq!(requests(&journal, new, 100), Some(vec![1]));
}

#[test]
fn without_a_boot_id_only_a_closed_journal_is_whole() {
    let unknown = Boot([0; 36]);
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), unknown);
    let first = journal.end();
    drop(journal);
    let journal = open(dir.path(), unknown);
    assert_eq!(journal.end(), first);
    die(journal);
    assert!(open(dir.path(), unknown).end().epoch > first.epoch);
}

#[test]
fn a_journal_that_was_deleted_does_not_know_the_old_cursors() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let old = journal.append(&entry(0)).unwrap();
    drop(journal);
    for file in std::fs::read_dir(dir.path()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    let journal = open(dir.path(), BOOT);
    journal.append(&entry(1)).unwrap();
    assert_eq!(requests(&journal, old, 100), None);
}

#[test]
fn a_tail_that_is_cut_off_anywhere_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    let file = dir.path().join("0000000000000000");
    let mut ends = Vec::new();
    for number in 0..5 {
        ends.push(std::fs::metadata(&file).unwrap().len());
        journal.append(&entry(number)).unwrap();
    }
    die(journal);
    let whole = std::fs::read(&file).unwrap();
    let epoch = std::fs::read(dir.path().join("epoch")).unwrap();
    for length in (0..whole.len()).rev() {
        // Bytes that were reserved but never written read as zeros.
        for zeros in [0, 40] {
            let bytes = [&whole[..length], &vec![0; zeros]].concat();
            std::fs::write(&file, bytes).unwrap();
            std::fs::write(dir.path().join("epoch"), &epoch).unwrap();
            let journal = open(dir.path(), BOOT);
            let left = ends.iter().skip(1).filter(|end| **end <= length as u64).count() as u64;
            if length < 32 {
                assert_eq!(requests(&journal, start, 100), None, "{length} bytes are no header");
            } else {
                assert_eq!(requests(&journal, start, 100), Some((0..left).collect()), "{length} bytes");
                journal.append(&entry(9)).unwrap();
                drop(journal);
                let journal = open(dir.path(), NEXT_BOOT);
                assert_eq!(requests(&journal, start, 100), Some((0..left).chain([9]).collect()));
            }
        }
    }
}

#[test]
fn entries_that_are_missing_in_between_begin_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    for number in 0..30 {
        journal.append(&entry(number)).unwrap();
    }
    drop(journal);
    let files = files(dir.path());
    assert!(files.len() > 2);
    std::fs::write(dir.path().join(&files[1]), b"").unwrap();
    let journal = open(dir.path(), BOOT);
    assert_eq!(requests(&journal, start, 100), None);
    assert!(journal.end().epoch > start.epoch);
}

#[test]
fn a_journal_that_was_closed_has_no_tail_to_drop() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.append(&entry(0)).unwrap();
    drop(journal);
    let file = dir.path().join(Segment::name(0));
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.pop();
    std::fs::write(&file, bytes).unwrap();
    assert!(open(dir.path(), BOOT).end().epoch > start.epoch);
}

#[test]
fn the_oldest_entries_are_dropped_and_stay_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    for number in 0..1000 {
        journal.append(&entry(number)).unwrap();
    }
    let length = |file: &String| std::fs::metadata(dir.path().join(file)).unwrap().len();
    assert!(files(dir.path()).iter().map(length).sum::<u64>() <= SMALL.limit + SMALL.segment_size);
    assert_eq!(requests(&journal, start, 100), None);
    let recent = Cursor { sequence: 990, ..start };
    assert_eq!(requests(&journal, recent, 3), Some((990..1000).collect()));
    drop(journal);
    let journal = open(dir.path(), BOOT);
    assert_eq!(requests(&journal, start, 100), None);
    assert_eq!(requests(&journal, recent, 3), Some((990..1000).collect()));
}

#[test]
fn a_segment_that_was_never_finished_is_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    journal.append(&entry(0)).unwrap();
    die(journal);
    std::fs::write(dir.path().join(Segment::name(1)), b"PFSJ").unwrap();
    let journal = open(dir.path(), BOOT);
    for number in 1..20 {
        journal.append(&entry(number)).unwrap();
    }
    die(journal);
    assert_eq!(requests(&open(dir.path(), BOOT), start, 100), Some((0..20).collect()));
}

#[test]
fn a_file_that_is_called_almost_as_a_segment_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    journal.append(&entry(0)).unwrap();
    die(journal);
    for name in ["+000000000000007", "00000000000000AB", "ffffffffffffffff"] {
        std::fs::write(dir.path().join(name), crate::journal::segment::header(start.epoch, u64::MAX))
            .unwrap();
    }
    assert_eq!(requests(&open(dir.path(), BOOT), start, 100), Some(vec![0]));
}

#[test]
fn a_cursor_beyond_the_end_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let end = journal.end();
    assert_eq!(requests(&journal, Cursor { sequence: end.sequence + 1, ..end }, 10), None);
    assert_eq!(requests(&journal, end, 10), Some(vec![]));
}

#[test]
fn readers_and_writers_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.end();
    projfs_sync::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in 0..100 {
                    journal.append(&entry(number)).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..100 {
                journal.since(start, 10).unwrap();
            }
        });
    });
    assert_eq!(journal.end().sequence, start.sequence + 200);
}

#[test]
fn a_closed_journal_leaves_the_next_one_alone() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path(), BOOT);
    let start = first.end();
    first.append(&entry(0)).unwrap();
    first.close();
    let second = open(dir.path(), BOOT);
    assert!(first.append(&entry(1)).is_err());
    assert!(first.register(&reader("one")).is_err());
    assert_eq!(requests(&first, start, 10), Some(vec![0]));
    drop(first);
    second.append(&entry(1)).unwrap();
    die(second);
    // The second one was not closed, whatever became of the first.
    assert_eq!(requests(&open(dir.path(), NEXT_BOOT), start, 10), None);
}

fn reader(name: &str) -> ReaderName {
    ReaderName::new(name).unwrap()
}

fn at(start: Cursor, count: u64) -> Cursor {
    Cursor { sequence: start.sequence + count, ..start }
}

#[test]
fn segments_that_every_reader_has_read_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.register(&reader("one")).unwrap();
    journal.register(&reader("two")).unwrap();
    for number in 0..20 {
        journal.append(&entry(number)).unwrap();
    }
    assert_eq!(journal.start(), start);
    assert_eq!(journal.acknowledge(&reader("one"), at(start, 19)).unwrap(), Acknowledged::Noted);
    assert_eq!(journal.start(), start, "two has read nothing");
    assert_eq!(journal.acknowledge(&reader("two"), at(start, 15)).unwrap(), Acknowledged::Noted);
    let first = journal.start();
    assert!(first > start && first <= at(start, 15), "{first}: not what two still needs");
    assert_eq!(requests(&journal, start, 100), None);
    assert_eq!(requests(&journal, at(start, 15), 100), Some((15..20).collect()));
    assert_eq!(files(dir.path())[0], Segment::name(first.sequence));
    // Who never says anything again holds nobody up for ever, once he is not registered.
    for number in 20..40 {
        journal.append(&entry(number)).unwrap();
    }
    assert_eq!(journal.acknowledge(&reader("one"), at(start, 40)).unwrap(), Acknowledged::Noted);
    assert!(journal.start() <= at(start, 15));
    assert!(journal.unregister(&reader("two")).unwrap());
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn a_reader_that_reads_nothing_holds_the_journal_to_its_limit_only() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.register(&reader("slow")).unwrap();
    for number in 0..1000 {
        journal.append(&entry(number)).unwrap();
    }
    assert!(journal.start() > start);
    let next = journal.end();
    assert_eq!(journal.acknowledge(&reader("slow"), at(start, 5)).unwrap(), Acknowledged::Gone { next });
    assert_eq!(journal.acknowledge(&reader("slow"), next).unwrap(), Acknowledged::Noted);
}

#[test]
fn a_reader_that_was_not_registered_to_the_end_is_none() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("readers")).unwrap();
    std::fs::write(dir.path().join("readers/.new"), "half of").unwrap();
    let journal = open(dir.path(), BOOT);
    assert!(journal.readers().is_empty());
    let place = journal.register(&reader("one")).unwrap();
    assert_eq!(journal.readers(), [(reader("one"), place)]);
    let files = std::fs::read_dir(dir.path().join("readers")).unwrap();
    assert_eq!(files.count(), 1);
}

#[test]
fn readers_and_what_they_acknowledged_survive() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    let start = journal.register(&reader("one")).unwrap();
    journal.register(&reader("two")).unwrap();
    journal.append(&entry(0)).unwrap();
    assert_eq!(journal.acknowledge(&reader("one"), at(start, 1)).unwrap(), Acknowledged::Noted);
    let known = journal.readers();
    assert_eq!(known, [(reader("one"), at(start, 1)), (reader("two"), start)]);
    die(journal);
    let journal = open(dir.path(), BOOT);
    assert_eq!(journal.readers(), known);
    drop(journal);
    let journal = open(dir.path(), NEXT_BOOT);
    assert_eq!(journal.readers(), known);
    assert!(journal.unregister(&reader("two")).unwrap());
    die(journal);
    // A new epoch: the reader is known, and is told that its place is gone.
    let journal = open(dir.path(), BOOT);
    assert_eq!(journal.readers(), known[..1]);
    let place = journal.register(&reader("one")).unwrap();
    assert_eq!(place, at(start, 1));
    assert_eq!(journal.since(place, 10).unwrap(), Since::Gone { next: journal.end() });
    let next = journal.end();
    assert_eq!(journal.acknowledge(&reader("one"), next).unwrap(), Acknowledged::Noted);
}

#[test]
fn a_reader_whose_file_is_damaged_is_told_that_all_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), BOOT);
    journal.register(&reader("one")).unwrap();
    drop(journal);
    let file = dir.path().join("readers/one");
    let whole = std::fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[9] ^= 1;
    for bytes in [&b""[..], &whole[..31], &damaged] {
        std::fs::write(&file, bytes).unwrap();
        let journal = open(dir.path(), BOOT);
        let place = journal.register(&reader("one")).unwrap();
        assert_eq!(journal.since(place, 10).unwrap(), Since::Gone { next: journal.end() });
    }
}

#[test]
fn a_small_limit_has_small_segments() {
    assert_eq!(JournalOptions::with_limit(64 << 20), JournalOptions::default());
    assert_eq!(JournalOptions::with_limit(1 << 20).segment_size, 64 << 10);
    assert_eq!(JournalOptions::with_limit(0).segment_size, 4 << 10);
}
