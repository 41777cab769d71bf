//! `plan`: what to ask the provider for, so that a read can be answered.

use std::ops::Range;

use projfs_types::RangeSet;

/// What is asked for begins and ends here where nothing else speaks against it, and is no longer unless that much is
/// wanted, in bytes: a read of a page in the middle of a large file must not cost more than this.
pub(super) const BLOCK: u64 = 1 << 20;

/// A command that is longer is split, so that its parts come side by side.
const PIECE: u64 = 8 << 20;

/// Where a command begins that would otherwise be longer than a block.
const GRAIN: u64 = 1 << 16;

/// The ranges to ask for, so that all of `wanted` is there or on its way: what is `missing`, not `flying` already, in
/// the blocks around it.
pub(super) fn plan(
    missing: &dyn Fn(Range<u64>) -> Vec<Range<u64>>,
    flying: &RangeSet,
    wanted: &Range<u64>,
    size: u64,
) -> Vec<Range<u64>> {
    let start = wanted.start - wanted.start % BLOCK;
    let end = wanted.end.checked_next_multiple_of(BLOCK).map_or(size, |end| end.min(size));
    let gaps = missing(start..end).into_iter().flat_map(|gap| flying.missing(gap));
    let needed = gaps.filter(|gap| gap.start < wanted.end && wanted.start < gap.end);
    needed.flat_map(|gap| pieces(trimmed(gap, wanted))).collect()
}

/// A gap across the end of a block is two blocks long at first; then it begins where it is wanted instead.
fn trimmed(gap: Range<u64>, wanted: &Range<u64>) -> Range<u64> {
    if gap.end - gap.start <= BLOCK {
        return gap;
    }
    let start = gap.start.max(wanted.start - wanted.start % GRAIN);
    let end = wanted.end.max(start.saturating_add(BLOCK));
    start..end.min(gap.end)
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let start = at;
        let cut = (start / PIECE + 1).saturating_mul(PIECE);
        at = cut.min(range.end);
        (start < range.end).then_some(start..at)
    })
}
