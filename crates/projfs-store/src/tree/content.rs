//! Content: a nameless file is filled, and given its name and its record in one step.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemName;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Stat;
use rustix::fs::Timespec;
use rustix::fs::UTIME_NOW;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::at::timestamps;
use super::extents::order;
use super::look::Found;
use super::look::kind;
use super::look::permissions;
use super::probe::nameless;
use super::put::Vacancy;
use super::put::disk_mode;
use super::put::provided;
use super::put::timespec;
use super::xattr::each_name;
use super::xattr::names_but_ours;
use crate::StoreFile;
use crate::record::Form;
use crate::record::Record;
use crate::record::Recorded;

impl TreeStore {
    /// A nameless file for content.
    pub(crate) fn begin(&self) -> Done<Arc<dyn StoreFile>> {
        let file = nameless(&self.room.new, 0o644)?;
        Ok(Arc::new(self.file(file, RelPathBuf::root()).written_in_parts()))
    }

    /// Gives content its name and its record.
    pub(crate) fn publish_at(
        &self,
        dir: &RelPath,
        name: &ItemName,
        content: &Arc<dyn StoreFile>,
        info: &PlaceholderInfo,
        state: &FileState,
        number: Number,
    ) -> Done<()> {
        let file = content.descriptor().ok_or(Errno::INVAL)?;
        let at = self.at(dir, name)?;
        let partial = self.partial_to_publish(file, number)?;
        let mut info = info.clone();
        let mut owner = self.owner;
        let mut over = false;
        let replaced = match self.find(&at)? {
            None => None,
            Some(Found { seen: Seen::Tombstone | Seen::Ghost, .. }) => {
                over = true;
                None
            }
            Some(Found { stat, seen: Seen::CutOff { provided, .. } }) => Some((stat, provided)),
            Some(Found { stat, seen: Seen::Projected { provided, .. } })
                if provided.form == Form::StandIn && kind(&stat) == projfs_types::ItemKind::File =>
            {
                Some((stat, provided))
            }
            Some(Found { seen: Seen::Projected { .. } | Seen::Full { .. }, .. }) => {
                return Err(Errno::EXIST.into());
            }
        };
        if let Some((stat, provided)) = replaced {
            over = true;
            owner = (stat.stx_uid, stat.stx_gid);
            if provided.metadata == Metadata::Dirty {
                info.mode = provided.info.mode;
                info.times = provided.info.times;
            }
            info.extended = provided.info.extended;
            copy_xattrs(&at, file)?;
        } else {
            Inode::Open(file).add_extended(&info.extended)?;
        }
        if !content.is_blockwise() {
            order(file)?;
        }
        match state {
            FileState::Placeholder(_) => return Err(Errno::INVAL.into()),
            FileState::Hydrated(projected) => self.seal(file, &info, projected, number, owner)?,
            FileState::Full => self.release(file, &info, number, owner)?,
        }
        self.keeping_write_time(&at.dir, || match (&partial, over) {
            (Some(partial), _) => self.name_partial(partial, &at, over),
            (None, true) => self.name_over(file, &at),
            (None, false) => self.name(file, &at, &Vacancy::Free),
        })?;
        if matches!(state, FileState::Hydrated(_)) {
            self.believed.add(rustix::fs::fstat(file)?.st_ino);
        }
        self.conversions.add();
        Ok(())
    }

    /// Makes a nameless file a hydrated one. The record comes last: it says what the inode's time is.
    fn seal(
        &self,
        file: BorrowedFd<'_>,
        info: &PlaceholderInfo,
        projected: &Projected,
        number: Number,
        owner: (u32, u32),
    ) -> Done<()> {
        let PlaceholderKind::File { size } = info.kind else { return Err(Errno::INVAL.into()) };
        let times = timestamps(Some(timespec(info.times.access)), Some(timespec(info.times.write)));
        rustix::fs::futimens(file, &times)?;
        let stat = rustix::fs::fstat(file)?;
        let length = u64::try_from(stat.st_size).unwrap_or(0);
        if length != size {
            return Err(Errno::INVAL.into());
        }
        self.give(file, &stat, owner, disk_mode(info))?;
        let provided = provided(info, projected, Form::Whole, write_time(&stat));
        let record = Record { inode: stat.st_ino, number, item: Recorded::Projected(provided) };
        Inode::Open(file).set_record(&record)
    }

    /// Makes a nameless file a full one.
    fn release(
        &self,
        file: BorrowedFd<'_>,
        info: &PlaceholderInfo,
        number: Number,
        owner: (u32, u32),
    ) -> Done<()> {
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        rustix::fs::futimens(file, &timestamps(Some(now), Some(now)))?;
        let stat = rustix::fs::fstat(file)?;
        if stat.st_size > 0 {
            order(file)?;
        }
        let lifted = self.process.lifted(info.mode.into(), 0o600);
        self.give(file, &stat, owner, lifted.unwrap_or(info.mode.into()))?;
        let mode = lifted.map(|_| info.mode);
        self.record_full(Inode::Open(file), stat.st_ino, number, mode)
    }

    /// Writes the record of a full item; where it would say nothing, there is none.
    pub(crate) fn record_full(
        &self,
        inode: Inode<'_>,
        number_on_disk: u64,
        number: Number,
        mode: Option<u16>,
    ) -> Done<()> {
        if mode.is_none() && number == Number::of_inode(number_on_disk) {
            return inode.remove_record();
        }
        inode.set_record(&Record { inode: number_on_disk, number, item: Recorded::Full { mode } })
    }

    fn give(
        &self,
        file: BorrowedFd<'_>,
        stat: &Stat,
        owner: (u32, u32),
        permissions: u32,
    ) -> Result<(), Errno> {
        let moves = (stat.st_uid, stat.st_gid) != owner;
        if moves {
            self.change_owner_of(file, owner)?;
        }
        if moves || stat.st_mode & mode::PERMISSIONS != permissions {
            rustix::fs::fchmod(file, Mode::from_raw_mode(permissions))?;
        }
        Ok(())
    }

    /// Makes a hydrated file full, in place.
    ///
    /// Its content is written first, as nobody fetches the content of a full file again. And it is full for good when this
    /// returns: what is then written over its content may be on the disk at once, and must not pass for the provider's.
    pub(crate) fn convert_at(&self, dir: &RelPath, name: &ItemName) -> Done<()> {
        let at = self.at(dir, name)?;
        let Found { stat, seen } = self.find(&at)?.ok_or(Errno::NOENT)?;
        let (number, provided) = match seen {
            Seen::Full { .. } => return Ok(()),
            Seen::Tombstone | Seen::Ghost => return Err(Errno::NOENT.into()),
            Seen::CutOff { .. } => return Err(Errno::INVAL.into()),
            Seen::Projected { number, provided } => (number, provided),
        };
        match (&provided.info.kind, provided.form) {
            (PlaceholderKind::File { .. }, Form::Whole) => {}
            _ => return Err(Errno::INVAL.into()),
        }
        let file = at.open(OFlags::RDONLY)?;
        if stat.stx_size > 0 {
            order(&file)?;
        }
        at.set_times(Some(timespec(provided.info.times.access)), None)?;
        let shown = provided.info.mode;
        let inode = Inode::Named(&at);
        // The record tells the mode until the inode has it, so no other mode is ever shown.
        let mode = (shown != permissions(stat.stx_mode.into())).then_some(shown);
        self.record_full(inode, stat.stx_ino, number, mode)?;
        self.believed.forget(stat.stx_ino);
        if mode.is_some() && self.process.lifted(shown.into(), 0o600).is_none() {
            at.change_mode(shown.into())?;
            self.record_full(inode, stat.stx_ino, number, None)?;
        }
        if stat.stx_size > 0 {
            rustix::fs::fsync(&file)?;
        }
        Ok(())
    }
}

fn write_time(stat: &Stat) -> Timestamp {
    Timestamp { seconds: stat.st_mtime, nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0) }
}

/// Copies the extended attributes that are not ours.
pub(crate) fn copy_xattrs(from: &At, to: BorrowedFd<'_>) -> Result<(), Errno> {
    let inode = Inode::Named(from);
    let names = names_but_ours(inode)?;
    for name in each_name(&names) {
        if let Some(value) = inode.value(name)? {
            match Inode::Open(to.as_fd()).set(name, &value, XattrFlags::empty()) {
                // What the kernel sets itself (`security.*`) is not ours to copy.
                Err(Errno::PERM | Errno::OPNOTSUPP) if !name.starts_with(b"user.") => {}
                other => other?,
            }
        }
    }
    Ok(())
}
