//! Paths as the system has them and paths below a root: the same bytes, other types.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use projfs_types::RelPath;

/// A path below a root, for the system.
pub(crate) fn os(path: &RelPath) -> &Path {
    Path::new(OsStr::from_bytes(path.as_bytes()))
}
