//! An append-only file of entries, each with its length and checksum.
//!
//! An entry is one write; after a crash the file is read up to the first entry that is not whole, and cut
//! off there. What is in an entry is its owner's affair.
//!
//! The file begins with eight bytes, `projfsL` and 1. An entry is its length (4 bytes), its seal (4 bytes) and its bytes;
//! numbers have the lowest byte first. The seal is the low half of XXH3-64 of the bytes, mixed with the length.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::codec::checksum;
use crate::own_file::open_own;

pub(crate) const MAGIC: &[u8; 8] = b"projfsL\x01";
const HEAD: usize = 8;
/// No entry is longer: a length beyond this is damage.
pub(crate) const ENTRY_MAX: usize = 1 << 20;

/// An append-only file, open.
pub(crate) struct Log {
    file: OwnedFd,
    length: u64,
}

/// How much of a log could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replayed {
    /// All of it.
    Whole,
    /// What follows this many bytes is damaged.
    Cut(u64),
}

impl Log {
    /// Opens or makes a log, hands its entries to `each` in order, and cuts off what is damaged.
    pub(crate) fn open(
        dir: impl AsFd,
        name: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(Self, Replayed), Errno> {
        let file = open_own(dir, name, OFlags::RDWR | OFlags::CREATE, Mode::from_raw_mode(0o600))?;
        let bytes = read_all(&file)?;
        let (good, replayed) = replay(&bytes, each);
        let mut log = Self { file, length: good as u64 };
        if replayed != Replayed::Whole {
            rustix::fs::ftruncate(&log.file, log.length)?;
        }
        if log.length == 0 {
            log.write(MAGIC)?;
        }
        Ok((log, replayed))
    }

    /// How much of a log can be read, changing nothing; hands its entries to `each` in order. A log that is not there is
    /// whole.
    pub(crate) fn check(dir: impl AsFd, name: &str, each: &mut dyn FnMut(&[u8])) -> Result<Replayed, Errno> {
        match open_own(dir, name, OFlags::RDONLY, Mode::empty()) {
            Ok(file) => Ok(replay(&read_all(&file)?, each).1),
            Err(Errno::NOENT) => Ok(Replayed::Whole),
            Err(errno) => Err(errno),
        }
    }

    /// Appends one entry.
    pub(crate) fn append(&mut self, entry: &[u8]) -> Result<(), Errno> {
        self.append_all(std::iter::once(entry))
    }

    /// Appends entries, with few writes if they are many. After a crash, those up to one of them are there.
    pub(crate) fn append_all<'a>(&mut self, entries: impl Iterator<Item = &'a [u8]>) -> Result<(), Errno> {
        let mut bytes = Vec::new();
        for entry in entries {
            put_entry(&mut bytes, entry)?;
            if bytes.len() >= ENTRY_MAX {
                self.write(&bytes)?;
                bytes.clear();
            }
        }
        self.write(&bytes)
    }

    /// Takes away all that is in it, for good.
    pub(crate) fn erase(self) -> Result<(), Errno> {
        rustix::fs::ftruncate(&self.file, 0)
    }

    /// The length of the file, in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Replaces the log by one that holds only `entries`: the new file is written aside and renamed over.
    pub(crate) fn compact<'a>(
        dir: impl AsFd,
        name: &str,
        entries: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, Errno> {
        let aside = format!("{name}.new");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC;
        let file = open_own(dir.as_fd(), &aside, flags, Mode::from_raw_mode(0o600))?;
        let mut log = Self { file, length: 0 };
        let mut bytes = MAGIC.to_vec();
        for entry in entries {
            put_entry(&mut bytes, entry)?;
            if bytes.len() >= ENTRY_MAX {
                log.write(&bytes)?;
                bytes.clear();
            }
        }
        log.write(&bytes)?;
        // Unsynced, the name could survive a power cut that the bytes do not.
        rustix::fs::fdatasync(&log.file)?;
        rustix::fs::renameat(dir.as_fd(), &aside, dir.as_fd(), name)?;
        Ok(log)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::pwrite(&self.file, &bytes[written..], self.length + written as u64) {
                Ok(0) => return Err(Errno::IO),
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                // What was written of the entry lies behind the end, and the next entry goes over it.
                Err(errno) => return Err(errno),
            }
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

pub(crate) fn put_entry(out: &mut Vec<u8>, entry: &[u8]) -> Result<(), Errno> {
    if entry.len() > ENTRY_MAX {
        return Err(Errno::TOOBIG);
    }
    let length = u32::try_from(entry.len()).map_err(|_| Errno::TOOBIG)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&seal(length, entry).to_le_bytes());
    out.extend_from_slice(entry);
    Ok(())
}

/// The checksum covers the length too; a run of zeros is no entry.
fn seal(length: u32, entry: &[u8]) -> u32 {
    checksum(entry) ^ length.wrapping_mul(0x9e37_79b9) ^ 0x7072_6f6a
}

/// Reads entries up to the first that is damaged; how many bytes were good.
pub(crate) fn replay(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> (usize, Replayed) {
    if bytes.is_empty() {
        return (0, Replayed::Whole);
    }
    if !bytes.starts_with(MAGIC) {
        return (0, Replayed::Cut(0));
    }
    let mut good = MAGIC.len();
    while good < bytes.len() {
        let Some(entry) = entry_at(&bytes[good..]) else {
            return (good, Replayed::Cut(good as u64));
        };
        each(entry);
        good += HEAD + entry.len();
    }
    (good, Replayed::Whole)
}

fn entry_at(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    let entry = rest.get(..usize::try_from(length).ok().filter(|&length| length <= ENTRY_MAX)?)?;
    (seal(length, entry) == u32::from_le_bytes(*check)).then_some(entry)
}

fn read_all(file: &OwnedFd) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match rustix::io::pread(file, &mut buffer[..], bytes.len() as u64) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests;
