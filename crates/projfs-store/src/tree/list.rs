//! Listing: every name of a directory on disk.

use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::RelPath;
use projfs_types::collation;
use rustix::fs::FileType;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::look::is_whiteout;
use super::look::kind;
use super::room::entries_of;
use crate::Listed;

impl TreeStore {
    /// Every name of a directory, in collation order; none if it is not on disk.
    pub(crate) fn list_names(&self, dir: &RelPath) -> Done<Vec<Listed>> {
        let Some(fd) = self.dirs.get(&self.root, dir)? else { return Ok(Vec::new()) };
        let mut listed = Vec::new();
        for entry in entries_of(&fd)? {
            let entry = entry?;
            let Ok(name) = ItemName::new(entry.file_name().to_bytes()) else { continue };
            if self.room.is_reserved(dir, name) {
                continue;
            }
            let name: ItemNameBuf = name.to_owned();
            let kind = match entry.file_type() {
                FileType::Directory => Some(ItemKind::Directory),
                FileType::Symlink => Some(ItemKind::Symlink),
                FileType::Fifo | FileType::Socket | FileType::BlockDevice => Some(ItemKind::Special),
                FileType::RegularFile | FileType::CharacterDevice | FileType::Unknown => {
                    match closer(&At::new(&fd, name.as_bytes()))? {
                        Some(kind) => kind,
                        None => continue,
                    }
                }
            };
            listed.push(Listed { name, kind });
        }
        listed.sort_unstable_by(|one, other| collation::compare(&one.name, &other.name));
        Ok(listed)
    }
}

/// What is listed for a name that must be looked at: nothing for what stands for nothing.
fn closer(at: &At) -> Done<Option<Option<ItemKind>>> {
    let Some(stat) = at.stat()? else { return Ok(None) };
    if is_whiteout(&stat) {
        return Ok(Some(None));
    }
    // Only a file without content can stand for something else.
    if kind(&stat) != ItemKind::File || stat.stx_size != 0 {
        return Ok(Some(Some(kind(&stat))));
    }
    Ok(match at.see(&stat) {
        Ok(Seen::Ghost) => None,
        Ok(Seen::Projected { provided, .. } | Seen::CutOff { provided, .. }) => {
            Some(Some(provided.info.item_kind()))
        }
        // A damaged record must not hide all the other names; looking at this one tells.
        Ok(Seen::Tombstone | Seen::Full { .. }) | Err(_) => Some(Some(ItemKind::File)),
    })
}
