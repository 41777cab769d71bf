//! `Act`: one thing that a program does to a tree, and what is asked of the tree afterwards.

use std::collections::BTreeMap;

use anyhow::Result;
use projfs_testkit::model::Word;
use rustix::io::Errno;

/// One thing that a program does. Paths are below the root.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Reads a file whole.
    Read { path: String },
    /// Makes a file, and writes it.
    Create { path: String, data: Vec<u8> },
    /// Writes into a file.
    Write { path: String, offset: usize, data: Vec<u8> },
    /// Opens a file without its content, and writes it.
    Replace { path: String, data: Vec<u8> },
    /// Makes a directory.
    Mkdir { path: String },
    /// Removes a name of a file.
    Unlink { path: String },
    /// Renames a file or a directory, over a file perhaps.
    Rename { from: String, to: String },
    /// Gives a file one more name.
    Link { from: String, to: String },
    /// Sets the permission bits.
    Chmod { path: String, mode: u32 },
    /// `fsync` of a file, or `fdatasync`.
    Sync { path: String, data_only: bool },
    /// `fsync` of a directory.
    SyncDirectory { path: String },
    /// `syncfs`.
    SyncAll,
}

impl Act {
    /// Whether it makes something survive a power cut.
    pub(crate) fn is_sync(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::SyncDirectory { .. } | Self::SyncAll)
    }
}

/// What a tree shows.
pub(crate) type Tree = BTreeMap<String, Shown>;

/// What a name shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// A directory.
    Directory,
    /// A file: its content, and its state before it was read.
    File { content: Vec<u8>, word: Option<Word> },
}

/// Who does acts, and looks at trees.
pub(crate) trait Program {
    /// Does one.
    fn act(&mut self, act: &Act) -> Result<(), Errno>;
    /// Everything that is to be seen, all files read.
    fn look(&mut self) -> Result<Tree>;
}
