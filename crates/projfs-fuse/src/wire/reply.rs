//! Replies: answers, put into the kernel's form directly in the buffer that will carry them.

use std::time::Duration;

use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::io::Errno;
use zerocopy::Immutable;
use zerocopy::IntoBytes;

use super::abi::Attr;
use super::abi::AttrOut;
use super::abi::CopyFileRangeOut;
use super::abi::Dirent;
use super::abi::EntryOut;
use super::abi::GetxattrOut;
use super::abi::Kstatfs;
use super::abi::LseekOut;
use super::abi::OpenOut;
use super::abi::Statx;
use super::abi::StatxOut;
use super::abi::SxTime;
use super::abi::WriteOut;
use super::abi::fopen;
use crate::io::BackingId;

/// How one request ended: answered through its [`Reply`], or not.
pub type Served = Result<Answered, Unserved>;

/// Proof that a [`Reply`] was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered(());

/// Why there is no answer in the [`Reply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// The request needs to wait, and was not allowed to. Nothing has been changed.
    WouldWait,
    /// The request failed.
    Errno(Errno),
}

impl From<Errno> for Unserved {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// How long the kernel may keep what a reply says of a name or of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until it is invalidated.
    Forever,
    /// For this long; zero: not at all.
    For(Duration),
}

impl Lifetime {
    fn parts(self) -> (u64, u32) {
        match self {
            // The kernel cuts it down to the longest time it can count; it must be positive as signed seconds.
            Self::Forever => (i64::MAX as u64, 0),
            Self::For(time) => (time.as_secs(), time.subsec_nanos()),
        }
    }
}

/// An item that a name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The node; the kernel counts this as one more lookup of it.
    pub node: NodeId,
    /// Tells this node from an earlier one with the same id.
    pub generation: u64,
    /// Its attributes.
    pub stat: Stat,
    /// How long the name leads there.
    pub entry_lifetime: Lifetime,
    /// How long the attributes hold.
    pub stat_lifetime: Lifetime,
}

/// How an opened file is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Comes back with every request on the open file.
    pub handle: u64,
    /// Bits of [`fopen`], without `PASSTHROUGH`.
    pub flags: u32,
    /// The file that the kernel reads and writes by itself instead.
    pub passthrough: Option<BackingId>,
}

/// Room for one answer. Filling it twice keeps the later answer.
#[derive(Debug)]
pub struct Reply<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Reply<'a> {
    /// An empty reply in `buffer`, which has room for the largest answer the kernel may ask for.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// The body so far, in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn put(&mut self, value: &(impl IntoBytes + Immutable)) -> Served {
        self.length = 0;
        self.append(value)
    }

    fn append(&mut self, value: &(impl IntoBytes + Immutable)) -> Served {
        let bytes = value.as_bytes();
        let end = self.length + bytes.len();
        self.buffer.get_mut(self.length..end).ok_or(Errno::IO)?.copy_from_slice(bytes);
        self.length = end;
        Ok(Answered(()))
    }

    /// Done, nothing to say.
    pub fn empty(&mut self) -> Served {
        self.length = 0;
        Ok(Answered(()))
    }

    /// An item was found or made.
    pub fn entry(&mut self, entry: &Entry) -> Served {
        self.put(&entry_out(entry))
    }

    /// There is nothing under the name, and the kernel may remember that.
    pub fn negative_entry(&mut self, lifetime: Lifetime) -> Served {
        let (entry_valid, entry_valid_nsec) = lifetime.parts();
        self.put(&EntryOut { entry_valid, entry_valid_nsec, ..EntryOut::default() })
    }

    /// Attributes, for `GETATTR` and `SETATTR`.
    pub fn stat(&mut self, stat: &Stat, lifetime: Lifetime) -> Served {
        let (attr_valid, attr_valid_nsec) = lifetime.parts();
        self.put(&AttrOut { attr_valid, attr_valid_nsec, dummy: 0, attr: attr(stat) })
    }

    /// Attributes with the time of creation, for `STATX`.
    pub fn statx(&mut self, stat: &Stat, lifetime: Lifetime) -> Served {
        let (attr_valid, attr_valid_nsec) = lifetime.parts();
        self.put(&StatxOut { attr_valid, attr_valid_nsec, stat: statx(stat), ..StatxOut::default() })
    }

    /// A file or directory was opened.
    pub fn opened(&mut self, opened: &Opened) -> Served {
        self.put(&open_out(opened))
    }

    /// A file was made and opened, for `CREATE` and `TMPFILE`.
    pub fn created(&mut self, entry: &Entry, opened: &Opened) -> Served {
        self.put(&entry_out(entry))?;
        self.append(&open_out(opened))
    }

    /// Bytes: content, the target of a symbolic link, the value of an attribute.
    pub fn data(&mut self, data: &[u8]) -> Served {
        self.length = 0;
        self.buffer.get_mut(..data.len()).ok_or(Errno::IO)?.copy_from_slice(data);
        self.length = data.len();
        Ok(Answered(()))
    }

    /// Bytes that `fill` writes into the reply itself; it is given room for `size` and says how many it wrote.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn data_with(&mut self, size: u32, fill: impl FnOnce(&mut [u8]) -> Result<usize, Errno>) -> Served {
        let room = self.buffer.get_mut(..size as usize).ok_or(Errno::INVAL)?;
        let length = fill(room)?;
        self.length = length.min(size as usize);
        Ok(Answered(()))
    }

    /// The value of an attribute or the list of attributes, in the way that `size` asks for it: a size of 0 asks
    /// how long it is.
    ///
    /// # Errors
    /// `ERANGE` if it is longer than `size`.
    pub fn attribute(&mut self, size: u32, value: &[u8]) -> Served {
        match size as usize {
            0 => {
                let size = u32::try_from(value.len()).map_err(|_| Errno::TOOBIG)?;
                self.put(&GetxattrOut { size, padding: 0 })
            }
            size if size < value.len() => Err(Errno::RANGE.into()),
            _ => self.data(value),
        }
    }

    /// State of the file system.
    pub fn statfs(&mut self, stat: &Kstatfs) -> Served {
        self.put(stat)
    }

    /// Where `lseek` found data or a hole.
    pub fn offset(&mut self, offset: u64) -> Served {
        self.put(&LseekOut { offset })
    }

    /// How many bytes were written; for `COPY_FILE_RANGE` too.
    pub fn written(&mut self, size: u32) -> Served {
        self.put(&WriteOut { size, padding: 0 })
    }

    /// How many bytes were copied. `wide` is the request's.
    pub fn copied(&mut self, bytes: u64, wide: bool) -> Served {
        if wide {
            return self.put(&CopyFileRangeOut { bytes_copied: bytes });
        }
        self.written(u32::try_from(bytes).map_err(|_| Errno::INVAL)?)
    }

    /// Starts a listing of at most `size` bytes.
    ///
    /// # Errors
    /// `EINVAL` if the reply has no room for as much.
    pub fn listing(&mut self, size: u32) -> Result<Listing<'_>, Errno> {
        let room = self.buffer.get_mut(..size as usize).ok_or(Errno::INVAL)?;
        self.length = 0;
        Ok(Listing { room, length: &mut self.length })
    }
}

/// A listing being packed for `READDIR` or `READDIRPLUS`.
#[derive(Debug)]
pub struct Listing<'a> {
    room: &'a mut [u8],
    length: &'a mut usize,
}

/// Whether an entry still had room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Packed {
    /// It is in.
    Added,
    /// It is not; the listing is full.
    Full,
}

impl Listing<'_> {
    /// Adds a name. `next` is the offset at which a later request goes on after it; `name` may be `.` or `..`.
    pub fn name(&mut self, number: Number, next: u64, type_bits: u32, name: &[u8]) -> Packed {
        self.pack(None, number, next, type_bits, name)
    }

    /// Adds a name with its item, which counts as one lookup of it, as in an answer to `LOOKUP`.
    pub fn item(&mut self, entry: &Entry, next: u64, name: &ItemName) -> Packed {
        self.pack(Some(entry_out(entry)), entry.stat.number, next, entry.stat.mode, name.as_bytes())
    }

    /// Adds a name without its item to a `READDIRPLUS`: for `.`, `..` and what cannot be looked up now.
    pub fn bare_item(&mut self, number: Number, next: u64, kind: ItemKind, name: &[u8]) -> Packed {
        self.pack(Some(EntryOut::default()), number, next, kind.mode_bits(), name)
    }

    fn pack(&mut self, entry: Option<EntryOut>, number: Number, next: u64, mode: u32, name: &[u8]) -> Packed {
        let kind = (mode & mode::TYPE) >> 12;
        let Ok(namelen) = u32::try_from(name.len()) else { return Packed::Full };
        let dirent = Dirent { ino: number.0, off: next, namelen, kind };
        let head = entry.as_ref().map_or(&[][..], |entry| entry.as_bytes());
        let parts = [head, dirent.as_bytes(), name];
        let length = parts.iter().map(|part| part.len()).sum::<usize>().next_multiple_of(8);
        let Some(mut room) = self.room.get_mut(*self.length..*self.length + length) else {
            return Packed::Full;
        };
        for part in parts {
            let (here, rest) = room.split_at_mut(part.len());
            here.copy_from_slice(part);
            room = rest;
        }
        room.fill(0);
        *self.length += length;
        Packed::Added
    }

    /// Ends the listing.
    pub fn finish(self) -> Served {
        Ok(Answered(()))
    }
}

fn open_out(opened: &Opened) -> OpenOut {
    let (flag, backing_id) = match opened.passthrough {
        Some(id) => (fopen::PASSTHROUGH, id.0),
        None => (0, 0),
    };
    OpenOut { fh: opened.handle, open_flags: opened.flags & !fopen::PASSTHROUGH | flag, backing_id }
}

fn entry_out(entry: &Entry) -> EntryOut {
    let (entry_valid, entry_valid_nsec) = entry.entry_lifetime.parts();
    let (attr_valid, attr_valid_nsec) = entry.stat_lifetime.parts();
    let (nodeid, generation) = (entry.node.0, entry.generation);
    let attr = attr(&entry.stat);
    EntryOut { nodeid, generation, entry_valid, attr_valid, entry_valid_nsec, attr_valid_nsec, attr }
}

fn attr(stat: &Stat) -> Attr {
    let times = &stat.times;
    Attr {
        ino: stat.number.0,
        size: stat.size,
        blocks: stat.blocks,
        atime: times.access.seconds as u64,
        mtime: times.write.seconds as u64,
        ctime: times.change.seconds as u64,
        atimensec: times.access.nanoseconds,
        mtimensec: times.write.nanoseconds,
        ctimensec: times.change.nanoseconds,
        mode: stat.mode,
        nlink: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        rdev: encode_device(stat.device),
        blksize: stat.block_size,
        flags: 0,
    }
}

fn statx(stat: &Stat) -> Statx {
    let time = |time: Timestamp| SxTime { tv_sec: time.seconds, tv_nsec: time.nanoseconds, reserved: 0 };
    Statx {
        mask: STATX_BASIC_STATS | STATX_BTIME,
        blksize: stat.block_size,
        nlink: stat.links,
        uid: stat.uid,
        gid: stat.gid,
        mode: stat.mode as u16,
        ino: stat.number.0,
        size: stat.size,
        blocks: stat.blocks,
        atime: time(stat.times.access),
        btime: time(stat.times.creation),
        ctime: time(stat.times.change),
        mtime: time(stat.times.write),
        rdev_major: stat.device.0,
        rdev_minor: stat.device.1,
        ..Statx::default()
    }
}

const STATX_BASIC_STATS: u32 = 0x7ff;
const STATX_BTIME: u32 = 0x800;

/// The form of a device number that FUSE uses in `rdev` (`new_encode_dev` of the kernel).
pub fn encode_device((major, minor): (u32, u32)) -> u32 {
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

/// The major and minor number of an `rdev`.
pub fn decode_device(rdev: u32) -> (u32, u32) {
    ((rdev & 0xfff00) >> 8, (rdev & 0xff) | ((rdev >> 12) & 0xfff00))
}

#[cfg(test)]
mod tests;
