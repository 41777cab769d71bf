//! Renaming: one call moves an item and leaves what is to stay.

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::RelPath;
use rustix::fs::RenameFlags;
use rustix::fs::Statx;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Fault;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::look::is_whiteout;
use super::look::kind;
use super::remove::check_holds_nothing;
use super::room::empty;
use super::room::open_below;
use crate::Keep;
use crate::Leave;
use crate::StoreErrorKind;
use crate::TrashId;

impl TreeStore {
    /// Moves an item.
    pub(crate) fn rename_at(
        &self,
        from: (&RelPath, &ItemName),
        to: (&RelPath, &ItemName),
        leave: Leave,
        keep: Keep,
    ) -> Done<Option<TrashId>> {
        let source = self.at(from.0, from.1)?;
        let target = self.at(to.0, to.1)?;
        let moving = present(&source)?.ok_or(Errno::NOENT)?;
        let is_directory = kind(&moving) == ItemKind::Directory;
        if is_directory && from != to && to.0.starts_with(&from.0.join(from.1)) {
            return Err(Errno::INVAL.into());
        }
        let replaced = present(&target)?;
        let kept = match &replaced {
            // Two names of one file: both stay.
            Some(replaced) if is_same(&moving, replaced) => return Ok(None),
            Some(replaced) => match (is_directory, kind(replaced) == ItemKind::Directory) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                (true, true) => {
                    self.make_empty(to, &target)?;
                    source.rename(&target, leave.flags()).map(|()| None)?
                }
                (false, false) => self.rename_onto(&source, &target, replaced, leave, keep)?,
            },
            None if is_directory => {
                self.move_directory(&source, &target, leave)?;
                None
            }
            // What stands for nothing is replaced, if there is any.
            None => source.rename(&target, leave.flags()).map(|()| None)?,
        };
        if is_directory {
            self.dirs.moved();
            self.unsynced.moved();
            self.unsynced.add(to.0.join(to.1));
        }
        Ok(kept)
    }

    fn rename_onto(
        &self,
        source: &At,
        target: &At,
        replaced: &Statx,
        leave: Leave,
        keep: Keep,
    ) -> Done<Option<TrashId>> {
        if keep == Keep::Nothing {
            source.rename(target, leave.flags())?;
            self.believed.forget(replaced.stx_ino);
            return Ok(None);
        }
        let id = self.trash.fresh();
        let grave = self.at_trash(id);
        target.link(&grave)?;
        if let Err(errno) = source.rename(target, leave.flags()) {
            let _ = grave.unlink();
            return Err(errno.into());
        }
        self.believed.forget(replaced.stx_ino);
        self.trash.add(id, replaced.stx_ino);
        Ok(Some(id))
    }

    /// Moves a directory onto a name that has nothing, or what stands for nothing. The latter changes
    /// places with the directory, as a directory cannot replace it.
    fn move_directory(&self, source: &At, target: &At, leave: Leave) -> Done<()> {
        match source.rename(target, leave.flags() | RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return Ok(other?),
        }
        let whiteout = target.stat()?.is_some_and(|stat| is_whiteout(&stat));
        if !whiteout {
            target.unlink()?;
            return Ok(source.rename(target, leave.flags() | RenameFlags::NOREPLACE)?);
        }
        source.rename(target, RenameFlags::EXCHANGE)?;
        match leave {
            Leave::Tombstone => Ok(()),
            Leave::Nothing => Ok(source.unlink()?),
        }
    }

    /// Makes a directory that holds no more than tombstones really empty. It is made full first: without that, losing its
    /// tombstones would show again what they hide. It looks as before, should it come no further.
    pub(crate) fn make_empty(&self, (dir, name): (&RelPath, &ItemName), at: &At) -> Done<()> {
        let inner = Arc::new(open_below(&at.dir, &at.name)?);
        check_holds_nothing(&inner)?;
        match self.convert_directory_at(dir, name) {
            Err(Fault(StoreErrorKind::Corrupt(_))) => Inode::Named(at).remove_record()?,
            other => other?,
        }
        self.keeping_write_time(&inner, || Ok(empty(&inner)?))
    }

    /// Exchanges two items.
    pub(crate) fn exchange_at(&self, one: (&RelPath, &ItemName), other: (&RelPath, &ItemName)) -> Done<()> {
        let one = self.at(one.0, one.1)?;
        let other = self.at(other.0, other.1)?;
        let first = present(&one)?.ok_or(Errno::NOENT)?;
        let second = present(&other)?.ok_or(Errno::NOENT)?;
        one.rename(&other, RenameFlags::EXCHANGE)?;
        if [first, second].iter().any(|stat| kind(stat) == ItemKind::Directory) {
            self.dirs.moved();
            self.unsynced.moved();
        }
        Ok(())
    }
}

/// What is under a name, unless it stands for nothing. What has a damaged record is there too.
fn present(at: &At) -> Done<Option<Statx>> {
    let Some(stat) = at.stat()? else { return Ok(None) };
    Ok(match at.see(&stat) {
        Ok(Seen::Tombstone | Seen::Ghost) => None,
        Ok(Seen::Full { .. } | Seen::Projected { .. } | Seen::CutOff { .. }) | Err(_) => Some(stat),
    })
}

fn is_same(one: &Statx, other: &Statx) -> bool {
    (one.stx_ino, one.stx_dev_major, one.stx_dev_minor)
        == (other.stx_ino, other.stx_dev_major, other.stx_dev_minor)
}
