//! What a provider may overwrite of what is local, and why it could not.

use bitflags::bitflags;

bitflags! {
    /// What an update or a deletion by the provider may overwrite besides clean placeholders (`PRJ_UPDATE_TYPES`, with the
    /// same values). No bit implies another.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct UpdateFlags: u32 {
        /// Items whose metadata was changed, or a directory whose entries were.
        const ALLOW_DIRTY_METADATA = 0x01;
        /// Full items.
        const ALLOW_DIRTY_DATA = 0x02;
        /// Tombstones.
        const ALLOW_TOMBSTONE = 0x04;
        /// Items without a write bit; needed in addition.
        const ALLOW_READ_ONLY = 0x20;
    }
}

bitflags! {
    /// Why an update or a deletion by the provider was refused: one bit for each [`UpdateFlags`] bit that it lacked
    /// (`PRJ_UPDATE_FAILURE_CAUSES`, with the same values).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct UpdateFailureCauses: u32 {
        /// The item's metadata was changed.
        const DIRTY_METADATA = 0x1;
        /// The item is full.
        const DIRTY_DATA = 0x2;
        /// The item was deleted.
        const TOMBSTONE = 0x4;
        /// The item has no write bit.
        const READ_ONLY = 0x8;
    }
}
