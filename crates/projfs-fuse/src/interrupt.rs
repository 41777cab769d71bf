//! `Interrupts`: brings an `INTERRUPT` to the request it means, wherever that is.
//!
//! The protocol lets a daemon answer `EAGAIN` to an interrupt whose request it has not seen, and the kernel sends it
//! again. That works only where the answer goes to the descriptor on which the request is: not with cloned
//! descriptors, and not with io_uring. So an early interrupt is remembered here instead, and met by its request when
//! that begins to wait. A request that never waits needs no interrupt.

use std::collections::HashMap;
use std::collections::VecDeque;

use projfs_engine::CancelToken;
use projfs_sync::Mutex;

/// Early interrupts that are remembered; those of requests that were just answered are among them and age out.
const EARLY: usize = 1024;

/// The requests that wait, or are about to.
#[derive(Debug, Default)]
pub struct Interrupts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u64, CancelToken>,
    early: VecDeque<u64>,
}

impl Interrupts {
    /// Registers a request that will wait. Its token is cancelled already if its interrupt came first.
    pub fn enter(&self, unique: u64) -> CancelToken {
        let token = CancelToken::new();
        let mut state = self.0.lock();
        if let Some(at) = state.early.iter().position(|early| *early == unique) {
            state.early.remove(at);
            token.cancel();
        }
        state.waiting.insert(unique, token.clone());
        token
    }

    /// Takes a request out that is answered.
    pub fn leave(&self, unique: u64) {
        self.0.lock().waiting.remove(&unique);
    }

    /// Cancels the token of a request, or remembers to. Says whether it was waiting.
    pub fn interrupt(&self, unique: u64) -> bool {
        let mut state = self.0.lock();
        if let Some(token) = state.waiting.get(&unique).cloned() {
            drop(state);
            token.cancel();
            return true;
        }
        if state.early.len() == EARLY {
            state.early.pop_front();
        }
        state.early.push_back(unique);
        false
    }

    /// Cancels every request that waits, at stop.
    pub fn interrupt_all(&self) {
        let tokens: Vec<_> = self.0.lock().waiting.values().cloned().collect();
        tokens.iter().for_each(CancelToken::cancel);
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.0.lock().waiting.len()
    }
}

#[cfg(test)]
mod tests;
