//! `Session`: one mount, from the handshake to the end of its last thread.

pub mod census;
mod handshake;
mod resumed;

use std::fmt;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use rustix::io::Errno;

use self::census::Census;
use self::handshake::Agreed;
use self::resumed::Before;
pub use self::resumed::Taken;
use self::resumed::Tidy;
use crate::connection::Connection;
use crate::invalidate::Invalidator;
use crate::io::BackingFiles;
use crate::io::IoTable;
use crate::mount::Mount;
use crate::mount::MountError;
use crate::mount::MountOptions;
use crate::mount::Prepared;
use crate::mount::Target;
use crate::policy::Policy;
use crate::service::Kernel;
use crate::service::Service;
use crate::takeover::Memory;
use crate::transport::Device;
use crate::transport::classic;
use crate::transport::uring::Queues;
use crate::transport::uring::Running;
use crate::wire::init::Refused;
use crate::wire::init::Wishes;
use crate::wire::notify::Notification;
use crate::worker::WorkerLimits;
use crate::worker::Workers;

/// How long a stop waits for requests to end by themselves before it aborts them, as a part of the time it has.
const GRACE: u32 = 4;

/// How often a mount that is in use is tried again.
const BUSY_INTERVAL: Duration = Duration::from_millis(10);

/// How long a session that is dropped may take to stop.
const DROP_TIME: Duration = Duration::from_secs(5);

/// What a session is to be like.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is mounted.
    pub target: Target,
    /// What the mount is like.
    pub options: MountOptions,
    /// Features of the protocol to be used where the kernel has them.
    pub wishes: Wishes,
    /// Lifetimes and flags.
    pub policy: Policy,
    /// Threads that read `/dev/fuse`, where requests do not come by io_uring; 0: one for each CPU, at least two.
    pub readers: usize,
    /// Requests that may be under way on each CPU with io_uring. Beyond it callers wait in the kernel.
    pub ring_depth: usize,
    /// Threads on which requests wait.
    pub workers: WorkerLimits,
    /// Backing ids kept for files that are not open.
    pub backing_ids: usize,
    /// What is to be remembered by whoever goes on with the connection if this process dies. Requests come by
    /// `/dev/fuse` then, and one descriptor alone is read: those that another had read would be lost with it.
    pub memory: Option<Arc<Memory>>,
}

impl Config {
    /// The defaults, mounted at `target`.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            options: MountOptions::default(),
            wishes: Wishes::default(),
            policy: Policy::default(),
            readers: 0,
            ring_depth: 128,
            workers: WorkerLimits::default(),
            backing_ids: 16 * 1024,
            memory: None,
        }
    }
}

/// A session could not be started.
#[derive(Debug)]
pub enum SessionError {
    /// It could not be mounted.
    Mount(MountError),
    /// The kernel and this crate have no version in common.
    Refused(Refused),
    /// The device failed before the handshake was done.
    Device(Errno),
    /// A thread or ring could not be made.
    Threads(std::io::Error),
    /// The kernel does not send requests again: it is older than Linux 6.9.
    NoResend,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mount(_) => write!(f, "mounting failed"),
            Self::Refused(refused) => refused.fmt(f),
            Self::Device(_) => write!(f, "the handshake with the kernel failed"),
            Self::Threads(_) => write!(f, "threads for the mount could not be started"),
            Self::NoResend => write!(f, "a mount that outlives its daemon needs Linux 6.9"),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Mount(error) => Some(error),
            Self::Refused(_) | Self::NoResend => None,
            Self::Device(errno) => Some(errno),
            Self::Threads(error) => Some(error),
        }
    }
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The connection had to be aborted: someone had files open, or a request did not end.
    pub aborted: bool,
    /// Threads that did not end in time: a service that ignores its cancel token. They end when it returns.
    pub lingering: usize,
}

/// One mount and its threads. Stops when dropped.
pub struct Session {
    connection: Arc<Connection>,
    kernel: Kernel,
    mount: Arc<Mount>,
    census: Census,
    rings: Option<Running>,
    rings_refused: Option<std::io::Error>,
    stopped: Mutex<Option<Stopped>>,
    /// Of a connection that outlives this process.
    device: Option<Arc<Device>>,
    _tidy: Option<Tidy>,
}

impl Session {
    /// Mounts `service`. The mount is visible last, when everything behind it works, unless it is the helper
    /// `fusermount3` that mounts.
    ///
    /// # Errors
    /// The step that failed. Nothing is left mounted then.
    pub fn start(config: &Config, service: Arc<dyn Service>) -> Result<Self, SessionError> {
        let kept = config.memory.is_some();
        let wishes = Wishes { uring: config.wishes.uring && !kept, resend: kept, ..config.wishes.clone() };
        match Self::start_with(config, &wishes, &service) {
            Err(Failure::Rings(error)) => {
                tracing::warn!(%error, "the kernel refused the rings; trying again without");
                let wishes = Wishes { uring: false, ..wishes };
                let again = Self::start_with(config, &wishes, &service);
                let mut session = again.map_err(SessionError::from)?;
                session.rings_refused = Some(error);
                Ok(session)
            }
            result => result.map_err(SessionError::from),
        }
    }

    fn start_with(config: &Config, wishes: &Wishes, service: &Arc<dyn Service>) -> Result<Self, Failure> {
        let prepared = Prepared::new(config.target.clone(), &config.options).map_err(SessionError::Mount)?;
        match Assembly::new(config, wishes, service, &prepared.device) {
            Ok(assembly) => match prepared.attach() {
                Ok(mount) => Ok(assembly.into_session(mount)),
                Err(error) => {
                    // The other threads end with the file system.
                    assembly.kernel.invalidator.stop();
                    Err(SessionError::Mount(error).into())
                }
            },
            Err(failure) => {
                prepared.abandon();
                Err(failure)
            }
        }
    }

    /// Why requests come by `/dev/fuse`, though io_uring was wished for and the kernel offered it; nothing otherwise.
    ///
    /// `EOPNOTSUPP` if the module parameter `enable_uring` was turned off between the offer and its acceptance, `EPERM`
    /// and `ENOMEM` if this process may not have the rings, among others.
    pub fn rings_refused(&self) -> Option<&std::io::Error> {
        self.rings_refused.as_ref()
    }

    /// The descriptor of a connection that is to outlive this process; nothing of another.
    pub fn device(&self) -> Option<BorrowedFd<'_>> {
        self.device.as_ref().map(|device| device.as_fd())
    }

    /// What is in force, the policy, and where stale things are told.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.mount.path()
    }

    /// How many requests wait, how many workers there are, and how many requests wait for a worker.
    pub fn load(&self) -> (usize, usize, usize) {
        let (threads, queued) = self.connection.workers().load();
        (self.connection.interrupts().waiting(), threads, queued)
    }

    /// Waits until the mount is gone, by [`Session::stop`] or because someone unmounted it.
    pub fn wait(&self) {
        self.census.wait(None);
    }

    /// Unmounts and ends every thread, in at most `within` (and what the scheduler adds). Requests that wait are
    /// cancelled; what has not ended after a quarter of the time is aborted. Stopping again gives the same answer.
    pub fn stop(&self, within: Duration) -> Stopped {
        let mut stopped = self.stopped.lock();
        if let Some(stopped) = *stopped {
            return stopped;
        }
        let begin = Instant::now();
        let end = begin + within;
        self.connection.close();
        let grace = begin + within / GRACE;
        let unmounted = self.unmount_aside(grace);
        let left = self.census.wait(Some(grace));
        if left > 0 {
            tracing::warn!(threads = left, "aborting the connection");
            self.mount.abort();
            if let Some(rings) = &self.rings {
                rings.stop();
            }
        }
        let transports = self.census.wait(Some(end));
        let _ = unmounted.recv_timeout(end.saturating_duration_since(Instant::now()));
        self.kernel.invalidator.stop();
        let lingering = transports + self.connection.workers().join(end);
        if lingering == 0 {
            self.connection.service().stop();
        }
        *stopped.insert(Stopped { aborted: left > 0, lingering })
    }

    /// Unmounts as soon as nobody uses the mount, if that comes before `end`. As unmounting may wait for requests, a
    /// thread does it.
    fn unmount_aside(&self, end: Instant) -> mpsc::Receiver<()> {
        let (done, receiver) = mpsc::channel();
        let mount = Arc::clone(&self.mount);
        let unmount = move || {
            while let Err(error) = mount.unmount_free() {
                if error.errno != Errno::BUSY {
                    tracing::warn!(%error, path = %mount.path().display(), "not unmounted");
                    break;
                }
                // Requests were just cancelled; their callers close their files now. Nothing tells us when.
                std::thread::sleep(BUSY_INTERVAL);
                if Instant::now() >= end {
                    break;
                }
            }
            let _ = done.send(());
        };
        if let Err(error) = std::thread::Builder::new().name("projfs-unmount".into()).spawn(unmount) {
            tracing::warn!(%error, "no thread to unmount");
        }
        receiver
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop(DROP_TIME);
    }
}

/// Whether the kernel takes backing files from this process. It offers passthrough to everybody, and refuses the files
/// of those without the privilege.
fn may_pass_through(device: &Arc<Device>) -> bool {
    let Ok(file) = rustix::fs::memfd_create("projfs-probe", rustix::fs::MemfdFlags::CLOEXEC) else {
        return true;
    };
    match BackingFiles::open(device, file.as_fd()) {
        Ok(id) => {
            BackingFiles::close(device, id);
            true
        }
        Err(errno) => errno != Errno::PERM,
    }
}

/// Why a start came to nothing.
enum Failure {
    /// The kernel offered rings and refused to take them. The connection is lost; another, without, may do.
    Rings(std::io::Error),
    /// Another try would be of no use.
    Other(SessionError),
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for SessionError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rings(error) => Self::Threads(error),
            Failure::Other(error) => error,
        }
    }
}

/// Everything behind a mount, before it is attached.
struct Assembly {
    connection: Arc<Connection>,
    kernel: Kernel,
    census: Census,
    rings: Option<Running>,
    rings_refused: Option<std::io::Error>,
    device: Option<Arc<Device>>,
    tidy: Option<Tidy>,
}

impl Assembly {
    fn new(
        config: &Config,
        wishes: &Wishes,
        service: &Arc<dyn Service>,
        device: &Arc<Device>,
    ) -> Result<Self, Failure> {
        let mut agreed = handshake::handshake(device, wishes, config.ring_depth)?;
        if config.memory.is_some() && !agreed.negotiated.resend {
            return Err(SessionError::NoResend.into());
        }
        if agreed.negotiated.passthrough && !may_pass_through(device) {
            agreed.negotiated.forgo_passthrough();
        }
        Self::of(config, service, device, agreed, None)
    }

    /// What serves a connection on which everything is agreed, and on which there was another process `before`.
    fn of(
        config: &Config,
        service: &Arc<dyn Service>,
        device: &Arc<Device>,
        agreed: Agreed,
        before: Option<Before>,
    ) -> Result<Self, Failure> {
        let Agreed { negotiated, queues, rings_refused } = agreed;
        let negotiated = Arc::new(negotiated);
        tracing::info!(features = ?negotiated.describe(), "connected");
        let files = negotiated.passthrough.then(|| Box::new(Arc::clone(device)) as Box<dyn BackingFiles>);
        let resumed = before.is_some();
        let (io, open) = before.unwrap_or_default();
        let table = match &config.memory {
            None => IoTable::new(files, config.backing_ids),
            Some(memory) => IoTable::kept(files, config.backing_ids, Arc::clone(memory), io, open),
        };
        let kernel = Kernel {
            negotiated: Arc::clone(&negotiated),
            policy: config.policy,
            invalidator: Invalidator::kept(&negotiated, config.memory.clone()),
            io: Arc::new(table),
        };
        let workers = Workers::new(config.workers);
        let connection = Arc::new(Connection::new(Arc::clone(service), negotiated, config.policy, workers));
        let census = Census::default();
        let registered = queues.map(Queues::registered).transpose().map_err(Failure::Rings)?;
        service.start(&kernel);
        let rings = registered.map(|registered| registered.serve(&connection, &census));
        let mut assembly =
            Self { connection, kernel, census, rings, rings_refused, device: None, tidy: None };
        if let Some(memory) = &config.memory {
            assembly.device = Some(Arc::clone(device));
            assembly.tidy = Some(Tidy::start(&assembly, memory).map_err(SessionError::Threads)?);
        }
        if resumed {
            // Before anything is read: what is read by then would come a second time.
            device.notify(&Notification::Resend).map_err(SessionError::Device)?;
        }
        assembly.start_readers(config, device).map_err(SessionError::Threads)?;
        Ok(assembly)
    }

    fn start_readers(&self, config: &Config, device: &Arc<Device>) -> std::io::Result<()> {
        let cpus = std::thread::available_parallelism().map_or(2, usize::from);
        let readers = match (self.rings.is_some(), config.readers) {
            (true, _) => 1,
            (false, 0) => cpus.clamp(2, 16),
            (false, readers) => readers,
        };
        for reader in 0..readers {
            // A descriptor of its own lets a reader answer without the others' lock.
            let device = match (reader, &config.memory) {
                (0, _) | (_, Some(_)) => Arc::clone(device),
                (_, None) => device.share().map_or_else(|_| Arc::clone(device), Arc::new),
            };
            let name = format!("projfs-reader-{reader}");
            classic::spawn(Arc::clone(&self.connection), device, name, self.census.enter())?;
        }
        let (invalidator, device) = (self.kernel.invalidator.clone(), Arc::clone(device));
        let thread = std::thread::Builder::new().name("projfs-invalidate".into());
        thread.spawn(move || invalidator.run(&device))?;
        Ok(())
    }
}
