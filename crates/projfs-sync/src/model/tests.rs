use std::sync::Arc;
use std::time::Duration;

use super::advance;
use super::check;
use crate::Condvar;
use crate::Mutex;
use crate::channel;
use crate::clock;
use crate::thread;

#[test]
fn a_lost_update_is_found() {
    let failed = std::panic::catch_unwind(|| {
        check(|| {
            let count = Arc::new(Mutex::new(0));
            let add = |count: Arc<Mutex<u32>>| {
                move || {
                    let seen = *count.lock();
                    *count.lock() = seen + 1;
                }
            };
            let other = thread::spawn(add(Arc::clone(&count)));
            add(Arc::clone(&count))();
            other.join().expect("it ends");
            assert_eq!(*count.lock(), 2);
        });
    });
    assert!(failed.is_err());
}

#[test]
fn a_wait_that_nobody_ends_is_found() {
    let failed = std::panic::catch_unwind(|| {
        check(|| {
            let shared = Arc::new((Mutex::new(false), Condvar::new()));
            let set = Arc::clone(&shared);
            let other = thread::spawn(move || {
                // Not under the lock: whoever is about to wait does not hear it.
                set.1.notify_all();
                *set.0.lock() = true;
            });
            let mut done = shared.0.lock();
            if !*done {
                shared.1.wait(&mut done);
            }
            drop(done);
            other.join().expect("it ends");
        });
    });
    assert!(failed.is_err());
}

#[test]
fn time_wakes_those_whose_time_has_come_and_no_others() {
    check(|| {
        let shared = Arc::new((Mutex::new(()), Condvar::new()));
        let waits = |seconds| {
            let shared = Arc::clone(&shared);
            let end = clock::now() + Duration::from_secs(seconds);
            thread::spawn(move || {
                let mut held = shared.0.lock();
                while !shared.1.wait_until(&mut held, end).timed_out() {}
                clock::now() >= end
            })
        };
        let (soon, late) = (waits(1), waits(10));
        advance(Duration::from_secs(1));
        assert!(soon.join().expect("it ends"));
        assert!(!late.is_finished());
        advance(Duration::from_secs(9));
        assert!(late.join().expect("it ends"));
    });
}

#[test]
fn every_value_is_received_once_and_the_end_is_heard() {
    check(|| {
        let (first_sender, first) = channel::unbounded();
        let (second_sender, second) = channel::unbounded();
        let receive = || {
            let (first, second) = (first.clone(), second.clone());
            thread::spawn(move || {
                let mut seen = Vec::new();
                while let Ok(value) = channel::first_of(&first, &second) {
                    seen.push(value);
                }
                seen
            })
        };
        let receivers = [receive(), receive()];
        let sent = thread::spawn(move || {
            (0..3).for_each(|value| first_sender.send(value).expect("somebody is there"));
            first_sender
        });
        second_sender.send(10).expect("somebody is there");
        let first_sender = sent.join().expect("it ends");
        while !first.is_empty() || !second.is_empty() {
            thread::yield_now();
        }
        drop((first_sender, second_sender));
        let mut seen: Vec<i32> =
            receivers.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 10]);
    });
}
