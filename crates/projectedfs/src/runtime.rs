//! The runtime directory: sockets, logs and notes of the instances of one user.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::test_kill_process;
use serde::Deserialize;
use serde::Serialize;
use twox_hash::XxHash3_64;

use crate::Error;
use crate::ErrorKind;
use crate::Result;

/// Names another runtime directory; for tests, and where the usual places are not to be used.
const VARIABLE: &str = "PROJFS_RUNTIME_DIR";

/// The runtime directory of this user, made if it is missing: `$PROJFS_RUNTIME_DIR`, else `/run/projfs` for root and
/// `$XDG_RUNTIME_DIR/projfs` for others, else `/tmp/projfs-UID`.
///
/// # Errors
/// `Control` if it is somebody else's or others may write to it; the system's.
pub fn runtime_dir() -> Result<PathBuf> {
    const MAKE: &str = "make the runtime directory";
    let path = runtime_path();
    let mut builder = std::fs::DirBuilder::new();
    match builder.recursive(false).mode(0o700).create(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(Error::io(error, MAKE, path)),
    }
    // Others may make names in /tmp: what is there must be ours, and a directory, not a link to one.
    let found = path.symlink_metadata().map_err(|error| Error::io(error, MAKE, &path))?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & 0o022 != 0 {
        let detail = "it must be a directory of this user's, and nobody else may write to it";
        return Err(Error::new(ErrorKind::Control, MAKE, path).detail(detail));
    }
    Ok(path)
}

fn runtime_path() -> PathBuf {
    let from = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = from(VARIABLE) {
        return path;
    }
    let uid = rustix::process::geteuid();
    let usual = if uid.is_root() { Some(PathBuf::from("/run")) } else { from("XDG_RUNTIME_DIR") };
    match usual.filter(|dir| dir.is_dir()) {
        Some(dir) => dir.join("projfs"),
        None => std::env::temp_dir().join(format!("projfs-{}", uid.as_raw())),
    }
}

/// Where the files of the instance with this root are, for a user who did not start it: only root may look.
fn candidates(owner: u32) -> Vec<PathBuf> {
    let mut dirs = vec![runtime_path()];
    if rustix::process::geteuid().is_root() {
        dirs.push(PathBuf::from(format!("/run/user/{owner}/projfs")));
        dirs.push(PathBuf::from(format!("/tmp/projfs-{owner}")));
    }
    dirs
}

/// The files of one instance in the runtime directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeFiles {
    stem: PathBuf,
}

impl RuntimeFiles {
    /// Those of the root at `root`, an absolute path without links, in the directory `dir`.
    pub fn new(dir: &Path, root: &Path) -> Self {
        let hash = XxHash3_64::oneshot(root.as_os_str().as_bytes());
        Self { stem: dir.join(format!("{hash:016x}")) }
    }

    /// Those of the mount at `root` that the user `owner` made.
    pub fn find(root: &Path, owner: u32) -> Self {
        let found = candidates(owner).into_iter().map(|dir| Self::new(&dir, root));
        let mut found: Vec<_> = found.collect();
        let used = found.iter().position(|files| files.socket().exists()).unwrap_or(0);
        found.swap_remove(used)
    }

    /// The control socket.
    pub fn socket(&self) -> PathBuf {
        self.stem.with_extension("sock")
    }

    /// The note about the instance, a JSON object.
    pub fn note(&self) -> PathBuf {
        self.stem.with_extension("json")
    }

    /// The log of a daemon.
    pub fn log(&self) -> PathBuf {
        self.stem.with_extension("log")
    }

    /// Whether a keeper lives that starts the daemon of the instance again if it dies.
    pub fn is_kept(&self) -> bool {
        let keeper = self.read_note().and_then(|note| note.keeper);
        let keeper = keeper.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        // Somebody else's lives too.
        keeper.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
    }

    /// Reads the note, if there is one.
    pub fn read_note(&self) -> Option<Note> {
        serde_json::from_slice(&std::fs::read(self.note()).ok()?).ok()
    }

    pub(crate) fn write_note(&self, note: &Note) -> Result<()> {
        let text = serde_json::to_vec(note).map_err(std::io::Error::from);
        let written = text.and_then(|text| {
            // Whole under its name, or not there.
            let new = self.stem.with_extension("json.new");
            std::fs::write(&new, text)?;
            std::fs::rename(new, self.note())
        });
        written.map_err(|error| Error::io(error, "write the note of", self.note()))
    }

    /// Removes the log if nothing was logged.
    pub fn remove_empty_log(&self) {
        let log = self.log();
        if log.metadata().is_ok_and(|found| found.len() == 0) {
            // It is only in the way.
            let _ = std::fs::remove_file(log);
        }
    }

    /// Removes socket and note; a log that says something stays for who wants to know.
    pub(crate) fn remove(&self) {
        self.remove_empty_log();
        for path in [self.socket(), self.note()] {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, path = %path.display(), "not removed"),
            }
        }
    }
}

/// What is noted about an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The process.
    pub pid: u32,
    /// What is projected, in words.
    pub source: String,
    /// The root, escaped as [`escape`](crate::control::escape) does.
    pub root: String,
    /// When it was mounted, in seconds since 1970.
    pub started: u64,
    /// The root's identity.
    pub instance: String,
    /// The process that starts the daemon again if it dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<u32>,
}

/// The notes in the runtime directory of this user, those of instances that crashed among them.
///
/// # Errors
/// The system's.
pub fn notes() -> Result<Vec<Note>> {
    let dir = runtime_path();
    let listed = match std::fs::read_dir(&dir) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(error, "list", dir)),
    };
    let mut notes = Vec::new();
    for entry in listed.flatten() {
        let path = entry.path();
        if path.extension() == Some(OsStr::new("json")) {
            notes.extend(RuntimeFiles { stem: path.with_extension("") }.read_note());
        }
    }
    notes.sort_by(|one, other| one.root.cmp(&other.root));
    Ok(notes)
}

#[cfg(test)]
mod tests;
