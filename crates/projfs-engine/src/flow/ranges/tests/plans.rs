//! What is asked for.

use projfs_types::RangeSet;

use super::*;
use crate::flow::ranges::plan;
use crate::flow::ranges::plan::BLOCK;

fn planned(there: &[Range<u64>], flying: &[Range<u64>], wanted: Range<u64>) -> Vec<Range<u64>> {
    let set = |ranges: &[Range<u64>]| {
        let mut set = RangeSet::default();
        ranges.iter().for_each(|range| set.insert(range.clone()));
        set
    };
    let (there, size) = (set(there), 20 * MIB + 5);
    plan::plan(&|range| there.missing(range.start..range.end.min(size)), &set(flying), &wanted, size)
}

#[test]
fn a_plan_asks_for_the_block_around_and_for_nothing_twice() {
    assert_eq!(planned(&[], &[], 0..1), [0..MIB; 1]);
    assert_eq!(planned(&[], &[], 5 * MIB + 7..5 * MIB + 9), [5 * MIB..6 * MIB; 1]);
    assert_eq!(planned(&[], &[], 20 * MIB..20 * MIB + 5), [20 * MIB..20 * MIB + 5; 1]);
    assert_eq!(planned(&[0..MIB], &[], 0..MIB), []);
    assert_eq!(planned(&[0..7, 9..MIB], &[], 0..MIB), [7..9; 1]);
    // What another read will bring is not asked for.
    assert_eq!(planned(&[], &[MIB..2 * MIB], MIB..MIB + 1), []);
    assert_eq!(planned(&[], &[MIB + 5..2 * MIB], MIB..MIB + 9), [MIB..MIB + 5; 1]);
    // Nor is what lies apart from what is wanted.
    assert_eq!(planned(&[9..10], &[], 0..4), [0..9; 1]);
    // Going on over the end of a block asks for the next block; beginning there asks for no more than a block either.
    assert_eq!(planned(&[0..MIB], &[], MIB - 4096..MIB + 4096), [MIB..2 * MIB; 1]);
    assert_eq!(planned(&[], &[], MIB - 4096..MIB + 4096), [MIB - 65536..2 * MIB - 65536; 1]);
    // What is long comes in pieces.
    assert_eq!(planned(&[], &[], 0..20 * MIB), [0..8 * MIB, 8 * MIB..16 * MIB, 16 * MIB..20 * MIB]);
}

#[test]
fn plans_until_there_is_nothing_to_plan_bring_what_is_wanted() {
    let mut seed = 1_u64;
    let mut random = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let size = 5 * MIB + 12345;
    let mut there = RangeSet::default();
    while !there.covers(&(0..size)) {
        let start = random(size);
        let wanted = start..(start + 1 + random(MIB)).min(size);
        let missing = |range: Range<u64>| there.missing(range.start..range.end.min(size));
        let asked = plan::plan(&missing, &RangeSet::default(), &wanted, size);
        let total: u64 = asked.iter().map(|range| range.end - range.start).sum();
        assert!(total <= BLOCK.max(wanted.end - wanted.start + 65536), "{wanted:?}: {asked:?}");
        for range in asked {
            assert!(there.missing(range.clone()) == [range.clone()], "{range:?} is there");
            there.insert(range);
        }
        assert!(there.covers(&wanted), "{wanted:?}");
    }
}
