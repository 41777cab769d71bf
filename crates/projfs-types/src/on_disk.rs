//! `OnDiskState`: what is local of an item, as Windows tells it.

use bitflags::bitflags;

use crate::DirectoryState;
use crate::FileState;
use crate::ItemState;
use crate::Metadata;
use crate::SymlinkState;

bitflags! {
    /// What is local of an item (`PRJ_FILE_STATE`, with the same values). `FULL` and `TOMBSTONE` stand alone; the other
    /// bits come together: a hydrated or dirty placeholder is a placeholder.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct OnDiskState: u32 {
        /// Its metadata is known.
        const PLACEHOLDER = 0x01;
        /// Its content is there too, and the provider's.
        const HYDRATED_PLACEHOLDER = 0x02;
        /// Its metadata was changed; of a directory, also its entries.
        const DIRTY_PLACEHOLDER = 0x04;
        /// It is local.
        const FULL = 0x08;
        /// It was deleted here.
        const TOMBSTONE = 0x10;
    }
}

impl From<&ItemState> for OnDiskState {
    fn from(state: &ItemState) -> Self {
        let (projected, hydrated) = match state {
            ItemState::Tombstone => return Self::TOMBSTONE,
            ItemState::File(FileState::Full)
            | ItemState::Directory(DirectoryState::Full)
            | ItemState::Symlink(SymlinkState::Full)
            | ItemState::Special => return Self::FULL,
            ItemState::File(FileState::Hydrated(projected)) => (projected, Self::HYDRATED_PLACEHOLDER),
            ItemState::File(FileState::Placeholder(projected))
            | ItemState::Directory(DirectoryState::Placeholder(projected))
            | ItemState::Symlink(SymlinkState::Placeholder(projected)) => (projected, Self::empty()),
        };
        let dirty = match projected.metadata {
            Metadata::Clean => Self::empty(),
            Metadata::Dirty => Self::DIRTY_PLACEHOLDER,
        };
        Self::PLACEHOLDER | hydrated | dirty
    }
}
