//! `At`: a name in an open directory, and the record of what is there.
//!
//! Nothing here follows a symbolic link: the name is a single component, and extended attributes are reached
//! through the directory's descriptor in `/proc`, without opening what has them.

use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::mode;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Statx;
use rustix::fs::StatxFlags;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;
use rustix::fs::UTIME_OMIT;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use tracing::debug;

use super::Done;
use crate::codec::Damage;
use crate::record::ATTRIBUTE;
use crate::record::First;
use crate::record::MORE;
use crate::record::Record;
use crate::record::Recorded;

/// What is asked of every item.
pub(crate) const STAT: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

const MORE_MAX: usize = 1 << 16;

/// One file at a time has its mode lifted, so that none is found lifted by another thread and left so.
static LIFT: Mutex<()> = mutex(Rank::Store, ());

/// A name in an open directory.
#[derive(Clone, Debug)]
pub(crate) struct At {
    /// The directory.
    pub(crate) dir: Arc<OwnedFd>,
    /// A single component; `.` is the directory itself.
    pub(crate) name: Vec<u8>,
}

/// What has extended attributes.
#[derive(Clone, Copy)]
pub(crate) enum Inode<'a> {
    /// An open file, which may be nameless.
    Open(BorrowedFd<'a>),
    /// What is under a name.
    Named(&'a At),
}

impl At {
    /// `name` in `dir`.
    pub(crate) fn new(dir: &Arc<OwnedFd>, name: impl Into<Vec<u8>>) -> Self {
        Self { dir: Arc::clone(dir), name: name.into() }
    }

    /// What is under the name, if anything is.
    pub(crate) fn stat(&self) -> Result<Option<Statx>, Errno> {
        match rustix::fs::statx(&*self.dir, self.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW, STAT) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// The way there through `/proc`.
    fn proc_path(&self) -> Vec<u8> {
        let mut path = format!("/proc/self/fd/{}/", self.dir.as_raw_fd()).into_bytes();
        path.extend_from_slice(&self.name);
        path
    }

    /// A descriptor that says which inode, and permits nothing.
    pub(crate) fn pin(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&*self.dir, self.name.as_slice(), flags, Mode::empty())
    }

    /// Changes the permission bits; of a symbolic link they cannot be.
    pub(crate) fn change_mode(&self, permissions: u32) -> Result<(), Errno> {
        change_mode_of(&self.pin()?, permissions)
    }

    /// Opens for reading and writing, not waiting for the other end of a FIFO.
    pub(crate) fn open(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        rustix::fs::openat(&*self.dir, self.name.as_slice(), flags, Mode::empty())
    }

    /// Renames to `to`.
    pub(crate) fn rename(&self, to: &At, flags: rustix::fs::RenameFlags) -> Result<(), Errno> {
        rustix::fs::renameat_with(&*self.dir, self.name.as_slice(), &*to.dir, to.name.as_slice(), flags)
    }

    /// Gives what is here the name `to` too.
    pub(crate) fn link(&self, to: &At) -> Result<(), Errno> {
        rustix::fs::linkat(&*self.dir, self.name.as_slice(), &*to.dir, to.name.as_slice(), AtFlags::empty())
    }

    /// Removes the name of anything but a directory.
    pub(crate) fn unlink(&self) -> Result<(), Errno> {
        rustix::fs::unlinkat(&*self.dir, self.name.as_slice(), AtFlags::empty())
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self) -> Result<(), Errno> {
        rustix::fs::unlinkat(&*self.dir, self.name.as_slice(), AtFlags::REMOVEDIR)
    }

    /// Sets access and write time; an absent one stays.
    pub(crate) fn set_times(&self, access: Option<Timespec>, write: Option<Timespec>) -> Result<(), Errno> {
        let times = timestamps(access, write);
        rustix::fs::utimensat(&*self.dir, self.name.as_slice(), &times, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Changes the owner.
    pub(crate) fn change_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Errno> {
        let uid = uid.map(rustix::fs::Uid::from_raw);
        let gid = gid.map(rustix::fs::Gid::from_raw);
        rustix::fs::chownat(&*self.dir, self.name.as_slice(), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
    }
}

/// Both times for the kernel; an absent one stays.
pub(crate) fn timestamps(access: Option<Timespec>, write: Option<Timespec>) -> Timestamps {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    Timestamps { last_access: access.unwrap_or(omit), last_modification: write.unwrap_or(omit) }
}

/// Changes the permission bits of what was opened, even with `O_PATH`.
pub(crate) fn change_mode_of(file: &OwnedFd, permissions: u32) -> Result<(), Errno> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(permissions), AtFlags::empty())
}

impl Inode<'_> {
    /// Runs `attempt`, if need be with the owner's permission to read and write lent for the moment: the
    /// kernel grants nobody without privilege the attributes of a stand-in.
    pub(crate) fn lifted<T>(self, attempt: &dyn Fn(Self) -> Result<T, Errno>) -> Result<T, Errno> {
        let Self::Named(at) = self else { return attempt(self) };
        match attempt(self) {
            Err(Errno::ACCESS) => {}
            other => return other,
        }
        let _one_at_a_time = LIFT.lock();
        let file = at.pin()?;
        let permissions = rustix::fs::fstat(&file)?.st_mode & mode::PERMISSIONS;
        change_mode_of(&file, permissions | 0o600)?;
        let result = attempt(self);
        change_mode_of(&file, permissions)?;
        result
    }

    /// Reads an attribute into `buffer`.
    pub(crate) fn get(self, name: &[u8], buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(file) => rustix::fs::fgetxattr(file, name, buffer),
            Self::Named(at) => rustix::fs::lgetxattr(at.proc_path(), name, buffer),
        }
    }

    /// The names of all attributes.
    pub(crate) fn names(self, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Open(file) => rustix::fs::flistxattr(file, buffer),
            Self::Named(at) => rustix::fs::llistxattr(at.proc_path(), buffer),
        }
    }

    /// Sets an attribute.
    pub(crate) fn set(self, name: &[u8], value: &[u8], flags: XattrFlags) -> Result<(), Errno> {
        self.lifted(&|inode| match inode {
            Inode::Open(file) => rustix::fs::fsetxattr(file, name, value, flags),
            Inode::Named(at) => rustix::fs::lsetxattr(at.proc_path(), name, value, flags),
        })
    }

    /// Removes an attribute.
    pub(crate) fn remove(self, name: &[u8]) -> Result<(), Errno> {
        self.lifted(&|inode| match inode {
            Inode::Open(file) => rustix::fs::fremovexattr(file, name),
            Inode::Named(at) => rustix::fs::lremovexattr(at.proc_path(), name),
        })
    }

    /// The value of an attribute of any length, if there is such an attribute.
    pub(crate) fn value(self, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
        let read = self.lifted(&|inode| {
            let mut buffer = vec![0; 256];
            loop {
                match inode.get(name, &mut buffer) {
                    Ok(length) => {
                        buffer.truncate(length);
                        return Ok(buffer);
                    }
                    Err(Errno::RANGE) if buffer.len() < MORE_MAX => buffer.resize(MORE_MAX, 0),
                    Err(errno) => return Err(errno),
                }
            }
        });
        match read {
            Ok(value) => Ok(Some(value)),
            Err(Errno::NODATA) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// The first attribute of the record, into `buffer`.
    fn first(self, buffer: &mut [u8]) -> Done<Option<usize>> {
        match self.get(ATTRIBUTE.as_bytes(), buffer) {
            Ok(length) => Ok(Some(length)),
            Err(Errno::NODATA) => Ok(None),
            Err(Errno::RANGE) => Err(Damage("longer than a record").into()),
            Err(Errno::ACCESS) => match self.value(ATTRIBUTE.as_bytes())? {
                Some(value) if value.len() <= buffer.len() => {
                    buffer[..value.len()].copy_from_slice(&value);
                    Ok(Some(value.len()))
                }
                Some(_) => Err(Damage("longer than a record").into()),
                None => Ok(None),
            },
            Err(errno) => Err(errno.into()),
        }
    }

    /// The record, if there is one; with the extended attributes of the inode, if it says that there are any.
    pub(crate) fn record(self) -> Done<Option<Record>> {
        let mut buffer = [0; 128];
        let Some(length) = self.first(&mut buffer)? else { return Ok(None) };
        let first = First::new(&buffer[..length])?;
        let has_extended = first.has_extended();
        let mut record = self.decode(first)?;
        if let Recorded::Projected(provided) = &mut record.item
            && has_extended
        {
            provided.info.extended = self.extended()?;
        }
        Ok(Some(record))
    }

    fn decode(self, first: First<'_>) -> Done<Record> {
        let more = match first.slot() {
            Some(slot) => self.value(MORE[slot].as_bytes())?,
            None => None,
        };
        Ok(first.decode(more.as_deref())?)
    }

    /// Writes the record; setting its first attribute is the step that changes it.
    pub(crate) fn set_record(self, record: &Record) -> Done<()> {
        let mut buffer = [0; 128];
        let before = self.first(&mut buffer)?;
        let slot_before = match before {
            Some(length) => First::new(&buffer[..length]).ok().and_then(|first| first.slot()),
            None => None,
        };
        let encoded = record.encode(if slot_before == Some(0) { 1 } else { 0 });
        if let Some((slot, more)) = &encoded.more {
            self.set(MORE[*slot].as_bytes(), more, XattrFlags::empty())?;
        }
        self.set(ATTRIBUTE.as_bytes(), &encoded.first, XattrFlags::empty())?;
        if let Some(slot) = slot_before
            && let Err(errno) = self.remove_if_there(MORE[slot].as_bytes())
        {
            // The step is done, and what nothing names is written over by the next but one.
            debug!(%errno, "the second attribute of before stays");
        }
        Ok(())
    }

    /// Writes the record of an inode that has none.
    pub(crate) fn set_first_record(self, record: &Record) -> Done<()> {
        let encoded = record.encode(0);
        if let Some((slot, more)) = &encoded.more {
            self.set(MORE[*slot].as_bytes(), more, XattrFlags::empty())?;
        }
        Ok(self.set(ATTRIBUTE.as_bytes(), &encoded.first, XattrFlags::empty())?)
    }

    /// Takes the record away.
    pub(crate) fn remove_record(self) -> Done<()> {
        self.remove_if_there(ATTRIBUTE.as_bytes())?;
        for name in MORE {
            self.remove_if_there(name.as_bytes())?;
        }
        Ok(())
    }

    fn remove_if_there(self, name: &[u8]) -> Result<(), Errno> {
        match self.remove(name) {
            Err(Errno::NODATA) => Ok(()),
            other => other,
        }
    }
}
