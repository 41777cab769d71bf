//! Extended attributes of items; ours are neither shown nor touched.

use projfs_types::Metadata;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::look::Found;
use super::put::now;
use crate::Place;
use crate::is_own_attribute;
use crate::record::Record;
use crate::record::Recorded;

const NAMES_MAX: usize = 1 << 16;

impl TreeStore {
    /// The value of an extended attribute.
    pub(crate) fn get_xattr_at(&self, place: Place<'_>, name: &[u8]) -> Done<Vec<u8>> {
        if is_own_attribute(name) {
            return Err(Errno::NODATA.into());
        }
        let at = self.at_place(place)?;
        Ok(Inode::Named(&at).value(name)?.ok_or(Errno::NODATA)?)
    }

    /// The names of the extended attributes.
    pub(crate) fn list_xattr_at(&self, place: Place<'_>) -> Done<Vec<u8>> {
        let at = self.at_place(place)?;
        Ok(names_but_ours(Inode::Named(&at))?)
    }

    /// Sets an extended attribute.
    pub(crate) fn set_xattr_at(&self, place: Place<'_>, name: &[u8], value: &[u8], flags: u32) -> Done<()> {
        if is_own_attribute(name) {
            return Err(Errno::PERM.into());
        }
        let at = self.at_place(place)?;
        Inode::Named(&at).set(name, value, XattrFlags::from_bits_retain(flags))?;
        touch(&at)
    }

    /// Removes an extended attribute.
    pub(crate) fn remove_xattr_at(&self, place: Place<'_>, name: &[u8]) -> Done<()> {
        if is_own_attribute(name) {
            return Err(Errno::PERM.into());
        }
        let at = self.at_place(place)?;
        Inode::Named(&at).remove(name)?;
        touch(&at)
    }
}

/// Moves the change time of an item whose change time is in its record.
fn touch(at: &At) -> Done<()> {
    let Some(Found {
        stat,
        seen: Seen::Projected { number, mut provided } | Seen::CutOff { number, mut provided },
    }) = at.find()?
    else {
        return Ok(());
    };
    if provided.metadata == Metadata::Dirty {
        provided.info.times.change = now();
        let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
        Inode::Named(at).set_record(&record)?;
    }
    Ok(())
}

/// The names of the extended attributes that are not ours, each ended by a NUL.
pub(crate) fn names_but_ours(inode: Inode<'_>) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; 1024];
    let length = loop {
        match inode.names(&mut buffer) {
            Ok(length) => break length,
            Err(Errno::RANGE) if buffer.len() < NAMES_MAX => buffer.resize(NAMES_MAX, 0),
            Err(errno) => return Err(errno),
        }
    };
    let names = buffer[..length].split_inclusive(|&byte| byte == 0);
    Ok(names
        .filter(|name| !is_own_attribute(name.strip_suffix(b"\0").unwrap_or(name)))
        .flatten()
        .copied()
        .collect())
}
