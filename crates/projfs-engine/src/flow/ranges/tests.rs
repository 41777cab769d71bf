use std::time::Duration;

use projfs_provider::Adapter;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_store::Access;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::ProjectedItem;

use super::plan::BLOCK;
use super::*;
use crate::Coverage;
use crate::HandleId;
use crate::KernelCache;
use crate::OpenHow;
use crate::Opened;
use crate::Options;
use crate::RemoveKind;
use crate::RenameHow;
use crate::Seek;
use crate::StateWord;

const CALLER: Caller = Caller { pid: 1, uid: 0, gid: 0 };
const MIB: u64 = 1 << 20;
const LONG: u64 = 10 << 30;
const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };

/// The bytes in a range: every eight of them say where they are.
fn bytes(range: Range<u64>) -> Vec<u8> {
    let (first, last) = (range.start / 8, range.end.div_ceil(8));
    let mut bytes = vec![0; usize::try_from(last - first).unwrap() * 8];
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (index, word) in (first..).zip(words) {
        *word = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    }
    bytes.drain(..usize::try_from(range.start % 8).unwrap());
    bytes.truncate(usize::try_from(range.end - range.start).unwrap());
    bytes
}

/// What the source does with a question, by the range that is asked for.
type Behavior =
    Box<dyn Fn(&Request, &Range<u64>) -> std::result::Result<Range<u64>, ProviderError> + Send + Sync>;

/// Files `long` of 10 GiB, `file` of 40 MiB and `small` of 1 MiB.
struct Source {
    asked: Mutex<Vec<Range<u64>>>,
    behavior: Mutex<Arc<Behavior>>,
    data: DataAccess,
}

impl Source {
    fn asked(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.asked.lock())
    }

    fn behave(
        &self,
        behavior: impl Fn(&Request, &Range<u64>) -> std::result::Result<Range<u64>, ProviderError>
        + Send
        + Sync
        + 'static,
    ) {
        *self.behavior.lock() = Arc::new(Box::new(behavior));
    }
}

fn described(name: &ItemName) -> std::result::Result<ProjectedItem, ProviderError> {
    let size = match name.as_bytes() {
        b"long" => LONG,
        b"file" => 40 * MIB,
        b"small" => MIB,
        _ => return Err(ProviderError::not_found()),
    };
    Ok(ProjectedItem::new(name.to_owned(), PlaceholderInfo::file(size)))
}

impl Provider for Source {
    fn placeholder_info(&self, request: &Request) -> std::result::Result<ProjectedItem, ProviderError> {
        described(request.path().split_last().unwrap().1)
    }

    fn enumerate(&self, _request: &Request) -> std::result::Result<DirEntries, ProviderError> {
        let names = [&b"file"[..], b"long", b"small"].map(|name| ItemName::new(name).unwrap());
        DirEntries::sorted(names.iter().map(|name| described(name).unwrap()).collect())
    }

    fn file_data(
        &self,
        request: &Request,
        range: Range<u64>,
        sink: &DataSink,
    ) -> std::result::Result<(), ProviderError> {
        self.asked.lock().push(range.clone());
        let behavior = Arc::clone(&self.behavior.lock());
        let given = behavior(request, &range)?;
        sink.write_at(given.start, &bytes(given))
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: self.data, ..ProviderTraits::default() }
    }
}

struct NoKernel;

impl KernelCache for NoKernel {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

/// An engine over a store in memory.
struct Rig {
    source: Arc<Source>,
    store: MemoryStore,
    engine: Engine,
    token: CancelToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

impl Rig {
    fn new() -> Self {
        Self::over(MemoryStore::new(), DataAccess::Ranges)
    }

    fn over(store: MemoryStore, data: DataAccess) -> Self {
        let behavior: Behavior = Box::new(|_, range| Ok(range.clone()));
        let (asked, behavior) = (Mutex::default(), Mutex::new(Arc::new(behavior)));
        let source = Arc::new(Source { asked, behavior, data });
        let handler = Arc::new(Adapter::new(Arc::clone(&source)));
        let options = Options { provider_threads: 8, ..Options::default() };
        let (journal, kernel) = (Arc::new(MemoryJournal::new()), Arc::new(NoKernel));
        let engine = Engine::start(Arc::new(store.clone()), journal, handler, kernel, options).unwrap();
        Self { source, store, engine, token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        self.until(&self.token)
    }

    fn until<'a>(&self, token: &'a CancelToken) -> Context<'a> {
        Context { caller: CALLER, patience: Patience::Until(token), request: 0 }
    }

    fn hasty(&self) -> Context<'static> {
        Context { caller: CALLER, patience: Patience::None, request: 0 }
    }

    fn node(&self, name: &str) -> NodeId {
        self.engine.lookup(&self.context(), NodeId::ROOT, named(name)).unwrap().unwrap().node
    }

    fn open(&self, name: &str, how: OpenHow) -> Opened {
        self.engine.open(&self.context(), self.node(name), how).unwrap()
    }

    fn read(&self, handle: HandleId, range: Range<u64>) -> Result<Vec<u8>> {
        self.read_until(&self.token, handle, range)
    }

    fn read_until(&self, token: &CancelToken, handle: HandleId, range: Range<u64>) -> Result<Vec<u8>> {
        let mut buffer = vec![0; usize::try_from(range.end - range.start).unwrap()];
        let count = self.engine.read(&self.until(token), handle, range.start, &mut buffer)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    #[track_caller]
    fn check(&self, handle: HandleId, range: Range<u64>) {
        assert!(self.read(handle, range.clone()).unwrap() == bytes(range));
    }

    fn close(&self, opened: Opened) {
        self.engine.finish(&self.context(), opened.handle).unwrap();
        self.engine.release(&self.context(), opened.handle);
    }

    fn state(&self, name: &str) -> StateWord {
        self.engine.state(&self.context(), &RelPathBuf::new(name).unwrap()).unwrap().word
    }
}

fn named(name: &str) -> &ItemName {
    ItemName::new(name.as_bytes()).unwrap()
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().unwrap().kind
}

fn planned(there: &[Range<u64>], flying: &[Range<u64>], wanted: Range<u64>) -> Vec<Range<u64>> {
    let set = |ranges: &[Range<u64>]| {
        let mut set = RangeSet::default();
        ranges.iter().for_each(|range| set.insert(range.clone()));
        set
    };
    let (there, size) = (set(there), 20 * MIB + 5);
    plan::plan(&|range| there.missing(range.start..range.end.min(size)), &set(flying), &wanted, size)
}

#[test]
fn a_plan_asks_for_the_block_around_and_for_nothing_twice() {
    assert_eq!(planned(&[], &[], 0..1), [0..MIB; 1]);
    assert_eq!(planned(&[], &[], 5 * MIB + 7..5 * MIB + 9), [5 * MIB..6 * MIB; 1]);
    assert_eq!(planned(&[], &[], 20 * MIB..20 * MIB + 5), [20 * MIB..20 * MIB + 5; 1]);
    assert_eq!(planned(&[0..MIB], &[], 0..MIB), []);
    assert_eq!(planned(&[0..7, 9..MIB], &[], 0..MIB), [7..9; 1]);
    // What another read will bring is not asked for.
    assert_eq!(planned(&[], &[MIB..2 * MIB], MIB..MIB + 1), []);
    assert_eq!(planned(&[], &[MIB + 5..2 * MIB], MIB..MIB + 9), [MIB..MIB + 5; 1]);
    // Nor is what lies apart from what is wanted.
    assert_eq!(planned(&[9..10], &[], 0..4), [0..9; 1]);
    // Going on over the end of a block asks for the next block; beginning there asks for no more than a block either.
    assert_eq!(planned(&[0..MIB], &[], MIB - 4096..MIB + 4096), [MIB..2 * MIB; 1]);
    assert_eq!(planned(&[], &[], MIB - 4096..MIB + 4096), [MIB - 65536..2 * MIB - 65536; 1]);
    // What is long comes in pieces.
    assert_eq!(planned(&[], &[], 0..20 * MIB), [0..8 * MIB, 8 * MIB..16 * MIB, 16 * MIB..20 * MIB]);
}

#[test]
fn plans_until_there_is_nothing_to_plan_bring_what_is_wanted() {
    let mut seed = 1_u64;
    let mut random = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let size = 5 * MIB + 12345;
    let mut there = RangeSet::default();
    while !there.covers(&(0..size)) {
        let start = random(size);
        let wanted = start..(start + 1 + random(MIB)).min(size);
        let missing = |range: Range<u64>| there.missing(range.start..range.end.min(size));
        let asked = plan::plan(&missing, &RangeSet::default(), &wanted, size);
        let total: u64 = asked.iter().map(|range| range.end - range.start).sum();
        assert!(total <= BLOCK.max(wanted.end - wanted.start + 65536), "{wanted:?}: {asked:?}");
        for range in asked {
            assert!(there.missing(range.clone()) == [range.clone()], "{range:?} is there");
            there.insert(range);
        }
        assert!(there.covers(&wanted), "{wanted:?}");
    }
}

#[test]
fn a_read_in_the_middle_of_a_long_file_fetches_one_block() {
    let rig = Rig::new();
    let opened = rig.open("long", READ);
    assert_eq!(opened.coverage, Coverage::Partial);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 5 << 30..(5 << 30) + 4096);
    rig.check(opened.handle, (5 << 30) + 100..(5 << 30) + 70000);
    assert_eq!(rig.source.asked(), [5 << 30..(5 << 30) + MIB; 1]);
    rig.check(opened.handle, 0..1);
    rig.check(opened.handle, LONG - 1..LONG);
    assert_eq!(rig.source.asked(), [0..MIB, LONG - MIB..LONG]);
    assert_eq!(rig.read(opened.handle, LONG - 3..LONG + 3).unwrap(), bytes(LONG - 3..LONG));
    assert_eq!(rig.read(opened.handle, LONG..LONG + 3).unwrap(), []);
    // What is not there yet is no hole.
    let seek = |offset, what| rig.engine.seek(&rig.hasty(), opened.handle, offset, what);
    assert_eq!(seek(77, Seek::Data).unwrap(), 77);
    assert_eq!(seek(77, Seek::Hole).unwrap(), LONG);
    rig.engine.sync(&rig.hasty(), opened.handle, false).unwrap();
    assert_eq!(rig.state("long"), StateWord::Placeholder);
    rig.close(opened);
    assert_eq!(rig.state("long"), StateWord::Placeholder);
    assert_eq!(rig.source.asked(), []);
}

#[test]
fn a_file_that_was_read_to_its_end_is_hydrated() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    for at in (0..40 * MIB).step_by(1 << 17) {
        rig.check(opened.handle, at..at + (1 << 17));
    }
    let expected: Vec<_> = (0..40).map(|block| block * MIB..(block + 1) * MIB).collect();
    assert_eq!(rig.source.asked(), expected);
    assert_eq!(kind(rig.engine.finish(&rig.hasty(), opened.handle)), ErrorKind::WouldWait);
    rig.close(opened);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    let again = rig.open("file", READ);
    assert_eq!(again.coverage, Coverage::Whole);
    rig.check(again.handle, 7 * MIB - 5..7 * MIB + 5);
    rig.close(again);
    assert_eq!(rig.source.asked(), []);
    let statistics = rig.engine.statistics();
    assert_eq!((statistics.hydrated_files, statistics.hydrated_bytes), (1, 40 * MIB));
}

#[test]
fn small_files_and_whole_file_providers_are_fetched_in_the_open() {
    let rig = Rig::new();
    assert_eq!(rig.open("small", READ).coverage, Coverage::Whole);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    let rig = Rig::over(MemoryStore::new(), DataAccess::WholeFile);
    assert_eq!(rig.open("file", READ).coverage, Coverage::Whole);
    assert_eq!(rig.source.asked(), [0..40 * MIB; 1]);
}

#[test]
fn an_operation_without_patience_asks_nothing() {
    let rig = Rig::new();
    let node = rig.node("file");
    let opened = rig.engine.open(&rig.hasty(), node, READ).unwrap();
    let mut buffer = [0; 10];
    assert_eq!(kind(rig.engine.read(&rig.hasty(), opened.handle, 0, &mut buffer)), ErrorKind::WouldWait);
    assert_eq!(kind(rig.engine.open(&rig.hasty(), node, WRITE)), ErrorKind::WouldWait);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.engine.read(&rig.hasty(), opened.handle, MIB - 10, &mut buffer).unwrap(), 10);
}

#[test]
fn what_is_short_or_fails_is_an_error_and_leaves_no_zeros() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 2 * MIB..2 * MIB + 1);
    rig.source.behave(|_, range| Ok(range.start..range.end - 1));
    let failed = rig.read(opened.handle, 0..10);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::Io));
    rig.source.behave(|_, _| Err(ProviderErrorKind::Unavailable.into()));
    let failed = rig.read(opened.handle, 0..10);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::Unavailable));
    // What is there is there.
    rig.check(opened.handle, 2 * MIB..3 * MIB);
    rig.source.behave(|_, range| Ok(range.clone()));
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.state("file"), StateWord::Placeholder);
}

#[test]
fn what_is_delivered_unasked_is_kept() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.source.behave(|_, _| Ok(0..40 * MIB));
    rig.check(opened.handle, 9 * MIB..9 * MIB + 10);
    rig.source.asked();
    rig.check(opened.handle, 0..40 * MIB);
    assert_eq!(rig.source.asked(), []);
}

/// A gate at which questions wait, and tell that they do.
#[derive(Default)]
struct Gate {
    state: Mutex<(usize, bool)>,
    moved: Condvar,
}

impl Gate {
    fn pass(&self, token: &CancelToken) -> std::result::Result<(), ProviderError> {
        let mut state = self.state.lock();
        state.0 += 1;
        self.moved.notify_all();
        while !state.1 {
            if token.is_cancelled() {
                return Err(ProviderErrorKind::Cancelled.into());
            }
            self.moved.wait_for(&mut state, Duration::from_millis(1));
        }
        Ok(())
    }

    fn wait_for(&self, count: usize) {
        let mut state = self.state.lock();
        while state.0 < count {
            self.moved.wait(&mut state);
        }
    }

    fn open(&self) {
        self.state.lock().1 = true;
        self.moved.notify_all();
    }
}

/// Questions about the first block wait, all others are answered.
fn gated(rig: &Rig) -> Arc<Gate> {
    let gate = Arc::new(Gate::default());
    let at = Arc::clone(&gate);
    rig.source.behave(move |request, range| {
        if range.start < MIB {
            at.pass(request.cancellation())?;
        }
        Ok(range.clone())
    });
    gate
}

/// Waits until so many wait for the first flight of a file.
fn waiting(rig: &Rig, count: usize) {
    let files = || rig.engine.ranges.files.lock().values().find_map(Weak::upgrade);
    let waiters = |file: Arc<RangeFile>| {
        file.progress.lock().flights.values().next().map_or(0, |flight| flight.waiters)
    };
    while files().map_or(0, waiters) != count {
        std::thread::yield_now();
    }
}

#[test]
fn readers_of_one_range_wait_for_one_command_and_others_do_not() {
    let rig = Rig::new();
    let gate = gated(&rig);
    let opened = rig.open("file", READ);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                scope.spawn({
                    let rig = &rig;
                    move || rig.read(opened.handle, reader * 1000..reader * 1000 + 10).unwrap()
                })
            })
            .collect();
        gate.wait_for(1);
        waiting(&rig, 4);
        rig.check(opened.handle, 5 * MIB..5 * MIB + 10);
        gate.open();
        for (reader, thread) in (0..).zip(readers) {
            assert_eq!(thread.join().unwrap(), bytes(reader * 1000..reader * 1000 + 10));
        }
    });
    assert_eq!(rig.source.asked(), [0..MIB, 5 * MIB..6 * MIB]);
}

#[test]
fn the_last_reader_to_leave_cancels_the_command() {
    let rig = Rig::new();
    let gate = gated(&rig);
    let opened = rig.open("file", READ);
    let (one, other) = (CancelToken::new(), CancelToken::new());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| rig.read_until(&one, opened.handle, 0..10));
        gate.wait_for(1);
        let second = scope.spawn(|| rig.read_until(&other, opened.handle, 20..30));
        waiting(&rig, 2);
        one.cancel();
        assert_eq!(kind(first.join().unwrap()), ErrorKind::Interrupted);
        assert!(!second.is_finished());
        waiting(&rig, 1);
        other.cancel();
        assert_eq!(kind(second.join().unwrap()), ErrorKind::Interrupted);
    });
    gate.open();
    rig.check(opened.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB, 0..MIB]);
}

#[test]
fn an_error_of_one_range_is_not_one_of_another() {
    let rig = Rig::new();
    rig.source.behave(|_, range| match range.contains(&(3 * MIB)) {
        true => Err(ProviderErrorKind::TimedOut.into()),
        false => Ok(range.clone()),
    });
    let opened = rig.open("file", READ);
    let failed = rig.read(opened.handle, 2 * MIB..4 * MIB);
    assert_eq!(kind(failed), ErrorKind::Provider(ProviderErrorKind::TimedOut));
    rig.check(opened.handle, MIB..3 * MIB);
    rig.check(opened.handle, 4 * MIB..5 * MIB);
    // Hydrating it fails as a whole, and changes nothing.
    let path = RelPathBuf::new("file").unwrap();
    rig.source.behave(|_, range| match range.contains(&(30 * MIB)) {
        true => Err(ProviderErrorKind::TimedOut.into()),
        false => Ok(range.clone()),
    });
    assert!(rig.engine.hydrate_path(&rig.context(), &path, &mut |_| {}).is_err());
    assert_eq!(rig.state("file"), StateWord::Placeholder);
    rig.source.behave(|_, range| Ok(range.clone()));
    rig.source.asked();
    rig.engine.hydrate_path(&rig.context(), &path, &mut |_| {}).unwrap();
    // What was there, or came in the meantime, is not asked for again.
    assert!(rig.source.asked().iter().all(|range| !range.contains(&MIB) && !range.contains(&(4 * MIB))));
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    rig.check(opened.handle, 0..40 * MIB);
}

#[test]
fn opening_for_writing_fetches_the_rest_once() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let writer = rig.open("file", WRITE);
    assert_eq!(writer.coverage, Coverage::Whole);
    let asked = rig.source.asked();
    assert_eq!(asked.iter().map(|range| range.end - range.start).sum::<u64>(), 40 * MIB);
    assert_eq!(rig.state("file"), StateWord::Full);
    rig.engine.write(&rig.context(), writer.handle, 4, b"written").unwrap();
    assert_eq!(rig.read(reader.handle, 4..11).unwrap(), b"written");
    rig.check(reader.handle, 11..2 * MIB);
    rig.close(writer);
    rig.close(reader);
    assert_eq!(rig.source.asked(), []);
}

#[test]
fn truncating_fetches_nothing_and_is_seen_by_readers() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    rig.source.asked();
    let writer = rig.open("file", OpenHow { access: Access::ReadWrite, truncate: true });
    assert_eq!(rig.read(reader.handle, 0..10).unwrap(), []);
    rig.engine.write(&rig.context(), writer.handle, 0, b"new").unwrap();
    assert_eq!(rig.read(reader.handle, 0..10).unwrap(), b"new");
    assert_eq!(rig.source.asked(), []);
    assert_eq!(rig.state("file"), StateWord::Full);
}

#[test]
fn a_deleted_file_goes_on_for_those_who_have_it_open() {
    let rig = Rig::new();
    let (node, reader) = (rig.node("file"), rig.open("file", READ));
    rig.check(reader.handle, 0..1);
    rig.engine.remove(&rig.context(), NodeId::ROOT, named("file"), RemoveKind::NotDirectory).unwrap();
    rig.check(reader.handle, 0..10);
    rig.check(reader.handle, 9 * MIB..9 * MIB + 10);
    assert_eq!(rig.source.asked(), [0..MIB, 9 * MIB..10 * MIB]);
    let stat = rig.engine.attributes(&rig.context(), node).unwrap();
    assert_eq!((stat.size, stat.links), (40 * MIB, 0));
    let again = rig.engine.open(&rig.context(), node, READ).unwrap();
    rig.check(again.handle, 9 * MIB..9 * MIB + 10);
    assert_eq!(kind(rig.engine.open(&rig.context(), node, WRITE)), ErrorKind::NotFound);
    rig.close(again);
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(reader);
    assert!(rig.engine.attributes(&rig.context(), node).is_err());
    assert!(rig.engine.lookup(&rig.context(), NodeId::ROOT, named("file")).unwrap().is_none());
}

#[test]
fn a_file_that_moves_keeps_its_parts() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let (from, to) = ((NodeId::ROOT, named("file")), (NodeId::ROOT, named("other")));
    rig.engine.rename(&rig.context(), from, to, RenameHow::Replace).unwrap();
    rig.source.asked();
    rig.check(reader.handle, 0..10);
    let other = rig.open("other", READ);
    rig.check(other.handle, 0..10);
    rig.check(other.handle, MIB..2 * MIB);
    assert_eq!(rig.source.asked(), [MIB..2 * MIB; 1]);
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(other);
    rig.close(reader);
    assert_eq!(rig.state("other"), StateWord::Hydrated);
    // And what replaces a file drops its parts.
    let long = rig.open("long", READ);
    rig.check(long.handle, 0..1);
    let (from, to) = ((NodeId::ROOT, named("other")), (NodeId::ROOT, named("long")));
    rig.engine.rename(&rig.context(), from, to, RenameHow::Replace).unwrap();
    rig.check(long.handle, 3 << 30..(3 << 30) + 10);
    rig.close(long);
    let replaced = rig.open("long", READ);
    assert_eq!(replaced.coverage, Coverage::Whole);
    rig.check(replaced.handle, 5..10);
}

#[test]
fn dehydrating_drops_the_parts() {
    let rig = Rig::new();
    let reader = rig.open("file", READ);
    rig.check(reader.handle, 0..1);
    let path = RelPathBuf::new("file").unwrap();
    rig.engine.dehydrate_path(&rig.context(), &path, false, &mut |_, kept| kept.unwrap()).unwrap();
    assert_eq!(rig.state("file"), StateWord::Virtual);
    rig.check(reader.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    let again = rig.open("file", READ);
    rig.check(again.handle, 0..10);
    assert_eq!(rig.source.asked(), [0..MIB; 1]);
    // The first reader's parts are whole, and nobody's but its own.
    rig.check(reader.handle, 0..40 * MIB);
    rig.close(reader);
    assert_eq!(rig.state("file"), StateWord::Placeholder);
    rig.check(again.handle, 0..40 * MIB);
    rig.close(again);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
}

#[test]
fn parts_are_kept_when_the_engine_is_started_again() {
    let rig = Rig::new();
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 0..20 * MIB);
    let store = rig.store.clone();
    drop(rig);
    let rig = Rig::over(store.clone(), DataAccess::Ranges);
    let opened = rig.open("file", READ);
    rig.check(opened.handle, 0..20 * MIB);
    assert_eq!(rig.source.asked(), []);
    rig.check(opened.handle, 0..40 * MIB);
    assert_eq!(rig.source.asked().iter().map(|range| range.end - range.start).sum::<u64>(), 20 * MIB);
    drop(rig);
    // Whole, but not closed: the next open gives it its name.
    let rig = Rig::over(store, DataAccess::Ranges);
    assert_eq!(rig.open("file", READ).coverage, Coverage::Whole);
    assert_eq!(rig.state("file"), StateWord::Hydrated);
    assert_eq!(rig.source.asked(), []);
}
