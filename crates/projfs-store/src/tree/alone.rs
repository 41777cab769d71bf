//! `PlaceholderLog`: the placeholder log of a root, without the root.

use std::os::fd::OwnedFd;

use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPathBuf;

use super::fault::about;
use super::placeholders::Placeholders;
use crate::Result;

/// The placeholder log of a root, without the root: for those who measure it. A store has its own.
pub struct PlaceholderLog {
    directory: OwnedFd,
    placeholders: Placeholders,
}

impl PlaceholderLog {
    /// Opens the log in a directory, and reads it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(directory: OwnedFd) -> Result<Self> {
        let placeholders = Placeholders::open(&directory).map_err(about("open", RelPathBuf::root))?;
        Ok(Self { directory, placeholders })
    }

    /// Notes a placeholder, as [`Store::note`](crate::Store::note) does.
    ///
    /// # Errors
    /// The system's.
    pub fn note(&self, origin: &OriginBuf, info: &PlaceholderInfo) -> Result<()> {
        let noted = self.placeholders.note(&self.directory, origin, info);
        noted.map_err(about("note", || origin.path().clone()))
    }

    /// How many placeholders are noted.
    pub fn notes(&self) -> u64 {
        self.placeholders.count()
    }
}
