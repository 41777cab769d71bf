//! The order of locks, as it comes about: each thread knows what it holds, and all together which kind was ever taken
//! while which other was held.
//!
//! Two threads that would wait for each other need not meet for it to be found: it is enough that each order was taken
//! once. A fault ends the process, as a panic may be taken for one of a provider.

use std::any::type_name;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::io::Write;
use std::panic::Location;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::Rank;

/// What kind of lock it is: made at one place, around one type.
pub(super) struct Class {
    site: &'static Location<'static>,
    content: fn() -> &'static str,
    rank: Rank,
    /// Its number, or 0 if it has none yet.
    number: AtomicUsize,
}

/// A lock that this thread holds, or waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    class: usize,
    rank: Rank,
    address: usize,
}

/// A lock is held until this is dropped.
pub(super) struct Held(usize);

/// Which kinds there are, and which was taken while which other was held.
#[derive(Default)]
struct Known {
    numbers: HashMap<(&'static Location<'static>, &'static str), usize>,
    names: Vec<String>,
    after: HashMap<usize, HashSet<usize>>,
}

/// Why a lock may not be taken.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The thread has it already.
    Twice(usize),
    /// Another is held that stands below it.
    Rank(usize),
    /// Another of its kind is held.
    Kind(usize),
    /// Another is held that was taken after it before, by way of these.
    Order(Vec<usize>),
}

static KNOWN: parking_lot::Mutex<Option<Known>> = parking_lot::Mutex::new(None);

thread_local! {
    static HELD: RefCell<Vec<Taken>> = const { RefCell::new(Vec::new()) };
    /// Orders that were found to be good.
    static GOOD: RefCell<HashSet<(usize, usize)>> = RefCell::new(HashSet::new());
}

impl Class {
    #[track_caller]
    pub(super) const fn new<T>(rank: Rank) -> Self {
        Self { site: Location::caller(), content: type_name::<T>, rank, number: AtomicUsize::new(0) }
    }

    fn number(&self) -> usize {
        match self.number.load(Ordering::Relaxed) {
            0 => {
                let number =
                    KNOWN.lock().get_or_insert_default().number(self.site, (self.content)(), self.rank);
                self.number.store(number, Ordering::Relaxed);
                number
            }
            number => number,
        }
    }
}

impl Known {
    fn number(&mut self, site: &'static Location<'static>, content: &'static str, rank: Rank) -> usize {
        let next = self.names.len() + 1;
        let number = *self.numbers.entry((site, content)).or_insert(next);
        if number == next {
            self.names.push(format!("{rank:?} of {content}, made at {site}"));
        }
        number
    }

    fn name(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.names.get(at)).map_or("?", String::as_str)
    }

    /// How one gets from a kind to another, by what was ever taken while what was held.
    fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut ways = vec![vec![from]];
        let mut seen = HashSet::from([from]);
        while let Some(way) = ways.pop() {
            for &next in way.last().and_then(|last| self.after.get(last)).into_iter().flatten() {
                if next == to {
                    return Some([way, vec![to]].concat());
                }
                if seen.insert(next) {
                    ways.push([way.clone(), vec![next]].concat());
                }
            }
        }
        None
    }

    /// Whether a lock may be taken while others are held; takes the order down.
    fn check(&mut self, held: &[Taken], next: Taken) -> Result<(), Fault> {
        for one in held {
            if one.address == next.address && one.class == next.class {
                return Err(Fault::Twice(one.class));
            }
            if one.rank > next.rank {
                return Err(Fault::Rank(one.class));
            }
            if one.class == next.class {
                let in_a_row = next.rank == Rank::Directory && one.address < next.address;
                if !in_a_row {
                    return Err(Fault::Kind(one.class));
                }
            } else if one.rank == next.rank {
                if let Some(way) = self.way(next.class, one.class) {
                    return Err(Fault::Order(way));
                }
                self.after.entry(one.class).or_default().insert(next.class);
            }
        }
        Ok(())
    }

    fn say(&self, fault: &Fault, next: Taken, f: &mut impl fmt::Write) -> fmt::Result {
        writeln!(f, "a lock is taken out of order: {}", self.name(next.class))?;
        match fault {
            Fault::Twice(_) => writeln!(f, "the thread holds it already"),
            Fault::Rank(held) => writeln!(f, "it stands above one that is held: {}", self.name(*held)),
            Fault::Kind(_) => writeln!(f, "another of its kind is held"),
            Fault::Order(way) => {
                writeln!(f, "it was taken before one that is held:")?;
                way.iter().try_for_each(|number| writeln!(f, "  then {}", self.name(*number)))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let address = self.0;
        // At a thread's end there is nothing to keep.
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if let Some(at) = held.iter().rposition(|taken| taken.address == address) {
                held.remove(at);
            }
        });
    }
}

/// A lock is about to be taken.
pub(super) fn take(class: &Class, address: usize) -> Held {
    let next = Taken { class: class.number(), rank: class.rank, address };
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        let known = |one: &Taken| {
            let good = GOOD.try_with(|good| good.borrow().contains(&(one.class, next.class)));
            one.address != next.address && good.unwrap_or_default()
        };
        if !held.iter().all(known) {
            let mut all = KNOWN.lock();
            let all = all.get_or_insert_default();
            if let Err(fault) = all.check(&held, next) {
                let mut text = String::new();
                let _ = all.say(&fault, next, &mut text);
                end(&text);
            }
            let good = held.iter().filter(|one| one.class != next.class).map(|one| (one.class, next.class));
            let _ = GOOD.try_with(|known| known.borrow_mut().extend(good));
        }
        held.push(next);
    });
    Held(address)
}

/// A thread is about to wait for others, who may need what it holds.
pub(super) fn wait(own: &Held) {
    let _ = HELD.try_with(|held| {
        // Whoever stops or switches the view waits for others, and nobody but another one who does waits for him.
        let held = held.borrow();
        let other = held.iter().find(|taken| taken.address != own.0 && taken.rank > Rank::Switch);
        if let Some(other) = other {
            let name = KNOWN.lock().get_or_insert_default().name(other.class).to_owned();
            end(&format!("a thread waits while it holds a lock: {name}\n"));
        }
    });
}

/// Where the test harness does not hide it.
fn end(text: &str) -> ! {
    let backtrace = std::backtrace::Backtrace::force_capture();
    let _ = writeln!(std::io::stderr(), "{text}{backtrace}");
    std::process::abort();
}

#[cfg(test)]
mod tests;
