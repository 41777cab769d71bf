//! `Workers`: the threads on which requests wait.
//!
//! There are as many as there are blocked requests, up to a limit; beyond it requests queue. A worker that has had
//! nothing to do for a while ends.

use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

use projfs_engine::CancelToken;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::thread;
use rustix::io::Errno;

use crate::connection::Connection;
use crate::transport::Token;
use crate::transport::placement::Processors;
use crate::wire::request::RequestBuffer;

/// A request that waits, with its right to be answered.
#[derive(Debug)]
pub struct Job {
    /// Identifies the request.
    pub unique: u64,
    /// Its bytes.
    pub request: RequestBuffer,
    /// Answers it.
    pub token: Token,
    /// Is cancelled when its caller is interrupted.
    pub cancel: CancelToken,
}

/// How many workers there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLimits {
    /// The most there may be.
    pub threads: usize,
    /// How long one lives without work.
    pub idle: Duration,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self { threads: 256, idle: Duration::from_secs(10) }
    }
}

/// The threads on which requests wait. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limits: WorkerLimits,
    processors: Processors,
    state: Mutex<State>,
    /// A job came, or the pool stops.
    work: Condvar,
    /// A thread ended.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    stopping: bool,
}

impl Workers {
    /// A pool without threads. They will run where the thread that calls may.
    pub fn new(limits: WorkerLimits) -> Self {
        let state = Mutex::new(State::default());
        let processors = Processors::of_this_thread();
        Self(Arc::new(Pool { limits, processors, state, work: Condvar::new(), ended: Condvar::new() }))
    }

    /// Queues a job, with a new thread for it if none is idle. Never waits.
    ///
    /// # Errors
    /// Gives the job back once the pool stops.
    #[allow(clippy::result_large_err, reason = "the job is given back where that is cheap: at stop")]
    pub fn submit(&self, job: Job, connection: &Arc<Connection>) -> Result<(), Job> {
        let mut state = self.0.state.lock();
        if state.stopping {
            return Err(job);
        }
        state.queue.push_back(job);
        if state.idle >= state.queue.len() || state.threads >= self.0.limits.threads {
            self.0.work.notify_one();
            return Ok(());
        }
        state.threads += 1;
        drop(state);
        let (pool, served) = (Arc::clone(&self.0), Arc::clone(connection));
        let spawned = thread::Builder::new().name("projfs-worker".into()).spawn(move || pool.run(&served));
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for a worker");
            self.thread_missing(connection);
        }
        Ok(())
    }

    /// A thread was counted that could not be made. If it would have been the only one nobody takes the jobs.
    fn thread_missing(&self, connection: &Connection) {
        let mut state = self.0.state.lock();
        state.threads -= 1;
        if state.threads == 0 {
            let jobs = std::mem::take(&mut state.queue);
            drop(state);
            jobs.into_iter().for_each(|job| connection.fail(job, Errno::AGAIN));
        }
    }

    /// Takes a job that no worker has begun with out of the queue.
    pub fn take(&self, unique: u64) -> Option<Job> {
        let mut state = self.0.state.lock();
        let at = state.queue.iter().position(|job| job.unique == unique)?;
        state.queue.remove(at)
    }

    /// How many threads there are, and how many jobs wait for one.
    pub fn load(&self) -> (usize, usize) {
        let state = self.0.state.lock();
        (state.threads, state.queue.len())
    }

    /// Accepts no more jobs, and gives back those that no worker has begun with.
    pub fn close(&self) -> impl Iterator<Item = Job> + use<> {
        let jobs = {
            let mut state = self.0.state.lock();
            state.stopping = true;
            std::mem::take(&mut state.queue)
        };
        self.0.work.notify_all();
        jobs.into_iter()
    }

    /// Waits for the threads to end, at most until `end`. Says how many have not.
    pub fn join(&self, end: Instant) -> usize {
        let mut state = self.0.state.lock();
        while state.threads > 0 {
            if self.0.ended.wait_until(&mut state, end).timed_out() {
                break;
            }
        }
        state.threads
    }
}

impl Pool {
    fn run(&self, connection: &Connection) {
        // The thread that asked for this one may be bound to one processor.
        self.processors.roam();
        let mut body = vec![0; connection.negotiated().reply_size()];
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                connection.handle_job(job, &mut body);
                state = self.state.lock();
                continue;
            }
            if state.stopping {
                break;
            }
            state.idle += 1;
            let timed_out = self.work.wait_for(&mut state, self.limits.idle).timed_out();
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        self.ended.notify_all();
    }
}

#[cfg(all(test, projfs_model))]
mod schedules;
#[cfg(test)]
mod tests;
