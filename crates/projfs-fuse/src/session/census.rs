//! `Census`: how many threads are still at work, to be waited for with a time limit.

use std::time::Instant;

use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;

/// Counts threads.
#[derive(Clone, Debug, Default)]
pub struct Census(Arc<(Mutex<usize>, Condvar)>);

/// One thread that counts until this is dropped.
#[derive(Debug)]
pub struct Present(Census);

impl Census {
    /// Counts one thread more.
    pub fn enter(&self) -> Present {
        *self.0.0.lock() += 1;
        Present(self.clone())
    }

    /// Waits until no thread is left, at most until `end` if there is one. Says how many are.
    pub fn wait(&self, end: Option<Instant>) -> usize {
        let (count, changed) = &*self.0;
        let mut count = count.lock();
        while *count > 0 {
            match end {
                Some(end) if changed.wait_until(&mut count, end).timed_out() => break,
                Some(_) => {}
                None => changed.wait(&mut count),
            }
        }
        *count
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let (count, changed) = &*self.0.0;
        *count.lock() -= 1;
        changed.notify_all();
    }
}
