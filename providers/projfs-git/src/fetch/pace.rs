//! `Pace`: how far ahead is fetched.

use std::time::Duration;
use std::time::Instant;

/// Fetches that follow each other this closely are of somebody who walks through the tree.
const WALKING: Duration = Duration::from_secs(3);

/// How many objects besides those of the directory are fetched by the second of such fetches, and by any.
const FIRST: usize = 512;
const MOST: usize = 16 << 10;

/// How many bytes are fetched ahead, if the next objects are as large as the last ones.
const MOST_BYTES: u64 = 64 << 20;

/// How far ahead is fetched: nothing at first, and twice as much each time while somebody walks through the tree.
#[derive(Default)]
pub(super) struct Pace {
    ended: Option<Instant>,
    ahead: usize,
    /// How large objects were on average, in bytes.
    average: u64,
}

impl Pace {
    /// How many objects to fetch ahead.
    pub(super) fn begin(&mut self, now: Instant) -> usize {
        let walking = self.ended.is_some_and(|ended| now.duration_since(ended) < WALKING);
        self.ahead = if walking { (self.ahead * 2).clamp(FIRST, MOST) } else { 0 };
        match MOST_BYTES.checked_div(self.average) {
            Some(fit) => self.ahead.min(usize::try_from(fit).unwrap_or(MOST)),
            None => self.ahead,
        }
    }

    /// A fetch has ended, and brought so many objects of so many bytes.
    pub(super) fn end(&mut self, now: Instant, (objects, bytes): (usize, u64)) {
        self.ended = Some(now);
        if let Some(average) = bytes.checked_div(objects as u64) {
            self.average = average;
        }
    }
}

#[cfg(test)]
mod tests;
