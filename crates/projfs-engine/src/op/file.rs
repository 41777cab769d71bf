//! What is done with an open file, and with the file system as a whole.

use projfs_store::Seek;
use projfs_store::Space;
use projfs_types::NodeId;
use projfs_types::PlaceholderKind;
use rustix::io::Errno;

use super::lookup::Peeked;
use super::lookup::missing;
use crate::Engine;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::handle::HandleId;
use crate::port::Context;

/// How much is copied at once from a file that comes in parts, in bytes.
const COPY: u64 = 8 << 20;

impl Engine {
    /// Reads; fewer bytes than asked only at the end of the file.
    ///
    /// # Errors
    /// `BadHandle`; the store's.
    pub fn read(
        &self,
        context: &Context<'_>,
        handle: HandleId,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize> {
        Ok(self.readable(context, handle, offset, buffer.len() as u64)?.read_at(offset, buffer)?)
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    /// `BadHandle` if the file is not open for writing; the store's.
    pub fn write(&self, context: &Context<'_>, handle: HandleId, offset: u64, data: &[u8]) -> Result<()> {
        Ok(self.writable(context, handle)?.write_at(offset, data)?)
    }

    /// `fallocate`, with its mode bits.
    ///
    /// # Errors
    /// `BadHandle` if the file is not open for writing; the store's.
    pub fn allocate(
        &self,
        context: &Context<'_>,
        handle: HandleId,
        mode: u32,
        offset: u64,
        length: u64,
    ) -> Result<()> {
        Ok(self.writable(context, handle)?.allocate(mode, offset, length)?)
    }

    /// The next data or hole from `offset` on.
    ///
    /// # Errors
    /// `BadHandle`; the store's: `ENXIO` at or beyond the end.
    pub fn seek(&self, context: &Context<'_>, handle: HandleId, offset: u64, what: Seek) -> Result<u64> {
        if let Some(file) = self.handles.get(handle)?.parts() {
            // What is not there yet is no hole.
            return match what {
                _ if offset >= file.size() => Err(ErrorKind::Store(Errno::NXIO).into()),
                Seek::Data => Ok(offset),
                Seek::Hole => Ok(file.size()),
            };
        }
        Ok(self.file(context, handle)?.seek(offset, what)?)
    }

    /// Copies between two open files; the number of bytes copied.
    ///
    /// # Errors
    /// `BadHandle` if the second is not open for writing; the store's.
    pub fn copy(
        &self,
        context: &Context<'_>,
        from: (HandleId, u64),
        to: (HandleId, u64),
        length: u64,
    ) -> Result<u64> {
        let target = self.writable(context, to.0)?;
        // Of a file that comes in parts, not more than can be waited for; the caller comes again.
        let length = if self.handles.get(from.0)?.parts().is_some() { length.min(COPY) } else { length };
        let source = self.readable(context, from.0, from.1, length)?;
        Ok(source.copy_to(from.1, &*target, to.1, length)?)
    }

    /// What was written to the file survives a power cut once this returns.
    ///
    /// # Errors
    /// `BadHandle`; the store's, which everybody who has the file open is told once.
    pub fn sync(&self, context: &Context<'_>, handle: HandleId, data_only: bool) -> Result<()> {
        let open = self.handles.get(handle)?;
        if open.parts().is_some() {
            // Nothing of it is anybody's but the provider's.
            return Ok(());
        }
        let synced = self.file(context, handle)?.sync(data_only).map_err(Error::from);
        let missed = self.handles.take_unsynced(handle);
        match (synced, missed) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(kind)) => Err(kind.into()),
            (Err(error), _) => {
                self.handles.sync_failed(open.node, handle, error.kind);
                Err(error)
            }
        }
    }

    /// What was done to the names of a directory survives a power cut once this returns.
    ///
    /// # Errors
    /// The store's.
    pub fn sync_directory(&self, _context: &Context<'_>, node: NodeId) -> Result<()> {
        loop {
            let dir = self.nodes.view(node)?;
            match self.store.sync_directory(&dir.path) {
                // Nothing of it is on disk: no name in it was changed.
                Err(error) if error.errno() == Errno::NOENT => {}
                synced => synced?,
            }
            // No lock is held for as long as a disk takes, so another directory may have been there.
            if self.nodes.view(node)?.path == dir.path {
                return Ok(());
            }
        }
    }

    /// Everything that was done survives a power cut once this returns.
    ///
    /// # Errors
    /// The store's.
    pub fn sync_all(&self) -> Result<()> {
        Ok(self.store.sync_all()?)
    }

    /// Size and use of the file system.
    ///
    /// # Errors
    /// The store's.
    pub fn space(&self) -> Result<Space> {
        Ok(self.store.space()?)
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// `Invalid` for anything else; the provider's, the store's.
    pub fn read_link(&self, context: &Context<'_>, node: NodeId) -> Result<Box<[u8]>> {
        let Peeked::Named { dir, name, under, info } = self.peek(context, node)? else {
            return Err(ErrorKind::Invalid.into());
        };
        let info = match under {
            Under::Unknown { .. } => info,
            Under::Noted { info, .. } => Some(info),
            Under::OnDisk(item) if item.info.is_none() => {
                return Ok(self.store.read_link(&dir.path, &name)?);
            }
            Under::OnDisk(item) => item.info,
            Under::Nothing => return missing(),
        };
        match info.map(|info| info.kind) {
            Some(PlaceholderKind::Symlink { target }) => Ok(target),
            Some(PlaceholderKind::File { .. } | PlaceholderKind::Directory) => Err(ErrorKind::Invalid.into()),
            None => missing(),
        }
    }
}
