//! Changing attributes.

use projfs_types::ItemState;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::io::Errno;

use super::Answer;
use super::tree::Tree;
use crate::AttributeChange;
use crate::Place;
use crate::Time;

impl Tree {
    pub(super) fn set_attributes(&mut self, place: Place<'_>, change: &AttributeChange) -> Answer<()> {
        let inode = self.locate(place)?;
        let now = self.now();
        let inode = self.inode_mut(inode)?;
        if let Some(permissions) = change.permissions {
            if permissions & !mode::PERMISSIONS != 0 {
                return Err(Errno::INVAL);
            }
            if matches!(inode.state, ItemState::Symlink(_)) {
                return Err(Errno::OPNOTSUPP);
            }
        }
        inode.settle();
        let loses_bits =
            (change.uid.is_some() || change.gid.is_some()) && inode.mode & mode::TYPE == mode::FILE;
        let shown = inode.info.as_ref().map_or(inode.mode, |info| u32::from(info.mode)) & mode::PERMISSIONS;
        let permissions = change.permissions.or(loses_bits.then(|| mode::without_set_id(shown)));
        if let Some(permissions) = permissions {
            inode.mode = inode.mode & mode::TYPE | permissions;
        }
        inode.uid = change.uid.unwrap_or(inode.uid);
        inode.gid = change.gid.unwrap_or(inode.gid);
        // Inode and record change together, or a hydrated file would look as if it had been written to.
        for times in
            [Some(&mut inode.times), inode.info.as_mut().map(|info| &mut info.times)].into_iter().flatten()
        {
            times.access = change.access.map_or(times.access, |time| at(time, now));
            times.write = change.write.map_or(times.write, |time| at(time, now));
            times.change = now;
        }
        if let (Some(info), Some(Ok(permissions))) = (&mut inode.info, permissions.map(u16::try_from)) {
            info.mode = permissions;
        }
        Ok(())
    }
}

fn at(time: Time, now: Timestamp) -> Timestamp {
    match time {
        Time::Now => now,
        Time::At(time) => time,
    }
}
