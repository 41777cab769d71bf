//! What is local of an item at any path, without an instance.

use std::ffi::OsString;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use projfs_store::Store;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Weak;
use projfs_types::ItemKind;
use projfs_types::OnDiskState;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use crate::Error;
use crate::ErrorKind;
use crate::MountEntry;
use crate::Result;
use crate::RuntimeFiles;
use crate::VirtualizationRoot;
use crate::control;
use crate::control::Answer;
use crate::control::Question;
use crate::escape;
use crate::instance::Shared;
use crate::is_root;
use crate::mounts;

const STATE: &str = "tell the state of";

/// How many symbolic links may be on the way, as in the kernel.
const LINKS: u32 = 40;

/// The instances of this process.
static INSTANCES: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Has an instance found by the path of its root.
pub(crate) fn register(shared: &Arc<Shared>) {
    let mut instances = INSTANCES.lock();
    instances.retain(|instance| instance.strong_count() > 0);
    instances.push(Arc::downgrade(shared));
}

/// What is local of the item at a path (`PrjGetOnDiskFileState`), whoever projects there, if anybody does. No provider is
/// asked, and nothing changes. A symbolic link at the end of the path is not followed.
///
/// In a root that is mounted, its instance is asked: in this process, or over its control socket. A tombstone is not
/// there then. Of a root that is not mounted the store is read, which also tells of tombstones; nobody else may use it at
/// that time. What is in no root is full.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) if there is nothing, or the item is virtual;
/// [`PathNotFound`](ErrorKind::PathNotFound) if a directory on the way is not there, or virtual;
/// [`Control`](ErrorKind::Control) and [`InUse`](ErrorKind::InUse) if the root cannot be asked; the system's.
///
/// # References
/// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjgetondiskfilestate>
pub fn on_disk_state(path: &Path) -> Result<OnDiskState> {
    match locate(path)? {
        Located::Outside => Ok(OnDiskState::FULL),
        Located::Here(shared, below) => shared.on_disk_state(&below),
        Located::Mounted(mount, below) => ask(path, &mount, &below),
        Located::Stopped(root, below) => read(&root, &below),
    }
}

/// Where a path leads.
enum Located {
    /// To something in no root.
    Outside,
    /// Into an instance of this process.
    Here(Arc<Shared>, RelPathBuf),
    /// Into an instance of another.
    Mounted(MountEntry, RelPathBuf),
    /// Into a root that is not mounted.
    Stopped(PathBuf, RelPathBuf),
}

/// Goes down a path and stops at the first root: what is in a mount is not touched, as that would be answered by its
/// provider, which may be the caller.
fn locate(path: &Path) -> Result<Located> {
    let error = |kind| Error::new(kind, STATE, path);
    let absolute = std::path::absolute(path).map_err(|failed| Error::io(failed, STATE, path))?;
    let mounts = mounts()?;
    let mut left = reversed(&absolute);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    loop {
        if let Some(mount) = mounts.iter().find(|mount| mount.path == at) {
            let below = below(&left).ok_or_else(|| error(ErrorKind::Invalid))?;
            let here = INSTANCES
                .lock()
                .iter()
                .filter_map(Weak::upgrade)
                .find(|shared| shared.origin.path == at && shared.live().is_ok());
            return Ok(match here {
                Some(shared) => Located::Here(shared, below),
                None => Located::Mounted(mount.clone(), below),
            });
        }
        if is_root(&at) {
            let below = below(&left).ok_or_else(|| error(ErrorKind::Invalid))?;
            return Ok(Located::Stopped(at, below));
        }
        let Some(next) = left.pop() else { return Ok(Located::Outside) };
        if next == ".." {
            at.pop();
            continue;
        }
        let step = at.join(&next);
        if mounts.iter().any(|mount| mount.path == step) {
            at = step;
            continue;
        }
        let is_last = left.is_empty();
        let found = step.symlink_metadata().map_err(|failed| match failed.kind() {
            io::ErrorKind::NotFound if is_last => error(ErrorKind::NotFound),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => error(ErrorKind::PathNotFound),
            _ => Error::io(failed, STATE, path),
        })?;
        if found.is_symlink() && !is_last {
            links += 1;
            if links > LINKS {
                return Err(Error::errno(rustix::io::Errno::LOOP, STATE, path));
            }
            let target = step.read_link().map_err(|failed| Error::io(failed, STATE, path))?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            left.extend(reversed(&target));
        } else if found.is_dir() || is_last {
            at = step;
        } else {
            return Err(error(ErrorKind::PathNotFound));
        }
    }
}

/// The components of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let named =
        path.components().rev().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    named.map(|part| part.as_os_str().to_owned()).collect()
}

/// What is left of a path, below a root; nothing if it leads out again.
fn below(left: &[OsString]) -> Option<RelPathBuf> {
    let mut below = RelPathBuf::root();
    for part in left.iter().rev() {
        below.push(projfs_types::ItemName::new(part.as_bytes()).ok().filter(|_| part != "..")?);
    }
    Some(below)
}

/// Asks an instance of another process.
fn ask(path: &Path, mount: &MountEntry, below: &RelPath) -> Result<OnDiskState> {
    let files = RuntimeFiles::find(&mount.path, mount.owner);
    let mut state = None;
    let question = Question::OnDisk { path: escape(below.as_bytes()) };
    let asked = control::ask(&files, &question, &mut |answer| {
        if let Answer::OnDisk { state: told } = answer {
            state = Some(told);
        }
        ControlFlow::Continue(())
    })?;
    match (asked, state) {
        (Ok(()), Some(state)) => Ok(OnDiskState::from_bits_truncate(state)),
        (Ok(()), None) => {
            Err(Error::new(ErrorKind::Control, STATE, path).detail("it ended without an answer"))
        }
        (Err(failure), _) => {
            let kind = match failure.kind.as_str() {
                "not-found" => ErrorKind::NotFound,
                "path-not-found" => ErrorKind::PathNotFound,
                "stopped" => ErrorKind::Stopped,
                _ => ErrorKind::Io,
            };
            Err(Error::new(kind, STATE, path).detail(failure.message))
        }
    }
}

/// Reads the store of a root that is not mounted.
fn read(root: &Path, below: &RelPath) -> Result<OnDiskState> {
    let path = root.join(crate::path::os(below));
    let failed = |error| Error::store(error, STATE, root);
    let store = VirtualizationRoot::open(root)?.into_parts().2;
    let mut dir = RelPathBuf::root();
    let mut origin = Some(OriginBuf::root());
    let mut state = OnDiskState::PLACEHOLDER;
    let mut names = below.components().peekable();
    while let Some(name) = names.next() {
        let missing = if names.peek().is_none() { ErrorKind::NotFound } else { ErrorKind::PathNotFound };
        let home = origin.as_ref().map(|origin| store.origin(origin, name));
        let (kind, comes_from);
        match store.look(&dir, name).map_err(failed)? {
            Some(item) => {
                state = OnDiskState::from(&item.state);
                kind = item.state.kind();
                comes_from = match item.state.projected().map(|projected| &projected.origin) {
                    Some(Origin::At(origin)) => Some(origin.clone()),
                    Some(Origin::Here) => home,
                    None => None,
                };
            }
            None => {
                let info = home.as_ref().and_then(|home| store.noted(home));
                let info = info.ok_or_else(|| Error::new(missing, STATE, &path))?;
                state = OnDiskState::PLACEHOLDER;
                kind = Some(info.item_kind());
                comes_from = home;
            }
        }
        if names.peek().is_some() && kind != Some(ItemKind::Directory) {
            return Err(Error::new(ErrorKind::PathNotFound, STATE, path));
        }
        (origin, _) = (comes_from, dir.push(name));
    }
    Ok(state)
}

impl Shared {
    /// What is local at a path below the root. A tombstone is not there.
    pub(crate) fn on_disk_state(&self, path: &RelPath) -> Result<OnDiskState> {
        let state =
            self.live()?.engine.on_disk_state(path).map_err(|error| self.failed(error, STATE, path))?;
        match state {
            OnDiskState::TOMBSTONE => {
                Err(Error::new(ErrorKind::NotFound, STATE, self.origin.path.join(crate::path::os(path))))
            }
            state => Ok(state),
        }
    }
}
