//! What a provider is notified of.

use projfs_types::ItemKind;
use projfs_types::NotifyMask;
use projfs_types::RelPathBuf;

/// Something that is about to happen to an item, which the provider may refuse (`PRJ_NOTIFICATION_PRE_*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreOperation {
    /// A file that is still the provider's becomes local. Asked once per conversion.
    ConvertToFull,
    /// The item is deleted.
    Delete {
        /// What it is.
        kind: ItemKind,
    },
    /// The item is renamed.
    Rename {
        /// What it is.
        kind: ItemKind,
        /// Its new path.
        to: RelPathBuf,
    },
    /// The file gets one more name.
    SetHardlink {
        /// The new name.
        to: RelPathBuf,
    },
    /// The file is opened for writing, whatever its state is.
    OpenForWrite,
    /// The file's length is set.
    Truncate {
        /// The new length, in bytes.
        size: u64,
    },
    /// Mode, owner, times or extended attributes change.
    SetMetadata {
        /// What the item is.
        kind: ItemKind,
    },
}

/// What has happened to a name. The answer says which notifications the item sends from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameChange {
    /// The item was made (`PRJ_NOTIFICATION_NEW_FILE_CREATED`).
    Created {
        /// What it is.
        kind: ItemKind,
    },
    /// The file was opened and its content dropped (`PRJ_NOTIFICATION_FILE_OVERWRITTEN`).
    Overwritten,
    /// The item was renamed (`PRJ_NOTIFICATION_FILE_RENAMED`). The request's path is the old one.
    Renamed {
        /// What it is.
        kind: ItemKind,
        /// Its new path.
        to: RelPathBuf,
    },
}

/// What has happened, for the provider to know and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostOperation {
    /// The file got one more name (`PRJ_NOTIFICATION_HARDLINK_CREATED`).
    HardlinkCreated {
        /// The new name.
        to: RelPathBuf,
    },
    /// An open file or directory was closed, or a path was operated on
    /// (`PRJ_NOTIFICATION_FILE_HANDLE_CLOSED_*`).
    Closed {
        /// What the item is.
        kind: ItemKind,
        /// What was done to it in between.
        how: Closed,
    },
}

/// What was done to an item through the open file that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Closed {
    /// Its content was not changed.
    Unmodified,
    /// Its content was changed.
    Modified,
    /// It was deleted.
    Deleted {
        /// Its content was changed before that, and closes after changes are wanted too.
        modified: bool,
    },
}

/// Which notifications an item sends until its last open file is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskChange {
    /// The same as before.
    #[default]
    Keep,
    /// These.
    Set(NotifyMask),
}
