//! `Gate`: no callback before the start has returned.
//!
//! Some providers (Microsoft's wrapper for .NET is one) keep the handle only once `PrjStartVirtualizing` has returned, and
//! fail a callback that comes before. The function cannot see its own return; so callbacks begin a moment after it has
//! done everything else.

use std::time::Duration;
use std::time::Instant;

use projectedfs::CancelToken;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;

/// How long a thread may take from the last instruction of the start to its caller's next.
const HANDOFF: Duration = Duration::from_millis(10);

/// Holds callbacks back until the start has returned.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Closed,
    Opening(Instant),
    Open,
}

impl Gate {
    /// Lets callbacks through in a moment.
    pub(crate) fn open(&self) {
        *self.state.lock() = State::Opening(Instant::now() + HANDOFF);
        self.moved.notify_all();
    }

    /// Waits until callbacks may run, or nobody wants this one any more.
    pub(crate) fn pass(self: &Arc<Self>, cancel: &CancelToken) {
        if matches!(*self.state.lock(), State::Open) {
            return;
        }
        let gate = Arc::clone(self);
        let _listening = cancel.listen(move || {
            // Taking the lock makes sure that the waiter either sees the token or hears this.
            drop(gate.state.lock());
            gate.moved.notify_all();
        });
        let mut state = self.state.lock();
        while !cancel.is_cancelled() {
            match *state {
                State::Open => return,
                State::Closed => self.moved.wait(&mut state),
                State::Opening(when) if Instant::now() >= when => *state = State::Open,
                State::Opening(when) => {
                    self.moved.wait_until(&mut state, when);
                }
            }
        }
    }
}
