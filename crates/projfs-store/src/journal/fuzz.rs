//! What must hold of what is read back from a journal, whatever it is: for fuzzing.

use super::epoch::Epoch;
use super::frame;
use super::frame::checksum;
use super::readers;
use super::segment;
use crate::fuzz::pieces;

/// The epoch that everything is tried in.
const EPOCH: u64 = 17;
/// The number of the first entry.
const FIRST: u64 = 300;

/// A segment, as it is; one of entries with right checksums; an epoch and a reader. What is taken is what was written.
pub fn journal(bytes: &[u8]) {
    entries(bytes);
    entries(&[&segment::header(EPOCH, FIRST), bytes].concat());
    let mut sealed = segment::header(EPOCH, FIRST);
    for (number, piece) in (FIRST..).zip(pieces(bytes)) {
        let body = [&number.to_le_bytes(), piece].concat();
        let length = u32::try_from(body.len()).expect("a piece is short");
        let summed = [&length.to_le_bytes(), &*body].concat();
        sealed.extend_from_slice(&checksum(EPOCH, &summed).to_le_bytes());
        sealed.extend_from_slice(&summed);
    }
    entries(&sealed);
    let seal = |bytes: &[u8]| [bytes, &checksum(0, bytes).to_le_bytes()].concat();
    for bytes in [bytes.to_vec(), seal(bytes)] {
        if let Some(epoch) = Epoch::decode(&bytes) {
            assert_eq!(epoch.encode(), bytes);
        }
        if let Some(cursor) = readers::decode(&bytes) {
            assert_eq!(readers::encode(cursor), bytes);
        }
    }
}

/// Reads the entries of a segment. Those that are taken are its bytes, up to the first that is not.
fn entries(bytes: &[u8]) {
    let Some(frames) = segment::frames(EPOCH, FIRST, bytes) else { return };
    let mut written = segment::header(EPOCH, FIRST);
    for (number, frame) in (FIRST..).zip(frames) {
        assert_eq!(frame.sequence, number);
        let encoded = frame::encode(EPOCH, number, &frame.entry).expect("what was read can be written");
        assert_eq!(encoded.len(), frame.length);
        written.extend_from_slice(&encoded);
    }
    assert!(bytes.starts_with(&written));
    let (before, rest) = bytes.split_at(written.len());
    // A bit that is another in what was taken makes an end of it.
    if let Some(last) = before.len().checked_sub(1).filter(|last| *last >= segment::HEADER) {
        let mut damaged = bytes.to_vec();
        damaged[last] ^= 1 << (rest.len() % 8);
        let left = segment::frames(EPOCH, FIRST, &damaged).into_iter().flatten();
        assert!(left.map(|frame| frame.length).sum::<usize>() < before.len() - segment::HEADER);
    }
}
