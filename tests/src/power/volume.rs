//! `Volume`: a file system made in a file, or on a disk, and mounted by way of a loop device.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::model::Order;

/// How long somebody may still have something open.
const BUSY: Duration = Duration::from_secs(10);

/// A file system that a root can be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileSystem {
    /// With the options that it has by itself.
    Ext4,
    /// The same.
    Xfs,
    /// The same.
    Btrfs,
    /// Mounted so that each sync is one of everything.
    BtrfsNotreelog,
}

impl FileSystem {
    /// What the kernel calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs | Self::BtrfsNotreelog => "btrfs",
        }
    }

    /// The smallest that is made of it, in bytes.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Ext4 => 96 << 20,
            Self::Xfs => 320 << 20,
            Self::Btrfs | Self::BtrfsNotreelog => 160 << 20,
        }
    }

    /// How it orders what is not synced.
    pub(crate) fn order(self) -> Order {
        match self {
            Self::Ext4 | Self::Xfs | Self::BtrfsNotreelog => Order::Whole,
            Self::Btrfs => Order::EachDirectory,
        }
    }

    /// What is there of a write is there in units of so many bytes. A superblock of btrfs that is there in part is one
    /// that it does not mount.
    pub(crate) fn unit(self) -> usize {
        match self {
            Self::Ext4 | Self::Xfs => 512,
            Self::Btrfs | Self::BtrfsNotreelog => 4096,
        }
    }

    /// How it is mounted.
    fn options(self) -> &'static str {
        match self {
            // The loop device is detached when it is unmounted, by whatever.
            Self::Ext4 | Self::Xfs | Self::Btrfs => "loop",
            Self::BtrfsNotreelog => "loop,notreelog",
        }
    }

    /// Makes one in a file.
    pub(crate) fn make(self, file: &Path) -> Result<()> {
        let (program, arguments) = match self {
            Self::Ext4 => ("mkfs.ext4", ["-q", "-F", "-E", "nodiscard"].as_slice()),
            Self::Xfs => ("mkfs.xfs", ["-q", "-f", "-K"].as_slice()),
            Self::Btrfs | Self::BtrfsNotreelog => {
                ("mkfs.btrfs", ["-q", "-f", "-K", "-m", "single"].as_slice())
            }
        };
        run(Command::new(program).args(arguments).arg(file)).map(drop)
    }
}

/// A mounted file system.
pub(crate) struct Volume {
    dir: PathBuf,
}

impl Volume {
    /// Mounts what is in a file on `dir`.
    pub(crate) fn mount(filesystem: FileSystem, file: &Path, dir: &Path) -> Result<Self> {
        let mut mount = Command::new("mount");
        run(mount.args(["-o", filesystem.options(), "-t", filesystem.name()]).args([file, dir]))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Unmounts. The file then has all that survived.
    pub(crate) fn unmount(self) -> Result<()> {
        let end = Instant::now() + BUSY;
        loop {
            match rustix::mount::unmount(&self.dir, UnmountFlags::empty()) {
                Ok(()) => break,
                Err(Errno::BUSY) if Instant::now() < end => std::thread::yield_now(),
                Err(errno) => bail!("cannot unmount {}: {errno}", self.dir.display()),
            }
        }
        Ok(())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Without effect if it is unmounted already.
        let _ = rustix::mount::unmount(&self.dir, UnmountFlags::DETACH);
    }
}

/// Runs a program; what it says.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
