//! `Source`: the projected directory, reached through one descriptor.

use std::ffi::CString;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use projfs_types::FileTimes;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::fs::Statx;
use rustix::fs::StatxFlags;
use rustix::fs::StatxTimestamp;
use rustix::io::Errno;

/// The permission bits that are projected: without set-user-id and set-group-id.
const SHOWN_MODE: u16 = 0o1777;

/// The projected directory.
#[derive(Debug)]
pub(crate) struct Source {
    root: OwnedFd,
}

impl Source {
    /// Opens the directory. Its own path may lead through links; nothing below it may.
    pub(crate) fn open(path: &Path) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let source = Self { root: rustix::fs::openat(CWD, path, flags, Mode::empty())? };
        // Finds out now whether it can be listed, and whether this kernel has `openat2`.
        source.open_beneath(RelPath::root(), OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(source)
    }

    /// Describes the item at `path`; nothing if it is of a kind that is left out.
    pub(crate) fn describe(&self, path: &RelPath) -> rustix::io::Result<Option<PlaceholderInfo>> {
        describe(self.open_beneath(path, OFlags::PATH)?.as_fd())
    }

    /// The names in the directory at `path` with what they are; without those of a kind that is left out.
    pub(crate) fn list(&self, path: &RelPath) -> rustix::io::Result<Vec<(CString, PlaceholderInfo)>> {
        let directory = self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut items = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            match describe_entry(directory.as_fd(), name) {
                Ok(Some(info)) => items.push((name.to_owned(), info)),
                // Left out, or deleted since its name was read.
                Ok(None) | Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(items)
    }

    /// Opens the regular file at `path` for reading; also gives its version.
    ///
    /// Should the file have become a FIFO, opening it does not wait.
    pub(crate) fn open_file(&self, path: &RelPath) -> rustix::io::Result<(OwnedFd, VersionInfo)> {
        let file = self.open_beneath(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        let status = status(file.as_fd(), c"", AtFlags::EMPTY_PATH)?;
        match ItemKind::of_mode(u32::from(status.stx_mode)) {
            ItemKind::File => Ok((file, version(&status))),
            ItemKind::Directory => Err(Errno::ISDIR),
            ItemKind::Symlink | ItemKind::Special => Err(Errno::INVAL),
        }
    }

    fn open_beneath(&self, path: &RelPath, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = if path.is_root() { b"." } else { path.as_bytes() };
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve)
    }
}

/// The version of an opened file, now.
pub(crate) fn version_now(file: BorrowedFd<'_>) -> rustix::io::Result<VersionInfo> {
    Ok(version(&status(file, c"", AtFlags::EMPTY_PATH)?))
}

fn describe_entry(
    directory: BorrowedFd<'_>,
    name: &std::ffi::CStr,
) -> rustix::io::Result<Option<PlaceholderInfo>> {
    let status = status(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if ItemKind::of_mode(u32::from(status.stx_mode)) != ItemKind::Symlink {
        return Ok(of_status(&status));
    }
    // A link is opened, so that its target and its times are those of one link.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    describe(rustix::fs::openat(directory, name, flags, Mode::empty())?.as_fd())
}

fn describe(item: BorrowedFd<'_>) -> rustix::io::Result<Option<PlaceholderInfo>> {
    let status = status(item, c"", AtFlags::EMPTY_PATH)?;
    if ItemKind::of_mode(u32::from(status.stx_mode)) != ItemKind::Symlink {
        return Ok(of_status(&status));
    }
    let target = rustix::fs::readlinkat(item, c"", Vec::new())?.into_bytes();
    // Some links of /proc have no target.
    Ok((!target.is_empty()).then(|| complete(PlaceholderInfo::symlink(target), &status)))
}

/// The metadata of what is no symbolic link.
fn of_status(status: &Statx) -> Option<PlaceholderInfo> {
    let info = match ItemKind::of_mode(u32::from(status.stx_mode)) {
        ItemKind::File => PlaceholderInfo::file(status.stx_size),
        ItemKind::Directory => PlaceholderInfo::directory(),
        ItemKind::Symlink | ItemKind::Special => return None,
    };
    Some(complete(info.with_mode(status.stx_mode & SHOWN_MODE), status))
}

fn complete(info: PlaceholderInfo, status: &Statx) -> PlaceholderInfo {
    let write = time(status.stx_mtime);
    let has_creation = StatxFlags::from_bits_retain(status.stx_mask).contains(StatxFlags::BTIME);
    let times = FileTimes {
        creation: if has_creation { time(status.stx_btime) } else { write },
        // Not the source's: that one changes by being projected, and would differ from one question to the next.
        access: write,
        write,
        change: time(status.stx_ctime),
    };
    info.with_times(times).with_version(version(status))
}

fn status(directory: BorrowedFd<'_>, name: &std::ffi::CStr, flags: AtFlags) -> rustix::io::Result<Statx> {
    rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)
}

/// All that changes when content or metadata do, 40 bytes.
fn version(status: &Statx) -> VersionInfo {
    let mut bytes = Vec::with_capacity(40);
    for time in [status.stx_mtime, status.stx_ctime] {
        bytes.extend_from_slice(&time.tv_sec.to_le_bytes());
        bytes.extend_from_slice(&time.tv_nsec.to_le_bytes());
    }
    bytes.extend_from_slice(&status.stx_size.to_le_bytes());
    bytes.extend_from_slice(&status.stx_ino.to_le_bytes());
    VersionInfo::of_content(&bytes).unwrap_or_default()
}

fn time(time: StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}
