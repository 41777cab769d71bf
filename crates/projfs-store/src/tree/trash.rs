//! `Trash`: files that lost their name while they were open.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::ItemKind;
use rustix::fs::Statx;
use rustix::io::Errno;
use rustix::rand::GetRandomFlags;

use super::At;
use super::Done;
use super::TreeStore;
use super::look::kind;
use super::room::names_in;
use crate::Item;
use crate::Place;
use crate::TrashId;

/// What is in the trash: the name there is not one that anybody may count.
pub(crate) struct Trash {
    next: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    inodes: HashMap<TrashId, u64>,
    names: HashMap<u64, u32>,
}

impl Trash {
    /// An empty one. Ids start anywhere, so that they meet none that could not be cleared away at the start.
    pub(crate) fn new() -> Result<Self, Errno> {
        let mut start = [0; 8];
        rustix::rand::getrandom(&mut start[..], GetRandomFlags::empty())?;
        let next = AtomicU64::new(u64::from_le_bytes(start) >> 1);
        Ok(Self { next, kept: mutex(Rank::Store, Kept::default()) })
    }

    /// Counts what another process left in the trash, which somebody still has open.
    pub(crate) fn take_over(&self, room: &Arc<OwnedFd>) -> Result<(), Errno> {
        for name in names_in(room)? {
            let at = At::new(room, name.clone());
            let id = std::str::from_utf8(&name).ok().and_then(|name| name.parse().ok());
            // Directories are only on their way out.
            if let (Some(id), Some(stat)) = (id, at.stat()?.filter(|stat| kind(stat) != ItemKind::Directory))
            {
                self.add(TrashId(id), stat.stx_ino);
            }
        }
        Ok(())
    }

    /// An id that nothing has.
    pub(crate) fn fresh(&self) -> TrashId {
        TrashId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// An inode got its name in the trash.
    pub(crate) fn add(&self, id: TrashId, inode: u64) {
        let mut kept = self.kept.lock();
        kept.inodes.insert(id, inode);
        *kept.names.entry(inode).or_default() += 1;
    }

    /// What has a name there.
    pub(crate) fn ids(&self) -> Vec<TrashId> {
        self.kept.lock().inodes.keys().copied().collect()
    }

    /// It lost it again.
    pub(crate) fn drop(&self, id: TrashId) {
        let mut kept = self.kept.lock();
        let Some(inode) = kept.inodes.remove(&id) else { return };
        if let Some(names) = kept.names.get_mut(&inode) {
            *names -= 1;
            if *names == 0 {
                kept.names.remove(&inode);
            }
        }
    }

    /// The names of an inode outside the trash.
    pub(crate) fn links_shown(&self, stat: &Statx) -> u32 {
        if kind(stat) == ItemKind::Directory {
            return stat.stx_nlink;
        }
        let kept = self.kept.lock();
        stat.stx_nlink.saturating_sub(kept.names.get(&stat.stx_ino).copied().unwrap_or(0))
    }
}

impl TreeStore {
    /// Where something in the trash is.
    pub(crate) fn at_trash(&self, id: TrashId) -> At {
        At::new(&self.room.trash, id.0.to_string())
    }

    /// Where an item is.
    pub(crate) fn at_place(&self, place: Place<'_>) -> Done<At> {
        match place {
            Place::Root => Ok(At::new(&self.root, ".")),
            Place::Named(dir, name) => self.at(dir, name),
            Place::Trash(id) => Ok(self.at_trash(id)),
        }
    }

    /// What a file in the trash looks like.
    pub(crate) fn look_at_trash(&self, id: TrashId) -> Done<Item> {
        let found = self.at_trash(id).find()?.ok_or(Errno::NOENT)?;
        Ok(self.item(&found).ok_or(Errno::NOENT)?)
    }

    /// Ends a file in the trash.
    pub(crate) fn discard_trash(&self, id: TrashId) -> Done<()> {
        self.at_trash(id).unlink()?;
        self.trash.drop(id);
        Ok(())
    }
}
