//! Making full items.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_types::ItemName;
use projfs_types::Number;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::mode;
use rustix::fs::AtFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::at::STAT;
use super::extents::order;
use super::look::Found;
use super::look::STAND_IN_DEVICE;
use super::look::gives_its_group;
use super::look::permissions;
use super::probe::name_nameless;
use super::probe::nameless;
use super::put::Kind;
use super::put::Vacancy;
use crate::Created;
use crate::NewItem;
use crate::NewKind;
use crate::Place;
use crate::StoreFile;
use crate::TrashId;
use crate::record::Form;

/// What a new item will be on disk.
struct Plan {
    uid: u32,
    gid: u32,
    shown: u32,
    /// The permission bits on disk, where they differ from those shown.
    lifted: Option<u32>,
}

impl Plan {
    fn disk(&self) -> u32 {
        self.lifted.unwrap_or(self.shown)
    }

    fn recorded_mode(&self) -> Option<u16> {
        self.lifted.map(|_| permissions(self.shown))
    }
}

impl TreeStore {
    /// Makes a full item.
    pub(crate) fn create_at(&self, dir: &RelPath, name: &ItemName, new: &NewItem) -> Done<Created> {
        let at = self.at(dir, name)?;
        let parent = At::new(&at.dir, ".").stat()?.ok_or(Errno::NOENT)?;
        let inherits = gives_its_group(&parent);
        let gid = if inherits { parent.stx_gid } else { new.gid };
        let plan = self.plan(new, gid, inherits);
        // What the process would make by itself, in one step, exactly as asked for.
        let own_gid = if inherits { parent.stx_gid } else { self.process.gid };
        let plain = (plan.uid, plan.gid) == (self.process.uid, own_gid)
            && plan.shown & self.process.umask == 0
            && plan.lifted.is_none();
        // `mkdir` hands the set-group-id bit down, and takes neither it nor its like from a mode.
        let handed_down = if inherits { mode::SET_GROUP_ID } else { 0 };
        match &new.kind {
            NewKind::File => self.create_file(dir, name, &at, &plan, plain),
            NewKind::Directory => {
                let plain = plain && plan.shown & (mode::SET_USER_ID | mode::SET_GROUP_ID) == handed_down;
                let created = self.create_directory(&at, &plan, plain)?;
                let path = dir.join(name);
                self.dirs.made(&path);
                self.unsynced.add(path);
                Ok(created)
            }
            NewKind::Symlink { target } => self.create_other(&at, &plan, false, &|made| {
                rustix::fs::symlinkat(target.as_ref(), &*made.dir, made.name.as_slice())
            }),
            NewKind::Special { type_bits, device } => {
                let kind = FileType::from_raw_mode(*type_bits);
                let device = match (kind, *device) {
                    // It would be a tombstone.
                    (FileType::CharacterDevice, (0, 0)) => STAND_IN_DEVICE,
                    (FileType::CharacterDevice, STAND_IN_DEVICE) => return Err(Errno::PERM.into()),
                    (FileType::CharacterDevice | FileType::BlockDevice, device) => device,
                    (FileType::Fifo | FileType::Socket, _) => (0, 0),
                    _ => return Err(Errno::INVAL.into()),
                };
                let number = rustix::fs::makedev(device.0, device.1);
                self.create_other(&at, &plan, true, &|made| {
                    let mode = Mode::from_raw_mode(plan.shown & 0o777);
                    rustix::fs::mknodat(&*made.dir, made.name.as_slice(), kind, mode, number)
                })
            }
        }
    }

    /// Makes a nameless full file, in the trash.
    pub(crate) fn create_in_trash(&self, new: &NewItem) -> Done<(TrashId, Created)> {
        let NewKind::File = new.kind else { return Err(Errno::INVAL.into()) };
        let plan = self.plan(new, new.gid, false);
        let file = self.prepare_file(&plan)?;
        let id = self.trash.fresh();
        let at = self.at_trash(id);
        name_nameless(&file, &at)?;
        let stat = at.stat()?.ok_or(Errno::NOENT)?;
        self.trash.add(id, stat.stx_ino);
        Ok((id, self.created(&at, Some((file, RelPathBuf::root())))?))
    }

    fn plan(&self, new: &NewItem, gid: u32, inherits: bool) -> Plan {
        let mut shown = new.permissions & mode::PERMISSIONS;
        let needed = match new.kind {
            NewKind::File => 0o600,
            NewKind::Directory => {
                if inherits {
                    shown |= mode::SET_GROUP_ID;
                }
                0o700
            }
            NewKind::Symlink { .. } | NewKind::Special { .. } => 0,
        };
        Plan { uid: new.uid, gid, shown, lifted: self.process.lifted(shown, needed) }
    }

    fn create_file(
        &self,
        dir: &RelPath,
        name: &ItemName,
        at: &At,
        plan: &Plan,
        plain: bool,
    ) -> Done<Created> {
        if plain {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let mode = Mode::from_raw_mode(plan.shown);
            match rustix::fs::openat(&*at.dir, at.name.as_slice(), flags, mode) {
                Ok(file) => return self.created(at, Some((file, dir.join(name)))),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let vacancy = at.vacancy()?;
        if let Vacancy::Taken = vacancy {
            return Err(Errno::EXIST.into());
        }
        let file = self.prepare_file(plan)?;
        self.name(&file, at, &vacancy)?;
        self.created(at, Some((file, dir.join(name))))
    }

    fn prepare_file(&self, plan: &Plan) -> Done<OwnedFd> {
        let file = nameless(&self.room.new, 0o600)?;
        let stat = rustix::fs::fstat(&file)?;
        if plan.lifted.is_some() {
            let number = Number::of_inode(stat.st_ino);
            self.record_full(Inode::Open(file.as_fd()), stat.st_ino, number, plan.recorded_mode())?;
        }
        if (stat.st_uid, stat.st_gid) != (plan.uid, plan.gid) {
            self.change_owner_of(&file, (plan.uid, plan.gid))?;
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(plan.disk()))?;
        Ok(file)
    }

    fn create_directory(&self, at: &At, plan: &Plan, plain: bool) -> Done<Created> {
        if plain {
            match rustix::fs::mkdirat(&*at.dir, at.name.as_slice(), Mode::from_raw_mode(plan.shown & 0o1777))
            {
                Ok(()) => return self.created(at, None),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        let made = self.at_new();
        rustix::fs::mkdirat(&*made.dir, made.name.as_slice(), Mode::from_raw_mode(0o700))?;
        let ready = self.prepare_named(&made, plan, true);
        let placed = ready.and_then(|()| self.place(&made, at, Kind::Directory));
        if placed.is_err() {
            let _ = made.remove_directory();
        }
        placed?;
        self.created(at, None)
    }

    fn create_other(
        &self,
        at: &At,
        plan: &Plan,
        has_mode: bool,
        make: &dyn Fn(&At) -> Result<(), Errno>,
    ) -> Done<Created> {
        let made = self.at_new();
        make(&made)?;
        let ready = self.prepare_named(&made, plan, has_mode);
        let placed = ready.and_then(|()| self.place(&made, at, Kind::Other));
        if placed.is_err() {
            let _ = made.unlink();
        }
        placed?;
        self.created(at, None)
    }

    fn prepare_named(&self, made: &At, plan: &Plan, has_mode: bool) -> Done<()> {
        let stat = made.stat()?.ok_or(Errno::NOENT)?;
        if plan.lifted.is_some() {
            let number = Number::of_inode(stat.stx_ino);
            self.record_full(Inode::Named(made), stat.stx_ino, number, plan.recorded_mode())?;
        }
        if (stat.stx_uid, stat.stx_gid) != (plan.uid, plan.gid) {
            made.change_owner(Some(plan.uid), Some(plan.gid))?;
        }
        if has_mode {
            made.change_mode(plan.disk())?;
        }
        Ok(())
    }

    /// A full item that was just made.
    fn created(&self, at: &At, file: Option<(OwnedFd, RelPathBuf)>) -> Done<Created> {
        let stat = match &file {
            Some((file, _)) => rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, STAT)?,
            None => at.stat()?.ok_or(Errno::NOENT)?,
        };
        let seen = if self.process.overrides_permissions {
            Seen::Full { number: Number::of_inode(stat.stx_ino), mode: None }
        } else {
            at.see(&stat)?
        };
        let item = self.item(&Found { stat, seen }).ok_or(Errno::NOENT)?;
        let file = file.map(|(file, path)| -> Arc<dyn StoreFile> { Arc::new(self.file(file, path)) });
        Ok(Created { item, file })
    }

    /// Gives an item one more name.
    pub(crate) fn link_at(&self, from: Place<'_>, dir: &RelPath, name: &ItemName) -> Done<()> {
        let from = self.at_place(from)?;
        let at = self.at(dir, name)?;
        match self.find(&from)? {
            None | Some(Found { seen: Seen::Tombstone | Seen::Ghost | Seen::CutOff { .. }, .. }) => {
                return Err(Errno::NOENT.into());
            }
            // Each of two names of a file that a power cut took content of would be hydrated for itself.
            Some(Found { stat, seen: Seen::Projected { provided, .. } })
                if provided.form == Form::Whole && stat.stx_size > 0 =>
            {
                order(from.open(OFlags::RDONLY)?)?;
            }
            Some(Found { seen: Seen::Full { .. } | Seen::Projected { .. }, .. }) => {}
        }
        match at.vacancy()? {
            Vacancy::Taken => Err(Errno::EXIST.into()),
            Vacancy::Free => Ok(from.link(&at)?),
            Vacancy::Replaceable => {
                let made = self.at_new();
                from.link(&made)?;
                let placed = self.place(&made, &at, Kind::Other);
                if placed.is_err() {
                    let _ = made.unlink();
                }
                placed
            }
        }
    }
}
