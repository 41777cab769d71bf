//! `VirtualizationInstance`: a root that is mounted.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::PathState;
use projfs_engine::Patience;
use projfs_engine::Statistics;
use projfs_fuse::Session;
use projfs_keeper::Link;
use projfs_provider::CancelToken;
use projfs_store::InstanceId;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_types::Caller;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation::Collation;

use crate::Error;
use crate::ErrorKind;
use crate::InstanceBuilder;
use crate::Result;
use crate::VirtualizationRoot;
use crate::answer::Answers;
use crate::control::server::Server;
use crate::escape;
use crate::news::JournalReader;
use crate::news::Watch;
use crate::runtime::Note;
use crate::runtime::RuntimeFiles;
use crate::runtime::runtime_dir;
use crate::unmount;

/// How long a stop waits for the kernel and for requests under way.
const STOP: Duration = Duration::from_secs(5);

/// How long it waits for the provider after that.
const GRACE: Duration = Duration::from_secs(1);

/// How long it waits for whoever else still looks into the engine.
const RELEASE: Duration = Duration::from_secs(1);

/// A root that is mounted. Dropping it unmounts.
///
/// ```no_run
/// # use projectedfs::*;
/// # fn mounted(provider: impl Provider) -> Result<(), Error> {
/// let root = VirtualizationRoot::mark("/home/me/project")?;
/// let instance = VirtualizationInstance::builder(root).provider_threads(8).start(provider)?;
/// let state = instance.state(RelPath::new(b"src/main.c").expect("a path"))?;
/// println!("{}", state.word);
/// instance.stop();
/// # Ok(())
/// # }
/// ```
pub struct VirtualizationInstance {
    shared: Arc<Shared>,
}

/// An instance, for those who hold it and those who answer for it.
pub(crate) struct Shared {
    pub(crate) origin: Origin,
    pub(crate) started: SystemTime,
    live: Mutex<Phase>,
    /// The phase has changed.
    changed: Condvar,
    control: Mutex<Option<(Server, RuntimeFiles)>>,
}

/// What an instance is of.
pub(crate) struct Origin {
    pub(crate) path: PathBuf,
    pub(crate) source: String,
    pub(crate) id: InstanceId,
    /// The directory below the mount.
    pub(crate) directory: OwnedFd,
}

/// What works while an instance is mounted.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) engine: Arc<Engine>,
    pub(crate) session: Arc<Session>,
    pub(crate) keeper: Option<Arc<Link>>,
}

impl Live {
    /// What is in force.
    pub(crate) fn features(&self) -> Vec<(&'static str, String)> {
        let mut features = self.session.kernel().negotiated.describe();
        let case = match self.engine.collation() {
            Collation::Sensitive => "matters",
            Collation::Insensitive => "does not matter",
        };
        features.push(("case of names", case.to_owned()));
        features.push(("provider time-out", self.engine.timeouts().to_string()));
        features
    }
}

enum Phase {
    Mounted(Live),
    Stopping,
    Stopped,
}

impl VirtualizationInstance {
    /// Options for an instance over a root.
    pub fn builder(root: VirtualizationRoot) -> InstanceBuilder {
        InstanceBuilder::new(root)
    }

    pub(crate) fn new(live: Live, origin: Origin) -> Self {
        let shared = Arc::new(Shared {
            origin,
            started: SystemTime::now(),
            live: Mutex::new(Phase::Mounted(live.clone())),
            changed: Condvar::new(),
            control: Mutex::new(None),
        });
        crate::on_disk::register(&shared);
        let ending = Arc::downgrade(&shared);
        let end = move || {
            live.session.wait();
            drop(live);
            if let Some(shared) = ending.upgrade() {
                shared.stop();
            }
        };
        // Without the thread, an unmount from outside is noticed by the next who asks.
        if let Err(error) = std::thread::Builder::new().name("projfs-end".into()).spawn(end) {
            tracing::warn!(%error, "no thread to notice an unmount");
        }
        Self { shared }
    }

    /// Serves the control socket and notes the instance.
    pub(crate) fn serve(&self) -> Result<()> {
        let origin = &self.shared.origin;
        let files = RuntimeFiles::new(&runtime_dir()?, &origin.path);
        let server = Server::start(&files.socket(), Box::new(Answers(Arc::clone(&self.shared))))?;
        let note = Note {
            pid: std::process::id(),
            source: origin.source.clone(),
            root: escape(std::os::unix::ffi::OsStrExt::as_bytes(origin.path.as_os_str())),
            started: self.shared.started_seconds(),
            instance: origin.id.to_string(),
            keeper: self.shared.live()?.keeper.as_ref().map(|keeper| keeper.keeper()),
        };
        let noted = files.write_note(&note);
        *self.shared.control.lock() = Some((server, files));
        noted
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where it is mounted: an absolute path without symbolic links.
    pub fn path(&self) -> &Path {
        &self.shared.origin.path
    }

    /// The root's identity (`PrjGetVirtualizationInstanceInfo`).
    pub fn id(&self) -> InstanceId {
        self.shared.origin.id
    }

    /// Unmounts and ends every thread, in at most seven seconds. Who waits for the provider gets `EINTR` or
    /// `EHOSTDOWN`; programs that have files open get errors from then on. Stopping again does nothing.
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjstopvirtualizing>
    pub fn stop(&self) {
        self.shared.stop();
        self.shared.finish_control();
    }

    /// Unmounts if no program uses the mount, and ends.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) if a program has a file open in it or is in one of its directories.
    pub fn unmount(&self) -> Result<()> {
        let unmounted = self.shared.unmount();
        self.shared.finish_control();
        unmounted
    }

    /// Waits until it has stopped: by [`stop`](Self::stop), or because someone unmounted it.
    pub fn wait(&self) {
        self.shared.wait();
    }

    /// The state of the item at a path, virtual ones too, of which the provider is asked. Nothing changes by asking.
    /// [`on_disk_state`](crate::on_disk_state) asks nobody.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); the provider's and the store's, as
    /// [`Operation`](ErrorKind::Operation).
    pub fn state(&self, path: &RelPath) -> Result<PathState> {
        self.shared.state(path, &CancelToken::new())
    }

    /// Fetches the file at a path, or every file below it; `done` hears of each that is there.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); the provider's and the store's, as
    /// [`Operation`](ErrorKind::Operation). It ends with the first.
    pub fn hydrate(&self, path: &RelPath, mut done: impl FnMut(&RelPath)) -> Result<()> {
        let cancel = CancelToken::new();
        self.shared.prefetch(&[path.to_owned()], &cancel)?;
        self.shared.hydrate(path, &cancel, &mut done)
    }

    /// Makes the item at a path virtual again, or everything below it that is on disk (`PrjDeleteFile`). `report`
    /// hears of each item, and why it was kept if it was: local changes are kept, unless they are given up.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound); the store's, as [`Operation`](ErrorKind::Operation).
    pub fn dehydrate(
        &self,
        path: &RelPath,
        changes: LocalChanges,
        mut report: impl FnMut(&RelPath, Result<()>),
    ) -> Result<()> {
        self.shared.dehydrate(path, changes, &CancelToken::new(), &mut report)
    }

    /// What happened to items, in order, also before this start.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn journal(&self) -> Result<JournalReader> {
        self.shared.journal()
    }

    /// What happens to items from now on.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn watch(&self) -> Result<Watch> {
        let journal = self.shared.journal()?;
        let end = journal.end();
        Ok(journal.watch(end))
    }

    /// What was done so far, and what is held.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn statistics(&self) -> Result<Statistics> {
        Ok(self.shared.live()?.engine.statistics())
    }

    /// Every feature of the connection to the kernel, and how the instance was started: what is in force.
    ///
    /// # Errors
    /// [`Stopped`](ErrorKind::Stopped).
    pub fn features(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(self.shared.live()?.features())
    }
}

impl Drop for VirtualizationInstance {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for VirtualizationInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualizationInstance").field("path", &self.path()).field("id", &self.id()).finish()
    }
}

/// What becomes of local changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalChanges {
    /// They are kept, and the item with them.
    Keep,
    /// They are given up where the provider has something beneath.
    Discard,
}

impl Shared {
    pub(crate) fn started_seconds(&self) -> u64 {
        self.started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    pub(crate) fn live(&self) -> Result<Live> {
        match &*self.live.lock() {
            Phase::Mounted(live) => Ok(live.clone()),
            Phase::Stopping | Phase::Stopped => Err(Error::new(ErrorKind::Stopped, "use", &self.origin.path)),
        }
    }

    pub(crate) fn wait(&self) {
        let mut phase = self.live.lock();
        while !matches!(*phase, Phase::Stopped) {
            self.changed.wait(&mut phase);
        }
    }

    /// Stops, once; whoever comes later waits for that.
    pub(crate) fn stop(&self) {
        let mut phase = self.live.lock();
        let live = match &*phase {
            Phase::Mounted(live) => live.clone(),
            Phase::Stopping => {
                drop(phase);
                return self.wait();
            }
            Phase::Stopped => return,
        };
        *phase = Phase::Stopping;
        drop(phase);
        if let Some((server, _)) = &*self.control.lock() {
            server.close();
        }
        if let Some(keeper) = &live.keeper
            && let Err(error) = keeper.release()
        {
            tracing::warn!(%error, "the keeper is gone");
        }
        live.engine.close();
        let stopped = live.session.stop(STOP);
        live.engine.stop(GRACE);
        if stopped.aborted || stopped.lingering > 0 {
            tracing::warn!(?stopped, path = %self.origin.path.display(), "stopped while in use");
        }
        let engine = Arc::clone(&live.engine);
        drop(live);
        // The root is free for the next instance when this returns: its lock goes with the engine, and so that it is
        // gone, and not just about to go, it goes here.
        let end = Instant::now() + RELEASE;
        while Arc::strong_count(&engine) > 1 && Instant::now() < end {
            std::thread::yield_now();
        }
        drop(engine);
        if let Some((_, files)) = &*self.control.lock() {
            files.remove();
        }
        *self.live.lock() = Phase::Stopped;
        self.changed.notify_all();
    }

    /// Ends the control socket, after who asked for the end has been answered.
    fn finish_control(&self) {
        let control = self.control.lock().take();
        if let Some((server, _)) = control {
            server.wait(RELEASE);
        }
    }

    /// Has the keeper kill this process and start what is at its program's path now.
    pub(crate) fn upgrade(&self) -> Result<()> {
        const UPGRADE: &str = "upgrade the daemon of";
        let live = self.live()?;
        let keeper = live.keeper.as_ref().ok_or_else(|| {
            let detail = "the mount has no keeper; it can be unmounted and mounted again";
            Error::new(ErrorKind::Keeper, UPGRADE, &self.origin.path).detail(detail)
        })?;
        let failed = |error| Error::new(ErrorKind::Keeper, UPGRADE, &self.origin.path).because(error);
        keeper.replace().map_err(failed)
    }

    /// Unmounts if nobody uses the mount, and stops.
    pub(crate) fn unmount(&self) -> Result<()> {
        drop(self.live()?);
        unmount::unmount_unused(&self.origin.path)?;
        self.stop();
        Ok(())
    }

    pub(crate) fn state(&self, path: &RelPath, cancel: &CancelToken) -> Result<PathState> {
        let state = self.live()?.engine.state(&context(cancel), path);
        state.map_err(|error| self.failed(error, "tell the state of", path))
    }

    /// Has the provider get ready what is about to be fetched.
    pub(crate) fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<()> {
        self.live()?.engine.prefetch(&context(cancel), paths, cancel);
        Ok(())
    }

    pub(crate) fn hydrate(
        &self,
        path: &RelPath,
        cancel: &CancelToken,
        done: &mut dyn FnMut(&RelPath),
    ) -> Result<()> {
        let hydrated = self.live()?.engine.hydrate_path(&context(cancel), path, done);
        hydrated.map_err(|error| self.failed(error, "hydrate", path))
    }

    pub(crate) fn dehydrate(
        &self,
        path: &RelPath,
        changes: LocalChanges,
        cancel: &CancelToken,
        report: &mut dyn FnMut(&RelPath, Result<()>),
    ) -> Result<()> {
        const DEHYDRATE: &str = "dehydrate";
        let discard = changes == LocalChanges::Discard;
        let mut report = |path: &RelPath, result: projfs_engine::Result<()>| {
            report(path, result.map_err(|error| self.failed(error, DEHYDRATE, path)));
        };
        let live = self.live()?;
        let dehydrated = live.engine.dehydrate_path(&context(cancel), path, discard, &mut report);
        // Who looks next must not find what the kernel still has of before.
        live.session.kernel().invalidator.flush(Instant::now() + RELEASE);
        dehydrated.map_err(|error| self.failed(error, DEHYDRATE, path))
    }

    /// How much of the disk everything takes that is below the mount, in bytes.
    pub(crate) fn disk_use(&self) -> Result<u64> {
        let failed = |error| Error::io(error, "tell the disk use of", &self.origin.path);
        crate::disk_use::below(&self.origin.directory).map_err(failed)
    }

    pub(crate) fn journal(&self) -> Result<JournalReader> {
        Ok(JournalReader::of_instance(&self.live()?.engine, &self.origin.path))
    }

    /// An error of the engine, about `path` if it does not say about what.
    pub(crate) fn failed(
        &self,
        mut error: projfs_engine::Error,
        operation: &'static str,
        path: &RelPath,
    ) -> Error {
        if error.path.is_root() {
            error.path = path.to_owned();
        }
        Error::engine(error, operation, &self.origin.path)
    }
}

/// An operation of this process, which waits until it is cancelled.
pub(crate) fn context(cancel: &CancelToken) -> Context<'_> {
    let caller = Caller {
        pid: std::process::id(),
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    };
    Context { caller, patience: Patience::Until(cancel), request: 0 }
}
