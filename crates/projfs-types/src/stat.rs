//! `Stat`: what `statx` shows of an item.

use crate::FileTimes;
use crate::ItemKind;
use crate::Number;

/// What `statx` shows of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The inode number.
    pub number: Number,
    /// Type and permission bits, as in `st_mode`.
    pub mode: u32,
    /// How many names it has.
    pub links: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Major and minor number of a device; zeros otherwise.
    pub device: (u32, u32),
    /// Length of the content, in bytes.
    pub size: u64,
    /// Space taken in the store, in units of 512 bytes.
    pub blocks: u64,
    /// The size of the store's blocks, in bytes.
    pub block_size: u32,
    /// All four times.
    pub times: FileTimes,
}

/// The bits of `st_mode`.
pub mod mode {
    /// A program runs as the file's owner.
    pub const SET_USER_ID: u32 = 0o4000;
    /// A program runs as the file's group; of a directory, its group goes to what is made in it.
    pub const SET_GROUP_ID: u32 = 0o2000;
    /// The group may execute the file.
    pub const GROUP_EXECUTE: u32 = 0o0010;

    /// What is left of a file's mode when it is written to or gets another owner. Without the group's execute bit the
    /// set-group-id bit once meant mandatory locking, and stays.
    pub fn without_set_id(mode: u32) -> u32 {
        let group = if mode & GROUP_EXECUTE == 0 { 0 } else { SET_GROUP_ID };
        mode & !(SET_USER_ID | group)
    }

    /// Mask of the type bits.
    pub const TYPE: u32 = 0o170_000;
    /// A regular file.
    pub const FILE: u32 = 0o100_000;
    /// A directory.
    pub const DIRECTORY: u32 = 0o040_000;
    /// A symbolic link.
    pub const SYMLINK: u32 = 0o120_000;
    /// A character device.
    pub const CHARACTER: u32 = 0o020_000;
    /// Mask of the permission bits.
    pub const PERMISSIONS: u32 = 0o7777;
    /// The three write bits.
    pub const WRITE: u32 = 0o222;
}

impl Stat {
    /// The kind, from the type bits.
    pub fn kind(&self) -> ItemKind {
        ItemKind::of_mode(self.mode)
    }
}

impl ItemKind {
    /// The kind, from the type bits of `st_mode`.
    pub fn of_mode(mode: u32) -> Self {
        match mode & mode::TYPE {
            mode::FILE => Self::File,
            mode::DIRECTORY => Self::Directory,
            mode::SYMLINK => Self::Symlink,
            _ => Self::Special,
        }
    }

    /// The type bits of `st_mode`; for a special file none, as the kind does not say which.
    pub fn mode_bits(self) -> u32 {
        match self {
            Self::File => mode::FILE,
            Self::Directory => mode::DIRECTORY,
            Self::Symlink => mode::SYMLINK,
            Self::Special => 0,
        }
    }
}

#[cfg(test)]
mod tests;
