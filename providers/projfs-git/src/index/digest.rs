//! Hashes of what is no object of the repository.

use std::io;

use crate::objects::Id;

/// The hash of bytes, in a repository whose ids have `length` bytes.
pub(super) fn of(length: usize, bytes: &[u8]) -> io::Result<Id> {
    let mut hasher = gix::hash::hasher(kind(length)?);
    hasher.update(bytes);
    let hash = hasher.try_finalize().map_err(io::Error::other)?;
    Id::from_bytes(hash.as_bytes()).ok_or_else(|| io::Error::other("a hash of another length"))
}

/// The id that bytes would have as a blob.
pub(super) fn of_blob(length: usize, bytes: &[u8]) -> io::Result<Id> {
    let id =
        gix::objs::compute_hash(kind(length)?, gix::objs::Kind::Blob, bytes).map_err(io::Error::other)?;
    Id::from_bytes(id.as_bytes()).ok_or_else(|| io::Error::other("an id of another length"))
}

fn kind(length: usize) -> io::Result<gix::hash::Kind> {
    let kinds = [gix::hash::Kind::Sha1, gix::hash::Kind::Sha256];
    let found = kinds.into_iter().find(|kind| kind.len_in_bytes() == length);
    found.ok_or_else(|| io::Error::other("ids of an unknown length"))
}
