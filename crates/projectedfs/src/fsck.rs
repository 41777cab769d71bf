//! Checking, and mending, a root that is not mounted.

use std::path::Path;

pub use projfs_store::fsck::Finding;
pub use projfs_store::fsck::Mode;
pub use projfs_store::fsck::Trouble;

use crate::Error;
use crate::Result;
use crate::mounts::free_directory;

/// Looks at everything in a root that is not mounted. A mount that a crash left over it is taken away.
///
/// # Errors
/// [`NotARoot`](crate::ErrorKind::NotARoot) if the directory was not marked;
/// [`AlreadyMounted`](crate::ErrorKind::AlreadyMounted) and [`InUse`](crate::ErrorKind::InUse) if an instance uses
/// it; the system's, if something cannot be read, or not be mended.
pub fn run(root: impl AsRef<Path>, mode: Mode) -> Result<Vec<Finding>> {
    let root = free_directory(root.as_ref())?;
    projfs_store::fsck::run(&root, mode).map_err(|error| match error.kind {
        projfs_store::StoreErrorKind::NotARoot => {
            Error::new(crate::ErrorKind::NotARoot, "check", &root).detail("the directory is not a root")
        }
        _ => Error::store(error, "check", &root),
    })
}
