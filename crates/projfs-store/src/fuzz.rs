//! What must hold of what is read back from a disk, whatever it is: for fuzzing.

pub use crate::journal::fuzz::journal;
pub use crate::tree::fuzz::placeholder_log;

use crate::codec::checksum;
use crate::record::First;

/// Takes bytes apart: behind its length, a byte, each.
pub(crate) fn pieces(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first()?;
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        Some(piece)
    })
}

/// The two attributes of a record, as they are, and with right checksums: what is taken comes back when it is written.
pub fn record(bytes: &[u8]) {
    let mut pieces = pieces(bytes);
    let (first, more) = (pieces.next().unwrap_or_default(), pieces.next());
    let taken = |first: &[u8]| {
        let covered = first.len().checked_sub(4)?;
        let decoded = First::new(first).ok()?;
        assert_eq!(first[covered..], checksum(&first[..covered]).to_le_bytes());
        assert!(decoded.slot().is_none_or(|slot| slot < 2));
        decoded.decode(more).ok()
    };
    let seal = |mut first: Vec<u8>| {
        first.extend_from_slice(&checksum(&first).to_le_bytes());
        first
    };
    let with_more = [first, &checksum(more.unwrap_or_default()).to_le_bytes()].concat();
    for first in [first.to_vec(), seal(first.to_vec()), seal(with_more)] {
        let Some(record) = taken(&first) else { continue };
        for slot in 0..2 {
            let encoded = record.encode(slot);
            assert!(encoded.first.len() <= crate::record::LENGTH);
            let first = First::new(&encoded.first).expect("a record that was just written");
            assert_eq!(first.slot(), encoded.more.as_ref().map(|(slot, _)| *slot));
            let again = first.decode(encoded.more.as_ref().map(|(_, more)| &**more));
            assert_eq!(again.as_ref(), Ok(&record));
        }
    }
}

#[cfg(test)]
mod tests;
