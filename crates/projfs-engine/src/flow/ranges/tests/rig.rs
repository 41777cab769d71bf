//! An engine over a store in memory, and a source that does as it is told.

use std::time::Duration;

use projfs_provider::Adapter;
use projfs_provider::CancelToken;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_store::Access;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Condvar;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;

use super::super::*;
use crate::HandleId;
use crate::KernelCache;
use crate::OpenHow;
use crate::Opened;
use crate::Options;
use crate::StateWord;

pub(super) const CALLER: Caller = Caller { pid: 1, uid: 0, gid: 0 };
pub(super) const MIB: u64 = 1 << 20;
pub(super) const LONG: u64 = 10 << 30;
pub(super) const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
pub(super) const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };

/// The bytes in a range: every eight of them say where they are.
pub(super) fn bytes(range: Range<u64>) -> Vec<u8> {
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
pub(super) type Behavior =
    Box<dyn Fn(&Request, &Range<u64>) -> std::result::Result<Range<u64>, ProviderError> + Send + Sync>;

/// Files `long` of 10 GiB, `file` of 40 MiB and `small` of 1 MiB.
pub(super) struct Source {
    pub(super) asked: Mutex<Vec<Range<u64>>>,
    pub(super) behavior: Mutex<Arc<Behavior>>,
    pub(super) data: DataAccess,
    /// Where it delivers zeros before anything else.
    pub(super) zeros: Mutex<Option<Range<u64>>>,
}

impl Source {
    pub(super) fn asked(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.asked.lock())
    }

    pub(super) fn behave(
        &self,
        behavior: impl Fn(&Request, &Range<u64>) -> std::result::Result<Range<u64>, ProviderError>
        + Send
        + Sync
        + 'static,
    ) {
        *self.behavior.lock() = Arc::new(Box::new(behavior));
    }
}

pub(super) fn described(name: &ItemName) -> std::result::Result<ProjectedItem, ProviderError> {
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
        let zeros = self.zeros.lock().clone();
        if let Some(zeros) = zeros {
            // Whether they are taken is of no interest to such a provider.
            let _ = sink.write_at(zeros.start, &vec![0; usize::try_from(zeros.end - zeros.start).unwrap()]);
        }
        let given = behavior(request, &range)?;
        sink.write_at(given.start, &bytes(given))
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: self.data, ..ProviderTraits::default() }
    }
}

pub(super) struct NoKernel;

impl KernelCache for NoKernel {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

/// An engine over a store in memory.
pub(super) struct Rig {
    pub(super) source: Arc<Source>,
    pub(super) store: MemoryStore,
    pub(super) engine: Engine,
    pub(super) token: CancelToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::over(MemoryStore::new(), DataAccess::Ranges)
    }

    pub(super) fn over(store: MemoryStore, data: DataAccess) -> Self {
        let behavior: Behavior = Box::new(|_, range| Ok(range.clone()));
        let (asked, behavior) = (Mutex::default(), Mutex::new(Arc::new(behavior)));
        let source = Arc::new(Source { asked, behavior, data, zeros: Mutex::default() });
        let handler = Arc::new(Adapter::new(Arc::clone(&source)));
        let options = Options { provider_threads: 8, ..Options::default() };
        let (journal, kernel) = (Arc::new(MemoryJournal::new()), Arc::new(NoKernel));
        let engine = Engine::start(Arc::new(store.clone()), journal, handler, kernel, options).unwrap();
        Self { source, store, engine, token: CancelToken::new() }
    }

    pub(super) fn context(&self) -> Context<'_> {
        self.until(&self.token)
    }

    fn until<'a>(&self, token: &'a CancelToken) -> Context<'a> {
        Context { caller: CALLER, patience: Patience::Until(token), request: 0 }
    }

    pub(super) fn hasty(&self) -> Context<'static> {
        Context { caller: CALLER, patience: Patience::None, request: 0 }
    }

    pub(super) fn node(&self, name: &str) -> NodeId {
        self.engine.lookup(&self.context(), NodeId::ROOT, named(name)).unwrap().unwrap().node
    }

    pub(super) fn open(&self, name: &str, how: OpenHow) -> Opened {
        self.engine.open(&self.context(), self.node(name), how).unwrap()
    }

    pub(super) fn read(&self, handle: HandleId, range: Range<u64>) -> Result<Vec<u8>> {
        self.read_until(&self.token, handle, range)
    }

    pub(super) fn read_until(
        &self,
        token: &CancelToken,
        handle: HandleId,
        range: Range<u64>,
    ) -> Result<Vec<u8>> {
        let mut buffer = vec![0; usize::try_from(range.end - range.start).unwrap()];
        let count = self.engine.read(&self.until(token), handle, range.start, &mut buffer)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    #[track_caller]
    pub(super) fn check(&self, handle: HandleId, range: Range<u64>) {
        assert!(self.read(handle, range.clone()).unwrap() == bytes(range));
    }

    pub(super) fn close(&self, opened: Opened) {
        self.engine.finish(&self.context(), opened.handle).unwrap();
        self.engine.release(&self.context(), opened.handle);
    }

    pub(super) fn state(&self, name: &str) -> StateWord {
        self.engine.state(&self.context(), &RelPathBuf::new(name).unwrap()).unwrap().word
    }
}

pub(super) fn named(name: &str) -> &ItemName {
    ItemName::new(name.as_bytes()).unwrap()
}

pub(super) fn kind<T>(result: Result<T>) -> ErrorKind {
    result.err().unwrap().kind
}

/// A gate at which questions wait, and tell that they do.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<(usize, bool)>,
    moved: Condvar,
}

impl Gate {
    pub(super) fn pass(&self, token: &CancelToken) -> std::result::Result<(), ProviderError> {
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

    pub(super) fn wait_for(&self, count: usize) {
        let mut state = self.state.lock();
        while state.0 < count {
            self.moved.wait(&mut state);
        }
    }

    pub(super) fn open(&self) {
        self.state.lock().1 = true;
        self.moved.notify_all();
    }
}

/// Questions about the first block wait, all others are answered.
pub(super) fn gated(rig: &Rig) -> Arc<Gate> {
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
pub(super) fn waiting(rig: &Rig, count: usize) {
    let files = || rig.engine.ranges.files.lock().values().find_map(Weak::upgrade);
    let waiters = |file: Arc<RangeFile>| {
        file.progress.lock().flights.values().next().map_or(0, |flight| flight.waiters)
    };
    while files().map_or(0, waiters) != count {
        std::thread::yield_now();
    }
}
