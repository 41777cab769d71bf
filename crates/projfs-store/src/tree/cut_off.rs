//! Files of whose content a power cut took some: what is left of them gives way to a stand-in.

use std::os::fd::AsFd;

use projfs_types::Number;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::RenameFlags;
use rustix::fs::Statx;
use rustix::fs::Uid;

use super::At;
use super::Done;
use super::at::Inode;
use super::content::copy_xattrs;
use super::probe::name_nameless;
use super::probe::nameless;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;

/// Replaces what is left of a file by a stand-in, in one step. `made` is a free name in `.projfs/new`.
pub(crate) fn stand_in_for(made: &At, at: &At, stat: &Statx, number: Number, provided: Provided) -> Done<()> {
    let file = nameless(&made.dir, 0o600)?;
    let inode = rustix::fs::fstat(&file)?;
    if (inode.st_uid, inode.st_gid) != (stat.stx_uid, stat.stx_gid) {
        rustix::fs::fchown(&file, Some(Uid::from_raw(stat.stx_uid)), Some(Gid::from_raw(stat.stx_gid)))?;
    }
    copy_xattrs(at, file.as_fd())?;
    let provided = Provided { form: Form::StandIn, ..provided };
    let record = Record { inode: inode.st_ino, number, item: Recorded::Projected(provided) };
    Inode::Open(file.as_fd()).set_first_record(&record)?;
    rustix::fs::fchmod(&file, Mode::empty())?;
    name_nameless(&file, made)?;
    let placed = made.rename(at, RenameFlags::empty());
    if placed.is_err() {
        let _ = made.unlink();
    }
    Ok(placed?)
}
