use std::process::Command;
use std::sync::Arc;
use std::thread;

use super::Fault;
use super::Known;
use super::Taken;
use crate::Condvar;
use crate::Mutex;
use crate::Rank;
use crate::RwLock;
use crate::mutex;
use crate::rw_lock;

fn taken(class: usize, rank: Rank, address: usize) -> Taken {
    Taken { class, rank, address }
}

#[test]
fn the_order_of_ranks_holds() {
    let mut known = Known::default();
    let directory = taken(1, Rank::Directory, 10);
    let table = taken(2, Rank::Table, 20);
    assert_eq!(known.check(&[directory], table), Ok(()));
    assert_eq!(known.check(&[table], directory), Err(Fault::Rank(2)));
    assert_eq!(known.check(&[table], table), Err(Fault::Twice(2)));
}

#[test]
fn directories_are_taken_in_a_row_and_tables_are_not() {
    let mut known = Known::default();
    let row = [taken(1, Rank::Directory, 10), taken(1, Rank::Directory, 20)];
    assert_eq!(known.check(&row[..1], row[1]), Ok(()));
    assert_eq!(known.check(&row[1..], row[0]), Err(Fault::Kind(1)));
    assert_eq!(known.check(&[taken(2, Rank::Table, 10)], taken(2, Rank::Table, 20)), Err(Fault::Kind(2)));
}

#[test]
fn an_order_that_goes_round_is_found_by_way_of_others() {
    let mut known = Known::default();
    let tables = [1, 2, 3].map(|class| taken(class, Rank::Table, class));
    assert_eq!(known.check(&[tables[0]], tables[1]), Ok(()));
    assert_eq!(known.check(&[tables[1]], tables[2]), Ok(()));
    assert_eq!(known.check(&[tables[2]], tables[0]), Err(Fault::Order(vec![1, 2, 3])));
    assert_eq!(known.check(&[tables[0]], tables[2]), Ok(()));
}

/// What a child of this test does wrong.
const FAULTS: [(&str, &str, fn()); 4] = [
    ("order", "it was taken before one that is held", || {
        let (one, other) = (Arc::new(Mutex::new(1_u8)), Arc::new(Mutex::new(1_u16)));
        let pair = (Arc::clone(&one), Arc::clone(&other));
        let first = thread::spawn(move || {
            let _one = pair.0.lock();
            drop(pair.1.lock());
        });
        first.join().expect("that order is as good as the other");
        let _other = other.lock();
        drop(one.lock());
    }),
    ("rank", "it stands above one that is held", || {
        let (store, namespace) = (mutex(Rank::Store, ()), rw_lock(Rank::Namespace, ()));
        let _store = store.lock();
        drop(namespace.read());
    }),
    ("twice", "the thread holds it already", || {
        let lock = RwLock::new(());
        let _one = lock.read();
        drop(lock.read());
    }),
    ("wait", "a thread waits while it holds a lock", || {
        let (outer, inner) = (mutex(Rank::Namespace, ()), Mutex::new(()));
        let _outer = outer.lock();
        Condvar::new().wait(&mut inner.lock());
    }),
];

#[test]
fn a_fault_ends_the_process_and_is_said() {
    const NAME: &str = "PROJFS_SYNC_FAULT";
    if let Ok(wanted) = std::env::var(NAME) {
        FAULTS.iter().filter(|(name, ..)| *name == wanted).for_each(|(_, _, fault)| fault());
        return;
    }
    for (name, said, _) in FAULTS {
        let mut command = Command::new(std::env::current_exe().expect("a test is a program"));
        command.args(["--exact", "checked::order::tests::a_fault_ends_the_process_and_is_said"]);
        let output = command.env(NAME, name).output().expect("it starts");
        let printed = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{name}");
        assert!(printed.contains(said), "{name}: {printed}");
    }
}

#[test]
fn what_is_let_go_may_be_taken_again() {
    let (one, other) = (Mutex::new(1_u32), Mutex::new(1_u64));
    for _ in 0..2 {
        let first = one.lock();
        let second = other.lock();
        drop(first);
        drop(second);
    }
    drop(other.lock());
    drop(one.lock());
}
