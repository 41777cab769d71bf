//! `Watchdog`: the end of a test that hangs.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Calls something unless it is dropped in time.
pub struct Watchdog {
    /// Nothing is sent; that it is gone is what the thread waits for.
    _alive: mpsc::Sender<()>,
}

impl Watchdog {
    /// Calls `bite` after `limit`.
    pub fn new(limit: Duration, bite: impl FnOnce() + Send + 'static) -> Self {
        let (alive, gone) = mpsc::channel::<()>();
        thread::spawn(move || {
            if gone.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                bite();
            }
        });
        Self { _alive: alive }
    }
}
