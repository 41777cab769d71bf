//! Making, linking, removing and moving names.

use std::collections::BTreeMap;

use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::RelPath;
use projfs_types::SymlinkState;
use projfs_types::mode;
use rustix::io::Errno;

use super::Answer;
use super::item::Body;
use super::item::Inode;
use super::tree::Entry;
use super::tree::Tree;
use crate::Item;
use crate::Keep;
use crate::Leave;
use crate::NewItem;
use crate::NewKind;
use crate::Place;
use crate::TrashId;

/// The type bits of the items that have no content.
const SPECIAL: [u32; 4] = [0o010_000, mode::CHARACTER, 0o060_000, 0o140_000];
/// The longest target of a symbolic link, in bytes (`PATH_MAX` without its NUL).
const TARGET_MAX: usize = 4095;

impl Tree {
    pub(super) fn create(&mut self, dir: &RelPath, name: &ItemName, new: &NewItem) -> Answer<(u64, Item)> {
        let parent = self.directory_to_change(dir, name)?;
        if let Some(Entry::Inode(_)) = self.entry(parent, name)? {
            return Err(Errno::EXIST);
        }
        let inode = self.make(new)?;
        let (parent_mode, parent_gid) = {
            let parent = self.inode(parent)?;
            (parent.mode, parent.gid)
        };
        let item = self.inode_mut(inode)?;
        item.links = 1;
        if parent_mode & mode::SET_GROUP_ID != 0 {
            item.gid = parent_gid;
            if matches!(new.kind, NewKind::Directory) {
                item.mode |= mode::SET_GROUP_ID;
            }
        }
        self.set_entry(parent, name, Some(Entry::Inode(inode)))?;
        self.touch_directory(parent)?;
        Ok((inode, self.item(inode)?))
    }

    pub(super) fn create_nameless(&mut self, new: &NewItem) -> Answer<(TrashId, u64, Item)> {
        if !matches!(new.kind, NewKind::File) {
            return Err(Errno::INVAL);
        }
        let inode = self.make(new)?;
        Ok((self.throw_away(inode)?, inode, self.item(inode)?))
    }

    fn make(&mut self, new: &NewItem) -> Answer<u64> {
        if new.permissions & !mode::PERMISSIONS != 0 {
            return Err(Errno::INVAL);
        }
        let (state, type_bits, body, device) = match &new.kind {
            NewKind::File => (ItemState::File(FileState::Full), mode::FILE, Body::File(Vec::new()), (0, 0)),
            NewKind::Directory => {
                let body = Body::Directory(BTreeMap::new());
                (ItemState::Directory(DirectoryState::Full), mode::DIRECTORY, body, (0, 0))
            }
            NewKind::Symlink { target } if target.is_empty() => return Err(Errno::NOENT),
            NewKind::Symlink { target } if target.len() > TARGET_MAX => return Err(Errno::NAMETOOLONG),
            NewKind::Symlink { target } => {
                let body = Body::Symlink(target.clone());
                (ItemState::Symlink(SymlinkState::Full), mode::SYMLINK, body, (0, 0))
            }
            NewKind::Special { type_bits, .. } if !SPECIAL.contains(type_bits) => return Err(Errno::INVAL),
            // On disk that device stands for 0/0, as 0/0 itself is a tombstone.
            NewKind::Special { type_bits: mode::CHARACTER, device: (0xfff, 0xf_ffff) } => {
                return Err(Errno::PERM);
            }
            NewKind::Special { type_bits, device } => {
                (ItemState::Special, *type_bits, Body::Nothing, *device)
            }
        };
        let now = self.now();
        let mode = type_bits | if type_bits == mode::SYMLINK { 0o777 } else { new.permissions };
        Ok(self.add_inode(|number| {
            let mut inode = Inode::new(state, Number::of_inode(number), mode, body, now);
            (inode.uid, inode.gid, inode.device) = (new.uid, new.gid, device);
            inode
        }))
    }

    pub(super) fn link(&mut self, from: Place<'_>, dir: &RelPath, name: &ItemName) -> Answer<()> {
        let inode = self.locate(from)?;
        let parent = self.directory_to_change(dir, name)?;
        if let Some(Entry::Inode(_)) = self.entry(parent, name)? {
            return Err(Errno::EXIST);
        }
        if self.is_directory(inode)? {
            return Err(Errno::PERM);
        }
        self.set_entry(parent, name, Some(Entry::Inode(inode)))?;
        self.gain_name(inode)?;
        self.touch_directory(parent)
    }

    pub(super) fn remove(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        leave: Leave,
        keep: Keep,
    ) -> Answer<Option<TrashId>> {
        let parent = self.directory_to_change(dir, name)?;
        let inode = match (self.entry(parent, name)?, leave) {
            (Some(Entry::Inode(inode)), _) => Some(inode),
            (Some(Entry::Tombstone), _) | (None, Leave::Tombstone) => None,
            (None, Leave::Nothing) => return Err(Errno::NOENT),
        };
        if let Some(inode) = inode {
            self.empty(inode)?;
        }
        self.set_entry(parent, name, left(leave))?;
        self.touch_directory(parent)?;
        inode.map_or(Ok(None), |inode| self.end(inode, keep))
    }

    pub(super) fn rename(
        &mut self,
        from: (&RelPath, &ItemName),
        to: (&RelPath, &ItemName),
        leave: Leave,
        keep: Keep,
    ) -> Answer<Option<TrashId>> {
        let old_parent = self.directory_to_change(from.0, from.1)?;
        let new_parent = self.directory_to_change(to.0, to.1)?;
        let inode = self.named(old_parent, from.1)?;
        let replaced = match self.entry(new_parent, to.1)? {
            Some(Entry::Inode(replaced)) => Some(replaced),
            Some(Entry::Tombstone) | None => None,
        };
        let is_directory = self.is_directory(inode)?;
        if is_directory && to.0.starts_with(&from.0.join(from.1)) {
            return Err(Errno::INVAL);
        }
        // Two names of one file: POSIX has it that nothing happens.
        if replaced == Some(inode) {
            return Ok(None);
        }
        if let Some(replaced) = replaced {
            match (is_directory, self.is_directory(replaced)?) {
                (true, false) => return Err(Errno::NOTDIR),
                (false, true) => return Err(Errno::ISDIR),
                (true, true) | (false, false) => self.empty(replaced)?,
            }
        }
        self.set_entry(old_parent, from.1, left(leave))?;
        self.set_entry(new_parent, to.1, Some(Entry::Inode(inode)))?;
        self.touch_directory(old_parent)?;
        self.touch_directory(new_parent)?;
        replaced.map_or(Ok(None), |replaced| self.end(replaced, keep))
    }

    pub(super) fn exchange(
        &mut self,
        one: (&RelPath, &ItemName),
        other: (&RelPath, &ItemName),
    ) -> Answer<()> {
        let one_parent = self.directory_to_change(one.0, one.1)?;
        let other_parent = self.directory_to_change(other.0, other.1)?;
        let one_inode = self.named(one_parent, one.1)?;
        let other_inode = self.named(other_parent, other.1)?;
        if one_inode == other_inode {
            return Ok(());
        }
        if one.0.starts_with(&other.0.join(other.1)) || other.0.starts_with(&one.0.join(one.1)) {
            return Err(Errno::INVAL);
        }
        self.set_entry(one_parent, one.1, Some(Entry::Inode(other_inode)))?;
        self.set_entry(other_parent, other.1, Some(Entry::Inode(one_inode)))?;
        self.touch_directory(one_parent)?;
        self.touch_directory(other_parent)
    }

    pub(super) fn read_link(&self, dir: &RelPath, name: &ItemName) -> Answer<Box<[u8]>> {
        match &self.inode(self.locate(Place::Named(dir, name))?)?.body {
            Body::Symlink(target) => Ok(target.clone()),
            Body::File(_) | Body::Directory(_) | Body::Nothing => Err(Errno::INVAL),
        }
    }

    pub(super) fn is_directory(&self, inode: u64) -> Answer<bool> {
        Ok(matches!(self.inode(inode)?.body, Body::Directory(_)))
    }

    /// Drops the tombstones of a directory that holds nothing else; any other item is left as it is.
    fn empty(&mut self, inode: u64) -> Answer<()> {
        match &mut self.inode_mut(inode)?.body {
            Body::Directory(entries) if entries.values().all(|entry| *entry == Entry::Tombstone) => {
                entries.clear();
                Ok(())
            }
            Body::Directory(_) => Err(Errno::NOTEMPTY),
            Body::File(_) | Body::Symlink(_) | Body::Nothing => Ok(()),
        }
    }

    /// An item lost a name to a removal or a rename.
    pub(super) fn end(&mut self, inode: u64, keep: Keep) -> Answer<Option<TrashId>> {
        let trash = match keep {
            Keep::Nothing => None,
            Keep::Trash => Some(self.throw_away(inode)?),
        };
        self.lose_name(inode)?;
        Ok(trash)
    }
}

fn left(leave: Leave) -> Option<Entry> {
    match leave {
        Leave::Nothing => None,
        Leave::Tombstone => Some(Entry::Tombstone),
    }
}
