//! How a version says which object an item is, and what a checkout makes of it.

use projfs_types::VersionInfo;

use crate::convert::Conversion;
use crate::objects::Id;
use crate::tree::EntryKind;

/// What follows the object id of an executable file: a changed mode is another version of the same blob.
const EXECUTABLE: u8 = b'x';

/// What follows the object id of a symbolic link that is a file.
const LINK: u8 = b'l';

/// What is between those and a conversion.
const CONVERTED: u8 = b'c';

/// The version of an entry: its object id, one more byte if it is not what most blobs are, and its conversion.
pub(crate) fn of_entry(id: Id, kind: &EntryKind, conversion: Option<&Conversion>) -> VersionInfo {
    let mut bytes = id.as_bytes().to_vec();
    match kind {
        EntryKind::Executable => bytes.push(EXECUTABLE),
        EntryKind::LinkAsFile => bytes.push(LINK),
        EntryKind::File | EntryKind::Directory | EntryKind::Symlink(_) | EntryKind::Submodule => {}
    }
    if let Some(conversion) = conversion {
        bytes.push(CONVERTED);
        bytes.extend_from_slice(&conversion.to_bytes());
    }
    // At most 118 of 128 bytes.
    VersionInfo::of_content(&bytes).unwrap_or_default()
}

/// The object that a version of [`of_entry`] names, in a repository whose ids have `length` bytes, and its conversion.
/// Nothing for a version that is not ours.
pub(crate) fn object(version: &VersionInfo, length: usize) -> Option<(Id, Option<Conversion>)> {
    let bytes = version.content.as_bytes();
    if bytes.is_empty() {
        return None;
    }
    let Some((id, rest)) = bytes.split_at_checked(length) else {
        // Trailing zeros of an id are not kept.
        let mut id = bytes.to_vec();
        id.resize(length, 0);
        return Some((Id::from_bytes(&id)?, None));
    };
    let conversion = match rest {
        [] | [EXECUTABLE | LINK] => None,
        [EXECUTABLE, CONVERTED, conversion @ ..] | [CONVERTED, conversion @ ..] => {
            Some(Conversion::from_bytes(conversion)?)
        }
        _ => return None,
    };
    Some((Id::from_bytes(id)?, conversion))
}

#[cfg(test)]
mod tests;
