//! `Window`: a part of the file in memory, mapped, so that an entry costs no system call.
#![allow(unsafe_code, reason = "nobody but the system can promise what a mapped file is")]

use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use memmap2::MmapMut;
use memmap2::MmapOptions;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// How many bytes are mapped at a time: a part begins at a multiple of it.
const LENGTH: u64 = 1 << 20;

/// A part of the file. All of it is there in memory.
pub(super) struct Window {
    at: u64,
    map: MmapMut,
}

impl Window {
    /// The part of `file`, which nobody may shorten, in which `position` is. The file is made longer if need be.
    ///
    /// # Errors
    /// The system's: `ENOSPC` and `ENOMEM` where memory is short.
    pub(super) fn open(file: &OwnedFd, position: u64) -> Result<Self, Errno> {
        let at = position / LENGTH * LENGTH;
        // To find that there is no memory when it is touched would end the process.
        rustix::fs::fallocate(file, FallocateFlags::empty(), at, LENGTH)?;
        // SAFETY: the file is one in memory that cannot be shortened, as it is sealed. This process writes what is behind
        // the last entry only here, under a lock; another process reads it once this one has ended.
        let map = unsafe { MmapOptions::new().offset(at).len(LENGTH as usize).map_mut(file.as_raw_fd()) };
        let map = map.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::NOMEM))?;
        Ok(Self { at, map })
    }

    /// Whether a position is in it.
    pub(super) fn holds(&self, position: u64) -> bool {
        (self.at..self.at + LENGTH).contains(&position)
    }

    /// Copies to a position in it as many of the bytes as fit; says how many.
    pub(super) fn put(&mut self, position: u64, bytes: &[u8]) -> usize {
        let begin = position.saturating_sub(self.at).min(LENGTH) as usize;
        let room = &mut self.map[begin..];
        let length = room.len().min(bytes.len());
        room[..length].copy_from_slice(&bytes[..length]);
        length
    }
}
