//! Queues between threads, simulated as far as they are used.

use std::collections::VecDeque;
use std::sync::Arc;

use super::locks::Condvar;
use super::locks::Mutex;

struct Shared<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    values: VecDeque<T>,
    senders: usize,
    receivers: usize,
    waiting: Vec<Arc<Bell>>,
}

/// Rung once there may be something in one of the queues that somebody waits for.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    moved: Condvar,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { values: VecDeque::new(), senders: 1, receivers: 1, waiting: Vec::new() }
    }
}

/// Where values are put.
pub struct Sender<T>(Arc<Shared<T>>);

/// Where values come from; nothing ever comes from none.
pub struct Receiver<T>(Option<Arc<Shared<T>>>);

/// All who could receive it are gone: here it is again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// There is nothing, and all who could send are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

/// A queue without a limit.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared { state: Mutex::default() });
    (Sender(Arc::clone(&shared)), Receiver(Some(shared)))
}

/// A queue from which nothing ever comes.
pub fn never<T>() -> Receiver<T> {
    Receiver(None)
}

impl<T> Sender<T> {
    /// Puts a value into the queue.
    ///
    /// # Errors
    /// Nobody is left who could receive it.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut state = self.0.state.lock();
        if state.receivers == 0 {
            return Err(SendError(value));
        }
        state.values.push_back(value);
        ring(std::mem::take(&mut state.waiting));
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// The next value, or that there will be none, or nothing yet; then the bell is rung once there may be.
    fn poll(&self, bell: &Arc<Bell>) -> Option<Result<T, RecvError>> {
        let mut state = self.0.as_ref()?.state.lock();
        if let Some(value) = state.values.pop_front() {
            return Some(Ok(value));
        }
        if state.senders == 0 {
            return Some(Err(RecvError));
        }
        state.waiting.push(Arc::clone(bell));
        None
    }

    /// Whether there is nothing now.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|shared| shared.state.lock().values.is_empty())
    }

    /// Waits for the next.
    ///
    /// # Errors
    /// There is nothing, and all who could send are gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        first_of(self, &never())
    }
}

/// Waits for the next of two queues, the first before the second.
///
/// # Errors
/// One of them is empty, and all who could put something into it are gone.
pub fn first_of<T>(first: &Receiver<T>, second: &Receiver<T>) -> Result<T, RecvError> {
    loop {
        let bell = Arc::new(Bell::default());
        if let Some(result) = first.poll(&bell).or_else(|| second.poll(&bell)) {
            return result;
        }
        let mut rung = bell.rung.lock();
        while !*rung {
            bell.moved.wait(&mut rung);
        }
    }
}

fn ring(bells: Vec<Arc<Bell>>) {
    for bell in bells {
        *bell.rung.lock() = true;
        bell.moved.notify_all();
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state.lock().senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.senders -= 1;
        if state.senders == 0 {
            ring(std::mem::take(&mut state.waiting));
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        if let Some(shared) = &self.0 {
            shared.state.lock().receivers += 1;
        }
        Self(self.0.clone())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            let mut state = shared.state.lock();
            state.receivers -= 1;
            // As with the real ones, what nobody can take any more is dropped with the last who could.
            let dropped =
                if state.receivers == 0 { std::mem::take(&mut state.values) } else { VecDeque::new() };
            drop(state);
            drop(dropped);
        }
    }
}
