//! What must hold of what is read back from a placeholder log, whatever it is: for fuzzing.

use super::placeholders;
use super::placeholders::Notes;
use crate::codec::Reader;
use crate::codec::put_info;
use crate::fuzz::pieces;
use crate::lives::Lives;
use crate::log;
use crate::log::Replayed;

/// A log as it is, with the right beginning, and one of entries with right checksums: entries come as they were written, up
/// to the first that is not whole, and the placeholders that are taken of them come back when they are written.
pub fn placeholder_log(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), [log::MAGIC, bytes].concat()] {
        read(&bytes);
    }
    let mut sealed = log::MAGIC.to_vec();
    for piece in pieces(bytes) {
        log::put_entry(&mut sealed, piece).expect("a piece is short");
    }
    assert_eq!(read(&sealed), pieces(bytes).collect::<Vec<_>>());
    let (mut notes, mut lives) = (Notes::default(), Lives::default());
    for piece in pieces(bytes) {
        let _ = placeholders::replay(piece, &mut notes, &mut lives);
    }
    notes.each(&mut |origin, encoded| {
        assert_eq!(notes.get(origin), Some(encoded));
        let mut reader = Reader::new(encoded);
        let info = reader.info().expect("what was taken");
        assert!(reader.at_end());
        let mut again = Vec::new();
        put_info(&mut again, &info);
        assert_eq!(Reader::new(&again).info(), Ok(info));
        let (mut replayed, mut lives) = (Notes::default(), Lives::default());
        assert_eq!(
            placeholders::replay(&placeholders::entry(origin, Some(&again)), &mut replayed, &mut lives),
            Ok(())
        );
        assert_eq!(replayed.get(origin), Some(&*again));
        assert_eq!(
            placeholders::replay(&placeholders::entry(origin, None), &mut replayed, &mut lives),
            Ok(())
        );
        assert_eq!(replayed.get(origin), None);
    });
}

/// The entries of a log.
fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    let (good, replayed) = log::replay(bytes, &mut |entry| entries.push(entry.to_vec()));
    let mut written = if good > 0 { log::MAGIC.to_vec() } else { Vec::new() };
    for entry in &entries {
        log::put_entry(&mut written, entry).expect("an entry that was read");
    }
    assert_eq!(written, bytes[..good]);
    let expected = if good == bytes.len() { Replayed::Whole } else { Replayed::Cut(good as u64) };
    assert_eq!(replayed, expected);
    entries
}
