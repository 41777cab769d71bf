//! On which processor a reader of `/dev/fuse` runs: on that of its caller, as long as it has only one.
//!
//! A caller sleeps while its request is answered, so the two never want the processor at the same time; and to wake a
//! thread on another processor that has nothing to do takes several times as long as the request itself. The scheduler
//! knows neither: it wakes a reader where it ran before. With several callers, or when data is moved for one that may go
//! on meanwhile, readers run where the scheduler puts them.

use std::time::Duration;
use std::time::Instant;

use rustix::thread::CpuSet;

use crate::wire::abi::Opcode;

/// After how many requests of one caller alone a reader goes where it is.
const ENOUGH: u32 = 16;

/// How long a caller is taken to be on the processor where it was seen.
const SEEN: Duration = Duration::from_millis(10);

/// The processors that the process may use.
#[derive(Clone, Copy, Debug)]
pub struct Processors(CpuSet);

impl Processors {
    /// Those of the thread that calls.
    pub fn of_this_thread() -> Self {
        Self(rustix::thread::sched_getaffinity(None).unwrap_or_default())
    }

    /// Lets the thread that calls run on all of them. A thread begins where the one that made it may run.
    pub fn roam(self) {
        run_on(&self.0);
    }
}

/// Where one reader runs.
pub(super) struct Placement {
    processors: Processors,
    callers: Callers,
}

impl Placement {
    pub(super) fn new() -> Self {
        Self { processors: Processors::of_this_thread(), callers: Callers::default() }
    }

    /// Notes that a request of a thread was answered.
    pub(super) fn answered(&mut self, caller: u32, opcode: u32) {
        let streams = opcode == Opcode::Read as u32 || opcode == Opcode::Write as u32;
        match self.callers.next(caller, streams, Instant::now()) {
            Advice::Stay => {}
            Advice::Roam => self.processors.roam(),
            Advice::Follow => match processor_of(caller) {
                Some(processor) if processor < CpuSet::MAX_CPU && self.processors.0.is_set(processor) => {
                    bind(processor);
                }
                Some(_) | None => self.processors.roam(),
            },
        }
    }
}

/// The callers that a reader had last.
#[derive(Default)]
struct Callers {
    last: u32,
    streak: u32,
    /// When it was last looked where the caller is; nothing if the reader roams.
    looked: Option<Instant>,
}

#[derive(Debug, PartialEq, Eq)]
enum Advice {
    Stay,
    Follow,
    Roam,
}

impl Callers {
    fn next(&mut self, caller: u32, streams: bool, now: Instant) -> Advice {
        match caller {
            // The kernel's own, or a caller in another namespace of processes.
            0 => Advice::Stay,
            caller if caller != self.last || streams => {
                (self.last, self.streak) = (caller, 0);
                if self.looked.take().is_some() { Advice::Roam } else { Advice::Stay }
            }
            _ if self.streak < ENOUGH => {
                self.streak += 1;
                Advice::Stay
            }
            _ if self.looked.is_some_and(|looked| now.duration_since(looked) < SEEN) => Advice::Stay,
            _ => {
                self.looked = Some(now);
                Advice::Follow
            }
        }
    }
}

/// The processor on which a thread runs, or ran last.
fn processor_of(thread: u32) -> Option<usize> {
    let stat = std::fs::read_to_string(format!("/proc/{thread}/task/{thread}/stat"));
    processor_in(&stat.ok()?)
}

/// The processor in what `/proc/PID/stat` says: the 39th word. The second is a name, in which anything can be.
fn processor_in(stat: &str) -> Option<usize> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(36)?.parse().ok()
}

/// Has the thread that calls run on one processor only. On one that is possible but not online it has callers only later,
/// and runs where it may until then.
pub(super) fn bind(processor: usize) {
    if processor < CpuSet::MAX_CPU {
        let mut one = CpuSet::new();
        one.set(processor);
        run_on(&one);
    }
}

fn run_on(processors: &CpuSet) {
    // Without leave to choose, things are slower, and as right as before.
    if let Err(errno) = rustix::thread::sched_setaffinity(None, processors) {
        tracing::debug!(%errno, "a thread runs where it ran");
    }
}

#[cfg(test)]
mod tests;
