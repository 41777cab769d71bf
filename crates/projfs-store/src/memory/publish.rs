//! Putting on disk what is the provider's: directories, stand-ins and content.

use std::collections::BTreeMap;

use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::FileTimes;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::SymlinkState;
use projfs_types::mode;
use rustix::io::Errno;

use super::Answer;
use super::item::Body;
use super::item::Inode;
use super::tree::Entry;
use super::tree::Tree;

impl Tree {
    pub(super) fn put_directory(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Answer<()> {
        match info.kind {
            PlaceholderKind::Directory => {
                let state = ItemState::Directory(DirectoryState::Placeholder(projected.clone()));
                let body = Body::Directory(BTreeMap::new());
                self.put((dir, name), (state, mode::DIRECTORY, body), info, projected)
            }
            PlaceholderKind::File { .. } | PlaceholderKind::Symlink { .. } => Err(Errno::NOTDIR),
        }
    }

    pub(super) fn put_stand_in(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Answer<()> {
        let (state, type_bits) = match info.kind {
            PlaceholderKind::File { .. } => {
                (ItemState::File(FileState::Placeholder(projected.clone())), mode::FILE)
            }
            PlaceholderKind::Symlink { .. } => {
                (ItemState::Symlink(SymlinkState::Placeholder(projected.clone())), mode::SYMLINK)
            }
            PlaceholderKind::Directory => return Err(Errno::ISDIR),
        };
        self.put((dir, name), (state, type_bits, Body::Nothing), info, projected)
    }

    /// Neither an item nor a tombstone may be in the way: a tombstone hides what the provider has.
    pub(super) fn put(
        &mut self,
        (dir, name): (&RelPath, &ItemName),
        (state, type_bits, body): (ItemState, u32, Body),
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Answer<()> {
        let parent = self.directory_to_change(dir, name)?;
        if self.entry(parent, name)?.is_some() {
            return Err(Errno::EXIST);
        }
        let number = Number::of_origin(&self.origin(dir, name, projected)?);
        let now = self.now();
        let inode = self.add_inode(|_| {
            let mut inode = Inode::new(state, number, type_bits, body, now);
            inode.set_info(info.clone(), &projected.version);
            inode.links = 1;
            inode
        });
        self.set_entry(parent, name, Some(Entry::Inode(inode)))
    }

    pub(super) fn set_projected(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        projected: &Projected,
    ) -> Answer<()> {
        let inode = self.named(self.directory_to_change(dir, name)?, name)?;
        let inode = self.inode_mut(inode)?;
        inode.settle();
        let slot = inode.state.projected_mut().ok_or(Errno::INVAL)?;
        slot.clone_from(projected);
        if let Some(info) = &mut inode.info {
            info.version.clone_from(&projected.version);
        }
        Ok(())
    }

    /// A nameless file, which ends with the file that is opened on it.
    pub(super) fn begin_content(&mut self) -> u64 {
        let now = self.now();
        self.add_inode(|number| {
            let state = ItemState::File(FileState::Full);
            let body = Body::File(Vec::new());
            Inode::new(state, Number::of_inode(number), mode::FILE | 0o600, body, now)
        })
    }

    pub(super) fn publish(
        &mut self,
        (dir, name): (&RelPath, &ItemName),
        content: usize,
        info: &PlaceholderInfo,
        state: &FileState,
        number: Number,
    ) -> Answer<()> {
        let parent = self.directory_to_change(dir, name)?;
        let inode = self.handle(content).ok_or(Errno::XDEV)?;
        let length = match &self.inode(inode)? {
            Inode { body: Body::File(bytes), links: 0, trashed: 0, .. } => bytes.len() as u64,
            _ => return Err(Errno::INVAL),
        };
        let PlaceholderKind::File { size } = info.kind else { return Err(Errno::INVAL) };
        match state {
            FileState::Placeholder(_) => return Err(Errno::INVAL),
            FileState::Hydrated(_) if length != size => return Err(Errno::INVAL),
            FileState::Hydrated(_) | FileState::Full => {}
        }
        let stand_in = match self.entry(parent, name)? {
            Some(Entry::Inode(old)) if self.inode(old)?.is_file_stand_in() => Some(old),
            Some(Entry::Inode(_)) => return Err(Errno::EXIST),
            Some(Entry::Tombstone) | None => None,
        };

        let mut info = info.clone();
        let mut inherited = None;
        if let Some(old) = stand_in {
            let old = self.inode(old)?;
            if let (Some(shown), Some(Metadata::Dirty)) =
                (&old.info, old.state.projected().map(|p| p.metadata))
            {
                info.mode = shown.mode;
                info.attributes = shown.attributes;
                info.times = shown.times;
            }
            info.extended = old.extended();
            inherited = Some((old.uid, old.gid, old.xattrs.clone()));
        }
        let now = self.now();
        let file = self.inode_mut(inode)?;
        if let Some((uid, gid, xattrs)) = inherited {
            (file.uid, file.gid, file.xattrs) = (uid, gid, xattrs);
        }
        file.number = number;
        file.state = ItemState::File(state.clone());
        match state {
            FileState::Hydrated(projected) => file.set_info(info, &projected.version),
            FileState::Placeholder(_) | FileState::Full => {
                file.set_extended(&info.extended);
                file.mode = mode::FILE | u32::from(info.mode);
                file.times = FileTimes::all(now);
            }
        }
        file.links = 1;
        self.set_entry(parent, name, Some(Entry::Inode(inode)))?;
        match stand_in {
            Some(old) => self.lose_name(old),
            None => Ok(()),
        }
    }

    pub(super) fn convert(&mut self, dir: &RelPath, name: &ItemName) -> Answer<()> {
        let inode = self.named(self.directory_to_change(dir, name)?, name)?;
        let inode = self.inode_mut(inode)?;
        match inode.state {
            ItemState::File(FileState::Hydrated(_)) => {
                inode.state = ItemState::File(FileState::Full);
                inode.info = None;
                Ok(())
            }
            // What changed underneath is full already, and a crash after the change must not make it fail.
            ItemState::File(FileState::Full) => Ok(()),
            ItemState::File(FileState::Placeholder(_))
            | ItemState::Directory(_)
            | ItemState::Symlink(_)
            | ItemState::Special
            | ItemState::Tombstone => Err(Errno::INVAL),
        }
    }
}
