//! `Tree`: inodes, the names that lead to them, and what else the store holds.

use std::collections::BTreeMap;

use projfs_sync::Arc;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use rustix::io::Errno;

use super::Answer;
use super::item::Body;
use super::item::Inode;
use super::partial::MemoryPartial;
use crate::Place;
use crate::STORE_DIRECTORY;
use crate::Space;
use crate::TrashId;
use crate::lives::Lives;

/// The inode of the root directory.
pub(super) const ROOT: u64 = 1;

/// What is under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Inode(u64),
    Tombstone,
}

/// Everything that the handles of one store share.
pub(super) struct Tree {
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    /// The inode behind each open file, by the address of the open file: a `dyn StoreFile` says nothing
    /// else about itself, and an address is not used again while the file is open.
    handles: BTreeMap<usize, u64>,
    trash: BTreeMap<u64, u64>,
    next_trash: u64,
    pub(super) notes: BTreeMap<OriginBuf, PlaceholderInfo>,
    pub(super) lives: Lives,
    pub(super) partials: BTreeMap<Number, Arc<MemoryPartial>>,
    pub(super) switching: bool,
    clock: Box<dyn Fn() -> Timestamp + Send>,
}

impl Tree {
    pub(super) fn new(clock: Box<dyn Fn() -> Timestamp + Send>) -> Self {
        let root = Inode::root(clock());
        Self {
            inodes: BTreeMap::from([(ROOT, root)]),
            next_inode: ROOT + 1,
            handles: BTreeMap::new(),
            trash: BTreeMap::new(),
            next_trash: 1,
            notes: BTreeMap::new(),
            lives: Lives::default(),
            partials: BTreeMap::new(),
            switching: false,
            clock,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    // Inodes.

    /// Inode numbers are not used again, so that a number means one item for as long as the store lives.
    pub(super) fn add_inode(&mut self, make: impl FnOnce(u64) -> Inode) -> u64 {
        let number = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(number, make(number));
        number
    }

    pub(super) fn inode(&self, inode: u64) -> Answer<&Inode> {
        self.inodes.get(&inode).ok_or(Errno::IO)
    }

    pub(super) fn inode_mut(&mut self, inode: u64) -> Answer<&mut Inode> {
        self.inodes.get_mut(&inode).ok_or(Errno::IO)
    }

    /// Ends an inode that neither a name, nor the trash, nor an open file leads to.
    fn reap(&mut self, inode: u64) {
        if self.inodes.get(&inode).is_some_and(|inode| inode.links + inode.trashed + inode.opens == 0) {
            self.inodes.remove(&inode);
        }
    }

    pub(super) fn opened(&mut self, address: usize, inode: u64) {
        self.handles.insert(address, inode);
        if let Some(inode) = self.inodes.get_mut(&inode) {
            inode.opens += 1;
        }
    }

    pub(super) fn closed(&mut self, address: usize) {
        if let Some(number) = self.handles.remove(&address) {
            if let Some(inode) = self.inodes.get_mut(&number) {
                inode.opens -= 1;
            }
            self.reap(number);
        }
    }

    /// The inode of an open file of this store; nothing for any other file.
    pub(super) fn handle(&self, address: usize) -> Option<u64> {
        self.handles.get(&address).copied()
    }

    // Names.

    /// The directory at a path.
    pub(super) fn directory(&self, path: &RelPath) -> Answer<u64> {
        path.components().try_fold(ROOT, |dir, name| match self.entries(dir)?.get(name) {
            Some(Entry::Inode(inode)) => self.entries(*inode).map(|_| *inode),
            Some(Entry::Tombstone) | None => Err(Errno::NOENT),
        })
    }

    /// A directory in which a name may change.
    pub(super) fn directory_to_change(&self, path: &RelPath, name: &ItemName) -> Answer<u64> {
        if is_reserved(path, name) { Err(Errno::PERM) } else { self.directory(path) }
    }

    pub(super) fn entries(&self, dir: u64) -> Answer<&BTreeMap<ItemNameBuf, Entry>> {
        match &self.inode(dir)?.body {
            Body::Directory(entries) => Ok(entries),
            Body::File(_) | Body::Symlink(_) | Body::Nothing => Err(Errno::NOTDIR),
        }
    }

    pub(super) fn entry(&self, dir: u64, name: &ItemName) -> Answer<Option<Entry>> {
        Ok(self.entries(dir)?.get(name).copied())
    }

    /// The inode under a name.
    pub(super) fn named(&self, dir: u64, name: &ItemName) -> Answer<u64> {
        match self.entry(dir, name)? {
            Some(Entry::Inode(inode)) => Ok(inode),
            Some(Entry::Tombstone) | None => Err(Errno::NOENT),
        }
    }

    /// Puts something, or nothing, under a name, without regard to what that does to inodes.
    pub(super) fn set_entry(&mut self, dir: u64, name: &ItemName, entry: Option<Entry>) -> Answer<()> {
        match &mut self.inode_mut(dir)?.body {
            Body::Directory(entries) => {
                match entry {
                    Some(entry) => entries.insert(name.to_owned(), entry),
                    None => entries.remove(name),
                };
                Ok(())
            }
            Body::File(_) | Body::Symlink(_) | Body::Nothing => Err(Errno::NOTDIR),
        }
    }

    /// An inode got one more name.
    pub(super) fn gain_name(&mut self, inode: u64) -> Answer<()> {
        self.inode_mut(inode)?.links += 1;
        self.touch_change(inode)
    }

    /// An inode lost a name, and ends if nothing else leads to it.
    pub(super) fn lose_name(&mut self, inode: u64) -> Answer<()> {
        self.inode_mut(inode)?.links -= 1;
        self.touch_change(inode)?;
        self.reap(inode);
        Ok(())
    }

    /// The inode's own metadata changed. What the provider said of an item stays as it is shown.
    fn touch_change(&mut self, inode: u64) -> Answer<()> {
        let now = self.now();
        self.inode_mut(inode)?.times.change = now;
        Ok(())
    }

    /// A name of a directory was changed here.
    pub(super) fn touch_directory(&mut self, dir: u64) -> Answer<()> {
        let now = self.now();
        let dir = self.inode_mut(dir)?;
        for times in
            [Some(&mut dir.times), dir.info.as_mut().map(|info| &mut info.times)].into_iter().flatten()
        {
            times.write = now;
            times.change = now;
        }
        Ok(())
    }

    pub(super) fn locate(&self, place: Place<'_>) -> Answer<u64> {
        match place {
            Place::Root => Ok(ROOT),
            Place::Named(dir, name) if is_reserved(dir, name) => Err(Errno::NOENT),
            Place::Named(dir, name) => self.named(self.directory(dir)?, name),
            Place::Trash(TrashId(id)) => self.trash.get(&id).copied().ok_or(Errno::NOENT),
        }
    }

    /// Where what is at home under `name` of the directory at `dir` comes from.
    fn origin_below(&self, dir: &RelPath, name: &ItemName) -> Answer<OriginBuf> {
        let mut origin = OriginBuf::root();
        let mut at = ROOT;
        for component in dir.components() {
            at = self.named(at, component)?;
            origin = match self.inode(at)?.state.projected() {
                Some(Projected { origin: Origin::At(origin), .. }) => origin.clone(),
                Some(Projected { origin: Origin::Here, .. }) | None => self.lives.origin(&origin, component),
            };
        }
        Ok(self.lives.origin(&origin, name))
    }

    /// Where an item comes from.
    pub(super) fn origin(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Answer<OriginBuf> {
        match &projected.origin {
            Origin::At(origin) => Ok(origin.clone()),
            Origin::Here => self.origin_below(dir, name),
        }
    }

    // The trash.

    pub(super) fn throw_away(&mut self, inode: u64) -> Answer<TrashId> {
        let id = self.next_trash;
        self.next_trash += 1;
        self.inode_mut(inode)?.trashed += 1;
        self.trash.insert(id, inode);
        Ok(TrashId(id))
    }

    /// What is in the trash.
    pub(super) fn trash(&self) -> Vec<TrashId> {
        self.trash.keys().map(|id| TrashId(*id)).collect()
    }

    pub(super) fn discard(&mut self, TrashId(id): TrashId) -> Answer<()> {
        let inode = self.trash.remove(&id).ok_or(Errno::NOENT)?;
        self.inode_mut(inode)?.trashed -= 1;
        self.reap(inode);
        Ok(())
    }

    pub(super) fn space(&self) -> Space {
        let used = self.inodes.values().map(Inode::blocks).sum::<u64>() / 8;
        let blocks = 1 << 28;
        let files = 1 << 32;
        Space {
            block_size: 4096,
            blocks,
            free: blocks.saturating_sub(used),
            available: blocks.saturating_sub(used),
            files,
            free_files: files.saturating_sub(self.inodes.len() as u64),
            name_length: 255,
        }
    }
}

/// Whether the name is a store's own: no item may have it in memory either.
pub(super) fn is_reserved(dir: &RelPath, name: &ItemName) -> bool {
    dir.is_root() && name.as_bytes() == STORE_DIRECTORY
}
