//! How a version says which object an item is.

use projfs_types::VersionInfo;

use crate::objects::Id;
use crate::tree::EntryKind;

/// What follows the object id of an executable file: a changed mode is another version of the same blob.
const EXECUTABLE: u8 = b'x';

/// The version of an entry: its object id, and one more byte if it is an executable file.
pub(crate) fn of_entry(id: Id, kind: &EntryKind) -> VersionInfo {
    let mut bytes = id.as_bytes().to_vec();
    if matches!(kind, EntryKind::Executable) {
        bytes.push(EXECUTABLE);
    }
    // At most 33 of 128 bytes.
    VersionInfo::of_content(&bytes).unwrap_or_default()
}

/// The object that a version of [`of_entry`] names, in a repository whose ids have `length` bytes. Nothing for a
/// version that is not ours.
pub(crate) fn object(version: &VersionInfo, length: usize) -> Option<Id> {
    let bytes = version.content.as_bytes();
    let id = match bytes {
        [] => return None,
        // Trailing zeros of an id are not kept.
        _ if bytes.len() <= length => {
            let mut id = bytes.to_vec();
            id.resize(length, 0);
            return Id::from_bytes(&id);
        }
        [id @ .., EXECUTABLE] if id.len() == length => id,
        _ => return None,
    };
    Id::from_bytes(id)
}

#[cfg(test)]
mod tests;
