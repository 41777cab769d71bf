//! The mount table: which directories are mounts of ours, and whether they live.
//!
//! The table is read from the kernel, which answers without asking any daemon: a mount that hangs does not hold
//! whoever looks for it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

pub use projfs_fuse::mount::Health as MountHealth;
use projfs_fuse::mount::clear_dead;
use projfs_fuse::mount::health;

use crate::Error;
use crate::ErrorKind;
use crate::Result;

/// The type that mounts of ours have in the table.
const TYPE: &str = "fuse.projfs";

/// How long a mount may take to answer before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(2);

/// One mount of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountEntry {
    /// Where it is.
    pub path: PathBuf,
    /// What it shows, as `mount` and `df` say it.
    pub source: String,
    /// The user who mounted it.
    pub owner: u32,
}

/// Every mount of ours that this process can see; the topmost of several at one place comes last.
///
/// # Errors
/// `Io` if the table cannot be read.
pub fn mounts() -> Result<Vec<MountEntry>> {
    const TABLE: &str = "/proc/self/mountinfo";
    let table = std::fs::read(TABLE).map_err(|error| Error::io(error, "read", TABLE))?;
    Ok(parse(&table))
}

/// The mounts of ours in a table of the format of `/proc/self/mountinfo`, less those that another mount hides.
fn parse(table: &[u8]) -> Vec<MountEntry> {
    let mut found: Vec<MountEntry> = Vec::new();
    for line in table.split(|&byte| byte == b'\n') {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let Some(dash) = fields.iter().position(|field| *field == b"-") else { continue };
        let (Some(path), Some(kind)) = (fields.get(4), fields.get(dash + 1)) else { continue };
        let path = unescape(path);
        // What is mounted over one of ours hides it.
        found.retain(|entry| entry.path != path);
        if *kind != TYPE.as_bytes() {
            continue;
        }
        let source = fields.get(dash + 2).map(|source| unescape(source)).unwrap_or_default();
        let options =
            fields.get(dash + 3).map(|options| String::from_utf8_lossy(options)).unwrap_or_default();
        let owner = options.split(',').find_map(|option| option.strip_prefix("user_id=")?.parse().ok());
        let source = source.to_string_lossy().into_owned();
        found.push(MountEntry { path, source, owner: owner.unwrap_or(0) });
    }
    found
}

/// Undoes `\040` and its like.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The real path of a directory that is to be a root, or is one. Nothing of ours may be mounted there or above; what
/// a crash left mounted is taken away.
pub(crate) fn free_directory(path: &Path) -> Result<PathBuf> {
    const MARK: &str = "use";
    let path = std::path::absolute(path).map_err(|error| Error::io(error, MARK, path))?;
    let mut path = path.canonicalize().map_err(|error| Error::io(error, MARK, &path))?;
    for entry in mounts()? {
        if entry.path == path {
            free(&entry, MARK)?;
            // What is below the dead mount may lead elsewhere.
            path = path.canonicalize().map_err(|error| Error::io(error, MARK, &path))?;
        } else if path.starts_with(&entry.path) {
            let detail =
                format!("it is inside {}, which is a root, and roots cannot be nested", entry.path.display());
            return Err(Error::new(ErrorKind::Nested, MARK, path).detail(detail));
        }
    }
    Ok(path)
}

/// How often a mount that fails is looked at again.
const ATTEMPTS: u32 = 10;

/// How long is waited between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Takes a dead mount away; refuses any other.
fn free(entry: &MountEntry, operation: &'static str) -> Result<()> {
    let refused = |why: &str| {
        let detail = format!("{} is mounted there already{why}", entry.source);
        Error::new(ErrorKind::AlreadyMounted, operation, &entry.path).detail(detail)
    };
    let mut health = entry.health();
    // A connection whose daemon was killed a moment ago fails in more than one way until it is gone.
    for _ in 0..ATTEMPTS {
        if !matches!(health, MountHealth::Absent(_)) {
            break;
        }
        std::thread::sleep(PAUSE);
        health = entry.health();
    }
    match health {
        MountHealth::Alive => Err(refused("")),
        MountHealth::Hung => Err(refused(", and does not answer")),
        MountHealth::Absent(errno) => {
            Err(refused(&format!(" by user {}, and answers: {errno}", entry.owner)))
        }
        MountHealth::Dead => {
            tracing::warn!(path = %entry.path.display(), "replacing a mount whose daemon is gone");
            let cleared = clear_dead(&entry.path);
            cleared.map(drop).map_err(|error| refused(", its daemon is gone").because(error))
        }
    }
}

impl MountEntry {
    /// Whether it answers; waits at most two seconds for that.
    pub fn health(&self) -> MountHealth {
        health(&self.path, PATIENCE)
    }

    /// Takes the mount away, if its daemon is gone; says whether it was.
    ///
    /// # Errors
    /// The system's.
    pub fn clear_dead(&self) -> Result<bool> {
        let failed = |error| Error::new(ErrorKind::Io, "unmount", &self.path).because(error);
        clear_dead(&self.path).map_err(failed)
    }

    /// Unmounts it, unless a program uses it. Its instance, if it lives, notices and ends.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy); the system's.
    pub fn unmount(&self) -> Result<()> {
        crate::unmount::unmount_unused(&self.path)
    }
}

#[cfg(test)]
mod tests;
