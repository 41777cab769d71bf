//! What a provider says of an item.

use crate::ExtendedAttributes;
use crate::FileTimes;
use crate::ItemKind;
use crate::ItemNameBuf;
use crate::Timestamp;
use crate::VersionInfo;

/// The metadata of a projected item (`PRJ_PLACEHOLDER_INFO`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceholderInfo {
    /// What it is, with what only that kind has.
    pub kind: PlaceholderKind,
    /// The permission bits, at most 0o7777.
    pub mode: u16,
    /// The `FILE_ATTRIBUTE_*` bits that Linux has no place for (hidden, system, archive, temporary,
    /// not content indexed). They are kept and given back, and change nothing.
    pub attributes: u32,
    /// The times shown while the item is the provider's.
    pub times: FileTimes,
    /// Which version of the item this is.
    pub version: VersionInfo,
    /// The extended attributes that the item has until others are set here. A symbolic link has none.
    pub extended: ExtendedAttributes,
}

/// The kind of a projected item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceholderKind {
    /// A regular file of `size` bytes, at most `i64::MAX`.
    File {
        /// Exact length of the content, in bytes.
        size: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// What it points to: 1 to 4095 bytes without NUL.
        target: Box<[u8]>,
    },
}

/// One entry of a projected directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectedItem {
    /// The name, as the provider spells it.
    pub name: ItemNameBuf,
    /// Its metadata.
    pub info: PlaceholderInfo,
}

impl ProjectedItem {
    /// An entry called `name`.
    pub fn new(name: ItemNameBuf, info: PlaceholderInfo) -> Self {
        Self { name, info }
    }
}

impl PlaceholderInfo {
    /// A regular file with mode 0644.
    pub fn file(size: u64) -> Self {
        Self::new(PlaceholderKind::File { size }, 0o644)
    }

    /// A directory with mode 0755.
    pub fn directory() -> Self {
        Self::new(PlaceholderKind::Directory, 0o755)
    }

    /// A symbolic link.
    pub fn symlink(target: impl Into<Box<[u8]>>) -> Self {
        Self::new(PlaceholderKind::Symlink { target: target.into() }, 0o777)
    }

    fn new(kind: PlaceholderKind, mode: u16) -> Self {
        Self {
            kind,
            mode,
            attributes: 0,
            times: FileTimes::default(),
            version: VersionInfo::default(),
            extended: ExtendedAttributes::default(),
        }
    }

    /// The same with other permission bits; all but the lowest twelve are dropped.
    #[must_use]
    pub fn with_mode(self, mode: u16) -> Self {
        Self { mode: mode & 0o7777, ..self }
    }

    /// The same with all four times at `time`.
    #[must_use]
    pub fn with_time(self, time: Timestamp) -> Self {
        self.with_times(FileTimes::all(time))
    }

    /// The same with other times.
    #[must_use]
    pub fn with_times(self, times: FileTimes) -> Self {
        Self { times, ..self }
    }

    /// The same as another version.
    #[must_use]
    pub fn with_version(self, version: VersionInfo) -> Self {
        Self { version, ..self }
    }

    /// The same with these extended attributes, which an update of the item replaces.
    #[must_use]
    pub fn with_extended_attributes(self, extended: ExtendedAttributes) -> Self {
        Self { extended, ..self }
    }

    /// The content's length: zero for a directory, the target's length for a symbolic link.
    pub fn size(&self) -> u64 {
        match &self.kind {
            PlaceholderKind::File { size } => *size,
            PlaceholderKind::Directory => 0,
            PlaceholderKind::Symlink { target } => target.len() as u64,
        }
    }

    /// The kind without its particulars.
    pub fn item_kind(&self) -> ItemKind {
        match self.kind {
            PlaceholderKind::File { .. } => ItemKind::File,
            PlaceholderKind::Directory => ItemKind::Directory,
            PlaceholderKind::Symlink { .. } => ItemKind::Symlink,
        }
    }
}
