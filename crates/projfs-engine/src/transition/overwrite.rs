//! `overwrite`: what an update or a deletion by the provider does to an item.

use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::SymlinkState;
use projfs_types::UpdateFailureCauses;
use projfs_types::UpdateFlags;

use super::Found;

/// What the provider does to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByProvider {
    /// It has another version of it (`PrjUpdateFileIfNeeded`).
    Update,
    /// What is local of it is to go (`PrjDeleteFile`).
    Delete,
}

/// What an item is like that the provider is about to overwrite, beside its state; and what it may overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meets {
    /// Whether the item has the content id that it is to have.
    pub version: SameVersion,
    /// Whether it has a write bit.
    pub writing: Writing,
    /// What is in it, if it is a directory.
    pub inside: Inside,
    /// What may be overwritten besides clean placeholders.
    pub allowed: UpdateFlags,
}

/// Whether an item has the content id that it is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameVersion {
    /// It has.
    Yes,
    /// It has another one, or none.
    No,
}

/// Whether an item has a write bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// It has.
    Permitted,
    /// It has none: it is read-only.
    Forbidden,
}

/// What is local in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Nothing; or it is no directory.
    Nothing,
    /// Tombstones.
    Tombstones,
    /// Items.
    Items,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing: it is as it is to be.
    Nothing,
    /// A clean placeholder takes its place.
    Replace,
    /// It goes, and leaves nothing.
    Drop,
}

/// Why nothing can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing is local.
    NotFound,
    /// Something is in the directory.
    NotEmpty,
    /// These would have had to be allowed.
    Needs(UpdateFailureCauses),
}

/// What an update or a deletion by the provider does to an item. Pure, as [`step`](super::step).
///
/// # Errors
/// Why nothing can be done.
pub fn overwrite(found: Found<'_>, by: ByProvider, meets: Meets) -> Result<Overwrite, Obstacle> {
    let state = match found {
        Found::Nothing | Found::Virtual => return Err(Obstacle::NotFound),
        Found::Local(state) => state,
    };
    if (by, meets.version) == (ByProvider::Update, SameVersion::Yes) && state.projected().is_some() {
        return Ok(Overwrite::Nothing);
    }
    let mut causes = causes(state, meets.writing);
    match (by, meets.inside) {
        (_, Inside::Items) => return Err(Obstacle::NotEmpty),
        (ByProvider::Update, Inside::Tombstones) if !meets.allowed.contains(UpdateFlags::ALLOW_TOMBSTONE) => {
            return Err(Obstacle::NotEmpty);
        }
        (_, Inside::Tombstones) => causes |= UpdateFailureCauses::TOMBSTONE,
        (_, Inside::Nothing) => {}
    }
    let lacking = causes - allowed(meets.allowed);
    if !lacking.is_empty() {
        return Err(Obstacle::Needs(lacking));
    }
    Ok(match by {
        ByProvider::Update => Overwrite::Replace,
        ByProvider::Delete => Overwrite::Drop,
    })
}

/// Everything for which an item may be kept.
fn causes(state: &ItemState, writing: Writing) -> UpdateFailureCauses {
    let own = match state {
        ItemState::Tombstone => return UpdateFailureCauses::TOMBSTONE,
        ItemState::File(FileState::Full)
        | ItemState::Directory(DirectoryState::Full)
        | ItemState::Symlink(SymlinkState::Full)
        | ItemState::Special => UpdateFailureCauses::DIRTY_DATA,
        ItemState::File(FileState::Placeholder(projected) | FileState::Hydrated(projected))
        | ItemState::Directory(DirectoryState::Placeholder(projected))
        | ItemState::Symlink(SymlinkState::Placeholder(projected)) => match projected.metadata {
            Metadata::Clean => UpdateFailureCauses::empty(),
            Metadata::Dirty => UpdateFailureCauses::DIRTY_METADATA,
        },
    };
    match (writing, state.kind()) {
        // The bits of a symbolic link permit nothing.
        (Writing::Permitted, _) | (_, Some(ItemKind::Symlink)) => own,
        (Writing::Forbidden, _) => own | UpdateFailureCauses::READ_ONLY,
    }
}

/// The causes that do not count.
fn allowed(flags: UpdateFlags) -> UpdateFailureCauses {
    [
        (UpdateFlags::ALLOW_DIRTY_METADATA, UpdateFailureCauses::DIRTY_METADATA),
        (UpdateFlags::ALLOW_DIRTY_DATA, UpdateFailureCauses::DIRTY_DATA),
        (UpdateFlags::ALLOW_TOMBSTONE, UpdateFailureCauses::TOMBSTONE),
        (UpdateFlags::ALLOW_READ_ONLY, UpdateFailureCauses::READ_ONLY),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .map(|(_, cause)| cause)
    .collect()
}
