//! Calls of the kernel that no crate wraps.
#![allow(unsafe_code, reason = "a room of its own, see xtask/src/layout/unsafe_rooms.rs")]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use anyhow::Context;
use anyhow::Result;
use rustix::fs::OFlags;
use rustix::ioctl::Setter;
use rustix::ioctl::opcode;

/// `EXT4_IOC_SHUTDOWN`, which is `XFS_IOC_GOINGDOWN` too.
const SHUTDOWN: rustix::ioctl::Opcode = opcode::read::<u32>(b'X', 125);
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`, which is `XFS_FSOP_GOING_FLAGS_NOLOGFLUSH` too.
const NO_LOG_FLUSH: u32 = 2;

/// Cuts the power of a mounted file system: nothing reaches its disk any more, its log included.
pub(crate) fn shut_down(mounted: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = rustix::fs::open(mounted, flags, rustix::fs::Mode::empty())?;
    // SAFETY: the request reads a `u32`.
    unsafe { rustix::ioctl::ioctl(&dir, Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH)) }
        .context("the file system cannot be shut down")
}

/// Has the kernel begin to write a file's content, as it does by itself when it likes.
pub(crate) fn begin_writeback(file: &File) {
    // SAFETY: it takes no pointers. Whether it works does not matter.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}
