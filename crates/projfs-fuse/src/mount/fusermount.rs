//! Mounting by the set-id helper `fusermount3`, for users without the privilege.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use rustix::io::Errno;
use rustix::io::FdFlags;
use rustix::net::AddressFamily;
use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::net::recvmsg;
use rustix::net::socketpair;

use super::MountError;
use super::failed;
use super::options::MountOptions;
use crate::transport::Device;

const HELPER: &str = "fusermount3";

/// Mounts at `path`; the file system is visible at once. The helper hands the device over through a socket.
pub(super) fn mount(path: &Path, options: &MountOptions) -> Result<Device, MountError> {
    let pair = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = pair.map_err(failed("socketpair"))?;
    // Should another thread start a program just now, that one keeps a socket of no use.
    rustix::io::fcntl_setfd(&theirs, FdFlags::empty()).map_err(failed("socketpair"))?;
    let output = Command::new(HELPER)
        .arg("-o")
        .arg(option_string(options))
        .arg("--")
        .arg(path)
        .env("_FUSE_COMMFD", theirs.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .output();
    drop(theirs);
    let output = output.map_err(|error| failed("running fusermount3")(crate::errno::of_io(&error)))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(MountError { step: "fusermount3", errno: Errno::PERM, message });
    }
    receive(&ours).map(Device::from).map_err(failed("receiving the device from fusermount3"))
}

/// What to do if the mount is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmount {
    /// Leave it.
    Free,
    /// Take it out of the tree all the same.
    Lazy,
}

/// Unmounts.
pub(super) fn unmount(path: &Path, how: Unmount) -> Result<(), MountError> {
    let flags: &[&str] = match how {
        Unmount::Free => &["-u", "--"],
        Unmount::Lazy => &["-u", "-z", "--"],
    };
    let output = Command::new(HELPER).args(flags).arg(path).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed("running fusermount3")(crate::errno::of_io(&error)))?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(MountError { step: "fusermount3 -u", errno: Errno::BUSY, message })
}

/// The option string; a comma in the source would begin another option.
pub(super) fn option_string(options: &MountOptions) -> String {
    let source = options.source.replace('\\', "\\\\").replace(',', "\\,");
    let mut text = format!("fsname={source},subtype=projfs,default_permissions");
    for name in options.flag_names().chain(options.allow_other.then_some("allow_other")) {
        text.push(',');
        text.push_str(name);
    }
    text
}

fn receive(socket: &OwnedFd) -> Result<OwnedFd, Errno> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    descriptor.ok_or(Errno::BADMSG)
}

#[cfg(test)]
mod tests;
