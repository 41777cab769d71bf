//! What is encoded is read again.

use super::*;

/// The bits that are set, and how many there are in all.
fn decode(bytes: &[u8]) -> (Vec<usize>, usize) {
    let half = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let word = |n: usize| u64::from_be_bytes(bytes[8 + 8 * n..16 + 8 * n].try_into().unwrap());
    let (bits, words) = (half(0) as usize, half(4) as usize);
    assert_eq!(bytes.len(), 12 + 8 * words);
    let (mut set, mut at, mut n, mut last) = (Vec::new(), 0, 0, 0);
    while n < words {
        last = n;
        let marker = word(n);
        let (run, literals) = ((marker >> 1) as u32, (marker >> 33) as usize);
        if marker & 1 == 1 {
            set.extend(at..at + 64 * run as usize);
        }
        at += 64 * run as usize;
        for literal in n + 1..=n + literals {
            set.extend((0..64).filter(|bit| word(literal) >> bit & 1 == 1).map(|bit| at + bit));
            at += 64;
        }
        n += 1 + literals;
    }
    assert_eq!(half(8 + 8 * words) as usize, last);
    (set, bits)
}

#[test]
fn nothing_is_one_empty_marker() {
    assert_eq!(encode(&[]), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn bits_come_back() {
    let runs = |lengths: &[usize]| {
        let each = lengths.iter().enumerate().map(|(n, &length)| vec![n % 2 == 0; length]);
        each.collect::<Vec<_>>().concat()
    };
    for lengths in
        [&[1][..], &[63], &[64], &[65], &[5096], &[0, 64], &[64, 64, 64], &[1, 1, 300, 200, 3, 64, 700, 1]]
    {
        let bits = runs(lengths);
        let set: Vec<usize> = (0..bits.len()).filter(|&bit| bits[bit]).collect();
        assert_eq!(decode(&encode(&bits)), (set, bits.len()), "{lengths:?}");
    }
    let sparse: Vec<bool> = (0..10_000).map(|bit| bit % 97 == 0).collect();
    assert_eq!(decode(&encode(&sparse)).0, (0..10_000).step_by(97).collect::<Vec<_>>());
}
