//! The parts as they are outside of a model.

pub use std::sync::atomic;
pub use std::thread;

#[cfg(not(debug_assertions))]
pub use parking_lot::Condvar;
#[cfg(not(debug_assertions))]
pub use parking_lot::Mutex;
#[cfg(not(debug_assertions))]
pub use parking_lot::MutexGuard;
#[cfg(not(debug_assertions))]
pub use parking_lot::RwLock;
#[cfg(not(debug_assertions))]
pub use parking_lot::RwLockReadGuard;
#[cfg(not(debug_assertions))]
pub use parking_lot::RwLockWriteGuard;

#[cfg(not(debug_assertions))]
use crate::Rank;

/// A mutex that stands elsewhere than a table.
#[cfg(not(debug_assertions))]
pub const fn mutex<T>(_rank: Rank, value: T) -> Mutex<T> {
    Mutex::new(value)
}

/// A lock that stands elsewhere than a table.
#[cfg(not(debug_assertions))]
pub const fn rw_lock<T>(_rank: Rank, value: T) -> RwLock<T> {
    RwLock::new(value)
}

/// The time.
pub mod clock {
    pub use std::time::Instant;

    /// What time it is.
    pub fn now() -> Instant {
        Instant::now()
    }
}

/// Queues between threads.
pub mod channel {
    pub use crossbeam_channel::Receiver;
    pub use crossbeam_channel::RecvError;
    pub use crossbeam_channel::SendError;
    pub use crossbeam_channel::Sender;
    pub use crossbeam_channel::never;
    pub use crossbeam_channel::unbounded;

    /// Waits for the next of two queues, the first before the second.
    ///
    /// # Errors
    /// One of them is empty, and all who could put something into it are gone.
    pub fn first_of<T>(first: &Receiver<T>, second: &Receiver<T>) -> Result<T, RecvError> {
        crossbeam_channel::select_biased! {
            recv(first) -> value => value,
            recv(second) -> value => value,
        }
    }
}
