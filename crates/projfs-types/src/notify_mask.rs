//! `NotifyMask`: which notifications a provider wants.

use bitflags::bitflags;

bitflags! {
    /// Which notifications a provider wants of the items below a path (`PRJ_NOTIFY_TYPES`, with the same values).
    /// The bits from `PRE_OPEN_FOR_WRITE` on are ours; Windows has no such notifications.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct NotifyMask: u32 {
        /// None at all, whatever the other bits say.
        const SUPPRESS_NOTIFICATIONS = 0x0001;
        /// An existing item was opened; the provider may still refuse.
        const FILE_OPENED = 0x0002;
        /// An item was made.
        const NEW_FILE_CREATED = 0x0004;
        /// An existing file was opened and its content dropped (`O_TRUNC`).
        const FILE_OVERWRITTEN = 0x0008;
        /// An item is about to be deleted.
        const PRE_DELETE = 0x0010;
        /// An item is about to be renamed.
        const PRE_RENAME = 0x0020;
        /// A file is about to get one more name.
        const PRE_SET_HARDLINK = 0x0040;
        /// An item was renamed.
        const FILE_RENAMED = 0x0080;
        /// A file got one more name.
        const HARDLINK_CREATED = 0x0100;
        /// An open file was closed, and not changed through that open.
        const FILE_HANDLE_CLOSED_NO_MODIFICATION = 0x0200;
        /// An open file was closed, and changed through that open.
        const FILE_HANDLE_CLOSED_FILE_MODIFIED = 0x0400;
        /// An item was deleted.
        const FILE_HANDLE_CLOSED_FILE_DELETED = 0x0800;
        /// A file that is the provider's is about to become local.
        const FILE_PRE_CONVERT_TO_FULL = 0x1000;
        /// A file is about to be opened for writing, whatever its state is.
        const PRE_OPEN_FOR_WRITE = 0x0001_0000;
        /// The length of a file is about to be set, also by opening it with `O_TRUNC`.
        const PRE_TRUNCATE = 0x0002_0000;
        /// Mode, owner, times or extended attributes are about to change.
        const PRE_SET_METADATA = 0x0004_0000;
    }
}

impl NotifyMask {
    /// The bits that Windows has.
    pub const PRJ: Self = Self::from_bits_truncate(0x1fff);

    /// What a C provider gets that asks for nothing in particular.
    pub const DEFAULT: Self = Self::FILE_OPENED.union(Self::NEW_FILE_CREATED).union(Self::FILE_OVERWRITTEN);

    /// Whether all of `wanted` are wanted, and nothing is suppressed.
    pub fn wants(self, wanted: Self) -> bool {
        self.contains(wanted) && !self.contains(Self::SUPPRESS_NOTIFICATIONS)
    }
}
