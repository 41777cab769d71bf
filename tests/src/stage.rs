//! `Stage`: an engine on a root on disk, for tests that stop it, or have calls fail, in the middle of something.
//!
//! The tree has an item in every state. What is seen of it is a text, so that two stages can be compared though inode
//! numbers and the time are different.

mod deeds;
mod sample;
mod scenario;
mod view;

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::KernelCache;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_provider::Adapter;
use projfs_provider::CommandHandler;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_store::JournalOptions;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_sync::Arc;
use projfs_testkit::model::EngineSubject;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Subject;
use projfs_testkit::model::errno_of;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::io::Errno;

pub use sample::View;
pub use scenario::Act;
pub use scenario::CONTROLS;
pub use scenario::SCENARIOS;
pub use scenario::Scenario;
pub use view::Seen;

/// How a stop waits for the provider.
const GRACE: Duration = Duration::from_secs(5);
/// Longer files come in parts.
const WHOLE_FILE_LIMIT: u64 = 16 << 10;

/// What is done, and what came of it.
pub type Answer<T> = Result<T, Errno>;

/// An engine on a root on disk.
pub struct Stage {
    engine: Arc<Engine>,
    subject: EngineSubject,
    store: Arc<TreeStore>,
    root: PathBuf,
    token: CancelToken,
}

/// A kernel that keeps nothing.
struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

/// A projection of which any range can be asked for.
struct InParts(Projection);

impl Provider for InParts {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.0.placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.0.enumerate(request)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        self.0.file_data(request, range, sink)
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: DataAccess::Ranges, ..ProviderTraits::default() }
    }
}

fn handler(view: View) -> (Projection, Arc<dyn CommandHandler>) {
    let projection = view.projection();
    let handler = Arc::new(Adapter::new(InParts(projection.clone())));
    (projection, handler)
}

/// A path of a test.
///
/// # Panics
/// If it is none.
pub fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).expect("tests use correct paths")
}

impl Stage {
    /// Opens a root as a mount does, and finishes a switch that was interrupted.
    ///
    /// # Errors
    /// The store's, the engine's.
    pub fn open(root: &Path, view: View, journal: JournalOptions) -> Answer<Self> {
        let store = Arc::new(TreeStore::open(root).map_err(|error| error.errno())?);
        let directory = File::open(root.join(".projfs/journal"));
        let directory = directory.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?.into();
        let journal = Arc::new(TreeJournal::open(directory, journal).map_err(|error| error.errno())?);
        let (projection, handler) = handler(view);
        let options = Options {
            provider_threads: 1,
            open_files: 3,
            whole_file_limit: WHOLE_FILE_LIMIT,
            ..Options::default()
        };
        let engine = Engine::start(Arc::clone(&store) as _, journal, handler, Arc::new(NoCache), options);
        let engine = Arc::new(engine.map_err(|error| errno_of(&error))?);
        let subject = EngineSubject::on(&engine, &projection);
        let root = root.to_owned();
        let stage = Self { engine, subject, store, root, token: CancelToken::new() };
        let finished = stage.engine.finish_switch(&stage.context());
        match finished {
            Ok(()) => Ok(stage),
            Err(error) => {
                stage.close();
                Err(errno_of(&error))
            }
        }
    }

    /// Stops the engine and lets go of the root.
    pub fn close(self) {
        self.engine.stop(GRACE);
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The store below it.
    pub fn store(&self) -> &TreeStore {
        &self.store
    }

    /// On whose behalf things are done.
    pub fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    /// Does something.
    ///
    /// # Errors
    /// What it fails with; `EAGAIN` if something was kept, for a reason that is not told.
    pub fn act(&mut self, op: &Op) -> Answer<Outcome> {
        match self.subject.apply(op) {
            Outcome::Failed(errno) => Err(errno),
            Outcome::Kept(kept) if !kept.is_empty() => Err(Errno::AGAIN),
            outcome => Ok(outcome),
        }
    }

    /// Does things that must succeed.
    ///
    /// # Panics
    /// If one does not.
    pub fn prepare(&mut self, ops: &[Op]) {
        for op in ops {
            if let Err(errno) = self.act(op) {
                panic!("cannot prepare {op:?}: {errno}");
            }
        }
    }

    /// Calls `act` with the node at a path, which is looked up.
    ///
    /// # Errors
    /// Those of lookups, and of `act`.
    pub fn at<T>(
        &self,
        path: &RelPath,
        act: impl FnOnce(&Engine, NodeId) -> projfs_engine::Result<T>,
    ) -> Answer<T> {
        let mut nodes = vec![NodeId::ROOT];
        let mut walk = || {
            let mut node = NodeId::ROOT;
            for name in path.components() {
                let entry =
                    self.engine.lookup(&self.context(), node, name).map_err(|error| errno_of(&error))?;
                node = entry.ok_or(Errno::NOENT)?.node;
                nodes.push(node);
            }
            Ok(node)
        };
        let result = walk().and_then(|node| act(&self.engine, node).map_err(|error| errno_of(&error)));
        nodes.into_iter().skip(1).for_each(|node| self.engine.forget(node, 1));
        result
    }
}
