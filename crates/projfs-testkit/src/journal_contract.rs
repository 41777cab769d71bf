//! What every journal promises, as checks that any journal can be put through.

use projfs_store::Acknowledged;
use projfs_store::Journal;
use projfs_store::Since;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::ReaderName;
use projfs_types::RelPathBuf;
use projfs_types::What;

/// Puts a journal that is new, and large enough for some hundred entries, through all checks.
///
/// # Panics
/// If a promise is broken.
pub fn check(journal: &dyn Journal) {
    let start = journal.end();
    let nothing = Since::Entries { entries: Vec::new(), next: start };
    assert_eq!(since(journal, start, 10), nothing, "a new journal has no entries");

    let entries = (0..200).map(entry).collect::<Vec<_>>();
    for (count, entry) in entries.iter().enumerate() {
        let cursor = journal.append(entry).expect("there is room for some entries");
        assert_eq!(cursor, after(start, count), "an entry's cursor is where the journal ended before");
    }
    assert_eq!(journal.end(), after(start, entries.len()));

    for from in [0, 1, 63, 64, 65, 199, 200] {
        for limit in [0, 1, 64, 150, usize::MAX] {
            let rest = entries[from..].iter().take(limit).cloned().collect::<Vec<_>>();
            let next = after(start, from + rest.len());
            let expected = Since::Entries { entries: rest, next };
            assert_eq!(since(journal, after(start, from), limit), expected, "{limit} from {from} on");
        }
    }

    let gone = Since::Gone { next: journal.end() };
    assert_eq!(since(journal, after(start, entries.len() + 1), 10), gone, "what is yet to come is not known");
    for epoch in [0, start.epoch - 1, start.epoch + 1] {
        assert_eq!(since(journal, Cursor { epoch, ..start }, 10), gone, "other epochs are gone");
    }
    assert_eq!(journal.start(), start, "nothing is dropped while there is room and nobody is registered");
    check_readers(journal);
}

fn check_readers(journal: &dyn Journal) {
    let [one, two] = ["one", "two"].map(|name| ReaderName::new(name).expect("a name"));
    let acknowledge = |reader, cursor| journal.acknowledge(reader, cursor).expect("readers can be kept");
    let register = |reader| journal.register(reader).expect("readers can be kept");
    let unregister = |reader| journal.unregister(reader).expect("readers can be kept");
    let start = journal.end();

    assert_eq!(acknowledge(&one, start), Acknowledged::NotRegistered);
    assert!(!unregister(&one), "nobody was registered");
    assert_eq!(register(&one), start, "a new reader needs what is yet to come");
    let entries = (0..100).map(entry).collect::<Vec<_>>();
    for entry in &entries {
        journal.append(entry).expect("there is room for some entries");
    }
    let end = journal.end();
    assert_eq!(register(&one), start, "who is registered goes on where he was");
    assert_eq!(register(&two), end);
    assert_eq!(journal.readers(), [(one.clone(), start), (two.clone(), end)]);

    let rest = |from: usize| Since::Entries { entries: entries[from..].to_vec(), next: end };
    assert_eq!(since(journal, start, usize::MAX), rest(0), "one has read nothing yet");
    assert_eq!(acknowledge(&one, after(start, 50)), Acknowledged::Noted);
    assert_eq!(acknowledge(&one, after(start, 49)), Acknowledged::Noted);
    assert_eq!(journal.readers()[0], (one.clone(), after(start, 50)), "nothing is taken back");
    assert_eq!(since(journal, after(start, 50), usize::MAX), rest(50));

    let gone = Acknowledged::Gone { next: end };
    assert_eq!(acknowledge(&one, after(end, 1)), gone, "what is yet to come cannot be acknowledged");
    assert_eq!(
        acknowledge(&one, Cursor { epoch: end.epoch + 1, ..end }),
        gone,
        "nor what was in another epoch"
    );
    assert_eq!(acknowledge(&one, end), Acknowledged::Noted);
    assert_eq!(since(journal, end, usize::MAX), rest(100));
    assert!(unregister(&one) && !unregister(&one));
    assert_eq!(journal.readers(), [(two.clone(), end)]);
    assert!(unregister(&two));
}

fn since(journal: &dyn Journal, cursor: Cursor, limit: usize) -> Since {
    journal.since(cursor, limit).expect("a journal can be read")
}

fn after(start: Cursor, count: usize) -> Cursor {
    Cursor { sequence: start.sequence + count as u64, ..start }
}

/// Entries of every kind, on paths of every depth.
fn entry(number: u64) -> JournalEntry {
    let path = |text: String| RelPathBuf::new(text).expect("the suite uses paths only");
    let to = path(format!("to/{number}"));
    let what = match number % 9 {
        0 => What::Created,
        1 => What::Modified,
        2 => What::Metadata,
        3 => What::Converted,
        4 => What::Renamed { to },
        5 => What::Linked { to },
        6 => What::Deleted,
        7 => What::Exchanged { with: to },
        _ => What::Updated,
    };
    let kind = match number % 4 {
        0 => ItemKind::File,
        1 => ItemKind::Directory,
        2 => ItemKind::Symlink,
        _ => ItemKind::Special,
    };
    let depth = usize::try_from(number % 5).unwrap_or(0);
    JournalEntry { path: path(vec!["d"; depth].join("/")), kind, what, request: number }
}
