//! `CancelToken`: how one is told that nobody waits any more.

use std::collections::BTreeMap;
use std::fmt;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;

/// A flag that is set once, and can be listened to. Clones are the same flag.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    listeners: Mutex<Listeners>,
}

#[derive(Default)]
struct Listeners {
    next: u64,
    calls: BTreeMap<u64, Arc<dyn Fn() + Send + Sync>>,
}

/// A listener is called until this is dropped.
#[must_use]
pub struct Listening {
    token: CancelToken,
    key: u64,
}

impl CancelToken {
    /// A token that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and calls the listeners, on this thread. Only the first call does anything.
    pub fn cancel(&self) {
        if self.0.cancelled.swap(true, Ordering::AcqRel) {
            return;
        }
        let calls: Vec<_> = self.0.listeners.lock().calls.values().cloned().collect();
        for call in calls {
            call();
        }
    }

    /// Whether the flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Has `call` called when the flag is set; at once if it is set already. It may be called twice when both
    /// happen at the same time.
    pub fn listen(&self, call: impl Fn() + Send + Sync + 'static) -> Listening {
        let call: Arc<dyn Fn() + Send + Sync> = Arc::new(call);
        let key = {
            let mut listeners = self.0.listeners.lock();
            let key = listeners.next;
            listeners.next += 1;
            listeners.calls.insert(key, Arc::clone(&call));
            key
        };
        if self.is_cancelled() {
            call();
        }
        Listening { token: self.clone(), key }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.token.0.listeners.lock().calls.remove(&self.key);
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelToken").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests;
