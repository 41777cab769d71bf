//! Attributes of items on disk, in inode and record; opening files and reading links.

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::Number;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::fs::OFlags;
use rustix::fs::Statx;
use rustix::fs::Timespec;
use rustix::fs::UTIME_NOW;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::cut_off::stand_in_for;
use super::look::Found;
use super::look::is_whiteout;
use super::look::kind;
use super::look::permissions;
use super::look::time;
use super::put::disk_mode;
use super::put::now;
use super::put::timespec;
use crate::Access;
use crate::AttributeChange;
use crate::Place;
use crate::StoreFile;
use crate::Time;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;

impl TreeStore {
    /// Changes mode, owner and times.
    pub(crate) fn set_attributes_at(&self, place: Place<'_>, change: &AttributeChange) -> Done<()> {
        let at = self.at_place(place)?;
        let Found { stat, seen } = self.find(&at)?.ok_or(Errno::NOENT)?;
        match seen {
            Seen::Tombstone | Seen::Ghost => Err(Errno::NOENT.into()),
            Seen::Full { number, mode } => self.change_full(&at, &stat, (number, mode), change),
            Seen::Projected { number, provided } => change_projected(&at, &stat, number, provided, change),
            // Another write time would tell that somebody wrote what is left of it.
            Seen::CutOff { number, provided } => {
                stand_in_for(&self.at_new(), &at, &stat, number, provided)?;
                self.set_attributes_at(place, change)
            }
        }
    }

    fn change_full(
        &self,
        at: &At,
        stat: &Statx,
        (number, recorded): (Number, Option<u16>),
        change: &AttributeChange,
    ) -> Done<()> {
        let changes_owner = change.uid.is_some() || change.gid.is_some();
        if changes_owner {
            at.change_owner(change.uid, change.gid)?;
        }
        let stripped = recorded
            .filter(|_| changes_owner && kind(stat) == ItemKind::File)
            .map(|shown| mode::without_set_id(shown.into()));
        if let Some(wanted) = change.permissions.or(stripped) {
            self.change_full_mode(at, stat, (number, recorded), wanted & mode::PERMISSIONS)?;
        }
        if change.access.is_some() || change.write.is_some() {
            at.set_times(change.access.map(kernel_time), change.write.map(kernel_time))?;
        }
        Ok(())
    }

    fn change_full_mode(
        &self,
        at: &At,
        stat: &Statx,
        (number, recorded): (Number, Option<u16>),
        wanted: u32,
    ) -> Done<()> {
        let needed = match kind(stat) {
            ItemKind::File => 0o600,
            ItemKind::Directory => 0o700,
            ItemKind::Symlink => return Err(Errno::OPNOTSUPP.into()),
            ItemKind::Special => 0,
        };
        let lifted = self.process.lifted(wanted, needed);
        let inode = Inode::Named(at);
        // While the record tells the mode, the inode can follow without ever being shown.
        if lifted.is_some() || recorded.is_some() {
            self.record_full(inode, stat.stx_ino, number, Some(permissions(wanted)))?;
        }
        at.change_mode(lifted.unwrap_or(wanted))?;
        if lifted.is_none() && recorded.is_some() {
            self.record_full(inode, stat.stx_ino, number, None)?;
        }
        Ok(())
    }

    /// Opens a regular file, never one that merely stands in for its content.
    pub(crate) fn open_at(&self, place: Place<'_>, access: Access) -> Done<Arc<dyn StoreFile>> {
        let at = self.at_place(place)?;
        let stat = at.stat()?.ok_or(Errno::NOENT)?;
        if is_whiteout(&stat) {
            return Err(Errno::NOENT.into());
        }
        match kind(&stat) {
            ItemKind::File => {}
            ItemKind::Directory => return Err(Errno::ISDIR.into()),
            ItemKind::Symlink => return Err(Errno::LOOP.into()),
            ItemKind::Special => return Err(Errno::INVAL.into()),
        }
        if stat.stx_size == 0 {
            match at.see(&stat)? {
                Seen::Projected { provided, .. } if provided.form == Form::StandIn => {
                    return Err(Errno::ACCESS.into());
                }
                Seen::Tombstone | Seen::Ghost => return Err(Errno::NOENT.into()),
                Seen::CutOff { .. } => return Err(Errno::ACCESS.into()),
                Seen::Full { .. } | Seen::Projected { .. } => {}
            }
        }
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        Ok(Arc::new(self.file(at.open(flags)?, place.path())))
    }

    /// The target of a symbolic link.
    pub(crate) fn read_link_at(&self, dir: &RelPath, name: &ItemName) -> Done<Box<[u8]>> {
        let at = self.at(dir, name)?;
        let Found { stat, seen } = at.find()?.ok_or(Errno::NOENT)?;
        if let Seen::Projected { provided, .. } = &seen
            && let PlaceholderKind::Symlink { target } = &provided.info.kind
        {
            return Ok(target.clone());
        }
        if kind(&stat) != ItemKind::Symlink {
            return Err(Errno::INVAL.into());
        }
        let target = rustix::fs::readlinkat(&*at.dir, at.name.as_slice(), Vec::new())?;
        Ok(target.into_bytes().into())
    }
}

/// The inode first: if a crash comes before the record follows, a file is full, with all its content.
fn change_projected(
    at: &At,
    stat: &Statx,
    number: Number,
    mut provided: Provided,
    change: &AttributeChange,
) -> Done<()> {
    let is_file = provided.info.item_kind() == ItemKind::File;
    if change.uid.is_some() || change.gid.is_some() {
        at.change_owner(change.uid, change.gid)?;
        if is_file {
            provided.info.mode = permissions(mode::without_set_id(provided.info.mode.into()));
        }
    }
    if let Some(wanted) = change.permissions {
        if provided.info.item_kind() == ItemKind::Symlink {
            return Err(Errno::OPNOTSUPP.into());
        }
        provided.info.mode = permissions(wanted);
    }
    let moment = now();
    let times = &mut provided.info.times;
    times.access = change.access.map_or(times.access, |time| resolved(time, moment));
    times.write = change.write.map_or(times.write, |time| resolved(time, moment));
    times.change = moment;
    match provided.form {
        Form::StandIn => provided.stored_write = times.write,
        Form::Whole => {
            if change.access.is_some() || change.write.is_some() {
                let access = change.access.map(|_| timespec(times.access));
                let write = change.write.map(|_| timespec(times.write));
                at.set_times(access, write)?;
            }
            if is_file && change.write.is_some() {
                provided.stored_write = time(at.stat()?.ok_or(Errno::NOENT)?.stx_mtime);
            }
        }
    }
    let on_disk = (provided.form == Form::Whole).then(|| disk_mode(&provided.info));
    let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
    Inode::Named(at).set_record(&record)?;
    if let Some(on_disk) = on_disk
        && on_disk != u32::from(stat.stx_mode) & mode::PERMISSIONS
    {
        at.change_mode(on_disk)?;
    }
    Ok(())
}

fn resolved(time: Time, now: Timestamp) -> Timestamp {
    match time {
        Time::Now => now,
        Time::At(time) => time,
    }
}

fn kernel_time(time: Time) -> Timespec {
    match time {
        Time::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        Time::At(time) => timespec(time),
    }
}
