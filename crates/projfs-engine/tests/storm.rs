//! Many threads doing random things to one tree: nobody waits for ever, and the tree is sound afterwards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;

use projfs_engine::Engine;
use projfs_engine::Since;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_testkit::model::EngineSubject;
use projfs_testkit::model::Kind;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Random;
use projfs_testkit::model::Run;
use projfs_testkit::model::Seen;
use projfs_testkit::model::Subject;
use projfs_testkit::model::operation;
use projfs_testkit::model::projection;
use projfs_testkit::projection::Projection;
use projfs_testkit::replay::Replay;
use projfs_types::ItemName;
use projfs_types::RelPathBuf;
use rustix::io::Errno;

const THREADS: u64 = 8;
/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a program may be told when others do things at the same time.
const ALLOWED: [Errno; 10] = [
    Errno::NOENT,
    Errno::EXIST,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::NOTEMPTY,
    Errno::INVAL,
    Errno::PERM,
    Errno::BADF,
    Errno::NODATA,
    Errno::OPNOTSUPP,
];

fn start(store: &MemoryStore, projection: &Projection) -> EngineSubject {
    let store = store.clone();
    let open = move || {
        let (store, journal): (Arc<dyn projfs_store::Store>, Arc<dyn projfs_store::Journal>) =
            (Arc::new(store.clone()), Arc::new(MemoryJournal::new()));
        (store, journal)
    };
    EngineSubject::start(Box::new(open), projection).unwrap()
}

/// Paths up to three deep; what is there changes all the time.
fn paths() -> Vec<(RelPathBuf, Kind)> {
    let names = ["a", "d", "e", "x"];
    let mut paths = vec![RelPathBuf::root()];
    let mut all = Vec::new();
    for _ in 0..3 {
        let deeper = paths
            .iter()
            .flat_map(|path| names.map(|name| path.join(ItemName::new(name.as_bytes()).expect("a name"))));
        paths = deeper.collect();
        all.extend(paths.iter().cloned());
    }
    all.into_iter().map(|path| (path, Kind::Directory)).collect()
}

/// Everything that can be seen, by listing; each entry is looked up as well.
fn dump(subject: &mut EngineSubject) -> BTreeMap<RelPathBuf, Seen> {
    let mut tree = BTreeMap::new();
    let mut pending = vec![RelPathBuf::root()];
    while let Some(dir) = pending.pop() {
        let Outcome::Listed(listed) = subject.apply(&Op::List { path: dir.clone() }) else {
            panic!("{dir} cannot be listed");
        };
        for (name, seen) in listed {
            let path = dir.join(ItemName::new(&name).unwrap());
            match subject.apply(&Op::Stat { path: path.clone() }) {
                Outcome::Seen(found) => assert!(found.agrees(&seen), "{path}: {found:?}, listed as {seen:?}"),
                other => panic!("{path} is listed, and {other:?}"),
            }
            match seen.kind {
                Kind::Directory => pending.push(path.clone()),
                Kind::File => {
                    let read = subject.apply(&Op::Read { path: path.clone() });
                    assert!(matches!(read, Outcome::Bytes(_)), "{path} cannot be read: {read:?}");
                }
                Kind::Symlink | Kind::Special => {}
            }
            assert!(tree.insert(path, seen).is_none());
        }
    }
    tree
}

/// Every node leads back to the path by which it was found.
fn check_paths(engine: &Engine, tree: &BTreeMap<RelPathBuf, Seen>) {
    use projfs_engine::CancelToken;
    use projfs_engine::Context;
    use projfs_engine::Patience;
    use projfs_types::Caller;
    use projfs_types::NodeId;
    let token = CancelToken::new();
    let caller = Caller { pid: 1, uid: 0, gid: 0 };
    let context = Context { caller, patience: Patience::Until(&token), request: 0 };
    for (path, seen) in tree {
        let mut entered = vec![NodeId::ROOT];
        for name in path.components() {
            let dir = *entered.last().unwrap();
            entered.push(engine.lookup(&context, dir, name).unwrap().unwrap().node);
        }
        let found = engine.path_of(*entered.last().unwrap()).unwrap();
        assert!(found == *path || seen.links != Some(1), "{path} leads to {found}");
        for node in entered {
            engine.forget(node, 1);
        }
    }
}

/// What the journal says in its order leads to the tree as it is.
fn check_journal(engine: &Engine, tree: &BTreeMap<RelPathBuf, Seen>) {
    let mut replay = Replay { tree: projection().items().into_iter().collect() };
    let journal = engine.journal();
    let Since::Entries { entries, .. } = journal.since(journal.start(), usize::MAX).unwrap() else {
        panic!("the journal was trimmed");
    };
    for (number, entry) in entries.iter().enumerate() {
        if let Err(why) = replay.apply(entry) {
            let name = entry.path.to_string();
            let related: Vec<_> = entries[..number]
                .iter()
                .map(|entry| format!("{entry:?}"))
                .filter(|text| text.contains(&name))
                .collect();
            let last = &related[related.len().saturating_sub(20)..];
            panic!("entry {number} cannot have happened: {why}\nbefore it: {last:#?}");
        }
    }
    assert!(entries.len() > 1000, "{} entries: the storm is none", entries.len());
    assert_eq!(replay.tree, tree.iter().map(|(path, seen)| (path.clone(), seen.kind)).collect());
}

/// What a storm leaves.
struct Storm {
    owner: EngineSubject,
    store: MemoryStore,
    projection: Projection,
    tree: BTreeMap<RelPathBuf, Seen>,
}

impl Storm {
    fn ends_well(self) {
        check_paths(self.owner.engine(), &self.tree);
        let statistics = self.owner.engine().statistics();
        assert_eq!((statistics.nodes, statistics.handles), (1, 0), "everything was forgotten and closed");
        drop(self.owner);
        assert_eq!(dump(&mut start(&self.store, &self.projection)), self.tree, "after a restart");
    }
}

/// Whether the provider changes the view meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Stays,
    Changes,
}

impl View {
    /// Whether an operation is the users'.
    fn has(self, op: &Op) -> bool {
        self == Self::Changes || !matches!(op, Op::Update { .. } | Op::Drop { .. } | Op::Discard { .. })
    }
}

#[test]
fn many_threads_end_and_leave_a_sound_tree_and_a_journal_that_leads_to_it() {
    let storm = storm(View::Stays);
    check_journal(storm.owner.engine(), &storm.tree);
    storm.ends_well();
}

#[test]
fn many_threads_and_a_provider_that_changes_the_view_leave_a_sound_tree() {
    storm(View::Changes).ends_well();
}

fn storm(view: View) -> Storm {
    let run = Run::from_environment(24_000);
    println!("PROJFS_SEED={} PROJFS_OPS={}", run.seed, run.operations);
    let store = MemoryStore::new();
    let projection = projection().lenient();
    let mut owner = start(&store, &projection);
    let done = Arc::new(AtomicU64::new(0));
    let succeeded = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let mut subject = EngineSubject::sharing(&owner);
            let (done, succeeded) = (Arc::clone(&done), Arc::clone(&succeeded));
            std::thread::spawn(move || {
                let mut random = Random::new(run.seed ^ number.wrapping_mul(0x0123_4567_89ab_cdef));
                let paths = paths();
                for _ in 0..run.operations as u64 / THREADS {
                    let op = operation(&mut random, &paths);
                    if !view.has(&op) {
                        done.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    match subject.apply(&op) {
                        // The item became another one on the way: the kernel looks again.
                        Outcome::Failed(Errno::STALE) if view == View::Changes => {}
                        Outcome::Failed(errno) => assert!(ALLOWED.contains(&errno), "{op:?}: {errno}"),
                        _ => {
                            succeeded.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (mut seen, mut since) = (0, Instant::now());
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        std::thread::sleep(Duration::from_millis(5));
        let now = done.load(Ordering::Relaxed);
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        // The threads that hang cannot be joined; the process ends with the test.
        assert!(since.elapsed() < PATIENCE, "nothing happens after {now} operations, seed {}", run.seed);
    }
    for thread in threads {
        thread.join().unwrap();
    }
    let share = succeeded.load(Ordering::Relaxed) * 100 / run.operations as u64;
    assert!(share > 5, "only {share} % succeeded: the storm is none");

    let tree = dump(&mut owner);
    Storm { owner, store, projection, tree }
}
