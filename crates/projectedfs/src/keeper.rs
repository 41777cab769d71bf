//! `Keeper`: a process that holds the mount while this one is replaced.

use std::fmt;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::path::Path;

use projfs_engine::Engine;
use projfs_engine::Ledger;
use projfs_fuse::Config;
use projfs_fuse::EngineService;
use projfs_fuse::Session;
use projfs_fuse::session::SessionError;
use projfs_fuse::session::Taken;
pub use projfs_fuse::takeover::MEMORY_FORMAT;
use projfs_fuse::takeover::Memory;
use projfs_fuse::takeover::Recollection;
use projfs_keeper::Held;
pub use projfs_keeper::Limits as KeeperLimits;
use projfs_keeper::Link;
use projfs_keeper::Start;
pub use projfs_keeper::keep;
use projfs_sync::Arc;
use projfs_types::Cursor;

use crate::Error;
use crate::ErrorKind;
use crate::Result;

/// The keeper that has started this process: the program `projfs-keeper`, or one that calls [`keep`].
///
/// An instance that is given one ([`InstanceBuilder::keeper`]) outlives this process. If it dies, however it dies, the
/// keeper starts the program again with the same arguments; until then callers wait, and files that the kernel reads by
/// itself are read and written as before. The new process finds the mount there ([`Keeper::path`]), opens the root with
/// [`VirtualizationRoot::resume`], and starts an instance with the same provider and options. Files that programs have
/// open, and directories that they are in, stay what they were.
///
/// What this process alone knew is gone: visits under way of which the provider was told, and what it has not answered
/// yet, for which it is asked again.
///
/// [`InstanceBuilder::keeper`]: crate::InstanceBuilder::keeper
/// [`VirtualizationRoot::resume`]: crate::VirtualizationRoot::resume
pub struct Keeper {
    pub(crate) link: Arc<Link>,
    taken: Option<TakenOver>,
}

struct TakenOver {
    held: Held,
    memory: Arc<Memory>,
    recollection: Recollection,
}

impl Keeper {
    /// The keeper that has started this process; nothing if none has. To be called once, and before anything reads
    /// standard input, which is the way to the keeper.
    ///
    /// # Errors
    /// [`Keeper`](ErrorKind::Keeper) if what the process before this one left cannot be gone on with.
    pub fn attach() -> Result<Option<Self>> {
        let failed = |error: std::io::Error| Error::new(ErrorKind::Keeper, "hear", "").because(error);
        let Some(Start { link, held }) = Link::attach().map_err(failed)? else { return Ok(None) };
        let taken = held.map(|held| {
            let copy = held.memory.try_clone().map_err(failed)?;
            let read = Memory::read(copy);
            let (memory, recollection) = read.map_err(|error| failed(std::io::Error::other(error)))?;
            Ok(TakenOver { held, memory: Arc::new(memory), recollection })
        });
        Ok(Some(Self { link: Arc::new(link), taken: taken.transpose()? }))
    }

    /// Where the mount is that this process goes on with; nothing in the first process.
    ///
    /// Nobody answers for it until the instance is started: whoever looks at what is there waits for that.
    pub fn path(&self) -> Option<&Path> {
        self.taken.as_ref().map(|taken| &*taken.recollection.path)
    }

    /// What is projected there, in the words of [`InstanceBuilder::source`](crate::InstanceBuilder::source).
    pub fn source(&self) -> Option<&str> {
        self.taken.as_ref().map(|taken| &*taken.recollection.source)
    }

    /// How often a process of this mount was started again.
    pub fn restarts(&self) -> u32 {
        self.link.restarts()
    }

    /// The directory under the mount.
    pub(crate) fn directory(&self) -> Option<BorrowedFd<'_>> {
        self.taken.as_ref().map(|taken| taken.held.root.as_fd())
    }

    /// Has what an engine holds taken down for the next process, and goes on with what the last one held. The engine has
    /// not done anything yet.
    pub(crate) fn prepare(self, engine: &Engine) -> std::result::Result<Prepared, Failure> {
        let Self { link, taken } = self;
        if let Some(mut taken) = taken {
            let ledger: Arc<dyn Ledger> = Arc::clone(&taken.memory) as _;
            let engine_before = std::mem::take(&mut taken.recollection.engine);
            taken.recollection.engine.handles.clone_from(&engine_before.handles);
            engine.resume(engine_before, &ledger).map_err(Failure::Engine)?;
            return Ok(Prepared { link, how: How::Resumed(Box::new(taken)) });
        }
        let memory = Memory::new().map_err(|errno| Failure::Keeper(errno.into()))?;
        let memory = Arc::new(memory);
        let ledger: Arc<dyn Ledger> = Arc::clone(&memory) as _;
        engine.keep(&ledger);
        let since = engine.journal().end();
        Ok(Prepared { link, how: How::Fresh { memory, since } })
    }
}

/// A keeper whose engine is ready.
pub(crate) struct Prepared {
    link: Arc<Link>,
    how: How,
}

enum How {
    Fresh { memory: Arc<Memory>, since: Cursor },
    Resumed(Box<TakenOver>),
}

impl Prepared {
    /// Mounts, or goes on with the mount that there is.
    pub(crate) fn start(
        self,
        service: Arc<EngineService>,
        mut config: Config,
    ) -> std::result::Result<(Session, Arc<Link>), Failure> {
        let Self { link, how } = self;
        let (memory, since) = match how {
            How::Resumed(taken) => {
                let TakenOver { held, memory, recollection } = *taken;
                let taken = Taken { device: held.device, memory, recollection };
                return Ok((Session::resume(&config, service, taken)?, link));
            }
            How::Fresh { memory, since } => (memory, since),
        };
        config.memory = Some(Arc::clone(&memory));
        let source = config.options.source.clone();
        let session = Session::start(&config, service)?;
        memory.begin(&session.kernel().negotiated, Some(since), session.path().to_owned(), source);
        if let (Some(device), Some(directory)) = (session.device(), config.target.dir()) {
            link.hold(device, memory.as_fd(), directory).map_err(Failure::Keeper)?;
        }
        Ok((session, link))
    }
}

/// Why there is no session.
pub(crate) enum Failure {
    Session(SessionError),
    Engine(projfs_engine::Error),
    Keeper(std::io::Error),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl Failure {
    pub(crate) fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Session(error) => Error::session(error, path),
            Self::Engine(error) => Error::engine(error, "go on with", path),
            Self::Keeper(error) => Error::new(ErrorKind::Keeper, "have held", path).because(error),
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("link", &self.link).field("path", &self.path()).finish()
    }
}
