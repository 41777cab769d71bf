//! Putting on disk what is the provider's: directories and stand-ins, and changing what their records say.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::Timestamp;
use rustix::fs::Mode;
use rustix::fs::RenameFlags;
use rustix::fs::Timespec;
use rustix::io::Errno;
use tracing::debug;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::look::Found;
use super::look::time;
use super::probe::name_nameless;
use super::probe::nameless;
use crate::record::Extended;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;

/// Whether a name can be given to something new.
pub(crate) enum Vacancy {
    /// There is nothing.
    Free,
    /// There is a tombstone, or what stands for nothing: it is replaced.
    Replaceable,
    /// There is an item.
    Taken,
}

impl TreeStore {
    /// Puts a placeholder directory on disk.
    pub(crate) fn put_directory_at(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Done<()> {
        if info.item_kind() != ItemKind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        let at = self.at(dir, name)?;
        let number = self.number_of(dir, name, projected)?;
        let made = self.at_new();
        rustix::fs::mkdirat(&*made.dir, made.name.as_slice(), Mode::from_raw_mode(0o700))?;
        let ready = self.furnish_directory(&made, info, projected, number);
        let placed =
            ready.and_then(|()| self.keeping_write_time(&at.dir, || self.place(&made, &at, Kind::Directory)));
        if placed.is_err() {
            let _ = made.remove_directory();
        }
        placed?;
        let path = dir.join(name);
        self.dirs.made(&path);
        self.unsynced.add(path);
        Ok(())
    }

    fn furnish_directory(
        &self,
        made: &At,
        info: &PlaceholderInfo,
        projected: &Projected,
        number: Number,
    ) -> Done<()> {
        let stat = made.stat()?.ok_or(Errno::NOENT)?;
        if (stat.stx_uid, stat.stx_gid) != self.owner {
            made.change_owner(Some(self.owner.0), Some(self.owner.1))?;
        }
        Inode::Named(made).add_extended(&info.extended)?;
        let provided = provided(info, projected, Form::Whole, info.times.write);
        let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
        Inode::Named(made).set_first_record(&record)?;
        made.change_mode(disk_mode(info))?;
        made.set_times(Some(timespec(info.times.access)), Some(timespec(info.times.write)))?;
        Ok(())
    }

    /// Puts a placeholder file or symbolic link on disk as a stand-in.
    pub(crate) fn put_stand_in_at(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Done<()> {
        let at = self.at(dir, name)?;
        let file = self.stand_in(dir, name, info, projected)?;
        let vacancy = at.vacancy()?;
        self.keeping_write_time(&at.dir, || self.name(&file, &at, &vacancy))
    }

    /// A nameless stand-in.
    pub(crate) fn stand_in(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Done<OwnedFd> {
        if info.item_kind() == ItemKind::Directory {
            return Err(Errno::ISDIR.into());
        }
        let number = self.number_of(dir, name, projected)?;
        let file = nameless(&self.room.new, 0o600)?;
        let stat = rustix::fs::fstat(&file)?;
        if (stat.st_uid, stat.st_gid) != self.owner {
            self.change_owner_of(&file, self.owner)?;
        }
        Inode::Open(file.as_fd()).add_extended(&info.extended)?;
        let provided = provided(info, projected, Form::StandIn, info.times.write);
        let record = Record { inode: stat.st_ino, number, item: Recorded::Projected(provided) };
        Inode::Open(file.as_fd()).set_first_record(&record)?;
        rustix::fs::fchmod(&file, Mode::empty())?;
        Ok(file)
    }

    /// Replaces what a record says beside metadata.
    pub(crate) fn set_projected_at(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Done<()> {
        let at = self.at(dir, name)?;
        let Found { stat, seen } = at.find()?.ok_or(Errno::NOENT)?;
        let (number, mut provided) = match seen {
            Seen::Projected { number, provided } | Seen::CutOff { number, provided } => (number, provided),
            Seen::Full { .. } => return Err(Errno::INVAL.into()),
            Seen::Tombstone | Seen::Ghost => return Err(Errno::NOENT.into()),
        };
        let becomes_dirty = (provided.metadata, projected.metadata) == (Metadata::Clean, Metadata::Dirty);
        provided.set_projected(projected);
        if becomes_dirty && provided.info.item_kind() == ItemKind::Directory {
            // From now on it shows its inode's times, which go on from those it showed until now.
            let times = provided.info.times;
            at.set_times(Some(timespec(times.access)), Some(timespec(times.write)))?;
        }
        let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
        Inode::Named(&at).set_record(&record)
    }

    /// A name in `new` that nothing has.
    pub(crate) fn at_new(&self) -> At {
        At::new(&self.room.new, self.trash.fresh().0.to_string())
    }

    /// Gives what was made in `new` its name.
    pub(crate) fn place(&self, made: &At, at: &At, kind: Kind) -> Done<Replaced> {
        match made.rename(at, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return Ok(other.map(|()| Replaced::Nothing)?),
        }
        match (at.vacancy()?, kind) {
            (Vacancy::Taken, _) => Err(Errno::EXIST.into()),
            (Vacancy::Free | Vacancy::Replaceable, Kind::Other) => {
                Ok(made.rename(at, RenameFlags::empty()).map(|()| Replaced::Tombstone)?)
            }
            // A directory cannot replace anything else; what it changes places with ends in `new`.
            (Vacancy::Free | Vacancy::Replaceable, Kind::Directory) => {
                made.rename(at, RenameFlags::EXCHANGE)?;
                if let Err(errno) = made.unlink() {
                    debug!(%errno, "a tombstone that was replaced is cleared away at the next start");
                }
                Ok(Replaced::Tombstone)
            }
        }
    }

    /// Gives a nameless file its name.
    pub(crate) fn name(&self, file: impl AsFd, at: &At, vacancy: &Vacancy) -> Done<()> {
        match vacancy {
            Vacancy::Free => Ok(name_nameless(file, at)?),
            Vacancy::Taken => Err(Errno::EXIST.into()),
            Vacancy::Replaceable => self.name_over(file, at),
        }
    }

    /// Gives a nameless file a name that something has, which it replaces.
    pub(crate) fn name_over(&self, file: impl AsFd, at: &At) -> Done<()> {
        let made = self.at_new();
        name_nameless(file, &made)?;
        let placed = made.rename(at, RenameFlags::empty());
        if placed.is_err() {
            let _ = made.unlink();
        }
        Ok(placed?)
    }

    /// Runs `step`, which shows in the directory what was there to see before: its write time stays.
    pub(crate) fn keeping_write_time<T>(
        &self,
        dir: &Arc<OwnedFd>,
        step: impl FnOnce() -> Done<T>,
    ) -> Done<T> {
        let itself = At::new(dir, ".");
        let before = itself.stat()?.ok_or(Errno::NOENT)?;
        let result = step()?;
        // The step is done; a directory that is not ours to set times of shows a newer one.
        if let Err(errno) = itself.set_times(None, Some(timespec(time(before.stx_mtime)))) {
            debug!(%errno, "the write time of a directory moved");
        }
        Ok(result)
    }

    /// Gives a nameless file to someone.
    pub(crate) fn change_owner_of(&self, file: impl AsFd, owner: (u32, u32)) -> Result<(), Errno> {
        let uid = rustix::fs::Uid::from_raw(owner.0);
        let gid = rustix::fs::Gid::from_raw(owner.1);
        rustix::fs::fchown(file, Some(uid), Some(gid))
    }

    fn number_of(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Done<Number> {
        match &projected.origin {
            Origin::At(origin) => Ok(Number::of_origin(origin)),
            Origin::Here => Ok(Number::of_origin(&self.origin_of(dir, name)?)),
        }
    }

    /// Where an item comes from that is where its directory's origin has it.
    fn origin_of(&self, dir: &RelPath, name: &ItemName) -> Done<OriginBuf> {
        let mut names = vec![name];
        let mut above = dir;
        let mut base = OriginBuf::root();
        while let Some((parent, name)) = above.split_last() {
            if let Some(Found { seen: Seen::Projected { provided, .. }, .. }) =
                self.at(parent, name)?.find()?
                && let Origin::At(origin) = provided.origin
            {
                base = origin;
                break;
            }
            names.push(name);
            above = parent;
        }
        Ok(names.into_iter().rev().fold(base, |base, name| self.notes.origin(&base, name)))
    }
}

/// What was under a name before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// Nothing.
    Nothing,
    /// A tombstone.
    Tombstone,
}

/// What is given a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A directory.
    Directory,
    /// Anything else.
    Other,
}

impl At {
    /// Whether the name can be given to something new.
    pub(crate) fn vacancy(&self) -> Done<Vacancy> {
        let Some(stat) = self.stat()? else { return Ok(Vacancy::Free) };
        Ok(match self.see(&stat) {
            Ok(Seen::Tombstone | Seen::Ghost) => Vacancy::Replaceable,
            // Under a damaged record there may be someone's data.
            Ok(Seen::Full { .. } | Seen::Projected { .. } | Seen::CutOff { .. }) | Err(_) => Vacancy::Taken,
        })
    }
}

/// What a record says of an item that is the provider's.
pub(crate) fn provided(
    info: &PlaceholderInfo,
    projected: &Projected,
    form: Form,
    stored_write: Timestamp,
) -> Provided {
    let mut info = info.clone();
    info.version = projected.version.clone();
    let (origin, metadata) = (projected.origin.clone(), projected.metadata);
    Provided { info, extended: Extended::InInode, origin, metadata, form, stored_write }
}

/// The permission bits on disk of what is the provider's: its owner can always read and write it, and its
/// files run as nobody else.
pub(crate) fn disk_mode(info: &PlaceholderInfo) -> u32 {
    let shown = u32::from(info.mode);
    match info.item_kind() {
        ItemKind::Directory => shown | 0o700,
        ItemKind::File | ItemKind::Symlink | ItemKind::Special => shown & 0o777 | 0o600,
    }
}

/// A time for the kernel.
pub(crate) fn timespec(time: Timestamp) -> Timespec {
    Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() }
}

/// The time of the clock.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
