//! `InstanceBuilder`: how an instance is to be, and its start.

use std::path::Path;
use std::time::Duration;

use projfs_engine::DirectoryRenames;
use projfs_engine::Engine;
use projfs_engine::HydrationPolicy;
use projfs_engine::KernelCache;
use projfs_engine::NegativePaths;
use projfs_engine::Timeouts;
use projfs_fuse::Config;
use projfs_fuse::EngineService;
use projfs_fuse::KernelLink;
use projfs_fuse::Session;
use projfs_fuse::mount::Target;
use projfs_fuse::worker::WorkerLimits;
use projfs_provider::Adapter;
use projfs_provider::CancelToken;
use projfs_provider::CommandHandler;
use projfs_provider::Provider;
use projfs_store::JournalOptions;
use projfs_store::Store;
use projfs_sync::Arc;
use projfs_types::Caller;
use projfs_types::NotifyMask;
use projfs_types::RelPath;
use projfs_types::collation::Collation;

use crate::Error;
use crate::ErrorKind;
use crate::Result;
use crate::VirtualizationInstance;
use crate::VirtualizationRoot;
use crate::instance::Live;
use crate::instance::Origin;
use crate::instance::context;
use crate::keeper::Keeper;

/// How long threads that have nothing to do may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// How requests come from the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// By io_uring where the kernel offers it, else by `/dev/fuse`.
    #[default]
    Auto,
    /// By io_uring, or not at all.
    IoUring,
    /// By `/dev/fuse`.
    Classic,
}

/// Whether the kernel reads and writes files that are on disk by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passthrough {
    /// Where it can: Linux 6.9, and root.
    #[default]
    Auto,
    /// Everything goes through this process.
    Off,
}

/// Whether the instance can be asked from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// By a socket in the user's runtime directory, which the command `projfs` uses.
    #[default]
    Socket,
    /// It cannot.
    Off,
}

/// Who may use the mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Users {
    /// The user who mounts.
    #[default]
    Owner,
    /// Every user, as permission bits say. Users other than root need `user_allow_other` in `/etc/fuse.conf`.
    All,
}

/// How an instance is to be. Made by [`VirtualizationInstance::builder`].
#[derive(Debug)]
#[must_use]
pub struct InstanceBuilder {
    root: VirtualizationRoot,
    engine: projfs_engine::Options,
    transport: Transport,
    passthrough: Passthrough,
    control: Control,
    users: Users,
    request_threads: usize,
    journal: JournalOptions,
    source: String,
    keeper: Option<Keeper>,
}

impl InstanceBuilder {
    pub(crate) fn new(root: VirtualizationRoot) -> Self {
        Self {
            root,
            engine: projfs_engine::Options { is_provider: is_own, ..projfs_engine::Options::default() },
            transport: Transport::default(),
            passthrough: Passthrough::default(),
            control: Control::default(),
            users: Users::default(),
            request_threads: WorkerLimits::default().threads,
            journal: JournalOptions::default(),
            source: "projfs".to_owned(),
            keeper: None,
        }
    }

    /// How many threads run provider calls, at least 1 (`PoolThreadCount`); twice the processors unless set.
    pub fn provider_threads(mut self, count: usize) -> Self {
        self.engine.provider_threads = count.max(1);
        self
    }

    /// How many requests may wait for the provider at a time, each on a thread of its own; 256 unless set. More are
    /// queued.
    pub fn request_threads(mut self, count: usize) -> Self {
        self.request_threads = count.max(1);
        self
    }

    /// How many files of the root this process keeps open, at least 2; unless set 256, or a quarter of the descriptors that
    /// it may have if that is less. A file that is open
    /// in the mount needs none of them while it is not used.
    pub fn open_files(mut self, count: usize) -> Self {
        self.engine.open_files = count.max(2);
        self
    }

    /// Whether projected directories can be renamed; they can unless set.
    pub fn directory_renames(mut self, renames: DirectoryRenames) -> Self {
        self.engine.directory_renames = renames;
        self
    }

    /// Up to how many bytes a file is fetched whole when it is opened; 16 MiB unless set. A longer one comes as it is
    /// read, if the provider says that it gives ranges ([`DataAccess::Ranges`]); from one that does not, every file is
    /// fetched whole.
    ///
    /// [`DataAccess::Ranges`]: projfs_provider::DataAccess::Ranges
    pub fn whole_file_limit(mut self, bytes: u64) -> Self {
        self.engine.whole_file_limit = bytes;
        self
    }

    /// Up to how many bytes of the journal are kept; 64 MiB unless set. An entry takes about 50 bytes and the length of
    /// its path. The oldest are dropped beyond it, whoever may still need them, and sooner if all registered readers
    /// have acknowledged them: see [`JournalReader`](crate::JournalReader). They go by the segment, a sixteenth of this
    /// but from 4 KiB to 1 MiB, and the last segment stays.
    pub fn journal_limit(mut self, bytes: u64) -> Self {
        self.journal = JournalOptions::with_limit(bytes);
        self
    }

    /// Of what the provider hears at a path and below it, and what it is asked there (`PRJ_NOTIFICATION_MAPPING`);
    /// nothing unless set. The path needs not exist. Of several above an item the deepest decides, alone; of two for one
    /// path the last. What the provider's own process does is not told. The listing of a directory is told as the open
    /// and the close of it, which the kernel must then ask for.
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/ns-projectedfslib-prj_notification_mapping>
    pub fn notify(mut self, path: &RelPath, mask: NotifyMask) -> Self {
        self.engine.notifications.push((path.to_owned(), mask));
        self
    }

    /// Who may cause content to be fetched: who may not gets `EACCES` where a file would have to be, and everything else
    /// as usual. For indexers and scanners, which would otherwise fetch all there is. Everybody may, unless set.
    ///
    /// [`executables_do_not_hydrate`] is a policy by the names of programs.
    pub fn hydration(mut self, policy: HydrationPolicy) -> Self {
        self.engine.hydration = policy;
        self
    }

    /// When two names are the same; when their bytes are, unless set. With [`Collation::Insensitive`] an item is found
    /// under every spelling and listed under its own, as on Windows; the kernel then asks at every use of a name, and
    /// nothing of a directory is found without reading it once after each change.
    pub fn collation(mut self, collation: Collation) -> Self {
        self.engine.collation = collation;
        self
    }

    /// Whether it is remembered, until [`clear_negative_path_cache`], which names the provider said do not exist
    /// (`PRJ_FLAG_USE_NEGATIVE_PATH_CACHE`). Without it the provider is asked each time such a name is looked up. Unless
    /// set it is remembered if the provider says that its answers hold for ever ([`Lifetime::Stable`]).
    ///
    /// [`clear_negative_path_cache`]: VirtualizationInstance::clear_negative_path_cache
    /// [`Lifetime::Stable`]: projfs_provider::Lifetime::Stable
    pub fn negative_path_cache(mut self, remember: bool) -> Self {
        self.engine.negative_paths = if remember { NegativePaths::Remember } else { NegativePaths::Ask };
        self
    }

    /// How long the provider may take to answer; for ever unless set, as on Windows. Who waits for an answer that does not
    /// come in time gets `ETIMEDOUT`, nothing has changed, and the next access asks again. A provider thread that does not
    /// return is replaced.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.engine.timeouts = timeouts;
        self
    }

    /// How requests come from the kernel.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Whether the kernel reads and writes files that are on disk by itself.
    pub fn passthrough(mut self, passthrough: Passthrough) -> Self {
        self.passthrough = passthrough;
        self
    }

    /// Who may use the mount.
    pub fn users(mut self, users: Users) -> Self {
        self.users = users;
        self
    }

    /// Whether the instance can be asked from outside.
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }

    /// What is projected, in words: `mount`, `df` and `projfs list` show it. Nothing depends on it.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// Has the mount outlive this process: the keeper that has started it starts it again if it dies, and callers wait
    /// until then. Requests then come by `/dev/fuse`, whatever [`transport`](Self::transport) says: those that a ring has
    /// delivered to a process that died are lost to the kernel. Needs Linux 6.9.
    ///
    /// A process that goes on with a mount ([`Keeper::path`]) must be given the root that
    /// [`VirtualizationRoot::resume`] opens, and the options of the process before it.
    pub fn keeper(mut self, keeper: Keeper) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Mounts a provider. The mount can be used when this returns (`PrjStartVirtualizing`).
    ///
    /// # Errors
    /// As [`start_handler`](Self::start_handler).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjstartvirtualizing>
    pub fn start(self, provider: impl Provider) -> Result<VirtualizationInstance> {
        self.start_handler(Arc::new(Adapter::new(provider)))
    }

    /// Mounts what answers commands. The mount can be used when this returns.
    ///
    /// # Errors
    /// [`Fuse`](ErrorKind::Fuse) if the kernel has no FUSE, or refuses, or [`Transport::IoUring`] is not to be had;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) if this user may not mount here;
    /// [`Control`](ErrorKind::Control) if the socket cannot be made; those of the root's store; those of a
    /// [`switch`](VirtualizationInstance::switch) that was interrupted and is finished first. Nothing is mounted then.
    pub fn start_handler(self, handler: Arc<dyn CommandHandler>) -> Result<VirtualizationInstance> {
        if self.keeper.is_some() && self.transport == Transport::IoUring {
            let detail =
                "what a ring has delivered to a process that dies is lost: a mount has a keeper or io_uring";
            return Err(Error::new(ErrorKind::Fuse, "mount", self.root.path()).detail(detail));
        }
        let journal = Arc::new(self.root.journal(self.journal)?);
        let id = self.root.id();
        let (path, directory, store) = self.root.into_parts();
        let below = directory.try_clone().map_err(|error| Error::io(error, "open", &path))?;
        let link = Arc::new(KernelLink::default());
        let kernel: Arc<dyn KernelCache> = Arc::clone(&link) as _;
        let resumed = self.keeper.as_ref().is_some_and(|keeper| keeper.path().is_some());
        let store = Arc::new(store);
        let engine = Engine::start(Arc::clone(&store) as _, journal, handler, kernel, self.engine);
        let engine = Arc::new(engine.map_err(|error| Error::engine(error, "start", &path))?);
        let switching = resumed && store.is_switching().is_ok_and(|switching| switching);
        let kept = match self.keeper.map(|keeper| keeper.prepare(&engine)).transpose() {
            Ok(kept) => kept,
            Err(failure) => {
                engine.stop(GRACE);
                return Err(failure.into_error(&path));
            }
        };
        // Before anybody can look.
        let finished = engine.finish_switch(&context(&CancelToken::new()));
        if let Err(error) = finished {
            engine.stop(GRACE);
            return Err(Error::engine(error, "finish the switch of", &path));
        }
        let service = EngineService::new(Arc::clone(&engine), link);

        let mut config = Config::new(Target::over(&path, directory));
        config.policy = service.policy();
        config.options.source.clone_from(&self.source);
        config.options.allow_other = self.users == Users::All;
        config.wishes.uring = self.transport != Transport::Classic;
        config.wishes.passthrough = self.passthrough == Passthrough::Auto;
        config.workers = WorkerLimits { threads: self.request_threads, ..config.workers };
        let service = Arc::new(service);
        let started = match kept {
            None => Session::start(&config, service)
                .map(|session| (session, None))
                .map_err(|error| Error::session(error, &path)),
            Some(kept) => kept
                .start(service, config)
                .map(|(session, link)| (session, Some(link)))
                .map_err(|failure| failure.into_error(&path)),
        };
        let (session, keeper) = match started {
            Ok(started) => started,
            Err(error) => {
                engine.stop(GRACE);
                return Err(error);
            }
        };
        if switching {
            // What the kernel knows is of before, and nobody was there to be told.
            let stale = &session.kernel().invalidator;
            engine.known_nodes().into_iter().for_each(|node| stale.content_changed(node));
            stale.everything_changed();
        }
        let refused = self.transport == Transport::IoUring && !session.kernel().negotiated.uring;
        let without_rings = match session.rings_refused() {
            Some(error) => format!("the kernel offers io_uring, but the rings were refused: {error}"),
            None => {
                "the kernel offers no io_uring; its module parameter enable_uring is off, or it is too old"
                    .to_owned()
            }
        };
        let live = Live { engine, session: Arc::new(session), keeper };
        let instance =
            VirtualizationInstance::new(live, Origin { path, source: self.source, id, directory: below });
        if refused {
            return Err(Error::new(ErrorKind::Fuse, "mount", instance.path()).detail(without_rings));
        }
        if self.control == Control::Socket {
            match instance.serve() {
                // Programs use the mount: it is no reason to end that.
                Err(error) if resumed => tracing::error!(%error, "the mount cannot be asked from outside"),
                served => served?,
            }
        }
        Ok(instance)
    }
}

/// A policy by which processes that run one of these programs do not hydrate. Each is the name of an executable file,
/// without directories. A process that cannot be looked at, because it is gone or another user's, may hydrate, as may the
/// kernel itself.
pub fn executables_do_not_hydrate(
    names: impl IntoIterator<Item = impl Into<std::ffi::OsString>>,
) -> HydrationPolicy {
    let names: std::collections::HashSet<std::ffi::OsString> = names.into_iter().map(Into::into).collect();
    HydrationPolicy::new(move |caller| {
        let executable = std::fs::read_link(format!("/proc/{}/exe", caller.pid)).ok();
        !executable.is_some_and(|path| path.file_name().is_some_and(|name| names.contains(name)))
    })
}

/// Whether a caller is a thread of this process: what the kernel tells is the id of the thread.
fn is_own(caller: Caller) -> bool {
    let own = |id: u32| Path::new(&format!("/proc/self/task/{id}")).exists();
    caller.pid != 0 && (caller.pid == std::process::id() || own(caller.pid))
}
