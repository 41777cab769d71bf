//! Changes of the view: what is local gives way to what the provider says.

use projfs_types::DirectoryState;
use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::SymlinkState;
use projfs_types::mode;
use rustix::io::Errno;

use super::Answer;
use super::item::Body;
use super::tree::Entry;
use super::tree::Tree;
use crate::Keep;
use crate::TrashId;

impl Tree {
    /// What is noted of what is projected in a directory.
    pub(super) fn noted_below(&self, directory: &OriginBuf) -> Vec<ProjectedItem> {
        let here = self.notes.iter().filter_map(|(origin, info)| {
            let (parent, name) = origin.split_last()?;
            let here = parent == &**directory && self.lives.origin(directory, name) == *origin;
            here.then(|| ProjectedItem { name: name.to_owned(), info: info.clone() })
        });
        here.collect()
    }

    pub(super) fn replace(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
        keep: Keep,
    ) -> Answer<Option<TrashId>> {
        let (state, type_bits) = match info.kind {
            PlaceholderKind::File { .. } => {
                (ItemState::File(FileState::Placeholder(projected.clone())), mode::FILE)
            }
            PlaceholderKind::Symlink { .. } => {
                (ItemState::Symlink(SymlinkState::Placeholder(projected.clone())), mode::SYMLINK)
            }
            PlaceholderKind::Directory => return Err(Errno::ISDIR),
        };
        let parent = self.directory_to_change(dir, name)?;
        let old = match self.entry(parent, name)?.ok_or(Errno::NOENT)? {
            Entry::Inode(old) if self.is_directory(old)? => return Err(Errno::ISDIR),
            Entry::Inode(old) => Some(old),
            Entry::Tombstone => None,
        };
        self.set_entry(parent, name, None)?;
        self.put((dir, name), (state, type_bits, Body::Nothing), info, projected)?;
        old.map_or(Ok(None), |old| self.end(old, keep))
    }

    pub(super) fn provide_directory(
        &mut self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Answer<()> {
        let inode = self.named(self.directory_to_change(dir, name)?, name)?;
        if info.item_kind() != ItemKind::Directory || !self.is_directory(inode)? {
            return Err(Errno::NOTDIR);
        }
        let inode = self.inode_mut(inode)?;
        if inode.extended() != info.extended && info.extended.size() > EXTENDED_SIZE_MAX {
            return Err(Errno::TOOBIG);
        }
        inode.state = ItemState::Directory(DirectoryState::Placeholder(projected.clone()));
        inode.set_info(info.clone(), &projected.version);
        Ok(())
    }

    pub(super) fn convert_directory(&mut self, dir: &RelPath, name: &ItemName) -> Answer<()> {
        let inode = self.named(self.directory_to_change(dir, name)?, name)?;
        if !self.is_directory(inode)? {
            return Err(Errno::NOTDIR);
        }
        let inode = self.inode_mut(inode)?;
        if let Some(info) = inode.info.take() {
            inode.mode = mode::DIRECTORY | u32::from(info.mode);
            inode.times = info.times;
        }
        inode.state = ItemState::Directory(DirectoryState::Full);
        Ok(())
    }
}
