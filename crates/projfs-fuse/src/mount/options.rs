//! What a mount is to be like, and where it goes.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use projfs_sync::Arc;

/// What a mount is to be like. Permissions are always checked by the kernel (`default_permissions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountOptions {
    /// What `mount` and `df` show as the source.
    pub source: String,
    /// Other users may use it. Without privilege `fuse.conf` has to allow this.
    pub allow_other: bool,
    /// Programs gain no rights by set-id bits.
    pub nosuid: bool,
    /// Device files are not devices.
    pub nodev: bool,
    /// Programs cannot be run.
    pub noexec: bool,
    /// Nothing can be changed.
    pub read_only: bool,
}

impl Default for MountOptions {
    fn default() -> Self {
        Self {
            source: "projfs".into(),
            allow_other: false,
            nosuid: true,
            nodev: true,
            noexec: false,
            read_only: false,
        }
    }
}

impl MountOptions {
    /// The options that are flags of the mount, by name.
    pub(super) fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let flags =
            [(self.nosuid, "nosuid"), (self.nodev, "nodev"), (self.noexec, "noexec"), (self.read_only, "ro")];
        flags.into_iter().filter_map(|(set, name)| set.then_some(name))
    }
}

/// The directory over which the mount goes.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    dir: Option<Arc<OwnedFd>>,
}

impl Target {
    /// The directory at `path`, which should be absolute.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), dir: None }
    }

    /// The very directory that `dir` is, whatever may be at `path` by then. Through `dir` it can be reached also when the
    /// mount is over it.
    pub fn over(path: impl Into<PathBuf>, dir: OwnedFd) -> Self {
        Self { path: path.into(), dir: Some(Arc::new(dir)) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, if it was given.
    pub fn dir(&self) -> Option<BorrowedFd<'_>> {
        self.dir.as_ref().map(|dir| dir.as_fd())
    }
}
