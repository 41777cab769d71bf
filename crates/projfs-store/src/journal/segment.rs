//! One file of a journal on disk: a header, then entries.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;

use projfs_sync::Arc;
use projfs_types::JournalEntry;
use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::epoch::errno_of;
use super::frame;
use super::frame::Frame;
use super::frame::checksum;
use crate::own_file::open_own;

const MAGIC: &[u8; 8] = b"PFSJSEG1";
/// Magic, epoch, number of the first entry, checksum.
pub(super) const HEADER: usize = 32;
/// Of how many entries one has its place remembered.
const STRIDE: u64 = 64;

/// One file of a journal.
pub(super) struct Segment {
    file: Arc<File>,
    epoch: u64,
    /// The number of the first entry.
    pub(super) first: u64,
    /// How many entries there are.
    pub(super) count: u64,
    /// The length that is in use, in bytes.
    pub(super) length: u64,
    /// Where every [`STRIDE`]-th entry begins.
    marks: Vec<u64>,
    /// Whether there may be bytes beyond `length`, from a write that failed.
    torn: bool,
}

/// What was found in a file.
pub(super) enum Found {
    /// A segment, every byte of it.
    Whole(Segment),
    /// A segment whose end is missing or damaged; what is left of it.
    Torn(Segment),
    /// Nothing of this epoch.
    Nothing,
}

/// Some entries of a segment, to be read without a lock.
pub(super) struct Stretch {
    file: Arc<File>,
    epoch: u64,
    from: u64,
    to: u64,
    /// The number of the entry at `from`.
    sequence: u64,
}

impl Segment {
    /// The name of the file whose first entry has this number: its order is that of the numbers.
    pub(super) fn name(first: u64) -> String {
        format!("{first:016x}")
    }

    /// The number in a file's name. Capitals or a sign make no name of ours, nor does a number near the end of numbers,
    /// from which no journal could go on.
    pub(super) fn number(name: &[u8]) -> Option<u64> {
        let number = u64::from_str_radix(std::str::from_utf8(name).ok()?, 16).ok()?;
        (Self::name(number).as_bytes() == name && i64::try_from(number).is_ok()).then_some(number)
    }

    /// Makes an empty segment. What is there by that name was never finished.
    pub(super) fn create(dir: BorrowedFd<'_>, epoch: u64, first: u64) -> Result<Self, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC;
        let file = File::from(open_own(dir, Self::name(first), flags, Mode::RUSR | Mode::WUSR)?);
        if let Err(error) = file.write_all_at(&header(epoch, first), 0) {
            rustix::fs::unlinkat(dir, Self::name(first), AtFlags::empty())?;
            return Err(errno_of(&error));
        }
        Ok(Self::at_start(file, epoch, first))
    }

    fn at_start(file: File, epoch: u64, first: u64) -> Self {
        let length = HEADER as u64;
        Self { file: Arc::new(file), epoch, first, count: 0, length, marks: Vec::new(), torn: false }
    }

    /// Reads a segment through to its end.
    pub(super) fn open(dir: BorrowedFd<'_>, epoch: u64, first: u64) -> Result<Found, Errno> {
        let file = File::from(open_own(dir, Self::name(first), OFlags::RDWR, Mode::empty())?);
        let length = file.metadata().map_err(|error| errno_of(&error))?.len();
        let bytes = read(&file, 0, length)?;
        let mut segment = Self::at_start(file, epoch, first);
        let Some(frames) = frames(epoch, first, &bytes) else { return Ok(Found::Nothing) };
        frames.for_each(|frame| segment.grow(frame.length as u64));
        if segment.length == bytes.len() as u64 {
            return Ok(Found::Whole(segment));
        }
        segment.torn = true;
        Ok(Found::Torn(segment))
    }

    /// The number of the entry after the last.
    pub(super) fn end(&self) -> u64 {
        self.first + self.count
    }

    /// Appends an entry with one write.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        self.mend()?;
        match self.file.write_at(bytes, self.length) {
            Ok(written) if written == bytes.len() => {
                self.grow(bytes.len() as u64);
                Ok(())
            }
            // A write to a file is cut short only if there is no room for more.
            Ok(_) => {
                self.torn = true;
                Err(Errno::NOSPC)
            }
            Err(error) => {
                self.torn = true;
                Err(errno_of(&error))
            }
        }
    }

    fn grow(&mut self, length: u64) {
        if self.count.is_multiple_of(STRIDE) {
            self.marks.push(self.length);
        }
        self.count += 1;
        self.length += length;
    }

    /// Cuts off what a write that failed, or a process that died, left behind the last entry.
    pub(super) fn mend(&mut self) -> Result<(), Errno> {
        if self.torn {
            rustix::fs::ftruncate(&*self.file, self.length)?;
            self.torn = false;
        }
        Ok(())
    }

    /// What is in the segment survives a power cut.
    pub(super) fn sync(&mut self) -> Result<(), Errno> {
        self.mend()?;
        rustix::fs::fsync(&*self.file)
    }

    /// Where entries from `sequence` up to `end` are, and perhaps some around them.
    pub(super) fn stretch(&self, sequence: u64, end: u64) -> Stretch {
        let before = sequence.saturating_sub(self.first) / STRIDE;
        let behind = end.saturating_sub(self.first).div_ceil(STRIDE);
        let mark = |index: u64| {
            usize::try_from(index)
                .ok()
                .and_then(|index| self.marks.get(index))
                .copied()
                .unwrap_or(self.length)
        };
        Stretch {
            file: Arc::clone(&self.file),
            epoch: self.epoch,
            from: mark(before),
            to: mark(behind),
            sequence: self.first + before * STRIDE,
        }
    }
}

impl Stretch {
    /// Adds to `entries` what is in the stretch from `sequence` on, until there are `limit`. Nothing if
    /// what was written is no longer there.
    pub(super) fn read(
        &self,
        sequence: u64,
        limit: usize,
        entries: &mut Vec<JournalEntry>,
    ) -> Result<Option<()>, Errno> {
        let length = self.to - self.from;
        let bytes = read(&self.file, self.from, length)?;
        if (bytes.len() as u64) < length {
            return Ok(None);
        }
        let mut rest = &bytes[..];
        let mut expected = self.sequence;
        while !rest.is_empty() && entries.len() < limit {
            let frame = frame::decode(self.epoch, rest).filter(|frame| frame.sequence == expected);
            let Some(frame) = frame else { return Ok(None) };
            rest = &rest[frame.length..];
            if frame.sequence >= sequence {
                entries.push(frame.entry);
            }
            expected += 1;
        }
        Ok(Some(()))
    }
}

/// What a segment begins with.
pub(super) fn header(epoch: u64, first: u64) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&epoch.to_le_bytes());
    header.extend_from_slice(&first.to_le_bytes());
    header.extend_from_slice(&checksum(0, &header).to_le_bytes());
    header
}

/// The entries in the bytes of a segment, up to the first that is not whole, of another epoch, or out of order; nothing if
/// it is no segment of this epoch.
pub(super) fn frames(epoch: u64, first: u64, bytes: &[u8]) -> Option<impl Iterator<Item = Frame>> {
    let mut rest = bytes.strip_prefix(&*header(epoch, first))?;
    Some((first..).map_while(move |sequence| {
        let frame = frame::decode(epoch, rest).filter(|frame| frame.sequence == sequence)?;
        rest = &rest[frame.length..];
        Some(frame)
    }))
}

/// The bytes from `offset` on, fewer than `length` if the file is shorter.
fn read(file: &File, offset: u64, length: u64) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| Errno::FBIG)?];
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno_of(&error)),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}
