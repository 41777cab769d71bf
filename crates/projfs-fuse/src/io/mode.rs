//! `IoMode`: the one way in which the kernel reads an inode now.
//!
//! The kernel refuses (`EIO`) to mix passthrough with cached opens of one inode, and a second backing file. So a file
//! keeps the mode of its first open until its last close.

use projfs_engine::Coverage;

/// The kernel's number for a file that it reads and writes in place of a FUSE file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackingId(pub i32);

/// How the kernel reads an inode now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoMode {
    /// Not open.
    #[default]
    Closed,
    /// By asking us, through its page cache.
    Cached {
        /// How many opens there are.
        opens: u32,
    },
    /// By itself.
    Passthrough {
        /// How many opens there are.
        opens: u32,
        /// The file it reads.
        backing: BackingId,
    },
}

impl IoMode {
    /// The mode after one more open. `backing` is absent without the privilege.
    pub fn open(self, coverage: Coverage, backing: Option<BackingId>) -> Self {
        match (self, coverage, backing) {
            (Self::Cached { opens }, ..) => Self::Cached { opens: opens + 1 },
            (Self::Passthrough { opens, backing }, ..) => Self::Passthrough { opens: opens + 1, backing },
            (Self::Closed, Coverage::Whole, Some(backing)) => Self::Passthrough { opens: 1, backing },
            (Self::Closed, ..) => Self::Cached { opens: 1 },
        }
    }

    /// The mode after one close.
    pub fn close(self) -> Self {
        match self {
            Self::Closed | Self::Cached { opens: 0 | 1 } | Self::Passthrough { opens: 0 | 1, .. } => {
                Self::Closed
            }
            Self::Cached { opens } => Self::Cached { opens: opens - 1 },
            Self::Passthrough { opens, backing } => Self::Passthrough { opens: opens - 1, backing },
        }
    }
}

#[cfg(test)]
mod tests;
