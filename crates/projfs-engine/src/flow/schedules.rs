//! Hydration under every schedule: content is fetched once for all who wait for it, and whoever stays has it.
//!
//! Who looked at the file before its content came, and asks after it did, fetches it once more, in vain: that happens,
//! but never while somebody else fetches.

use std::ops::Range;
use std::time::Duration;

use projfs_provider::Adapter;
use projfs_provider::CancelToken;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_store::Access;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::model::check;
use projfs_sync::thread;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;

use crate::Engine;
use crate::KernelCache;
use crate::OpenHow;
use crate::Options;
use crate::error::ErrorKind;
use crate::port::Context;
use crate::port::Patience;

const TEXT: &[u8] = b"content";
const STOP: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Source {
    fetching: Mutex<usize>,
    /// Somebody leaves: a fetch that is left may go on for a moment.
    left: Mutex<bool>,
    /// Whether content is held back until somebody lets it go, or nobody waits for it.
    held: Mutex<bool>,
}

fn item() -> ProjectedItem {
    let name = ItemName::new(b"file").unwrap().to_owned();
    ProjectedItem::new(name, PlaceholderInfo::file(TEXT.len() as u64))
}

impl Source {
    fn release(&self) {
        *self.held.lock() = false;
    }
}

impl Provider for Source {
    fn placeholder_info(&self, _: &Request) -> Result<ProjectedItem, ProviderError> {
        Ok(item())
    }

    fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::sorted(vec![item()])
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        {
            let mut fetching = self.fetching.lock();
            *fetching += 1;
            assert!(*fetching == 1 || *self.left.lock(), "the provider is asked twice at a time");
        }
        let mut held = self.held.lock();
        while *held && !request.cancellation().is_cancelled() {
            drop(held);
            thread::yield_now();
            held = self.held.lock();
        }
        drop(held);
        let written = sink.write_at(0, TEXT);
        *self.fetching.lock() -= 1;
        written
    }
}

struct NoKernel;

impl KernelCache for NoKernel {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

struct Rig {
    source: Arc<Source>,
    engine: Arc<Engine>,
    node: NodeId,
}

fn context(token: &CancelToken) -> Context<'_> {
    Context { caller: Caller { pid: 1, uid: 0, gid: 0 }, patience: Patience::Until(token), request: 0 }
}

type Heard = Result<Vec<u8>, ErrorKind>;

impl Rig {
    fn new() -> Self {
        let source = Arc::new(Source::default());
        let handler = Arc::new(Adapter::new(Arc::clone(&source)));
        let options = Options { provider_threads: 2, ..Options::default() };
        let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
        let engine = Engine::start(store, journal, handler, Arc::new(NoKernel), options).unwrap();
        let name = ItemName::new(b"file").unwrap();
        let found = engine.lookup(&context(&CancelToken::new()), NodeId::ROOT, name).unwrap();
        Self { source, engine: Arc::new(engine), node: found.unwrap().node }
    }

    /// Opens the file for reading and reads it.
    fn reads(&self, token: &CancelToken) -> thread::JoinHandle<Heard> {
        let (engine, node, token) = (Arc::clone(&self.engine), self.node, token.clone());
        thread::spawn(move || {
            let how = OpenHow { access: Access::Read, truncate: false };
            let opened = engine.open(&context(&token), node, how).map_err(|error| error.kind)?;
            let mut bytes = vec![0; TEXT.len() + 1];
            let patient = CancelToken::new();
            let count = engine.read(&context(&patient), opened.handle, 0, &mut bytes).unwrap();
            bytes.truncate(count);
            engine.release(&context(&patient), opened.handle);
            Ok(bytes)
        })
    }

    fn end(self) {
        self.engine.stop(STOP);
    }
}

#[test]
fn content_is_fetched_once_for_all_who_open_the_file() {
    check(|| {
        let (rig, token) = (Rig::new(), CancelToken::new());
        for reader in [rig.reads(&token), rig.reads(&token)] {
            assert_eq!(reader.join().unwrap().as_deref(), Ok(TEXT));
        }
        rig.end();
    });
}

#[test]
fn who_leaves_a_fetch_takes_it_from_nobody_else() {
    check(|| {
        let (rig, token, interrupted) = (Rig::new(), CancelToken::new(), CancelToken::new());
        *rig.source.left.lock() = true;
        let leaves = rig.reads(&interrupted);
        let stays = rig.reads(&token);
        interrupted.cancel();
        assert_eq!(stays.join().unwrap().as_deref(), Ok(TEXT));
        let left = leaves.join().unwrap();
        assert!(left.as_deref() == Ok(TEXT) || left == Err(ErrorKind::Interrupted), "{left:?}");
        rig.end();
    });
}

#[test]
fn a_fetch_that_all_have_left_is_cancelled() {
    check(|| {
        let (rig, first, second) = (Rig::new(), CancelToken::new(), CancelToken::new());
        *rig.source.held.lock() = true;
        *rig.source.left.lock() = true;
        let readers = [rig.reads(&first), rig.reads(&second)];
        first.cancel();
        second.cancel();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), Err(ErrorKind::Interrupted));
        }
        // It does not end before the provider is told that nobody waits.
        rig.end();
    });
}

#[test]
fn a_stop_ends_every_fetch() {
    check(|| {
        let (rig, token) = (Rig::new(), CancelToken::new());
        *rig.source.held.lock() = true;
        *rig.source.left.lock() = true;
        let readers = [rig.reads(&token), rig.reads(&token)];
        rig.engine.stop(STOP);
        for reader in readers {
            let heard = reader.join().unwrap();
            assert_eq!(heard, Err(ErrorKind::Unavailable));
        }
        rig.source.release();
    });
}
