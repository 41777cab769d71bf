//! `RangeSet`: which bytes of a file are there.

use std::ops::Range;

/// A set of byte offsets, kept as disjoint, ordered ranges that do not touch each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet(Vec<Range<u64>>);

impl RangeSet {
    /// Adds a range.
    pub fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|known| known.end < range.start);
        let after = self.0.partition_point(|known| known.start <= range.end);
        let mut merged = range;
        if first < after {
            merged.start = merged.start.min(self.0[first].start);
            merged.end = merged.end.max(self.0[after - 1].end);
        }
        self.0.splice(first..after, [merged]);
    }

    /// Whether all of `range` is in the set; an empty range always is.
    pub fn covers(&self, range: &Range<u64>) -> bool {
        range.is_empty() || self.0.iter().any(|known| known.start <= range.start && range.end <= known.end)
    }

    /// The parts of `range` that are not in the set, in order.
    pub fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for known in self.0.iter().filter(|known| known.end > range.start && known.start < range.end) {
            if at < known.start {
                gaps.push(at..known.start);
            }
            at = known.end;
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Range<u64>> {
        self.0.iter()
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a set of one range is a set")]
mod tests;
