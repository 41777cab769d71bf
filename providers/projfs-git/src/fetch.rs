//! `Fetcher`: missing objects are fetched together.
//!
//! A fetch costs a process, a connection and a pack, whether for one object or for ten thousand. So whoever misses an
//! object puts it on a list and waits; one thread takes the list, adds what is likely to be wanted next, and fetches all of
//! it at once. What is missed meanwhile is the next list.

mod child;
mod pace;

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use parking_lot::Condvar;
use parking_lot::Mutex;
use parking_lot::MutexGuard;
use projfs_provider::CancelToken;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use self::pace::Pace;
use crate::objects::Id;

pub(crate) use self::child::Git;

/// How long a list is open for others after the first object is on it.
const WINDOW: Duration = Duration::from_millis(8);

/// How long after a fetch that brought nothing the next one is not tried.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a fetch is tried again without an object that the remote complains of.
const MOST_DROPPED: usize = 8;

/// Brings objects from elsewhere.
pub(crate) trait Transport: Send + Sync + 'static {
    /// Fetches. While it lasts, it looks at `attention` now and then and gives up if it says so.
    ///
    /// # Errors
    /// What went wrong, in the words of whoever found out.
    fn fetch(&self, ids: &[Id], attention: &Attention) -> Result<(), String>;

    /// Gives up what is under way; it fails then.
    fn give_up(&self);
}

/// What is around an object that is missing.
pub(crate) trait Surroundings: Send + Sync + 'static {
    /// Those that are not here.
    fn missing(&self, ids: &[Id]) -> Vec<Id>;

    /// What is missing in the directories `places`, and in up to `ahead` files of the directories around them.
    fn around(&self, places: &[RelPathBuf], ahead: usize) -> Vec<Id>;

    /// How many bytes these objects have together, as far as they are here.
    fn bytes(&self, ids: &[Id]) -> u64;
}

/// Whether anybody still waits for a fetch.
pub(crate) struct Attention {
    waiters: AtomicUsize,
}

/// What else may be fetched with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent<'a> {
    /// What is around it: it is missing in this directory.
    Around(&'a RelPath),
    /// Nothing.
    Exact,
}

/// Why an object was not brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody waits for it.
    Cancelled,
    /// It could not be fetched.
    Refused { id: Id, words: Arc<str> },
}

/// Fetches missing objects together. Dropping it gives up what is under way.
pub(crate) struct Fetcher {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Box<dyn Transport>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: Option<List>,
    /// What is being fetched.
    running: Option<List>,
    worker: Worker,
    /// Until when nothing is tried, and why.
    pause: Option<(Instant, Arc<str>)>,
    pace: Pace,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Worker {
    #[default]
    None,
    Works,
    Closed,
}

/// Objects that are fetched together.
#[derive(Clone)]
struct List {
    ids: HashSet<Id>,
    places: HashSet<RelPathBuf>,
    batch: Arc<Batch>,
}

struct Batch {
    attention: Attention,
    /// What was not brought.
    outcome: OnceLock<HashMap<Id, Arc<str>>>,
}

impl Attention {
    /// Whether anybody waits.
    pub(crate) fn is_there(&self) -> bool {
        self.waiters.load(Ordering::Acquire) > 0
    }
}

impl Fetcher {
    /// Nothing is fetched yet.
    pub(crate) fn new(transport: impl Transport) -> Self {
        let transport = Box::new(transport);
        Self { shared: Arc::new(Shared { transport, state: Mutex::default(), changed: Condvar::new() }) }
    }

    /// Has objects fetched, and waits until they are here.
    ///
    /// # Errors
    /// The first one that was not brought; `Cancelled`, while the fetch goes on for others.
    pub(crate) fn bring(
        &self,
        ids: &[Id],
        extent: Extent<'_>,
        around: &Arc<impl Surroundings>,
        cancel: &CancelToken,
    ) -> Result<(), Failure> {
        let shared = &self.shared;
        let Some(&first) = ids.first() else { return Ok(()) };
        let mut state = shared.state.lock();
        if state.worker == Worker::Closed {
            return Err(Failure::Cancelled);
        }
        if let Some((_, words)) = state.pause.as_ref().filter(|(until, _)| Instant::now() < *until) {
            return Err(Failure::Refused { id: first, words: Arc::clone(words) });
        }
        let batch = match &state.running {
            Some(running) if ids.iter().all(|id| running.ids.contains(id)) => Arc::clone(&running.batch),
            _ => state.add(ids, extent),
        };
        batch.attention.waiters.fetch_add(1, Ordering::AcqRel);
        match state.worker {
            Worker::Works | Worker::Closed => {}
            Worker::None => {
                let (shared, around) = (Arc::clone(shared), Arc::clone(around));
                let thread = std::thread::Builder::new().name("git-fetch".into());
                match thread.spawn(move || shared.work(&*around)) {
                    Ok(_) => state.worker = Worker::Works,
                    Err(error) => {
                        state.next = None;
                        return Err(Failure::Refused { id: first, words: error.to_string().into() });
                    }
                }
            }
        }
        drop(state);
        let waiting = Arc::clone(shared);
        let _listening = cancel.listen(move || {
            drop(waiting.state.lock());
            waiting.changed.notify_all();
        });
        let mut state = shared.state.lock();
        while batch.outcome.get().is_none() && !cancel.is_cancelled() {
            shared.changed.wait(&mut state);
        }
        batch.attention.waiters.fetch_sub(1, Ordering::AcqRel);
        drop(state);
        let Some(refused) = batch.outcome.get() else { return Err(Failure::Cancelled) };
        match ids.iter().find_map(|id| Some((*id, refused.get(id)?))) {
            Some((id, words)) => Err(Failure::Refused { id, words: Arc::clone(words) }),
            None => Ok(()),
        }
    }

    /// Gives up what is under way, for good.
    pub(crate) fn close(&self) {
        self.shared.state.lock().worker = Worker::Closed;
        self.shared.changed.notify_all();
        self.shared.transport.give_up();
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    /// Puts objects on the next list.
    fn add(&mut self, ids: &[Id], extent: Extent<'_>) -> Arc<Batch> {
        let next = self.next.get_or_insert_with(|| List {
            ids: HashSet::new(),
            places: HashSet::new(),
            batch: Arc::new(Batch {
                attention: Attention { waiters: AtomicUsize::new(0) },
                outcome: OnceLock::new(),
            }),
        });
        next.ids.extend(ids);
        match extent {
            Extent::Around(place) => {
                next.places.insert(place.to_owned());
            }
            Extent::Exact => {}
        }
        Arc::clone(&next.batch)
    }
}

impl Shared {
    /// Fetches list after list until there is none.
    fn work(&self, around: &impl Surroundings) {
        let mut state = self.state.lock();
        while state.worker == Worker::Works && state.next.is_some() {
            self.gather(&mut state);
            let Some(list) = state.next.take() else { continue };
            state.running = Some(list.clone());
            let ahead = if list.places.is_empty() { 0 } else { state.pace.begin(Instant::now()) };
            let refused = MutexGuard::unlocked(&mut state, || {
                let ids: Vec<_> = list.ids.iter().copied().collect();
                let places: Vec<_> = list.places.iter().cloned().collect();
                let wanted = around.missing(&ids);
                // Somebody else may have brought them.
                if wanted.is_empty() {
                    return Ran { refused: HashMap::new(), reached: true, brought: (0, 0) };
                }
                let mut also = around.around(&places, ahead);
                also.retain(|id| !list.ids.contains(id));
                self.extend_running(&also);
                self.fetch(wanted, also, around, &list.batch.attention)
            });
            let Ran { refused, reached, brought } = refused;
            let now = Instant::now();
            state.pace.end(now, brought);
            state.pause = match refused.values().next() {
                Some(words) if !reached => Some((now + PAUSE, Arc::clone(words))),
                _ => None,
            };
            state.running = None;
            // It is set here only.
            let _ = list.batch.outcome.set(refused);
            self.changed.notify_all();
        }
        let left = state.next.take();
        match state.worker {
            Worker::Works => state.worker = Worker::None,
            Worker::None | Worker::Closed => {}
        }
        if let Some(list) = left {
            let words: Arc<str> = "the projection has ended".into();
            let _ = list.batch.outcome.set(list.ids.iter().map(|id| (*id, Arc::clone(&words))).collect());
        }
        self.changed.notify_all();
    }

    /// Waits a moment for others.
    fn gather(&self, state: &mut MutexGuard<'_, State>) {
        let until = Instant::now() + WINDOW;
        while state.worker == Worker::Works {
            if self.changed.wait_until(state, until).timed_out() {
                return;
            }
        }
    }

    /// Whoever misses one of these now waits for the fetch that is under way.
    fn extend_running(&self, ids: &[Id]) {
        if let Some(running) = &mut self.state.lock().running {
            running.ids.extend(ids);
        }
    }

    /// Fetches; what the remote complains of by name is left out, and the rest fetched.
    fn fetch(
        &self,
        wanted: Vec<Id>,
        also: Vec<Id>,
        around: &impl Surroundings,
        attention: &Attention,
    ) -> Ran {
        let begun = Instant::now();
        let mut refused = HashMap::new();
        let mut all = [&wanted[..], &also[..]].concat();
        let (mut dropped, mut others) = (0, !also.is_empty());
        tracing::info!(objects = all.len(), wanted = wanted.len(), "fetching objects");
        let mut failed: Option<Arc<str>> = None;
        while !all.is_empty() {
            let Err(words) = self.transport.fetch(&all, attention) else { break };
            tracing::warn!(objects = all.len(), words, "a fetch failed");
            let words: Arc<str> = words.into();
            let named: HashSet<_> =
                all.iter().copied().filter(|id| words.contains(&id.to_string())).collect();
            if !named.is_empty() && dropped < MOST_DROPPED {
                dropped += 1;
                all.retain(|id| !named.contains(id));
                refused.extend(named.into_iter().map(|id| (id, Arc::clone(&words))));
            } else if others && attention.is_there() && !self.is_closed() {
                // What nobody asked for may be what is wrong.
                others = false;
                all = wanted.iter().copied().filter(|id| !refused.contains_key(id)).collect();
            } else {
                failed = Some(words);
                break;
            }
        }
        let left: HashSet<_> = around.missing(&all).into_iter().collect();
        let reached = failed.is_none();
        let words = failed.unwrap_or_else(|| "git fetch did not bring it".into());
        all.retain(|id| !left.contains(id));
        let brought = (all.len(), around.bytes(&all));
        refused.extend(left.into_iter().map(|id| (id, Arc::clone(&words))));
        let elapsed = begun.elapsed().as_millis();
        tracing::info!(objects = brought.0, bytes = brought.1, elapsed, "fetched objects");
        Ran { refused, reached, brought }
    }

    fn is_closed(&self) -> bool {
        self.state.lock().worker == Worker::Closed
    }
}

/// What came of a fetch.
struct Ran {
    refused: HashMap<Id, Arc<str>>,
    /// Whether the remote could be reached.
    reached: bool,
    /// How many objects came, of how many bytes.
    brought: (usize, u64),
}

#[cfg(test)]
mod tests;
