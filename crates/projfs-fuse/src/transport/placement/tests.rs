//! When a reader follows its caller.

use super::*;

/// The advice for as many requests as a streak needs, and one more.
fn streak(callers: &mut Callers, caller: u32, now: Instant) -> Advice {
    for _ in 0..=ENOUGH {
        assert_eq!(callers.next(caller, false, now), Advice::Stay);
    }
    callers.next(caller, false, now)
}

#[test]
fn one_caller_is_followed_and_looked_after() {
    let (mut callers, now) = (Callers::default(), Instant::now());
    assert_eq!(streak(&mut callers, 7, now), Advice::Follow);
    assert_eq!(callers.next(7, false, now + SEEN / 2), Advice::Stay);
    assert_eq!(callers.next(7, false, now + SEEN), Advice::Follow);
    assert_eq!(callers.next(0, false, now + SEEN), Advice::Stay);
}

#[test]
fn another_caller_sets_the_reader_free() {
    let (mut callers, now) = (Callers::default(), Instant::now());
    assert_eq!(streak(&mut callers, 7, now), Advice::Follow);
    assert_eq!(callers.next(8, false, now), Advice::Roam);
    assert_eq!(callers.next(7, false, now), Advice::Stay);
    assert_eq!(callers.next(8, false, now), Advice::Stay);
}

#[test]
fn a_stream_of_data_is_not_followed() {
    let (mut callers, now) = (Callers::default(), Instant::now());
    assert_eq!(streak(&mut callers, 7, now), Advice::Follow);
    assert_eq!(callers.next(7, true, now), Advice::Roam);
    assert_eq!(callers.next(7, true, now), Advice::Stay);
}

#[test]
fn a_thread_is_where_it_was_put() {
    let here = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    let processors = Processors::of_this_thread();
    for processor in (0..CpuSet::MAX_CPU).filter(|&processor| processors.0.is_set(processor)) {
        bind(processor);
        assert_eq!(processor_of(here), Some(processor));
    }
    processors.roam();
}

#[test]
fn a_name_cannot_lie_about_the_processor() {
    let numbers = (3..=52).map(|word| word.to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(processor_in(&format!("12 (a) 1 2 (b) {numbers}\n")), Some(39));
    assert_eq!(processor_in("12 (a) R 1"), None);
    assert_eq!(processor_in(""), None);
}
