//! Opening and closing files.

use projfs_provider::NameChange;
use projfs_provider::PreOperation;
use projfs_store::Access;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemState;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::What;
use projfs_types::mode;

use crate::Engine;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Settled;
use crate::flow::Under;
use crate::handle::Handle;
use crate::handle::HandleId;
use crate::node::table::Location;
use crate::notify::Visit;
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
    /// Whether the file in the store has all of the content.
    pub coverage: Coverage,
    /// Its permission bits.
    pub permissions: u32,
}

/// Whether the file in the store has all of an open file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It has.
    Whole,
    /// It may not have: every read must come to the engine, which fetches what is missing.
    Partial,
}

impl Engine {
    /// Opens a file. Opening for reading hydrates it, unless it is large and the provider gives ranges: then they are
    /// fetched as they are read. Opening for writing makes it full.
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
        let mut visit = self.visit(context, node)?;
        if how.access == Access::ReadWrite {
            let wanted = NotifyMask::PRE_OPEN_FOR_WRITE;
            self.authorize(context, visit.as_ref(), wanted, |_| PreOperation::OpenForWrite)?;
        }
        if how.truncate {
            let wanted = NotifyMask::PRE_TRUNCATE;
            self.authorize(context, visit.as_ref(), wanted, |_| PreOperation::Truncate { size: 0 })?;
        }
        let in_parts = if event == Event::Read && self.gives_ranges() {
            self.open_without_fetching(context, node)?
        } else {
            None
        };
        let opened = match in_parts {
            Some(opened) => opened,
            None => self.open_settled(context, node, how, event)?,
        };
        self.welcome(context, &mut visit, opened.handle, how)?;
        Ok(opened)
    }

    /// Tells the provider of an open file, which may refuse it: then it is closed again.
    fn welcome(
        &self,
        context: &Context<'_>,
        visit: &mut Option<Visit>,
        handle: HandleId,
        how: OpenHow,
    ) -> Result<()> {
        let told = if how.truncate {
            self.tell_changed(context, visit, NotifyMask::FILE_OVERWRITTEN, NameChange::Overwritten);
            Ok(())
        } else {
            self.tell_opened(context, visit)
        };
        match told {
            Ok(()) => self.keep_visit(context, visit.take(), handle, how),
            Err(_) => self.release(context, handle),
        }
        told
    }

    fn open_settled(
        &self,
        context: &Context<'_>,
        node: NodeId,
        how: OpenHow,
        event: Event,
    ) -> Result<Opened> {
        self.settle_node(context, node, event, |settled| {
            match settled {
                Settled::Root => return Err(ErrorKind::IsDirectory.into()),
                Settled::Named(_, _, under) if under.kind() != Some(ItemKind::File) => {
                    return Err(ErrorKind::Invalid.into());
                }
                Settled::Named(dir, name, _) if event != Event::Read => {
                    self.record(context, dir.path.join(name), ItemKind::File, What::Modified)?;
                }
                Settled::Named(..) | Settled::Trash(_) => {}
            }
            if how.truncate {
                self.store.open(settled.place(), Access::ReadWrite)?.set_len(0)?;
            }
            Ok(self.opened(context, node, how.access, self.mode_of(settled)?))
        })
    }

    pub(super) fn opened(&self, context: &Context<'_>, node: NodeId, access: Access, mode: u32) -> Opened {
        let request = context.request;
        let handle = Handle { node, access, ranges: None, visit: None, request, unsynced: None };
        self.opened_as(handle, mode)
    }

    fn opened_as(&self, handle: Handle, mode: u32) -> Opened {
        let node = handle.node;
        self.nodes.opened(node);
        let coverage = if handle.ranges.is_some() { Coverage::Partial } else { Coverage::Whole };
        Opened { handle: self.handles.insert(handle), node, coverage, permissions: mode & mode::PERMISSIONS }
    }

    /// The mode that an item shows.
    fn mode_of(&self, settled: &Settled<'_>) -> Result<u32> {
        Ok(match settled {
            Settled::Named(_, _, Under::OnDisk(item)) => item.stat.mode,
            Settled::Named(_, _, Under::Noted { info, .. }) => info.mode.into(),
            Settled::Trash(trash) => self.store.look_trash(*trash)?.stat.mode,
            Settled::Root | Settled::Named(_, _, Under::Nothing | Under::Unknown { .. }) => 0,
        })
    }

    /// Opens a file for reading if that needs no more of its content than there is: because there is all of it, or
    /// because it comes as it is read.
    fn open_without_fetching(&self, context: &Context<'_>, node: NodeId) -> Result<Option<Opened>> {
        let access = Access::Read;
        // Whatever its permission bits are, it is not the kernel that reads it.
        let request = context.request;
        let in_parts = |file| {
            self.opened_as(
                Handle { node, access, ranges: Some(file), visit: None, request, unsynced: None },
                0,
            )
        };
        let location = self.nodes.location(node);
        match location {
            Ok(Location::Named(..)) => {}
            // It was deleted before it was whole, and is opened again through one that is open.
            Ok(Location::Trash(_)) | Err(_) => return Ok(self.handles.ranges_of(node).map(in_parts)),
            Ok(Location::Root) => return Ok(None),
        }
        // Nothing but its metadata has to be known.
        self.settle_node(context, node, Event::Look, |settled| {
            let Settled::Named(dir, name, under) = settled else { return Ok(None) };
            match under.state() {
                Some(ItemState::File(FileState::Hydrated(_) | FileState::Full)) => {
                    return Ok(Some(self.opened(context, node, access, self.mode_of(settled)?)));
                }
                Some(ItemState::File(FileState::Placeholder(_))) => {}
                _ => return Ok(None),
            }
            // What is whole gets its name first, and is the kernel's to read then.
            let file = self.parts_of(dir, name, under)?.filter(|file| !file.is_whole());
            Ok(file.map(in_parts))
        })
    }

    /// Before a close: a file that came in parts, and is whole by now, gets its name, so that the kernel reads it by
    /// itself from the next open on. What goes wrong with that is tried again then.
    ///
    /// # Errors
    /// `WouldWait` alone.
    pub fn finish(&self, context: &Context<'_>, handle: HandleId) -> Result<()> {
        let Ok(handle) = self.handles.get(handle) else { return Ok(()) };
        if !handle.parts().is_some_and(|file| file.is_open() && file.is_whole()) {
            return Ok(());
        }
        match self.settle_node(context, handle.node, Event::Read, |_| Ok(())) {
            Err(error) if error.kind == ErrorKind::WouldWait => Err(error),
            Err(error) => {
                tracing::debug!(%error, "a whole file goes on coming in parts");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Closes a file. Harmless if it is not open.
    pub fn release(&self, context: &Context<'_>, handle: HandleId) {
        let Ok(open) = self.handles.get(handle) else { return };
        // Before it is no longer among those that are open for writing.
        if let Err(error) = self.record_close(context, &open) {
            tracing::error!(%error, "cannot record a close");
        }
        let Some(handle) = self.handles.remove(handle) else { return };
        if let Some(visit) = &handle.visit {
            self.end_open_visit(context, visit, handle.node);
        }
        if let Some(trash) = self.nodes.closed(handle.node) {
            self.files.remove(handle.node);
            self.end_trash(trash);
        }
        // Also if nothing was to be told of this handle: another's answer may have silenced it.
        self.drop_mask(handle.node);
    }

    /// The store's file behind an open file, with all of the content, which is fetched if it must be.
    ///
    /// # Errors
    /// `BadHandle`; the provider's; the store's.
    pub fn file(&self, context: &Context<'_>, handle: HandleId) -> Result<Arc<dyn StoreFile>> {
        self.readable(context, handle, 0, u64::MAX)
    }

    /// The store's file behind an open file, with `length` bytes from `offset` on in it, as far as the file goes.
    ///
    /// # Errors
    /// `BadHandle`; the provider's, the store's: the file can be read elsewhere, and here again.
    pub fn readable(
        &self,
        context: &Context<'_>,
        handle: HandleId,
        offset: u64,
        length: u64,
    ) -> Result<Arc<dyn StoreFile>> {
        let handle = self.handles.get(handle)?;
        match handle.parts() {
            Some(file) => {
                self.fetch_range(context, file, offset..offset.saturating_add(length))?;
                Ok(file.file())
            }
            None => self.file_of(&handle),
        }
    }

    /// The same, if it is open for writing.
    ///
    /// # Errors
    /// `BadHandle`; the store's.
    pub fn writable(&self, _context: &Context<'_>, handle: HandleId) -> Result<Arc<dyn StoreFile>> {
        let handle = self.handles.get(handle)?;
        match handle.access {
            Access::ReadWrite => self.file_of(&handle),
            Access::Read => Err(ErrorKind::BadHandle.into()),
        }
    }

    fn file_of(&self, handle: &Handle) -> Result<Arc<dyn StoreFile>> {
        if let Some(file) = self.files.get(handle.node, handle.access) {
            return Ok(file);
        }
        let opened = self.with_place(handle.node, |place| Ok(self.store.open(place, handle.access)?))?;
        let file = opened.ok_or(ErrorKind::Stale)?;
        self.files.insert(handle.node, Arc::clone(&file), handle.access);
        Ok(file)
    }
}
