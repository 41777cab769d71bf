//! Removing: a name goes, and what it stood for with it, into the trash or for good.

use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::RelPath;
use rustix::fs::RenameFlags;
use rustix::fs::Statx;
use rustix::io::Errno;
use tracing::debug;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::look::is_whiteout;
use super::look::kind;
use super::probe::make_whiteout;
use super::room::empty;
use super::room::names_in;
use super::room::open_below;
use crate::Keep;
use crate::Leave;
use crate::TrashId;

impl Leave {
    /// How a rename leaves it.
    pub(crate) fn flags(self) -> RenameFlags {
        match self {
            Self::Nothing => RenameFlags::empty(),
            Self::Tombstone => RenameFlags::WHITEOUT,
        }
    }
}

impl TreeStore {
    /// Removes a name.
    pub(crate) fn remove_at(
        &self,
        dir: &RelPath,
        name: &ItemName,
        leave: Leave,
        keep: Keep,
    ) -> Done<Option<TrashId>> {
        let at = self.at(dir, name)?;
        match (at.stat()?, leave) {
            (None, Leave::Nothing) => Err(Errno::NOENT.into()),
            (None, Leave::Tombstone) => Ok(make_whiteout(&at).map(|()| None)?),
            (Some(stat), Leave::Tombstone) if is_whiteout(&stat) => Ok(None),
            (Some(stat), Leave::Nothing) if is_whiteout(&stat) => Ok(at.unlink().map(|()| None)?),
            (Some(stat), _) if kind(&stat) == ItemKind::Directory => {
                self.remove_directory(&at, leave).map(|()| None)
            }
            (Some(stat), _) => {
                let kept = self.remove_other(&at, &stat, leave, keep)?;
                self.believed.forget(stat.stx_ino);
                Ok(kept)
            }
        }
    }

    fn remove_directory(&self, at: &At, leave: Leave) -> Done<()> {
        let inner = Arc::new(open_below(&at.dir, &at.name)?);
        check_holds_nothing(&inner)?;
        let grave = self.at_trash(self.trash.fresh());
        at.rename(&grave, leave.flags())?;
        self.dirs.moved();
        // It has happened; what cannot be cleared away now is at the next start.
        let cleared = empty(&inner).and_then(|()| grave.remove_directory());
        if let Err(errno) = cleared {
            debug!(%errno, "a removed directory stays in the trash");
        }
        Ok(())
    }

    fn remove_other(&self, at: &At, stat: &Statx, leave: Leave, keep: Keep) -> Done<Option<TrashId>> {
        if (leave, keep) == (Leave::Nothing, Keep::Nothing) {
            at.unlink()?;
            return Ok(None);
        }
        let id = self.trash.fresh();
        let grave = self.at_trash(id);
        at.rename(&grave, leave.flags())?;
        match keep {
            Keep::Trash => {
                self.trash.add(id, stat.stx_ino);
                Ok(Some(id))
            }
            Keep::Nothing => {
                if let Err(errno) = grave.unlink() {
                    debug!(%errno, "a removed file stays in the trash");
                }
                Ok(None)
            }
        }
    }
}

/// Refuses a directory with anything in it but what stands for nothing.
pub(crate) fn check_holds_nothing(dir: &Arc<OwnedFd>) -> Done<()> {
    for name in names_in(dir)? {
        let at = At::new(dir, name);
        let Some(stat) = at.stat()? else { continue };
        match at.see(&stat) {
            Ok(Seen::Tombstone | Seen::Ghost) => {}
            Ok(Seen::Full { .. } | Seen::Projected { .. } | Seen::CutOff { .. }) | Err(_) => {
                return Err(Errno::NOTEMPTY.into());
            }
        }
    }
    Ok(())
}
