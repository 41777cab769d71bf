//! Partial content, in memory: only what was written takes room, however long the file is.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::BorrowedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::RangeSet;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use rustix::io::Errno;

use super::Answer;
use super::file::SIZE_MAX;
use super::item::Body;
use super::tell;
use super::tree::Tree;
use crate::PartialFile;
use crate::Result;
use crate::Seek;
use crate::StoreFile;

const BLOCK: usize = 1 << 16;

/// Content of which only ranges are there.
pub(super) struct MemoryPartial {
    version: VersionInfo,
    file: Arc<SparseFile>,
    map: Mutex<Map>,
}

#[derive(Default)]
struct Map {
    there: RangeSet,
    complete: bool,
}

/// A file whose blocks are zeros until they are written.
struct SparseFile {
    size: u64,
    blocks: Mutex<BTreeMap<u64, Box<[u8]>>>,
}

impl Tree {
    pub(super) fn partial(&mut self, number: Number, info: &PlaceholderInfo) -> Answer<Arc<MemoryPartial>> {
        let PlaceholderKind::File { size } = info.kind else { return Err(Errno::INVAL) };
        if let Some(known) = self.partials.get(&number)
            && (known.file.size, &known.version) == (size, &info.version)
        {
            return Ok(Arc::clone(known));
        }
        let file = Arc::new(SparseFile { size, blocks: mutex(Rank::Store, Default::default()) });
        let version = info.version.clone();
        let partial = Arc::new(MemoryPartial { version, file, map: mutex(Rank::Store, Default::default()) });
        self.partials.insert(number, Arc::clone(&partial));
        Ok(partial)
    }

    /// If the open file at `address` is partial content of `number`: a new inode with all of it.
    pub(super) fn whole_of_partial(&mut self, number: Number, address: usize) -> Answer<Option<u64>> {
        let known = self.partials.get(&number).filter(|known| known.file.address() == address);
        let Some(partial) = known else { return Ok(None) };
        if !partial.map.lock().complete {
            return Err(Errno::INVAL);
        }
        let bytes = partial.file.bytes()?;
        let inode = self.begin_content();
        self.inode_mut(inode)?.body = Body::File(bytes);
        Ok(Some(inode))
    }
}

impl PartialFile for MemoryPartial {
    fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        self.map.lock().there.missing(range.start..range.end.min(self.file.size))
    }

    fn mark(&self, range: Range<u64>) -> Result<()> {
        self.map.lock().there.insert(range.start..range.end.min(self.file.size));
        Ok(())
    }

    fn complete(&self) -> Result<()> {
        let mut map = self.map.lock();
        if !map.there.covers(&(0..self.file.size)) {
            return tell(Err(Errno::INVAL), "complete a file", RelPathBuf::root);
        }
        map.complete = true;
        Ok(())
    }

    fn file(&self) -> Arc<dyn StoreFile> {
        Arc::clone(&self.file) as Arc<dyn StoreFile>
    }
}

impl SparseFile {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    fn bytes(&self) -> Answer<Vec<u8>> {
        let size = usize::try_from(self.size.min(SIZE_MAX + 1)).map_err(|_| Errno::FBIG)?;
        if size as u64 > SIZE_MAX {
            return Err(Errno::FBIG);
        }
        let mut bytes = vec![0; size];
        self.each_part(0, size, |block, at, part| {
            if let Some(block) = block {
                bytes[part].copy_from_slice(&block[at]);
            }
        });
        Ok(bytes)
    }

    /// Calls `each` for the part of every block in a range: the block if there is one, where in it the part is, and
    /// where in the range.
    fn each_part(
        &self,
        offset: u64,
        length: usize,
        mut each: impl FnMut(Option<&[u8]>, Range<usize>, Range<usize>),
    ) {
        let blocks = self.blocks.lock();
        let mut done = 0;
        while done < length {
            let (index, within) = place(offset + done as u64);
            let count = (BLOCK - within).min(length - done);
            each(blocks.get(&index).map(AsRef::as_ref), within..within + count, done..done + count);
            done += count;
        }
    }

    fn refuse<T>(operation: &'static str) -> Result<T> {
        tell(Err(Errno::INVAL), operation, RelPathBuf::root)
    }
}

impl StoreFile for SparseFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let length =
            usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        self.each_part(offset, length, |block, at, part| match block {
            Some(block) => buffer[part].copy_from_slice(&block[at]),
            None => buffer[part].fill(0),
        });
        Ok(length)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > self.size) {
            return Self::refuse("write");
        }
        let mut blocks = self.blocks.lock();
        let mut done = 0;
        while done < data.len() {
            let (index, within) = place(offset + done as u64);
            let count = (BLOCK - within).min(data.len() - done);
            let block = blocks.entry(index).or_insert_with(|| vec![0; BLOCK].into());
            block[within..within + count].copy_from_slice(&data[done..done + count]);
            done += count;
        }
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        Ok(self.size)
    }

    fn set_len(&self, _size: u64) -> Result<()> {
        Self::refuse("set the length")
    }

    fn allocate(&self, _mode: u32, _offset: u64, _length: u64) -> Result<()> {
        Self::refuse("allocate")
    }

    fn seek(&self, offset: u64, what: Seek) -> Result<u64> {
        match what {
            _ if offset >= self.size => tell(Err(Errno::NXIO), "seek", RelPathBuf::root),
            Seek::Data => Ok(offset),
            Seek::Hole => Ok(self.size),
        }
    }

    fn copy_to(&self, offset: u64, to: &dyn StoreFile, to_offset: u64, length: u64) -> Result<u64> {
        let length = length.min(self.size.saturating_sub(offset));
        let mut buffer = vec![0; BLOCK];
        let mut copied = 0;
        while copied < length {
            let most = usize::try_from(length - copied).map_or(BLOCK, |left| left.min(BLOCK));
            let count = self.read_at(offset + copied, &mut buffer[..most])?;
            to.write_at(to_offset + copied, &buffer[..count])?;
            copied += count as u64;
        }
        Ok(copied)
    }

    fn sync(&self, _data_only: bool) -> Result<()> {
        Ok(())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// The block in which an offset is, and where in it.
fn place(offset: u64) -> (u64, usize) {
    let within = usize::try_from(offset % BLOCK as u64).unwrap_or(0);
    (offset / BLOCK as u64, within)
}
