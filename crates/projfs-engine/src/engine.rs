//! `Engine`: a projected file system without a mount.

use std::time::Duration;

use projfs_provider::CommandHandler;
use projfs_provider::Lifetime;
use projfs_store::Journal;
use projfs_store::Store;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_sync::mutex;
use projfs_types::Caller;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::JournalEntry;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::RelPathBuf;
use projfs_types::Stat;
use projfs_types::What;
use projfs_types::collation::Collation;

use crate::command::CommandTable;
use crate::command::Timeouts;
use crate::enumerate::Listings;
use crate::error::Result;
use crate::files::OpenFiles;
use crate::flow::hydrate::Flights;
use crate::flow::ranges::Ranges;
use crate::flow::spelling::Spellings;
use crate::handle::HandleTable;
use crate::lock::Locks;
use crate::negative::NegativeCache;
use crate::node::table::NodeTable;
use crate::notify::Notifier;
use crate::op::Kept;
use crate::policy::HydrationPolicy;
use crate::port::Context;
use crate::port::KernelCache;

/// A projected file system without a mount: one method per operation. Operations take nodes and names, as the
/// kernel gives them; the rooms below `op` have them.
pub struct Engine {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) kernel: Arc<dyn KernelCache>,
    pub(crate) commands: Arc<CommandTable>,
    pub(crate) options: Options,
    /// Owner and group of what is projected.
    pub(crate) owner: (u32, u32),
    pub(crate) locks: Locks,
    pub(crate) nodes: NodeTable,
    pub(crate) handles: HandleTable,
    pub(crate) files: Arc<OpenFiles>,
    pub(crate) listings: Arc<Listings>,
    pub(crate) negative: NegativeCache,
    pub(crate) spellings: Spellings,
    /// Held by who switches the view. Outermost, and by nobody else.
    pub(crate) switching: Mutex<()>,
    pub(crate) flights: Flights,
    pub(crate) ranges: Ranges,
    pub(crate) notifier: Notifier,
    pub(crate) counters: Arc<Counters>,
    pub(crate) kept: Kept,
    /// Called after every journal entry's change, for those who watch.
    pub(crate) watchers: Mutex<Vec<std::sync::mpsc::SyncSender<()>>>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Before the store, which lets the next one in; and whoever still reads the journal holds nobody up.
        self.journal.close();
    }
}

/// How an engine behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many threads run provider calls (`PoolThreadCount`), at least 1.
    pub provider_threads: usize,
    /// How many files of the store stay open, at least 2.
    pub open_files: usize,
    /// Whether projected directories can be renamed.
    pub directory_renames: DirectoryRenames,
    /// Files of up to this many bytes are fetched whole when they are opened. Longer ones come as they are read, if the
    /// provider gives ranges.
    pub whole_file_limit: u64,
    /// Of which paths, and everything below them, the provider hears what (`PRJ_NOTIFICATION_MAPPING`). The deepest one
    /// above an item decides; of two for one path, the last. None, unless set.
    pub notifications: Vec<(RelPathBuf, NotifyMask)>,
    /// Whether a caller is the provider itself: it is not notified of what it does. Nobody is, unless set.
    pub is_provider: fn(Caller) -> bool,
    /// Who may cause content to be fetched.
    pub hydration: HydrationPolicy,
    /// When two names are the same.
    pub collation: Collation,
    /// How long the provider may take.
    pub timeouts: Timeouts,
    /// Which names the provider said do not exist are remembered.
    pub negative_paths: NegativePaths,
}

/// Whether names that the provider said do not exist are remembered, here and in the kernel, until something appears
/// there or they are cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NegativePaths {
    /// They are, if the provider says that what it says holds for ever.
    #[default]
    AsLifetime,
    /// They are (`PRJ_FLAG_USE_NEGATIVE_PATH_CACHE`).
    Remember,
    /// They are not: it is asked each time.
    Ask,
}

/// Whether projected directories can be renamed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectoryRenames {
    /// They can, in constant time.
    #[default]
    Allow,
    /// They are answered with `EXDEV`, so that `mv` copies; Windows refuses them too.
    Refuse,
}

/// How many files stay open unless it is set: with few descriptors not more than a quarter of them, as directories take
/// descriptors too, and so does the rest of the process.
fn open_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.map_or(OPEN_FILES, |limit| {
        usize::try_from(limit / 4).map_or(OPEN_FILES, |most| most.min(OPEN_FILES))
    })
}

/// How many files stay open where there are descriptors enough.
const OPEN_FILES: usize = 256;

impl Default for Options {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            provider_threads: 2 * processors,
            open_files: open_files(),
            directory_renames: DirectoryRenames::Allow,
            whole_file_limit: 16 << 20,
            notifications: Vec::new(),
            is_provider: |_| false,
            hydration: HydrationPolicy::default(),
            collation: Collation::Sensitive,
            timeouts: Timeouts::default(),
            negative_paths: NegativePaths::default(),
        }
    }
}

/// What the kernel is told of an item.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The node, to which the kernel now refers once more.
    pub node: NodeId,
    /// What the item shows.
    pub stat: Stat,
}

/// What was done so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) hydrated_files: AtomicU64,
    pub(crate) hydrated_bytes: AtomicU64,
}

/// What an engine did, and holds, so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How often the provider was asked each question.
    pub provider_calls: Vec<(&'static str, u64)>,
    /// How many files were hydrated since the start.
    pub hydrated_files: u64,
    /// How many bytes that were.
    pub hydrated_bytes: u64,
    /// How many placeholders are noted.
    pub placeholders: u64,
    /// How many nodes the kernel or an open handle refers to.
    pub nodes: usize,
    /// How many files are open.
    pub handles: usize,
    /// How many projected entries are kept in memory.
    pub listed_entries: usize,
}

impl Engine {
    /// An engine over a store. Provider calls begin with the first operation that needs one.
    ///
    /// # Errors
    /// The store's, if the root cannot be read; the system's, if it gives no threads.
    pub fn start(
        store: Arc<dyn Store>,
        journal: Arc<dyn Journal>,
        handler: Arc<dyn CommandHandler>,
        kernel: Arc<dyn KernelCache>,
        options: Options,
    ) -> Result<Self> {
        let root = store.look_root()?;
        let notifier = Notifier::new(&options.notifications, options.collation);
        let commands = CommandTable::start(handler, options.provider_threads.max(1), options.timeouts)
            .map_err(|error| crate::Error {
                kind: crate::ErrorKind::Unavailable,
                path: RelPathBuf::root(),
                source: Some(error.into()),
            })?;
        let files = Arc::new(OpenFiles::new(options.open_files));
        let (own, kept) = (Arc::clone(&files), Arc::clone(&kernel));
        let gone = move |node| {
            own.remove(node);
            kept.node_gone(node);
        };
        Ok(Self {
            nodes: NodeTable::new(root.stat.number, Box::new(gone)),
            owner: store.owner(),
            store,
            journal,
            kernel,
            commands,
            files,
            options,
            locks: Locks::new(),
            handles: HandleTable::default(),
            listings: Arc::new(Listings::new()),
            negative: NegativeCache::default(),
            spellings: Spellings::default(),
            switching: mutex(Rank::Switch, ()),
            flights: Flights::default(),
            ranges: Ranges::default(),
            notifier,
            counters: Arc::default(),
            kept: Kept::default(),
            watchers: Mutex::default(),
        })
    }

    /// Begins to stop: who waits for the provider, or would, is told that the instance stops. Comes before requests are
    /// interrupted for its sake, which would look like an interrupt of the caller's own.
    pub fn close(&self) {
        self.commands.stopping().cancel();
    }

    /// Cancels what waits for the provider and refuses what would. No provider call begins after this returned; those
    /// that do not return within `grace` are left behind.
    pub fn stop(&self, grace: Duration) {
        self.commands.stop(grace);
        self.record_open_files();
        self.watchers.lock().clear();
    }

    /// How long listings hold; for ever if nothing is returned.
    pub fn lifetime(&self) -> Option<Duration> {
        match self.commands.traits().lifetime {
            Lifetime::Stable => None,
            Lifetime::Pinned => Some(Duration::ZERO),
            Lifetime::Chosen(lifetime) => Some(lifetime),
        }
    }

    /// How long the kernel may keep the names and attributes of what was looked up; for ever if nothing is returned.
    pub fn item_lifetime(&self) -> Option<Duration> {
        match self.commands.traits().lifetime {
            Lifetime::Stable | Lifetime::Pinned => None,
            Lifetime::Chosen(lifetime) => Some(lifetime),
        }
    }

    /// How long the provider may take to answer.
    pub fn timeouts(&self) -> Timeouts {
        self.options.timeouts
    }

    /// When two names are the same. Where spelling does not matter, the kernel may keep no name: it would not know which
    /// others lead to the same item.
    pub fn collation(&self) -> Collation {
        self.options.collation
    }

    /// How long the kernel may keep that a name leads nowhere; for ever if nothing is returned.
    pub fn negative_lifetime(&self) -> Option<Duration> {
        match self.options.negative_paths {
            NegativePaths::AsLifetime => self.lifetime(),
            NegativePaths::Remember => None,
            NegativePaths::Ask => Some(Duration::ZERO),
        }
    }

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            provider_calls: self.commands.counts(),
            hydrated_files: self.counters.hydrated_files.load(Ordering::Relaxed),
            hydrated_bytes: self.counters.hydrated_bytes.load(Ordering::Relaxed),
            placeholders: self.store.notes(),
            nodes: self.nodes.len(),
            handles: self.handles.len(),
            listed_entries: self.listings.len(),
        }
    }

    /// What happened to items, in order. While the engine works, [`changes`](Self::changes) reads it.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    /// A channel that gets something to receive after the journal grew; closed when the instance stops.
    pub fn watch(&self) -> std::sync::mpsc::Receiver<()> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        if !self.commands.stopping().is_cancelled() {
            self.watchers.lock().push(sender);
        }
        receiver
    }

    /// Appends to the journal, before the change.
    pub(crate) fn record(
        &self,
        context: &Context<'_>,
        path: RelPathBuf,
        kind: ItemKind,
        what: What,
    ) -> Result<()> {
        self.journal.append(&JournalEntry { path, kind, what, request: context.request })?;
        let full = |error: &std::sync::mpsc::TrySendError<()>| {
            matches!(error, std::sync::mpsc::TrySendError::Full(()))
        };
        self.watchers.lock().retain(|watcher| watcher.try_send(()).as_ref().err().is_none_or(full));
        Ok(())
    }

    /// Whether a name is ours: the store's directory in the root.
    pub(crate) fn is_reserved(parent: NodeId, name: &ItemName) -> bool {
        parent == NodeId::ROOT && name.as_bytes() == projfs_store::STORE_DIRECTORY
    }
}
