//! `Device`: an open `/dev/fuse`. Every `ioctl` is here.
#![allow(unsafe_code, reason = "an ioctl tells the compiler nothing of what it reads and writes")]

use std::ffi::c_void;
use std::io::IoSlice;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::Ioctl;
use rustix::ioctl::IoctlOutput;
use rustix::ioctl::Opcode;
use rustix::ioctl::Setter;
use rustix::ioctl::ioctl;
use rustix::ioctl::opcode;
use zerocopy::IntoBytes;

use super::token::Home;
use crate::io::BackingFiles;
use crate::io::BackingId;
use crate::wire::abi::BackingMap;
use crate::wire::abi::OutHeader;
use crate::wire::notify::Notification;

const MAGIC: u8 = 229;
const CLONE: Opcode = opcode::read::<u32>(MAGIC, 0);
const BACKING_OPEN: Opcode = opcode::write::<BackingMap>(MAGIC, 1);
const BACKING_CLOSE: Opcode = opcode::write::<u32>(MAGIC, 2);

/// An open `/dev/fuse`. Clones of the descriptor share a connection, but each answers what it read itself.
#[derive(Debug)]
pub struct Device {
    fd: OwnedFd,
}

/// `FUSE_DEV_IOC_BACKING_OPEN`, whose result is its return value.
struct BackingOpen(BackingMap);

// SAFETY: the opcode takes a pointer to a `fuse_backing_map`, which `as_ptr` gives and `self` keeps alive; the kernel
// only reads it.
unsafe impl Ioctl for BackingOpen {
    type Output = i32;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        BACKING_OPEN
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<i32> {
        Ok(out)
    }
}

impl Device {
    /// Opens `/dev/fuse`.
    ///
    /// # Errors
    /// `ENOENT` without FUSE in the kernel, `EACCES` without permission.
    pub fn open() -> Result<Self, Errno> {
        let fd = rustix::fs::open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { fd })
    }

    /// A descriptor more on the same connection, with requests of its own.
    ///
    /// # Errors
    /// `EMFILE`, among others.
    pub fn share(&self) -> Result<Self, Errno> {
        let other = Self::open()?;
        // SAFETY: the opcode reads one `u32`, a descriptor, from the pointer that `Setter` makes of it.
        unsafe {
            ioctl(&other.fd, Setter::<CLONE, u32>::new(self.fd.as_raw_fd() as u32))?;
        }
        Ok(other)
    }

    /// Reads one request. Waits for it.
    ///
    /// # Errors
    /// `ENODEV` once unmounted, `ECONNABORTED` once aborted; `EINTR`, `EAGAIN` and `ENOENT` mean: again.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        rustix::io::read(&self.fd, buffer)
    }

    /// Answers the request `unique`.
    pub fn reply(&self, unique: u64, error: i32, body: &[u8]) {
        let body = if error == 0 { body } else { &[] };
        // A body is at most a few MiB.
        let header = OutHeader { len: (size_of::<OutHeader>() + body.len()) as u32, error, unique };
        match rustix::io::writev(&self.fd, &[IoSlice::new(header.as_bytes()), IoSlice::new(body)]) {
            Ok(_) => {}
            // The caller is gone, or the mount.
            Err(Errno::NOENT | Errno::NODEV | Errno::NOTCONN | Errno::PERM) => {}
            Err(errno) => {
                tracing::error!(unique, error, length = body.len(), %errno, "a reply was not accepted");
            }
        }
    }

    /// Tells the kernel something.
    ///
    /// # Errors
    /// `ENOENT` if the kernel does not know the node or name (any more), `ENODEV` once unmounted, `EINVAL` if it does
    /// not know the notification.
    pub fn notify(&self, notification: &Notification) -> Result<(), Errno> {
        rustix::io::write(&self.fd, &notification.to_bytes()).map(drop)
    }
}

impl From<OwnedFd> for Device {
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Home for Device {
    fn answer(&self, _slot: u32, unique: u64, error: i32, body: &[u8]) {
        self.reply(unique, error, body);
    }
}

impl BackingFiles for Arc<Device> {
    fn open(&self, file: BorrowedFd<'_>) -> Result<BackingId, Errno> {
        let map = BackingMap { fd: file.as_raw_fd(), flags: 0, padding: 0 };
        // SAFETY: `BackingOpen` is this opcode with its argument.
        unsafe { ioctl(&self.fd, BackingOpen(map)) }.map(BackingId)
    }

    fn close(&self, id: BackingId) {
        // SAFETY: the opcode reads one `u32`, an id, from the pointer that `Setter` makes of it.
        let closed = unsafe { ioctl(&self.fd, Setter::<BACKING_CLOSE, u32>::new(id.0 as u32)) };
        if let Err(errno) = closed {
            tracing::warn!(id = id.0, %errno, "a backing id was not closed");
        }
    }
}
