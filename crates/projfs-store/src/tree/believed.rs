//! `Believed`: hydrated files of which it is known that all of their content is there.
//!
//! Content is not synced when it gets its name. A power cut can leave the name, the record and the length, and of the
//! content only some, or none: file systems write down that space is a file's before they write the content there. So
//! a hydrated file is believed when this process gave it its name, or has asked where its content is.

use std::collections::HashSet;

use projfs_sync::RwLock;
use projfs_types::ItemKind;
use rustix::fs::OFlags;
use rustix::fs::Statx;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::extents::is_whole;
use super::look::Found;
use super::look::kind;
use crate::record::Form;

/// More are not remembered: it costs one question for each file to know again.
const MOST: usize = 1 << 20;

/// The inodes of files that have all of their content.
#[derive(Default)]
pub(crate) struct Believed(RwLock<HashSet<u64>>);

impl Believed {
    /// A file is published.
    pub(crate) fn add(&self, inode: u64) {
        let mut inodes = self.0.write();
        // Some are of files that others removed from the root.
        if inodes.len() >= MOST {
            inodes.clear();
        }
        inodes.insert(inode);
    }

    /// A file is gone, or is the provider's no longer. To forget one that is not costs one question.
    pub(crate) fn forget(&self, inode: u64) {
        self.0.write().remove(&inode);
    }

    fn has(&self, inode: u64) -> bool {
        self.0.read().contains(&inode)
    }
}

impl TreeStore {
    /// What is under a name. Of a hydrated file, it is made sure that its content is there.
    pub(crate) fn find(&self, at: &At) -> Done<Option<Found>> {
        let Some(Found { stat, seen }) = at.find()? else { return Ok(None) };
        let seen = match seen {
            Seen::Projected { number, provided }
                if provided.form == Form::Whole
                    && kind(&stat) == ItemKind::File
                    && !self.believed.has(stat.stx_ino) =>
            {
                if has_content(at, &stat)? {
                    self.believed.add(stat.stx_ino);
                    Seen::Projected { number, provided }
                } else {
                    Seen::CutOff { number, provided }
                }
            }
            Seen::Tombstone
            | Seen::Ghost
            | Seen::CutOff { .. }
            | Seen::Full { .. }
            | Seen::Projected { .. } => seen,
        };
        Ok(Some(Found { stat, seen }))
    }
}

/// Whether the content of a hydrated file is there. One that cannot be opened cannot be read either.
pub(crate) fn has_content(at: &At, stat: &Statx) -> Done<bool> {
    if stat.stx_size == 0 {
        return Ok(true);
    }
    match at.open(OFlags::RDONLY) {
        Ok(file) => Ok(is_whole(&file, stat.stx_size)?),
        Err(Errno::ACCESS) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests;
