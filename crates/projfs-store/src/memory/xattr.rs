//! Extended attributes.

use projfs_types::ItemState;
use rustix::io::Errno;

use super::Answer;
use super::tree::Tree;
use crate::Place;
use crate::is_own_attribute;

/// `XATTR_CREATE`.
const CREATE: u32 = 1;
/// `XATTR_REPLACE`.
const REPLACE: u32 = 2;
/// `XATTR_NAME_MAX`, in bytes.
const NAME_MAX: usize = 255;
/// `XATTR_SIZE_MAX`, in bytes.
const VALUE_MAX: usize = 65_536;

impl Tree {
    pub(super) fn get_xattr(&self, place: Place<'_>, name: &[u8]) -> Answer<Vec<u8>> {
        let inode = self.inode(self.locate(place)?)?;
        check_name(name)?;
        if is_own_attribute(name) {
            return Err(Errno::NODATA);
        }
        inode.xattrs.get(name).cloned().ok_or(Errno::NODATA)
    }

    pub(super) fn list_xattr(&self, place: Place<'_>) -> Answer<Vec<u8>> {
        let mut names = Vec::new();
        for name in self.inode(self.locate(place)?)?.xattrs.keys() {
            names.extend_from_slice(name);
            names.push(0);
        }
        Ok(names)
    }

    pub(super) fn set_xattr(
        &mut self,
        place: Place<'_>,
        name: &[u8],
        value: &[u8],
        flags: u32,
    ) -> Answer<()> {
        let inode = self.locate(place)?;
        check_name(name)?;
        if flags & !(CREATE | REPLACE) != 0 {
            return Err(Errno::INVAL);
        }
        if value.len() > VALUE_MAX {
            return Err(Errno::TOOBIG);
        }
        self.check_writable(inode, name)?;
        let now = self.now();
        let inode = self.inode_mut(inode)?;
        match (flags & CREATE != 0, flags & REPLACE != 0, inode.xattrs.contains_key(name)) {
            (true, _, true) => return Err(Errno::EXIST),
            (_, true, false) => return Err(Errno::NODATA),
            (false, _, true) | (_, false, false) => {}
        }
        inode.xattrs.insert(name.to_vec(), value.to_vec());
        inode.times.change = now;
        Ok(())
    }

    pub(super) fn remove_xattr(&mut self, place: Place<'_>, name: &[u8]) -> Answer<()> {
        let inode = self.locate(place)?;
        check_name(name)?;
        self.check_writable(inode, name)?;
        let now = self.now();
        let inode = self.inode_mut(inode)?;
        inode.xattrs.remove(name).ok_or(Errno::NODATA)?;
        inode.times.change = now;
        Ok(())
    }

    /// Users' attributes belong to files and directories only.
    fn check_writable(&self, inode: u64, name: &[u8]) -> Answer<()> {
        match self.inode(inode)?.state {
            _ if is_own_attribute(name) => Err(Errno::PERM),
            ItemState::Symlink(_) | ItemState::Special | ItemState::Tombstone
                if name.starts_with(b"user.") =>
            {
                Err(Errno::PERM)
            }
            ItemState::File(_)
            | ItemState::Directory(_)
            | ItemState::Symlink(_)
            | ItemState::Special
            | ItemState::Tombstone => Ok(()),
        }
    }
}

fn check_name(name: &[u8]) -> Answer<()> {
    let known = [&b"user."[..], b"trusted.", b"security."]
        .iter()
        .any(|prefix| name.len() > prefix.len() && name.starts_with(prefix));
    match name.len() {
        0 => Err(Errno::RANGE),
        length if length > NAME_MAX => Err(Errno::RANGE),
        _ if !known => Err(Errno::OPNOTSUPP),
        _ => Ok(()),
    }
}
