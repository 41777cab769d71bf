//! The parts as `shuttle` simulates them: one thread runs at a time, and a schedule says which.
//!
//! A test that waits where nobody will wake it is found as a deadlock. Time does not pass by itself: [`advance`] moves
//! it, and whoever has waited long enough then goes on. What was set in one run of a test is not there in the next.

mod locks;
pub mod queue;
pub mod threads;
pub mod time;

use shuttle::Config;
use shuttle::Runner;
use shuttle::scheduler::PctScheduler;
use shuttle::scheduler::RandomScheduler;

pub use time::advance;

/// What takes the place of the real ones.
pub mod parts {
    pub use super::locks::Condvar;
    pub use super::locks::Mutex;
    pub use super::locks::MutexGuard;
    pub use super::locks::RwLock;
    pub use super::locks::RwLockReadGuard;
    pub use super::locks::RwLockWriteGuard;
    pub use super::locks::WaitTimeoutResult;
    pub use super::locks::mutex;
    pub use super::locks::rw_lock;
    pub use super::queue as channel;
    pub use super::threads as thread;
    pub use super::time as clock;
    pub use shuttle::sync::atomic;
}

/// How many schedules of each sort are tried.
const SHORT: usize = 1_000;
const LONG: usize = 100_000;

/// How many times a schedule of the second sort puts another thread first where it matters.
const DEPTH: usize = 3;

/// Runs a test with many schedules: half of them random at each step, half with few changes at random places, which
/// finds what needs a long time without a change. `PROJFS_SEED` chooses which, and `PROJFS_LONG` has a hundred times as
/// many of them run.
///
/// # Panics
/// If the test does with one of the schedules, or everybody waits. The schedule is printed.
pub fn check(test: impl Fn() + Send + Sync + 'static) {
    let seed = std::env::var("PROJFS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let runs = if std::env::var_os("PROJFS_LONG").is_some() { LONG } else { SHORT };
    eprintln!("PROJFS_SEED={seed}, twice {runs} schedules");
    let test = std::sync::Arc::new(move || {
        time::reset();
        test();
    });
    let mut config = Config::new();
    config.stack_size = 1 << 17;
    let first = std::sync::Arc::clone(&test);
    Runner::new(RandomScheduler::new_from_seed(seed, runs), config.clone()).run(move || first());
    Runner::new(PctScheduler::new_from_seed(seed, DEPTH, runs), config).run(move || test());
}

#[cfg(test)]
mod tests;
