//! Providers that go wrong: each fault ends in an error, changes nothing, and leaves others working.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;
use std::time::Instant;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::ErrorKind;
use projfs_engine::KernelCache;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::ProviderErrorKind;
use projfs_engine::RemoveKind;
use projfs_engine::StateWord;
use projfs_engine::Timeouts;
use projfs_provider::Adapter;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_testkit::misbehaving::Fault;
use projfs_testkit::misbehaving::Misbehaving;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::RelPath;

type Provider = Misbehaving<Adapter<Projection>>;

struct Rig {
    engine: Arc<Engine>,
    provider: Arc<Provider>,
    store: MemoryStore,
    patience: CancelToken,
}

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

#[derive(Default)]
struct Names(Vec<Vec<u8>>);

impl DirSink for Names {
    fn fits(&self, _: usize) -> bool {
        true
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.0.push(entry.name.to_vec());
    }
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn projection() -> Projection {
    Projection::default()
        .file("bad", "what is bad")
        .file("good", "what is good")
        .directory("bad-dir")
        .file("bad-dir/one", "1")
        .file("bad-dir/two", "2")
}

impl Rig {
    fn new(fault: Fault) -> Self {
        let store = MemoryStore::new();
        let provider = Arc::new(Misbehaving::new(Adapter::new(projection()), fault));
        let engine = start(&store, Arc::clone(&provider));
        Self { engine, provider, store, patience: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        context(&self.patience)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, ErrorKind> {
        read(&self.engine, &self.patience, file)
    }

    fn list(&self, dir: &str) -> Result<Vec<Vec<u8>>, ErrorKind> {
        let found =
            self.engine.lookup(&self.context(), NodeId::ROOT, name(dir)).map_err(|error| error.kind)?;
        let node = found.ok_or(ErrorKind::NotFound)?.node;
        let mut names = Names::default();
        let listed = self.engine.read_dir(&self.context(), node, 0, true, &mut names);
        self.engine.forget(node, 1);
        listed.map(|()| names.0).map_err(|error| error.kind)
    }

    /// The good file is as it should be, whatever is wrong with the bad one; and the bad one comes right.
    fn recovers(&self) {
        assert_eq!(self.read("good").unwrap(), b"what is good");
        self.provider.mend();
        assert_eq!(self.read("bad").unwrap(), b"what is bad");
        assert_eq!(self.list("bad-dir").unwrap().len(), 4);
        self.engine.stop(Duration::from_secs(5));
    }
}

fn start(store: &MemoryStore, provider: Arc<Provider>) -> Arc<Engine> {
    start_with(store, provider, Options { provider_threads: 2, ..Options::default() })
}

fn start_with(store: &MemoryStore, provider: Arc<Provider>, options: Options) -> Arc<Engine> {
    let (store, journal) = (Arc::new(store.clone()), Arc::new(MemoryJournal::new()));
    Arc::new(Engine::start(store, journal, provider, Arc::new(NoCache), options).unwrap())
}

fn context(patience: &CancelToken) -> Context<'_> {
    Context { caller: Caller { pid: 1, uid: 0, gid: 0 }, patience: Patience::Until(patience), request: 0 }
}

fn read(engine: &Engine, patience: &CancelToken, file: &str) -> Result<Vec<u8>, ErrorKind> {
    let context = context(patience);
    let entry = engine.lookup(&context, NodeId::ROOT, name(file)).map_err(|error| error.kind)?;
    let node = entry.ok_or(ErrorKind::NotFound)?.node;
    let opened = engine.open(&context, node, OpenHow { access: Access::Read, truncate: false });
    let result = opened.and_then(|opened| {
        let mut buffer = vec![0; 100];
        let read = engine.read(&context, opened.handle, 0, &mut buffer);
        engine.release(&context, opened.handle);
        read.map(|read| buffer[..read].to_vec())
    });
    engine.forget(node, 1);
    result.map_err(|error| error.kind)
}

#[test]
fn every_error_reaches_the_caller_and_changes_nothing() {
    use ProviderErrorKind::*;
    for kind in [
        AccessDenied,
        InvalidInput,
        OutOfMemory,
        Unavailable,
        TimedOut,
        Cancelled,
        NotSupported,
        Io,
        Internal,
    ] {
        let rig = Rig::new(Fault::Error(kind));
        assert_eq!(rig.read("bad"), Err(ErrorKind::Provider(kind)));
        assert_eq!(rig.list("bad-dir"), Err(ErrorKind::Provider(kind)));
        rig.recovers();
    }
    let rig = Rig::new(Fault::Error(NotFound));
    assert_eq!(rig.read("bad"), Err(ErrorKind::NotFound));
    rig.engine.stop(Duration::from_secs(5));
}

#[test]
fn a_provider_that_takes_too_long_has_failed_and_others_are_served() {
    let timed_out = Err(ErrorKind::Provider(ProviderErrorKind::TimedOut));
    for fault in [Fault::Keep, Fault::Block] {
        let store = MemoryStore::new();
        let provider = Arc::new(Misbehaving::new(Adapter::new(projection()), fault));
        let timeouts = Timeouts::all(Duration::from_millis(50));
        let options = Options { provider_threads: 2, timeouts, ..Options::default() };
        let engine = start_with(&store, Arc::clone(&provider), options);
        let rig = Rig { engine, provider, store, patience: CancelToken::new() };
        // More often than there are threads: one that the provider holds is replaced.
        for _ in 0..5 {
            assert_eq!(rig.read("bad"), timed_out, "{fault:?}");
            assert_eq!(rig.read("good").unwrap(), b"what is good", "{fault:?}");
        }
        assert_eq!(rig.list("bad-dir").map(|_| Vec::new()), timed_out, "{fault:?}");
        rig.provider.release();
        rig.recovers();
    }
}

#[test]
fn a_panic_or_a_dropped_command_is_an_internal_error_of_one_call() {
    for fault in [Fault::Panic, Fault::Drop] {
        let rig = Rig::new(fault);
        // More often than there are threads.
        for _ in 0..5 {
            assert_eq!(rig.read("bad"), Err(ErrorKind::Provider(ProviderErrorKind::Internal)), "{fault:?}");
        }
        rig.recovers();
    }
}

#[test]
fn wrong_data_is_an_error_and_the_file_stays_a_placeholder() {
    for fault in [Fault::ShortData, Fault::EmptyData, Fault::LongData, Fault::DataThenError] {
        let rig = Rig::new(fault);
        for _ in 0..3 {
            assert_eq!(rig.read("bad"), Err(ErrorKind::Provider(ProviderErrorKind::Io)), "{fault:?}");
        }
        let state = rig.engine.state(&rig.context(), path("bad")).unwrap();
        assert_eq!(state.word, StateWord::Placeholder, "{fault:?}");
        rig.recovers();
    }
}

#[test]
fn a_wrong_description_is_refused() {
    for fault in [Fault::WrongName, Fault::WrongMode, Fault::WrongSize, Fault::EmptyTarget] {
        let rig = Rig::new(fault);
        assert_eq!(rig.read("bad"), Err(ErrorKind::BadAnswer), "{fault:?}");
        rig.recovers();
    }
}

#[test]
fn a_listing_out_of_order_is_put_in_order_and_one_with_a_name_twice_is_refused() {
    let rig = Rig::new(Fault::Unsorted);
    assert_eq!(rig.list("bad-dir").unwrap(), [&b"."[..], b"..", b"one", b"two"]);
    rig.recovers();
    let rig = Rig::new(Fault::Duplicate);
    assert_eq!(rig.list("bad-dir"), Err(ErrorKind::BadAnswer));
    rig.recovers();
}

#[test]
fn a_listing_that_goes_round_is_refused() {
    let rig = Rig::new(Fault::Endless);
    assert_eq!(rig.list("bad-dir"), Err(ErrorKind::BadAnswer));
    rig.recovers();
}

#[test]
fn a_listing_without_end_ends_when_nobody_waits_for_it() {
    let rig = Rig::new(Fault::EndlessNames);
    let calls = |name| {
        let calls = rig.engine.statistics().provider_calls;
        calls.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count)
    };
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| rig.list("bad-dir"));
        while calls("next-entries") < 10 {
            std::thread::yield_now();
        }
        rig.patience.cancel();
        assert_eq!(reader.join().unwrap(), Err(ErrorKind::Interrupted));
    });
    let end = Instant::now() + Duration::from_secs(10);
    while calls("end-enumeration") == 0 {
        assert!(Instant::now() < end, "the provider is still asked");
        std::thread::yield_now();
    }
    rig.engine.stop(Duration::from_secs(5));
}

#[test]
fn an_error_when_asked_what_is_beneath_hides_it() {
    let rig = Rig::new(Fault::Error(ProviderErrorKind::Io));
    let context = rig.context();
    // Made where the provider does not answer: refused. What it cannot tell of is hidden when it is deleted.
    rig.provider.mend();
    rig.read("bad").unwrap();
    rig.engine.remove(&context, NodeId::ROOT, name("bad"), RemoveKind::NotDirectory).unwrap();
    assert_eq!(rig.engine.state(&context, path("bad")).unwrap().word, StateWord::Tombstone);
    assert!(rig.engine.lookup(&context, NodeId::ROOT, name("bad")).unwrap().is_none());
    rig.engine.stop(Duration::from_secs(5));
    let again = start(&rig.store, Arc::clone(&rig.provider));
    assert!(again.lookup(&context, NodeId::ROOT, name("bad")).unwrap().is_none(), "after a restart too");
    again.stop(Duration::from_secs(5));
}

#[test]
fn a_blocked_caller_can_be_interrupted_and_the_provider_is_told() {
    for fault in [Fault::Keep, Fault::Block] {
        let rig = Rig::new(fault);
        let (engine, patience) = (Arc::clone(&rig.engine), rig.patience.clone());
        let caller = std::thread::spawn(move || read(&engine, &patience, "bad"));
        rig.provider.wait_for(1);
        rig.patience.cancel();
        assert_eq!(caller.join().unwrap(), Err(ErrorKind::Interrupted), "{fault:?}");
        assert_eq!(rig.provider.cancelled().len(), 1, "{fault:?}");
        rig.provider.mend();
        let patience = CancelToken::new();
        assert_eq!(read(&rig.engine, &patience, "bad").unwrap(), b"what is bad");
        rig.engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn readers_share_one_fetch_and_the_last_gets_the_data() {
    let rig = Rig::new(Fault::Block);
    // Known by name already, so that all of them wait for content.
    rig.provider.mend();
    assert!(rig.engine.lookup(&rig.context(), NodeId::ROOT, name("bad")).unwrap().is_some());
    rig.engine.stop(Duration::from_secs(5));
    let provider = Arc::new(Misbehaving::new(Adapter::new(projection()), Fault::Block));
    let engine = start(&rig.store, Arc::clone(&provider));
    let patiences: Vec<_> = (0..20).map(|_| CancelToken::new()).collect();
    let reader = |patience: &CancelToken| {
        let (engine, patience) = (Arc::clone(&engine), patience.clone());
        std::thread::spawn(move || read(&engine, &patience, "bad"))
    };
    // The one that stays waits before any of the others can be the last to leave.
    let mut readers = vec![reader(&patiences[0])];
    provider.wait_for(1);
    readers.extend(patiences[1..].iter().map(reader));
    for patience in &patiences[1..] {
        patience.cancel();
    }
    let mut results = Vec::new();
    for (at, reader) in readers.into_iter().enumerate().rev() {
        if at == 0 {
            assert!(provider.cancelled().is_empty(), "somebody waits still");
            provider.release();
        }
        results.push(reader.join().unwrap());
    }
    assert_eq!(results.pop().unwrap().unwrap(), b"what is bad");
    assert!(results.into_iter().all(|result| result == Err(ErrorKind::Interrupted)));
    let calls = engine.statistics().provider_calls;
    assert_eq!(calls, [("file-data", 1)]);
    engine.stop(Duration::from_secs(5));
}

#[test]
fn a_stop_frees_everybody_in_time_and_can_be_repeated() {
    let rig = Rig::new(Fault::Keep);
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (engine, patience) = (Arc::clone(&rig.engine), rig.patience.clone());
            std::thread::spawn(move || read(&engine, &patience, "bad"))
        })
        .collect();
    rig.provider.wait_for(1);
    let start = Instant::now();
    rig.engine.stop(Duration::from_secs(20));
    rig.engine.stop(Duration::from_secs(20));
    for caller in callers {
        assert_eq!(caller.join().unwrap(), Err(ErrorKind::Unavailable));
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(rig.read("good"), Err(ErrorKind::Unavailable));
    let provider = Arc::new(Misbehaving::new(Adapter::new(projection()), Fault::Unsorted));
    let again = self::start(&rig.store, provider);
    assert_eq!(read(&again, &CancelToken::new(), "good").unwrap(), b"what is good");
    again.stop(Duration::from_secs(5));
}
