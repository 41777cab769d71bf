//! `MemoryFile`: an open file.

use std::os::fd::BorrowedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::ItemState;
use projfs_types::RelPathBuf;
use rustix::io::Errno;

use super::Answer;
use super::item::Body;
use super::tell;
use super::tree::Tree;
use crate::Access;
use crate::Place;
use crate::Result;
use crate::Seek;
use crate::StoreFile;

/// The longest file: content is a dense vector, and a test that goes beyond this has a fault.
pub(super) const SIZE_MAX: u64 = 1 << 30;
/// How much one step of a copy moves, in bytes.
const CHUNK: u64 = 1 << 20;

const KEEP_SIZE: u32 = 0x01;
const PUNCH_HOLE: u32 = 0x02;
const ZERO_RANGE: u32 = 0x10;

pub(super) struct MemoryFile {
    tree: Arc<Mutex<Tree>>,
    inode: u64,
    access: Access,
}

impl MemoryFile {
    pub(super) fn new(tree: Arc<Mutex<Tree>>, inode: u64, access: Access) -> Self {
        Self { tree, inode, access }
    }

    /// What tells this file from every other that is open.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    fn read<T>(&self, operation: &'static str, read: impl FnOnce(&[u8]) -> Answer<T>) -> Result<T> {
        let answer = self.tree.lock().content(self.inode).and_then(read);
        tell(answer, operation, RelPathBuf::root)
    }

    fn change(&self, operation: &'static str, change: impl FnOnce(&mut Vec<u8>) -> Answer<()>) -> Result<()> {
        let answer = match self.access {
            Access::Read => Err(Errno::BADF),
            Access::ReadWrite => self.tree.lock().change_content(self.inode, change),
        };
        tell(answer, operation, RelPathBuf::root)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.tree.lock().closed(self.address());
    }
}

impl StoreFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.read("read", |content| {
            let start = usize::try_from(offset).map_or(content.len(), |offset| offset.min(content.len()));
            let length = buffer.len().min(content.len() - start);
            buffer[..length].copy_from_slice(&content[start..start + length]);
            Ok(length)
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.change("write", |content| {
            if data.is_empty() {
                return Ok(());
            }
            let range = range(offset, data.len() as u64)?;
            grow(content, range.end);
            content[range].copy_from_slice(data);
            Ok(())
        })
    }

    fn len(&self) -> Result<u64> {
        self.read("measure", |content| Ok(content.len() as u64))
    }

    fn set_len(&self, size: u64) -> Result<()> {
        self.change("set the length", |content| {
            content.resize(range(0, size)?.end, 0);
            Ok(())
        })
    }

    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<()> {
        self.change("allocate", |content| {
            if length == 0 {
                return Err(Errno::INVAL);
            }
            let keeps_size = mode & KEEP_SIZE != 0;
            match mode & !KEEP_SIZE {
                0 | ZERO_RANGE => {}
                PUNCH_HOLE if keeps_size => {}
                _ => return Err(Errno::OPNOTSUPP),
            }
            if !keeps_size {
                grow(content, range(offset, length)?.end);
            }
            if mode & (PUNCH_HOLE | ZERO_RANGE) != 0 {
                let end = offset.saturating_add(length).min(content.len() as u64);
                let there = range(offset.min(end), end - offset.min(end))?;
                content[there].fill(0);
            }
            Ok(())
        })
    }

    fn seek(&self, offset: u64, what: Seek) -> Result<u64> {
        self.read("seek", |content| {
            let length = content.len() as u64;
            match what {
                _ if offset >= length => Err(Errno::NXIO),
                Seek::Data => Ok(offset),
                Seek::Hole => Ok(length),
            }
        })
    }

    fn copy_to(&self, offset: u64, to: &dyn StoreFile, to_offset: u64, length: u64) -> Result<u64> {
        let to_address = std::ptr::from_ref(to).cast::<()>().addr();
        let same_file = self.tree.lock().handle(to_address) == Some(self.inode);
        if same_file && offset < to_offset.saturating_add(length) && to_offset < offset.saturating_add(length)
        {
            return tell(Err(Errno::INVAL), "copy", RelPathBuf::root);
        }
        let mut copied = 0;
        while copied < length {
            // At most one chunk, so it fits in memory.
            let mut chunk = vec![0; usize::try_from((length - copied).min(CHUNK)).unwrap_or(0)];
            let read = self.read_at(offset.saturating_add(copied), &mut chunk)?;
            if read == 0 {
                break;
            }
            to.write_at(to_offset.saturating_add(copied), &chunk[..read])?;
            copied += read as u64;
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

impl Tree {
    /// The inode of a regular file with content.
    pub(super) fn openable(&self, place: Place<'_>) -> Answer<u64> {
        let number = self.locate(place)?;
        let inode = self.inode(number)?;
        match (&inode.state, &inode.body) {
            (ItemState::File(_), Body::File(_)) => Ok(number),
            // A stand-in has mode 000 on disk.
            (ItemState::File(_), _) => Err(Errno::ACCESS),
            (ItemState::Directory(_), _) => Err(Errno::ISDIR),
            (ItemState::Symlink(_), _) => Err(Errno::LOOP),
            (ItemState::Special | ItemState::Tombstone, _) => Err(Errno::INVAL),
        }
    }

    fn content(&self, inode: u64) -> Answer<&[u8]> {
        match &self.inode(inode)?.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) | Body::Symlink(_) | Body::Nothing => Err(Errno::BADF),
        }
    }

    fn change_content(&mut self, inode: u64, change: impl FnOnce(&mut Vec<u8>) -> Answer<()>) -> Answer<()> {
        let now = self.now();
        let inode = self.inode_mut(inode)?;
        match &mut inode.body {
            Body::File(content) => change(content)?,
            Body::Directory(_) | Body::Symlink(_) | Body::Nothing => return Err(Errno::BADF),
        }
        inode.times.write = now;
        inode.times.change = now;
        Ok(())
    }
}

fn range(offset: u64, length: u64) -> Answer<std::ops::Range<usize>> {
    let end = offset.checked_add(length).filter(|end| *end <= SIZE_MAX).ok_or(Errno::FBIG)?;
    let [start, end] = [offset, end].map(usize::try_from);
    Ok(start.map_err(|_| Errno::FBIG)?..end.map_err(|_| Errno::FBIG)?)
}

fn grow(content: &mut Vec<u8>, end: usize) {
    if content.len() < end {
        content.resize(end, 0);
    }
}
