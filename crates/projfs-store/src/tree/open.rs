//! Opening: a root becomes a store, for one instance at a time.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use projfs_sync::Arc;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::ItemName;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use tracing::warn;

use super::At;
use super::Done;
use super::Fault;
use super::Identity;
use super::Process;
use super::Room;
use super::TreeStore;
use super::believed::Believed;
use super::dirs::Dirs;
use super::durable::Conversions;
use super::durable::Unsynced;
use super::fault::about;
use super::look::is_whiteout;
use super::mark::instance_of;
use super::mark::open_instance;
use super::mark::open_root;
use super::mark::refuse_nested;
use super::partial::Partials;
use super::placeholders::Placeholders;
use super::probe::probe;
use super::trash::Trash;
use crate::Result;
use crate::StoreErrorKind;

/// What becomes of the files that lost their name while a process that has died had them open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trashed {
    Empty,
    Keep,
}

impl TreeStore {
    /// Opens a root. The path is used this once: afterwards, whatever is mounted over it, everything goes
    /// through its descriptor.
    ///
    /// # Errors
    /// `NotARoot` if the directory was not marked; `InUse` if another instance has it open; `Nested` if it
    /// is inside another root; `Unsupported` if its file system lacks what a store needs.
    pub fn open(path: &Path) -> Result<Self> {
        open_root(path)
            .and_then(|root| Self::start(root, Trashed::Empty))
            .map_err(about("open the root", RelPathBuf::root))
    }

    /// Opens a root by a descriptor of its directory, which may be one opened with `O_PATH`.
    ///
    /// # Errors
    /// As [`TreeStore::open`].
    pub fn open_directory(root: OwnedFd) -> Result<Self> {
        Self::start(root, Trashed::Empty).map_err(about("open the root", RelPathBuf::root))
    }

    /// The same for who goes on with what another process, which has died, had open: the trash stays as it is.
    ///
    /// # Errors
    /// As [`TreeStore::open`].
    pub fn resume_directory(root: OwnedFd) -> Result<Self> {
        Self::start(root, Trashed::Keep).map_err(about("open the root", RelPathBuf::root))
    }

    fn start(root: OwnedFd, trashed: Trashed) -> Done<Self> {
        refuse_nested(&root)?;
        let (lock, identity) = lock(&root)?;
        let room = Room::open(&root)?;
        let trash = Trash::new()?;
        let cleared = match trashed {
            Trashed::Empty => room.empty(),
            Trashed::Keep => room.empty_new(),
        };
        if trashed == Trashed::Keep {
            trash.take_over(&room.trash)?;
        }
        if let Err(errno) = cleared {
            warn!(%errno, "what was left behind cannot all be cleared away");
        }
        probe(&room.new)?;
        let process = Process::current()?;
        let root = Arc::new(root);
        let stat = At::new(&root, ".").stat()?.ok_or(Errno::NOENT)?;
        let notes = Placeholders::open(&room.own)?;
        let partials = Partials::open(&room.partial)?;
        Ok(Self {
            // The root's group need not be one that this user can give anything to.
            owner: if process.gives_away { (stat.stx_uid, stat.stx_gid) } else { (process.uid, process.gid) },
            root,
            room,
            identity,
            process,
            dirs: Dirs::new(),
            notes,
            trash,
            partials,
            unsynced: Unsynced::default(),
            believed: Believed::default(),
            conversions: Arc::new(Conversions::default()),
            switching: mutex(Rank::Store, None),
            _lock: lock,
        })
    }

    /// A directory that must be on disk.
    pub(crate) fn dir(&self, path: &RelPath) -> Done<Arc<OwnedFd>> {
        match self.dirs.get(&self.root, path)? {
            Some(dir) => Ok(dir),
            None => Err(self.why_not_there(path)?.into()),
        }
    }

    /// Whether something else is where a directory was expected.
    fn why_not_there(&self, path: &RelPath) -> Done<Errno> {
        let mut below = path;
        while let Some((parent, name)) = below.split_last() {
            if self.room.is_reserved(parent, name) {
                break;
            }
            if let Some(dir) = self.dirs.get(&self.root, parent)? {
                let other = At::new(&dir, name.as_bytes()).stat()?.filter(|stat| !is_whiteout(stat));
                return Ok(if other.is_some() { Errno::NOTDIR } else { Errno::NOENT });
            }
            below = parent;
        }
        Ok(Errno::NOENT)
    }

    /// A name in a directory that must be on disk.
    pub(crate) fn at(&self, dir: &RelPath, name: &ItemName) -> Done<At> {
        if self.room.is_reserved(dir, name) {
            return Err(Errno::PERM.into());
        }
        Ok(At::new(&self.dir(dir)?, name.as_bytes()))
    }
}

/// How long a lock is waited for. A child that its holder forked has it too, until it runs another program: that is over
/// in no time, unless the machine is busy.
const FORK: Duration = Duration::from_millis(100);

/// Takes the lock that ends with its holder; it is the instance file's.
pub(crate) fn lock(root: &OwnedFd) -> Done<(OwnedFd, Identity)> {
    let file = open_instance(root)?;
    let end = Instant::now() + FORK;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::WOULDBLOCK) if Instant::now() < end => std::thread::sleep(FORK / 50),
            Err(Errno::WOULDBLOCK) => return Err(Fault(StoreErrorKind::InUse)),
            Err(errno) => return Err(errno.into()),
        }
    }
    let identity = instance_of(&file)?;
    Ok((file, identity))
}
