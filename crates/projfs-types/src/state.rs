//! The states of an item. *Virtual* is the absence of an [`ItemState`], never a variant.

use crate::OriginBuf;
use crate::VersionInfo;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ItemKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO, a socket or a device: always local.
    Special,
}

/// What is known locally under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// A regular file.
    File(FileState),
    /// A directory.
    Directory(DirectoryState),
    /// A symbolic link.
    Symlink(SymlinkState),
    /// A FIFO, a socket or a device, made here.
    Special,
    /// Deleted here, perhaps still projected: hides the provider's item.
    Tombstone,
}

/// The states of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Metadata known, no content or only ranges of it.
    Placeholder(Projected),
    /// Metadata and content on disk, both the provider's.
    Hydrated(Projected),
    /// Content is local; the provider is not asked again.
    Full,
}

/// The states of a directory. Children of a placeholder are those on disk merged with those projected;
/// of a full one, those on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryState {
    /// Still the provider's.
    Placeholder(Projected),
    /// Made here.
    Full,
}

/// The states of a symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymlinkState {
    /// Still the provider's.
    Placeholder(Projected),
    /// Made here.
    Full,
}

/// What only an item that is still the provider's has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projected {
    /// Where in the projection it comes from.
    pub origin: Origin,
    /// Which version it is.
    pub version: VersionInfo,
    /// Whether its metadata was changed here.
    pub metadata: Metadata,
}

/// Where in the projection an item comes from. A local rename never changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// What is projected under the item's own name in its parent's origin.
    Here,
    /// Elsewhere, or what was projected here before.
    At(OriginBuf),
}

/// Whether metadata was changed locally ("dirty placeholder"); of a directory, also whether a direct child
/// was created, deleted or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// As the provider gave it.
    Clean,
    /// Changed here.
    Dirty,
}

impl ItemState {
    /// The part that only an item still the provider's has.
    pub fn projected(&self) -> Option<&Projected> {
        match self {
            Self::File(FileState::Placeholder(projected) | FileState::Hydrated(projected))
            | Self::Directory(DirectoryState::Placeholder(projected))
            | Self::Symlink(SymlinkState::Placeholder(projected)) => Some(projected),
            Self::File(FileState::Full)
            | Self::Directory(DirectoryState::Full)
            | Self::Symlink(SymlinkState::Full)
            | Self::Special
            | Self::Tombstone => None,
        }
    }

    /// The same, to change it.
    pub fn projected_mut(&mut self) -> Option<&mut Projected> {
        match self {
            Self::File(FileState::Placeholder(projected) | FileState::Hydrated(projected))
            | Self::Directory(DirectoryState::Placeholder(projected))
            | Self::Symlink(SymlinkState::Placeholder(projected)) => Some(projected),
            Self::File(FileState::Full)
            | Self::Directory(DirectoryState::Full)
            | Self::Symlink(SymlinkState::Full)
            | Self::Special
            | Self::Tombstone => None,
        }
    }

    /// The kind of the item; nothing for a tombstone.
    pub fn kind(&self) -> Option<ItemKind> {
        match self {
            Self::File(_) => Some(ItemKind::File),
            Self::Directory(_) => Some(ItemKind::Directory),
            Self::Symlink(_) => Some(ItemKind::Symlink),
            Self::Special => Some(ItemKind::Special),
            Self::Tombstone => None,
        }
    }
}

impl Projected {
    /// At home and as the provider gave it.
    pub fn clean(version: VersionInfo) -> Self {
        Self { origin: Origin::Here, version, metadata: Metadata::Clean }
    }
}
