//! Changes of the view: what is local gives way to what the provider says.

use projfs_sync::Arc;
use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::Metadata;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use rustix::fs::AtFlags;
use rustix::fs::FlockOperation;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use tracing::debug;

use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::look::Found;
use super::look::kind;
use super::look::permissions;
use super::probe::name_nameless;
use super::put::disk_mode;
use super::put::provided;
use super::put::timespec;
use super::room::readable;
use crate::Keep;
use crate::TrashId;
use crate::own_file::open_own;
use crate::record::Extended;
use crate::record::Form;
use crate::record::Record;
use crate::record::Recorded;

/// Is there while the store goes from one view to another.
const SWITCHING: &str = "switching";

impl TreeStore {
    /// Replaces what is on disk by a stand-in: the two change places, so the name always leads to one of them.
    pub(crate) fn replace_at(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
        keep: Keep,
    ) -> Done<Option<TrashId>> {
        let at = self.at(dir, name)?;
        let stat = at.stat()?.ok_or(Errno::NOENT)?;
        if kind(&stat) == ItemKind::Directory {
            return Err(Errno::ISDIR.into());
        }
        let file = self.stand_in(dir, name, info, projected)?;
        let id = self.trash.fresh();
        let grave = self.at_trash(id);
        name_nameless(&file, &grave)?;
        let exchanged = self.keeping_write_time(&at.dir, || Ok(grave.rename(&at, RenameFlags::EXCHANGE)?));
        if exchanged.is_err() {
            let _ = grave.unlink();
        }
        exchanged?;
        self.believed.forget(stat.stx_ino);
        match keep {
            Keep::Trash => {
                self.trash.add(id, stat.stx_ino);
                Ok(Some(id))
            }
            Keep::Nothing => {
                if let Err(errno) = grave.unlink() {
                    debug!(%errno, "a replaced file stays in the trash");
                }
                Ok(None)
            }
        }
    }

    /// Makes a directory the provider's. The record is the step: it says what a clean directory shows, other extended
    /// attributes included, and the inode follows for those who look at it when nothing is mounted.
    pub(crate) fn provide_directory_at(
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
        let Found { stat, seen } = at.find()?.ok_or(Errno::NOENT)?;
        if kind(&stat) != ItemKind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        let number = match seen {
            Seen::Projected { number, .. } | Seen::Full { number, .. } => number,
            Seen::Tombstone | Seen::Ghost | Seen::CutOff { .. } => return Err(Errno::NOENT.into()),
        };
        let inode = Inode::Named(&at);
        let mut provided = provided(info, projected, Form::Whole, info.times.write);
        if inode.extended()? != info.extended {
            if info.extended.size() > EXTENDED_SIZE_MAX {
                return Err(Errno::TOOBIG.into());
            }
            provided.extended = Extended::InRecord;
        }
        let item = Recorded::Projected(provided);
        inode.set_record(&Record { inode: stat.stx_ino, number, item })?;
        if let Err(fault) = at.settle_extended() {
            debug!(?fault, "the extended attributes of a directory stay in its record");
        }
        at.change_mode(disk_mode(info))?;
        Ok(at.set_times(Some(timespec(info.times.access)), Some(timespec(info.times.write)))?)
    }

    /// Makes a directory full. The record tells the mode until the inode has it, so no other mode is ever shown.
    pub(crate) fn convert_directory_at(&self, dir: &RelPath, name: &ItemName) -> Done<()> {
        let at = self.at(dir, name)?;
        let Found { stat, seen } = at.find()?.ok_or(Errno::NOENT)?;
        if kind(&stat) != ItemKind::Directory {
            return Err(Errno::NOTDIR.into());
        }
        let (number, provided) = match seen {
            Seen::Full { .. } => return Ok(()),
            Seen::Tombstone | Seen::Ghost | Seen::CutOff { .. } => return Err(Errno::NOENT.into()),
            Seen::Projected { number, provided } => (number, provided),
        };
        at.settle_extended()?;
        if provided.metadata == Metadata::Clean {
            let times = provided.info.times;
            at.set_times(Some(timespec(times.access)), Some(timespec(times.write)))?;
        }
        let shown = provided.info.mode;
        let inode = Inode::Named(&at);
        if shown == permissions(stat.stx_mode.into()) {
            return self.record_full(inode, stat.stx_ino, number, None);
        }
        self.record_full(inode, stat.stx_ino, number, Some(shown))?;
        if self.process.lifted(shown.into(), 0o700).is_none() {
            at.change_mode(shown.into())?;
            self.record_full(inode, stat.stx_ino, number, None)?;
        }
        Ok(())
    }

    /// Says that a switch has begun. Who holds the lock of the mark is at work on it, or makes sure that it is over.
    pub(crate) fn mark_switching(&self) -> Done<()> {
        if self.switching.lock().is_some() {
            return Ok(());
        }
        let flags = OFlags::RDWR | OFlags::CREATE;
        let mark = loop {
            let mark = open_own(&*self.room.own, SWITCHING, flags, Mode::from_raw_mode(0o600))?;
            rustix::fs::flock(&mark, FlockOperation::LockExclusive)?;
            // Its holder may have removed it.
            let found = rustix::fs::statat(&*self.room.own, SWITCHING, AtFlags::SYMLINK_NOFOLLOW);
            if found.is_ok_and(|found| rustix::fs::fstat(&mark).is_ok_and(|mark| mark.st_ino == found.st_ino))
            {
                break mark;
            }
        };
        rustix::fs::fsync(readable(&self.room.own)?)?;
        // From here on it is taken for durable.
        *self.switching.lock() = Some(mark);
        Ok(())
    }

    /// Says that a switch has ended, by a thread that first makes everything survive a power cut: others may have written
    /// gigabytes to the file system, and nobody need wait for those.
    pub(crate) fn unmark_switching(&self) -> Done<()> {
        if self.switching.lock().is_none() {
            // One that a crash has left.
            if !self.read_switching()? {
                return Ok(());
            }
            self.mark_switching()?;
        }
        let mark = self.switching.lock().take();
        let (root, own) = (readable(&self.root)?, Arc::clone(&self.room.own));
        let end = move || {
            let ended = rustix::fs::syncfs(&root)
                .and_then(|()| rustix::fs::unlinkat(&*own, SWITCHING, AtFlags::empty()));
            if let Err(errno) = ended {
                debug!(%errno, "the next start compares everything with its provider");
            }
            drop(mark);
        };
        std::thread::Builder::new().name("projfs-sync".into()).spawn(end).map_err(|_| Errno::AGAIN)?;
        Ok(())
    }

    /// Whether a switch has begun, and nobody is at its end.
    pub(crate) fn read_switching(&self) -> Done<bool> {
        let mark = match open_own(&*self.room.own, SWITCHING, OFlags::RDWR, Mode::empty()) {
            Ok(mark) => mark,
            Err(Errno::NOENT) => return Ok(false),
            Err(errno) => return Err(errno.into()),
        };
        match rustix::fs::flock(&mark, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(rustix::fs::fstat(&mark)?.st_nlink > 0),
            Err(Errno::WOULDBLOCK) => Ok(self.switching.lock().is_some()),
            Err(errno) => Err(errno.into()),
        }
    }
}
