//! The clock, simulated: it is moved by hand.

use std::cell::Cell;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;
pub use std::time::Instant;

use shuttle::sync::Condvar;

// All simulated threads are on one real one.
thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
    static WAITING: RefCell<Vec<(u64, Instant, Arc<Condvar>)>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// Somebody waits for a time until this is dropped.
pub(super) struct Waiting(u64);

/// What time it is.
pub fn now() -> Instant {
    NOW.get().unwrap_or_else(|| {
        let now = Instant::now();
        NOW.set(Some(now));
        now
    })
}

/// Lets time pass. Returns when all whose time has come have seen it. No lock may be held that they need.
pub fn advance(time: Duration) {
    let now = now() + time;
    NOW.set(Some(now));
    loop {
        let due: Vec<_> = WAITING.with_borrow(|waiting| {
            waiting.iter().filter(|(_, end, _)| *end <= now).map(|(.., moved)| Arc::clone(moved)).collect()
        });
        if due.is_empty() {
            return;
        }
        // Whoever is about to wait does not hear it yet, and is told again.
        due.iter().for_each(|moved| moved.notify_all());
        shuttle::thread::yield_now();
    }
}

pub(super) fn reset() {
    WAITING.take();
    NOW.set(None);
}

pub(super) fn wait(end: Instant, moved: &Arc<Condvar>) -> Waiting {
    let key = NEXT.get();
    NEXT.set(key + 1);
    WAITING.with_borrow_mut(|waiting| waiting.push((key, end, Arc::clone(moved))));
    Waiting(key)
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| waiting.retain(|(key, ..)| *key != self.0));
    }
}
