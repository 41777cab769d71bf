use std::collections::HashSet;
use std::time::Duration;
use std::time::Instant;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// A remote whose fetches wait until they are let go.
#[derive(Default)]
struct Scripted {
    state: Mutex<Script>,
    changed: Condvar,
}

#[derive(Default)]
struct Script {
    /// How many fetches may end.
    allowed: usize,
    fetches: Vec<HashSet<Id>>,
    here: HashSet<Id>,
    lost: HashSet<Id>,
    given_up: bool,
}

impl Scripted {
    fn allow(&self, count: usize) {
        self.state.lock().allowed += count;
        self.changed.notify_all();
    }

    #[track_caller]
    fn wait_for(&self, what: impl Fn(&Script) -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut state = self.state.lock();
        while !what(&state) {
            assert!(!self.changed.wait_until(&mut state, end).timed_out(), "it did not come to that");
        }
    }
}

struct To(Arc<Scripted>);

impl Transport for To {
    fn fetch(&self, ids: &[Id], _: &Attention) -> Result<(), String> {
        let mut state = self.0.state.lock();
        state.fetches.push(ids.iter().copied().collect());
        self.0.changed.notify_all();
        while state.allowed == 0 && !state.given_up {
            self.0.changed.wait(&mut state);
        }
        if state.given_up {
            return Err("given up".into());
        }
        state.allowed -= 1;
        match ids.iter().find(|id| state.lost.contains(id)) {
            Some(id) => Err(format!("not our ref {id}")),
            None => {
                state.here.extend(ids);
                Ok(())
            }
        }
    }

    fn give_up(&self) {
        self.0.state.lock().given_up = true;
        self.0.changed.notify_all();
    }
}

impl Surroundings for Scripted {
    fn missing(&self, ids: &[Id]) -> Vec<Id> {
        let state = self.state.lock();
        ids.iter().copied().filter(|id| !state.here.contains(id)).collect()
    }

    fn around(&self, _: &[RelPathBuf], _: usize) -> Vec<Id> {
        Vec::new()
    }

    fn bytes(&self, ids: &[Id]) -> u64 {
        ids.len() as u64
    }
}

fn id(n: u8) -> Id {
    Id::from_bytes(&[n; 20]).unwrap()
}

fn ids(numbers: &[u8]) -> HashSet<Id> {
    numbers.iter().map(|n| id(*n)).collect()
}

/// Asks for an object on a thread of its own.
fn ask(
    fetcher: &Arc<Fetcher>,
    remote: &Arc<Scripted>,
    n: u8,
    cancel: &CancelToken,
) -> std::thread::JoinHandle<Result<(), Failure>> {
    let (fetcher, remote, cancel) = (Arc::clone(fetcher), Arc::clone(remote), cancel.clone());
    std::thread::spawn(move || fetcher.bring(&[id(n)], Extent::Exact, &remote, &cancel))
}

fn wait_until(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "it did not come to that");
        std::thread::yield_now();
    }
}

/// Waits until objects are on the next list.
fn wait_until_listed(fetcher: &Fetcher, expected: &HashSet<Id>) {
    wait_until(|| fetcher.shared.state.lock().next.as_ref().is_some_and(|next| next.ids == *expected));
}

#[test]
fn what_is_missed_during_a_fetch_is_the_next_one_and_who_gives_up_keeps_nobody() {
    let remote = Arc::new(Scripted::default());
    let fetcher = Arc::new(Fetcher::new(To(Arc::clone(&remote))));
    let never = CancelToken::new();
    let first = ask(&fetcher, &remote, 1, &never);
    remote.wait_for(|script| script.fetches.len() == 1);
    let gives_up = CancelToken::new();
    let second = ask(&fetcher, &remote, 2, &gives_up);
    let third = ask(&fetcher, &remote, 3, &never);
    wait_until_listed(&fetcher, &ids(&[2, 3]));
    // The same object as the one under way is waited for with it.
    let also_first = ask(&fetcher, &remote, 1, &never);
    wait_until(|| {
        let state = fetcher.shared.state.lock();
        let running = state.running.as_ref();
        running.is_some_and(|list| list.batch.attention.waiters.load(Ordering::Acquire) == 2)
    });
    gives_up.cancel();
    assert_eq!(second.join().unwrap(), Err(Failure::Cancelled));
    remote.allow(1);
    assert_eq!(first.join().unwrap(), Ok(()));
    assert_eq!(also_first.join().unwrap(), Ok(()));
    remote.wait_for(|script| script.fetches.len() == 2);
    remote.allow(1);
    assert_eq!(third.join().unwrap(), Ok(()));
    assert_eq!(remote.state.lock().fetches, [ids(&[1]), ids(&[2, 3])]);
}

#[test]
fn what_the_remote_names_is_left_out_and_the_rest_comes() {
    let remote = Arc::new(Scripted::default());
    remote.state.lock().lost = ids(&[2, 4]);
    remote.allow(100);
    let fetcher = Fetcher::new(To(Arc::clone(&remote)));
    let wanted: Vec<_> = (1..=5).map(id).collect();
    let error = fetcher.bring(&wanted, Extent::Exact, &remote, &CancelToken::new()).unwrap_err();
    assert!(matches!(&error, Failure::Refused { id: lost, .. } if *lost == id(2)), "{error:?}");
    assert_eq!(remote.state.lock().here, ids(&[1, 3, 5]));
    // The remote is there: the next one is asked for at once.
    assert_eq!(fetcher.bring(&[id(6)], Extent::Exact, &remote, &CancelToken::new()), Ok(()));
}

#[test]
fn the_end_of_the_projection_is_the_end_of_waiting() {
    let remote = Arc::new(Scripted::default());
    let fetcher = Arc::new(Fetcher::new(To(Arc::clone(&remote))));
    let never = CancelToken::new();
    let running = ask(&fetcher, &remote, 1, &never);
    remote.wait_for(|script| script.fetches.len() == 1);
    let listed = ask(&fetcher, &remote, 2, &never);
    wait_until_listed(&fetcher, &ids(&[2]));
    fetcher.close();
    assert!(running.join().unwrap().is_err());
    assert!(listed.join().unwrap().is_err());
    assert_eq!(fetcher.bring(&[id(3)], Extent::Exact, &remote, &never), Err(Failure::Cancelled));
}
