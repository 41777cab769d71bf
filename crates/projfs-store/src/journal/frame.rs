//! One journal entry as bytes.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | checksum of all that follows, seeded with the epoch |
//! | 4 | length of what follows this |
//! | 8 | sequence number |
//! | 8 | request |
//! | 1 | kind of the item |
//! | 1 | what happened |
//! | 4 | length of the path |
//! | | the path; behind it, if there is one, the other path |
//!
//! All numbers are little-endian.

use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::RelPathBuf;
use projfs_types::What;
use twox_hash::XxHash3_64;

/// The checksum and the length.
const PREFIX: usize = 12;
/// What follows the length before the paths.
const FIXED: usize = 22;

/// An entry that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) sequence: u64,
    pub(super) entry: JournalEntry,
    /// How many bytes it took.
    pub(super) length: usize,
}

/// The checksum of bytes that belong to an epoch.
pub(super) fn checksum(epoch: u64, bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(epoch, bytes)
}

/// The bytes of an entry; nothing if its paths are longer than 4 GiB.
pub(super) fn encode(epoch: u64, sequence: u64, entry: &JournalEntry) -> Option<Vec<u8>> {
    let kind = match entry.kind {
        ItemKind::File => 1,
        ItemKind::Directory => 2,
        ItemKind::Symlink => 3,
        ItemKind::Special => 4,
    };
    let (what, other) = match &entry.what {
        What::Created => (1, None),
        What::Modified => (2, None),
        What::Metadata => (3, None),
        What::Converted => (4, None),
        What::Renamed { to } => (5, Some(to)),
        What::Linked { to } => (6, Some(to)),
        What::Deleted => (7, None),
        What::Updated => (8, None),
        What::Exchanged { with } => (9, Some(with)),
    };
    let path = entry.path.as_bytes();
    let other = other.map_or(&b""[..], |other| other.as_bytes());
    let length = u32::try_from(FIXED + path.len() + other.len()).ok()?;
    let path_length = u32::try_from(path.len()).ok()?;

    let mut bytes = Vec::with_capacity(PREFIX + FIXED + path.len() + other.len());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&entry.request.to_le_bytes());
    bytes.extend_from_slice(&[kind, what]);
    bytes.extend_from_slice(&path_length.to_le_bytes());
    bytes.extend_from_slice(path);
    bytes.extend_from_slice(other);
    let sum = checksum(epoch, &bytes[8..]);
    bytes[..8].copy_from_slice(&sum.to_le_bytes());
    Some(bytes)
}

/// The entry at the start of `bytes`; nothing if there is none that is whole and of this epoch.
pub(super) fn decode(epoch: u64, bytes: &[u8]) -> Option<Frame> {
    let (sum, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*rest.first_chunk::<4>()?)).ok()?;
    let summed = rest.get(..length.checked_add(4)?)?;
    if checksum(epoch, summed) != u64::from_le_bytes(*sum) {
        return None;
    }
    let (sequence, body) = summed[4..].split_first_chunk::<8>()?;
    let (request, body) = body.split_first_chunk::<8>()?;
    let ([kind, what], body) = body.split_first_chunk::<2>()?;
    let (path_length, paths) = body.split_first_chunk::<4>()?;
    let (path, other) = paths.split_at_checked(usize::try_from(u32::from_le_bytes(*path_length)).ok()?)?;
    let kind = match kind {
        1 => ItemKind::File,
        2 => ItemKind::Directory,
        3 => ItemKind::Symlink,
        4 => ItemKind::Special,
        _ => return None,
    };
    let what = match (what, other) {
        (1, []) => What::Created,
        (2, []) => What::Modified,
        (3, []) => What::Metadata,
        (4, []) => What::Converted,
        (5, to) => What::Renamed { to: RelPathBuf::new(to).ok()? },
        (6, to) => What::Linked { to: RelPathBuf::new(to).ok()? },
        (7, []) => What::Deleted,
        (8, []) => What::Updated,
        (9, with) => What::Exchanged { with: RelPathBuf::new(with).ok()? },
        _ => return None,
    };
    let path = RelPathBuf::new(path).ok()?;
    let entry = JournalEntry { path, kind, what, request: u64::from_le_bytes(*request) };
    Some(Frame { sequence: u64::from_le_bytes(*sequence), entry, length: 8 + summed.len() })
}

#[cfg(test)]
mod tests;
