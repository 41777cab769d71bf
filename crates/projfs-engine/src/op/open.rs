//! Opening and closing files.

use projfs_store::Access;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::NodeId;
use projfs_types::What;
use projfs_types::mode;

use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Settled;
use crate::flow::Under;
use crate::handle::Handle;
use crate::handle::HandleId;
use crate::port::Context;
use crate::transition::Event;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenHow {
    /// For reading, or for reading and writing.
    pub access: Access,
    /// Its content is dropped (`O_TRUNC`).
    pub truncate: bool,
}

/// An open file.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// What the kernel calls it.
    pub handle: HandleId,
    /// The file's node.
    pub node: NodeId,
    /// Its permission bits.
    pub permissions: u32,
}

impl Engine {
    /// Opens a file. Opening for reading hydrates it, opening for writing makes it full.
    ///
    /// # Errors
    /// `IsDirectory`, `Invalid` for what is no file; the provider's, if the content cannot be fetched: nothing has changed
    /// then; the store's.
    pub fn open(&self, context: &Context<'_>, node: NodeId, how: OpenHow) -> Result<Opened> {
        let event = match how {
            OpenHow { truncate: true, .. } => Event::Truncate,
            OpenHow { access: Access::ReadWrite, .. } => Event::Modify,
            OpenHow { access: Access::Read, .. } => Event::Read,
        };
        self.settle_node(context, node, event, |settled| {
            match settled {
                Settled::Root => return Err(ErrorKind::IsDirectory.into()),
                Settled::Named(dir, name, _) if event != Event::Read => {
                    self.record(context, dir.path.join(name), ItemKind::File, What::Modified)?;
                }
                Settled::Named(..) | Settled::Trash(_) => {}
            }
            if how.truncate {
                self.store.open(settled.place(), Access::ReadWrite)?.set_len(0)?;
            }
            let mode = match settled {
                Settled::Named(_, _, Under::OnDisk(item)) => item.stat.mode,
                Settled::Named(_, _, Under::Noted { info, .. }) => info.mode.into(),
                Settled::Trash(trash) => self.store.look_trash(*trash)?.stat.mode,
                Settled::Root | Settled::Named(_, _, Under::Nothing | Under::Unknown { .. }) => 0,
            };
            Ok(self.opened(node, how.access, mode))
        })
    }

    pub(super) fn opened(&self, node: NodeId, access: Access, mode: u32) -> Opened {
        self.nodes.opened(node);
        let handle = self.handles.insert(Handle { node, access });
        Opened { handle, node, permissions: mode & mode::PERMISSIONS }
    }

    /// Closes a file. Harmless if it is not open.
    pub fn release(&self, context: &Context<'_>, handle: HandleId) {
        let Some(handle) = self.handles.remove(handle) else { return };
        if handle.access == Access::ReadWrite
            && let Ok(path) = self.nodes.path(handle.node)
            && let Err(error) = self.record(context, path, ItemKind::File, What::Modified)
        {
            tracing::error!(%error, "cannot record a close");
        }
        if let Some(trash) = self.nodes.closed(handle.node) {
            self.files.remove(handle.node);
            if let Err(error) = self.store.discard(trash) {
                tracing::error!(%error, "cannot empty the trash");
            }
        }
    }

    /// The store's file behind an open file.
    ///
    /// # Errors
    /// `BadHandle`; the store's.
    pub fn file(&self, _context: &Context<'_>, handle: HandleId) -> Result<Arc<dyn StoreFile>> {
        let handle = self.handles.get(handle)?;
        self.file_of(handle)
    }

    /// The same, if it is open for writing.
    ///
    /// # Errors
    /// `BadHandle`; the store's.
    pub fn writable(&self, _context: &Context<'_>, handle: HandleId) -> Result<Arc<dyn StoreFile>> {
        let handle = self.handles.get(handle)?;
        match handle.access {
            Access::ReadWrite => self.file_of(handle),
            Access::Read => Err(ErrorKind::BadHandle.into()),
        }
    }

    fn file_of(&self, handle: Handle) -> Result<Arc<dyn StoreFile>> {
        if let Some(file) = self.files.get(handle.node, handle.access) {
            return Ok(file);
        }
        let opened = self.with_place(handle.node, |place| Ok(self.store.open(place, handle.access)?))?;
        let file = opened.ok_or(ErrorKind::Stale)?;
        self.files.insert(handle.node, Arc::clone(&file), handle.access);
        Ok(file)
    }
}
