use std::time::Duration;
use std::time::Instant;

use super::FIRST;
use super::MOST;
use super::MOST_BYTES;
use super::Pace;

#[test]
fn one_who_walks_gets_more_each_time_and_one_who_looks_here_and_there_gets_none() {
    let mut pace = Pace::default();
    let mut now = Instant::now();
    assert_eq!(pace.begin(now), 0);
    pace.end(now, (1, 10));
    let mut expected = FIRST;
    for _ in 0..9 {
        now += Duration::from_millis(500);
        assert_eq!(pace.begin(now), expected);
        pace.end(now, (100, 1000));
        expected = (expected * 2).min(MOST);
    }
    assert_eq!(pace.begin(now + Duration::from_secs(10)), 0);
}

#[test]
fn large_objects_are_not_fetched_ahead_in_numbers() {
    let mut pace = Pace::default();
    let now = Instant::now();
    pace.end(now, (2, MOST_BYTES));
    assert_eq!(pace.begin(now), 2);
    pace.end(now, (1, 4 * MOST_BYTES));
    assert_eq!(pace.begin(now), 0);
    // Nothing came: that says nothing of sizes.
    pace.end(now, (0, 0));
    assert_eq!(pace.begin(now), 0);
}
