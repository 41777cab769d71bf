//! Whether all of a file's content reached the file system.
#![allow(unsafe_code, reason = "a request that no crate wraps, see xtask/src/layout/unsafe_rooms.rs")]

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use rustix::fs::SeekFrom;
use rustix::io::Errno;
use rustix::ioctl::Opcode;
use rustix::ioctl::Updater;
use rustix::ioctl::opcode;

/// How many extents are asked for at once.
const MOST: usize = 32;
/// `BTRFS_SUPER_MAGIC`.
const BTRFS: u64 = 0x9123_683e;

/// `struct fiemap`, without the extents behind it.
#[repr(C)]
#[derive(Default)]
struct Head {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
}

/// `struct fiemap_extent`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

#[repr(C)]
#[derive(Default)]
struct Map {
    head: Head,
    extents: [Extent; MOST],
}

/// `FS_IOC_FIEMAP`: its size is that of the head alone.
const FIEMAP: Opcode = opcode::read_write::<Head>(b'f', 11);
/// What is in memory is written first.
const SYNC: u32 = 1;
const LAST: u32 = 1;
const UNWRITTEN: u32 = 0x800;

/// Whether the first `size` bytes of a file were all written, as far as its file system knows: there is no hole in them,
/// and no space that was only set aside. Of a file that was written whole, with each block written at once, that is what
/// a power cut leaves where it took something; its length may be right all the same.
pub(crate) fn is_whole(file: impl AsFd, size: u64) -> Result<bool, Errno> {
    let file = file.as_fd();
    // Its extents are costly to ask for, and it sets no space aside for content that is written.
    if is_btrfs(file)? {
        return has_no_hole(file, size);
    }
    match has_all_extents(file, size, 0) {
        // What is in memory alone may have no extents yet.
        Ok(false) => has_all_extents(file, size, SYNC),
        Err(Errno::OPNOTSUPP | Errno::NOTTY) => has_no_hole(file, size),
        other => other,
    }
}

/// Has a file's content written, so that no power cut keeps what is done to the file from here on and loses content. When
/// that is on the disk is another matter.
///
/// What is done to a file's names and attributes is written down in its order with where its content is, which the file
/// system knows when the content is written, and nothing of that survives before the disk has the content for good.
pub(crate) fn order(file: impl AsFd) -> Result<(), Errno> {
    let file = file.as_fd();
    // It knows where content is some time after it was written.
    if is_btrfs(file)? {
        return rustix::fs::fdatasync(file);
    }
    match extents_from(file, 0, 1, SYNC) {
        Ok(_) => Ok(()),
        Err(Errno::OPNOTSUPP | Errno::NOTTY) => rustix::fs::fdatasync(file),
        Err(errno) => Err(errno),
    }
}

fn is_btrfs(file: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(u64::try_from(rustix::fs::fstatfs(file)?.f_type) == Ok(BTRFS))
}

fn extents_from(file: BorrowedFd<'_>, start: u64, length: u64, flags: u32) -> Result<Map, Errno> {
    let count = u32::try_from(MOST).map_err(|_| Errno::INVAL)?;
    let mut map = Map { head: Head { start, length, flags, count, ..Head::default() }, ..Map::default() };
    // SAFETY: the request is given a `struct fiemap` with room for as many extents as it says.
    unsafe { rustix::ioctl::ioctl(file, Updater::<FIEMAP, Map>::new(&mut map)) }?;
    Ok(map)
}

fn has_no_hole(file: BorrowedFd<'_>, size: u64) -> Result<bool, Errno> {
    Ok(size == 0 || rustix::fs::seek(file, SeekFrom::Hole(0))? >= size)
}

fn has_all_extents(file: BorrowedFd<'_>, size: u64, flags: u32) -> Result<bool, Errno> {
    let mut at = 0;
    while at < size {
        let map = extents_from(file, at, size - at, flags)?;
        let mapped = usize::try_from(map.head.mapped).map_err(|_| Errno::INVAL)?;
        let extents = map.extents.get(..mapped).ok_or(Errno::INVAL)?;
        for extent in extents {
            if extent.logical > at || extent.flags & UNWRITTEN != 0 {
                return Ok(false);
            }
            at = at.max(extent.logical.saturating_add(extent.length));
        }
        if extents.last().is_none_or(|last| last.flags & LAST != 0) {
            break;
        }
    }
    Ok(at >= size)
}

#[cfg(test)]
mod tests;
