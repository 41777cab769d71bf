//! `Watchdog`: the end of a test that hangs.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Aborts a connection if it is not dropped in time, so that whoever waits for the daemon gets an error.
pub struct Watchdog(Option<mpsc::Sender<()>>);

impl Watchdog {
    /// Calls `bite` after `limit`.
    pub fn new(limit: Duration, bite: impl FnOnce() + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel::<()>();
        thread::spawn(move || {
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                bite();
            }
        });
        Self(Some(sender))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.take();
    }
}
