use super::*;

fn set(ranges: &[Range<u64>]) -> RangeSet {
    let mut set = RangeSet::default();
    for range in ranges {
        set.insert(range.clone());
    }
    set
}

#[test]
fn touching_and_overlapping_ranges_become_one() {
    assert_eq!(set(&[0..4, 4..8]).0, [0..8]);
    assert_eq!(set(&[0..4, 6..8, 3..7]).0, [0..8]);
    assert_eq!(set(&[6..8, 0..4]).0, [0..4, 6..8]);
    assert_eq!(set(&[5..5]).0, []);
}

#[test]
fn what_is_missing_is_what_was_never_inserted() {
    let known = set(&[2..4, 6..8]);
    assert_eq!(known.missing(0..10), [0..2, 4..6, 8..10]);
    assert_eq!(known.missing(2..4), []);
    assert_eq!(known.missing(3..7), [4..6]);
    assert!(known.covers(&(6..8)) && known.covers(&(9..9)) && !known.covers(&(3..7)));
}
