//! `TreeFile`: a regular file of the store, open.

use std::ops::Range;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_types::RangeSet;
use projfs_types::RelPathBuf;
use rustix::fs::FallocateFlags;
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::TreeStore;
use super::durable::Conversions;
use super::fault::about;
use crate::Result;
use crate::Seek;
use crate::StoreFile;

/// How much is copied at once where the file system cannot copy, in bytes.
const COPY: usize = 1 << 17;

/// A part of a block is not written apart from the rest of it: blocks are not larger on most file systems, and a write
/// that covers whole ones of a larger size covers whole ones of this, in bytes.
const BLOCK: u64 = 4096;

/// A regular file, open.
pub(crate) struct TreeFile {
    file: OwnedFd,
    path: RelPathBuf,
    conversions: Arc<Conversions>,
    /// The conversions that there had been when it was synced last, with all its metadata.
    synced: AtomicU64,
    /// Of content to come, the blocks that were written.
    written: Option<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    blocks: RangeSet,
    /// Whether there is one that was written by several writes.
    shared: bool,
}

impl TreeFile {
    /// Remembers which blocks are written, from here on.
    pub(crate) fn written_in_parts(self) -> Self {
        Self { written: Some(Mutex::default()), ..self }
    }

    fn told<T>(&self, operation: &'static str, result: std::result::Result<T, Errno>) -> Result<T> {
        result.map_err(|errno| about(operation, || self.path.clone())(errno.into()))
    }

    fn copy_by_hand(
        &self,
        offset: u64,
        to: &dyn StoreFile,
        to_offset: u64,
        length: u64,
        mut copied: u64,
    ) -> Result<u64> {
        let mut buffer = vec![0; COPY];
        while copied < length {
            let most = usize::try_from(length - copied).map_or(COPY, |left| left.min(COPY));
            let count = self.read_at(offset + copied, &mut buffer[..most])?;
            if count == 0 {
                break;
            }
            to.write_at(to_offset + copied, &buffer[..count])?;
            copied += count as u64;
        }
        Ok(copied)
    }
}

impl Written {
    fn add(&mut self, blocks: Range<u64>) {
        let before = blocks.end - blocks.start;
        let left: u64 = self.blocks.missing(blocks.clone()).iter().map(|gap| gap.end - gap.start).sum();
        self.shared |= left < before;
        self.blocks.insert(blocks);
    }
}

impl TreeStore {
    /// The open file `file`, which is, or was, at `path`.
    pub(crate) fn file(&self, file: OwnedFd, path: RelPathBuf) -> TreeFile {
        let conversions = Arc::clone(&self.conversions);
        TreeFile { file, path, conversions, synced: AtomicU64::new(Conversions::NEVER), written: None }
    }
}

/// Reads until `buffer` is full or the file ends.
fn read_fully(file: &OwnedFd, offset: u64, buffer: &mut [u8]) -> std::result::Result<usize, Errno> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

fn write_fully(file: &OwnedFd, offset: u64, data: &[u8]) -> std::result::Result<(), Errno> {
    let mut written = 0;
    while written < data.len() {
        match rustix::io::pwrite(file, &data[written..], offset + written as u64) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

impl StoreFile for TreeFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.told("read", read_fully(&self.file, offset, buffer))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        if let (Some(written), Some(last)) = (&self.written, (data.len() as u64).checked_sub(1)) {
            written.lock().add(offset / BLOCK..offset.saturating_add(last) / BLOCK + 1);
        }
        self.told("write", write_fully(&self.file, offset, data))
    }

    fn len(&self) -> Result<u64> {
        let stat = self.told("ask the length of", rustix::fs::fstat(&self.file))?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    fn set_len(&self, size: u64) -> Result<()> {
        self.told("cut or extend", rustix::fs::ftruncate(&self.file, size))
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<()> {
        let flags = FallocateFlags::from_bits_retain(mode);
        self.told("allocate space for", rustix::fs::fallocate(&self.file, flags, offset, length))
    }

    fn seek(&self, offset: u64, what: Seek) -> Result<u64> {
        let from = match what {
            Seek::Data => SeekFrom::Data(offset),
            Seek::Hole => SeekFrom::Hole(offset),
        };
        self.told("look for data or holes in", rustix::fs::seek(&self.file, from))
    }

    fn copy_to(&self, offset: u64, to: &dyn StoreFile, to_offset: u64, length: u64) -> Result<u64> {
        let mut copied = 0;
        let Some(target) = to.descriptor() else {
            return self.copy_by_hand(offset, to, to_offset, length, 0);
        };
        while copied < length {
            let most = usize::try_from(length - copied).unwrap_or(usize::MAX).min(1 << 30);
            let (mut from_at, mut to_at) = (offset + copied, to_offset + copied);
            let result =
                rustix::fs::copy_file_range(&self.file, Some(&mut from_at), target, Some(&mut to_at), most);
            match result {
                Ok(0) => break,
                Ok(count) => copied += count as u64,
                Err(Errno::INTR) => {}
                Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOSYS) => {
                    return self.copy_by_hand(offset, to, to_offset, length, copied);
                }
                Err(errno) => return self.told("copy", Err(errno)),
            }
        }
        Ok(copied)
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        let conversions = self.conversions.count();
        if data_only && self.synced.load(Ordering::Acquire) == conversions {
            return self.told("sync", rustix::fs::fdatasync(&self.file));
        }
        // Its name and its record may be new, and whoever syncs it knows nothing of that.
        self.told("sync", rustix::fs::fsync(&self.file))?;
        self.synced.store(conversions, Ordering::Release);
        Ok(())
    }

    fn is_blockwise(&self) -> bool {
        self.written.as_ref().is_none_or(|written| !written.lock().shared)
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}
