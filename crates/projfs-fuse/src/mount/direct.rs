//! Mounting by system calls, for which `CAP_SYS_ADMIN` is needed.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::StatxFlags;
use rustix::io::Errno;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::MountAttrFlags;
use rustix::mount::MountFlags;
use rustix::mount::MoveMountFlags;

use super::MountError;
use super::failed;
use super::options::MountOptions;
use super::options::Target;
use crate::transport::Device;

/// Makes the file system, in no place of the tree yet. The kernel sends INIT from here on.
pub(super) fn make(device: &Device, options: &MountOptions) -> Result<OwnedFd, MountError> {
    use rustix::mount::fsconfig_set_flag;
    use rustix::mount::fsconfig_set_string;

    let context = rustix::mount::fsopen("fuse", FsOpenFlags::FSOPEN_CLOEXEC).map_err(failed("fsopen"))?;
    let fd = device.as_fd().as_raw_fd().to_string();
    let uid = rustix::process::geteuid().as_raw().to_string();
    let gid = rustix::process::getegid().as_raw().to_string();
    let strings = [
        ("source", options.source.as_str()),
        ("subtype", "projfs"),
        ("fd", &fd),
        ("rootmode", "40000"),
        ("user_id", &uid),
        ("group_id", &gid),
    ];
    for (key, value) in strings {
        fsconfig_set_string(context.as_fd(), key, value).map_err(failed(key))?;
    }
    fsconfig_set_flag(context.as_fd(), "default_permissions").map_err(failed("default_permissions"))?;
    if options.allow_other {
        fsconfig_set_flag(context.as_fd(), "allow_other").map_err(failed("allow_other"))?;
    }
    if options.read_only {
        fsconfig_set_flag(context.as_fd(), "ro").map_err(failed("ro"))?;
    }
    rustix::mount::fsconfig_create(context.as_fd()).map_err(failed("making the file system"))?;
    let attributes = [
        (options.nosuid, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (options.nodev, MountAttrFlags::MOUNT_ATTR_NODEV),
        (options.noexec, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (options.read_only, MountAttrFlags::MOUNT_ATTR_RDONLY),
    ];
    let attributes = attributes.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        .map_err(failed("fsmount"))
}

/// Puts what [`make`] made into the tree.
pub(super) fn attach(mount: &OwnedFd, target: &Target) -> Result<(), MountError> {
    let from = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    match target.dir() {
        Some(dir) => {
            let flags = from | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
            rustix::mount::move_mount(mount, "", dir, "", flags)
        }
        None => rustix::mount::move_mount(mount, "", CWD, target.path(), from),
    }
    .map_err(failed("attaching the mount"))
}

/// The older way: made and attached in one call.
pub(super) fn mount(device: &Device, options: &MountOptions, target: &Target) -> Result<(), MountError> {
    let mut data = format!(
        "fd={},rootmode=40000,user_id={},group_id={},default_permissions",
        device.as_fd().as_raw_fd(),
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    if options.allow_other {
        data.push_str(",allow_other");
    }
    let data = CString::new(data).map_err(|_| failed("mount options")(Errno::INVAL))?;
    let flags = [
        (options.nosuid, MountFlags::NOSUID),
        (options.nodev, MountFlags::NODEV),
        (options.noexec, MountFlags::NOEXEC),
        (options.read_only, MountFlags::RDONLY),
    ];
    let flags: MountFlags = flags.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
    let place = match target.dir() {
        Some(dir) => format!("/proc/self/fd/{}", dir.as_raw_fd()).into(),
        None => target.path().to_owned(),
    };
    rustix::mount::mount(options.source.as_str(), &place, "fuse.projfs", flags, Some(&*data))
        .map_err(failed("mount"))
}

/// The number of the connection behind a mount that is nowhere in the tree.
pub(super) fn connection(mount: &OwnedFd) -> Option<u32> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    rustix::fs::statx(mount, "", flags, StatxFlags::empty()).ok().map(|stat| stat.stx_dev_minor)
}

/// Aborts a connection through the control file system, which need not be mounted anywhere.
pub(super) fn abort(connection: u32) -> Result<(), Errno> {
    let file = format!("{connection}/abort");
    let (flags, mode) = (OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
    let usual = format!("/sys/fs/fuse/connections/{file}");
    let opened = rustix::fs::open(usual, flags, mode).or_else(|_| {
        let context = rustix::mount::fsopen("fusectl", FsOpenFlags::FSOPEN_CLOEXEC)?;
        rustix::mount::fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::empty();
        let control = rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?;
        rustix::fs::openat(&control, &file, flags, mode)
    });
    match opened {
        Ok(file) => rustix::io::write(file, b"1").map(drop),
        // The connection is gone already.
        Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests;
