//! Extended attributes of items; ours are neither shown nor touched.

use projfs_types::ExtendedAttributes;
use projfs_types::ItemKind;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::USER_PREFIX;
use projfs_types::is_own_attribute;
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use tracing::debug;

use super::At;
use super::Done;
use super::Seen;
use super::TreeStore;
use super::at::Inode;
use super::look::Found;
use super::look::kind;
use super::put::now;
use crate::Place;
use crate::record::Extended;
use crate::record::Provided;
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
        if name.starts_with(USER_PREFIX)
            && let Some((_, _, provided)) = at.unsettled()
        {
            return Ok(provided.info.extended.get(name).ok_or(Errno::NODATA)?.to_vec());
        }
        Ok(Inode::Named(&at).value(name)?.ok_or(Errno::NODATA)?)
    }

    /// The names of the extended attributes.
    pub(crate) fn list_xattr_at(&self, place: Place<'_>) -> Done<Vec<u8>> {
        let at = self.at_place(place)?;
        let names = names_but_ours(Inode::Named(&at))?;
        let Some((_, _, provided)) = at.unsettled() else { return Ok(names) };
        let mut shown = Vec::new();
        for name in each_name(&names).filter(|name| !name.starts_with(USER_PREFIX)) {
            shown.extend_from_slice(name);
            shown.push(0);
        }
        for (name, _) in provided.info.extended.iter() {
            shown.extend_from_slice(name);
            shown.push(0);
        }
        Ok(shown)
    }

    /// Sets an extended attribute.
    pub(crate) fn set_xattr_at(&self, place: Place<'_>, name: &[u8], value: &[u8], flags: u32) -> Done<()> {
        if is_own_attribute(name) {
            return Err(Errno::PERM.into());
        }
        let at = self.at_place(place)?;
        at.settle_extended()?;
        Inode::Named(&at).set(name, value, XattrFlags::from_bits_retain(flags))?;
        touched(&at);
        Ok(())
    }

    /// Removes an extended attribute.
    pub(crate) fn remove_xattr_at(&self, place: Place<'_>, name: &[u8]) -> Done<()> {
        if is_own_attribute(name) {
            return Err(Errno::PERM.into());
        }
        let at = self.at_place(place)?;
        at.settle_extended()?;
        Inode::Named(&at).remove(name)?;
        touched(&at);
        Ok(())
    }
}

/// The attribute is changed; a change time that does not move is no reason to say that it is not.
fn touched(at: &At) {
    if let Err(fault) = touch(at) {
        debug!(?fault, "the change time of an item stays");
    }
}

impl At {
    /// What is found if the inode has yet to get the extended attributes that are shown. Only a directory is ever in that
    /// state; under a damaged record there are those of the inode.
    fn unsettled(&self) -> Option<(u64, Number, Provided)> {
        let stat = self.stat().ok()?.filter(|stat| kind(stat) == ItemKind::Directory)?;
        match self.see(&stat) {
            Ok(Seen::Projected { number, provided }) if provided.extended == Extended::InRecord => {
                Some((stat.stx_ino, number, provided))
            }
            Ok(_) | Err(_) => None,
        }
    }

    /// Gives the inode the extended attributes that are in its record, and takes them out of there.
    pub(crate) fn settle_extended(&self) -> Done<()> {
        let Some((own_number, number, mut provided)) = self.unsettled() else { return Ok(()) };
        let inode = Inode::Named(self);
        let wanted = &provided.info.extended;
        let before = inode.extended()?;
        for (name, _) in before.iter().filter(|(name, _)| wanted.get(name).is_none()) {
            inode.remove(name)?;
        }
        for (name, value) in wanted.iter().filter(|(name, value)| before.get(name) != Some(*value)) {
            inode.set(name, value, XattrFlags::empty())?;
        }
        provided.extended = Extended::InInode;
        inode.set_record(&Record { inode: own_number, number, item: Recorded::Projected(provided) })
    }
}

impl Inode<'_> {
    /// The extended attributes that a provider could have given.
    pub(crate) fn extended(self) -> Result<ExtendedAttributes, Errno> {
        let names = names_but_ours(self)?;
        let mut found = Vec::new();
        for name in each_name(&names).filter(|name| name.starts_with(USER_PREFIX)) {
            // It may have been removed meanwhile.
            if let Some(value) = self.value(name)? {
                found.push((name, value));
            }
        }
        Ok(ExtendedAttributes::found(found))
    }

    /// Gives what has none yet its extended attributes.
    pub(crate) fn add_extended(self, extended: &ExtendedAttributes) -> Result<(), Errno> {
        extended.iter().try_for_each(|(name, value)| self.set(name, value, XattrFlags::empty()))
    }
}

/// Moves the change time of an item whose change time is in its record, which also says whether it has extended attributes.
fn touch(at: &At) -> Done<()> {
    let Some(Found {
        stat,
        seen: Seen::Projected { number, mut provided } | Seen::CutOff { number, mut provided },
    }) = at.find()?
    else {
        return Ok(());
    };
    let inode = Inode::Named(at);
    let had = !provided.info.extended.is_empty();
    provided.info.extended = inode.extended()?;
    let is_dirty = provided.metadata == Metadata::Dirty;
    if is_dirty {
        provided.info.times.change = now();
    }
    if is_dirty || had == provided.info.extended.is_empty() {
        let record = Record { inode: stat.stx_ino, number, item: Recorded::Projected(provided) };
        inode.set_record(&record)?;
    }
    Ok(())
}

/// The names in a list of names, each ended by a NUL.
pub(crate) fn each_name(names: &[u8]) -> impl Iterator<Item = &[u8]> {
    names.split(|&byte| byte == 0).filter(|name| !name.is_empty())
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
