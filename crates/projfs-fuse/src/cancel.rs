//! `CancelToken`: tells an operation that its caller no longer waits.

use std::time::{Duration, Instant};

use projfs_sync::atomic::{AtomicBool, Ordering};
use projfs_sync::{Arc, Condvar, Mutex};

/// Tells an operation that its caller no longer waits. Clones are the same token.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    gate: Mutex<()>,
    changed: Condvar,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels. Idempotent.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        // Taken so that no waiter is between its look at the flag and its sleep.
        drop(self.0.gate.lock());
        self.0.changed.notify_all();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Waits until it is cancelled, at most for `time`. Says whether it is.
    pub fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        let mut gate = self.0.gate.lock();
        while !self.is_cancelled() {
            if self.0.changed.wait_until(&mut gate, end).timed_out() {
                return self.is_cancelled();
            }
        }
        true
    }
}
