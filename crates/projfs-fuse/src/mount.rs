//! Mounting, unmounting, and getting rid of what does neither.

mod direct;
mod fusermount;
mod options;

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

use projfs_sync::Arc;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::StatxFlags;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::transport::Device;

pub use options::MountOptions;
pub use options::Target;

/// A mount could not be made.
#[derive(Debug)]
pub struct MountError {
    /// What was being done.
    pub step: &'static str,
    /// Why it failed.
    pub errno: Errno,
    /// What the helper program said, if it was used.
    pub message: String,
}

impl fmt::Display for MountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.errno)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl std::error::Error for MountError {}

fn failed(step: &'static str) -> impl Fn(Errno) -> MountError {
    move |errno| MountError { step, errno, message: String::new() }
}

/// A file system that the kernel has made. Until it is attached nobody sees it, where that is possible.
pub struct Prepared {
    /// Requests come from here.
    pub device: Arc<Device>,
    target: Target,
    /// The mount, while it is nowhere in the tree.
    detached: Option<OwnedFd>,
    privileged: bool,
}

/// A mount in the tree.
#[derive(Debug)]
pub struct Mount {
    path: PathBuf,
    /// The number of the connection.
    connection: Option<u32>,
    privileged: bool,
}

impl Prepared {
    /// Makes the file system: by system calls with the privilege, by `fusermount3` without.
    ///
    /// # Errors
    /// The step that failed.
    pub fn new(target: Target, options: &MountOptions) -> Result<Self, MountError> {
        if !rustix::process::geteuid().is_root() {
            return Self::by_helper(target, options);
        }
        let device = Arc::new(Device::open().map_err(failed("opening /dev/fuse"))?);
        let detached = match direct::make(&device, options) {
            Ok(mount) => Some(mount),
            // Before Linux 5.2, or under a filter that does not know the calls.
            Err(MountError { errno: Errno::NOSYS, .. }) => {
                direct::mount(&device, options, &target)?;
                None
            }
            // Root by name, without the capability: in a container.
            Err(MountError { errno: Errno::PERM, .. }) => return Self::by_helper(target, options),
            Err(error) => return Err(error),
        };
        Ok(Self { device, target, detached, privileged: true })
    }

    fn by_helper(target: Target, options: &MountOptions) -> Result<Self, MountError> {
        let device = Arc::new(fusermount::mount(target.path(), options)?);
        Ok(Self { device, target, detached: None, privileged: false })
    }

    /// Puts the file system into the tree, if it is not there already.
    ///
    /// # Errors
    /// The step that failed; the file system is then gone.
    pub fn attach(self) -> Result<Mount, MountError> {
        let Self { target, detached, privileged, .. } = self;
        let (path, connection) = match &detached {
            Some(mount) => {
                let connection = direct::connection(mount);
                direct::attach(mount, &target)?;
                (target.path().to_owned(), connection)
            }
            None => (target.path().to_owned(), connection_at(target.path()).ok()),
        };
        Ok(Mount { path, connection, privileged })
    }

    /// Undoes an early attachment.
    pub fn abandon(self) {
        if self.detached.is_none() {
            let connection = connection_at(self.target.path()).ok();
            let path = self.target.path().to_owned();
            let mount = Mount { path, connection, privileged: self.privileged };
            if let Err(error) = mount.unmount() {
                tracing::warn!(%error, "unmounting what was mounted in vain");
            }
        }
    }
}

impl Mount {
    /// One that another process has made and that is in the tree. Nothing is asked of it: nobody may answer yet.
    pub(crate) fn taken(path: PathBuf) -> Self {
        let connection = connection_at(&path).ok();
        Self { path, connection, privileged: rustix::process::geteuid().is_root() }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the mount out of the tree if nobody uses it. May wait for requests: the kernel writes back what is mapped.
    ///
    /// # Errors
    /// `EBUSY` while it is in use. That it is not there any more is no error.
    pub fn unmount_free(&self) -> Result<(), MountError> {
        self.unmount_by(UnmountFlags::empty(), fusermount::Unmount::Free)
    }

    /// Takes the mount out of the tree. Whoever has a file of it open keeps it, and the connection with it.
    ///
    /// # Errors
    /// The step that failed. That it is not there any more is no error.
    pub fn unmount(&self) -> Result<(), MountError> {
        self.unmount_by(UnmountFlags::DETACH, fusermount::Unmount::Lazy)
    }

    fn unmount_by(&self, flags: UnmountFlags, how: fusermount::Unmount) -> Result<(), MountError> {
        if !self.is_on_top() {
            tracing::debug!(path = %self.path.display(), "something else is there: unmounted already, or covered");
            return Ok(());
        }
        if !self.privileged {
            return fusermount::unmount(&self.path, how);
        }
        match rustix::mount::unmount(&self.path, flags | UnmountFlags::NOFOLLOW) {
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => Ok(()),
            Err(errno) => Err(failed("unmounting")(errno)),
        }
    }

    /// Ends the connection, so that every request fails at once, and takes the mount out of the tree. The last resort.
    ///
    /// While the mount is in the tree a forced unmount does this; it works in a user namespace too. The control file
    /// system is for a mount that someone has taken out lazily, and for those that `fusermount3` made.
    pub fn abort(&self) {
        if self.privileged && self.is_on_top() {
            let flags = UnmountFlags::FORCE | UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
            if rustix::mount::unmount(&self.path, flags).is_ok() {
                return;
            }
        }
        if let Some(connection) = self.connection
            && let Err(errno) = direct::abort(connection)
        {
            tracing::warn!(connection, %errno, "the connection could not be aborted");
        }
        if let Err(error) = self.unmount() {
            tracing::warn!(%error, path = %self.path.display(), "not unmounted");
        }
    }

    /// Whether it is this mount that is found at its path, and not one below or above it.
    fn is_on_top(&self) -> bool {
        match (connection_at(&self.path), self.connection) {
            (Ok(found), Some(ours)) => found == ours,
            (Ok(_), None) => true,
            (Err(errno), _) => is_dead(errno),
        }
    }
}

/// The number of the connection at a path, from what the kernel knows: without a request, which might not be answered.
/// It is the minor number of a device whose major number is 0, as of all file systems without a device.
///
/// # Errors
/// `ENODEV` if what is there is on a device, and so no connection, among others.
fn connection_at(path: &Path) -> Result<u32, Errno> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT | AtFlags::SYMLINK_NOFOLLOW;
    let stat = rustix::fs::statx(CWD, path, flags, StatxFlags::empty())?;
    if stat.stx_dev_major == 0 { Ok(stat.stx_dev_minor) } else { Err(Errno::NODEV) }
}

fn is_dead(errno: Errno) -> bool {
    matches!(errno, Errno::NOTCONN | Errno::CONNABORTED)
}

/// What is mounted at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// A directory that answers.
    Alive,
    /// A FUSE mount whose daemon is gone.
    Dead,
    /// Something that does not answer.
    Hung,
    /// No such directory, or not for us.
    Absent(Errno),
}

/// Looks whether the directory at `path` answers, at most for `time`.
pub fn health(path: &Path, time: Duration) -> Health {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    // A thread of its own: a hung mount cannot be asked with a time limit, and holds whoever asks.
    let asked = std::thread::Builder::new().name("projfs-health".into()).spawn(move || {
        let found = rustix::fs::statx(CWD, &path, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS);
        let _ = sender.send(found.map(drop));
    });
    if asked.is_err() {
        return Health::Hung;
    }
    match receiver.recv_timeout(time) {
        Ok(Ok(())) => Health::Alive,
        Ok(Err(errno)) if is_dead(errno) => Health::Dead,
        Ok(Err(errno)) => Health::Absent(errno),
        Err(_) => Health::Hung,
    }
}

/// Takes away a mount at `path` whose daemon is gone. Says whether there was one.
///
/// # Errors
/// The step that failed.
pub fn clear_dead(path: &Path) -> Result<bool, MountError> {
    if health(path, Duration::from_secs(2)) != Health::Dead {
        return Ok(false);
    }
    let privileged = rustix::process::geteuid().is_root();
    Mount { path: path.to_owned(), connection: None, privileged }.unmount()?;
    Ok(true)
}
