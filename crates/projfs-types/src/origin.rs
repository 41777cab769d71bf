//! `OriginBuf`: where in the projection an item comes from, and in which of its lives.
//!
//! What the provider has under a path can be several items here: one that was moved away, and one that is projected under
//! the name that it left. The provider is asked for both by one path; they are told apart by their *life*. Whoever is in a
//! directory is of its life, unless the name was left by somebody before: then the store knows.

use std::fmt;
use std::ops::Deref;

use crate::RelPath;
use crate::RelPathBuf;

/// Which of the items of one path it is. Almost all are in their first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Life(pub u32);

impl Life {
    /// Nobody has left the name yet.
    pub const FIRST: Self = Self(0);
}

/// Where in the projection an item comes from. It derefs to the path by which the provider is asked, which is not all of
/// it: two items may share that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OriginBuf {
    path: RelPathBuf,
    life: Life,
}

impl OriginBuf {
    /// The root's.
    pub fn root() -> Self {
        Self::default()
    }

    /// What has this path, in this life.
    pub fn new(path: RelPathBuf, life: Life) -> Self {
        Self { path, life }
    }

    /// Which of the items of its path it is.
    pub fn life(&self) -> Life {
        self.life
    }

    /// What the provider calls it.
    pub fn path(&self) -> &RelPathBuf {
        &self.path
    }

    /// The same, when nothing else of it matters any more.
    pub fn into_path(self) -> RelPathBuf {
        self.path
    }

    /// How it is written: the path; behind it, unless it is in its first life, a zero and the life in four bytes, the lowest
    /// first. No path has a zero in it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.path.as_bytes().to_vec();
        if self.life != Life::FIRST {
            bytes.push(0);
            bytes.extend(self.life.0.to_le_bytes());
        }
        bytes
    }

    /// Reads what was written; nothing if it is no origin.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (path, life) = match bytes.split_last_chunk::<5>() {
            Some((path, [0, life @ ..])) => (path, Life(u32::from_le_bytes(*life))),
            Some(_) | None => (bytes, Life::FIRST),
        };
        Some(Self::new(RelPathBuf::new(path).ok()?, life))
    }
}

impl Deref for OriginBuf {
    type Target = RelPath;

    fn deref(&self) -> &RelPath {
        &self.path
    }
}

impl From<RelPathBuf> for OriginBuf {
    fn from(path: RelPathBuf) -> Self {
        Self::new(path, Life::FIRST)
    }
}

impl From<&RelPath> for OriginBuf {
    fn from(path: &RelPath) -> Self {
        path.to_owned().into()
    }
}

impl fmt::Display for OriginBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl fmt::Debug for OriginBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.life {
            Life::FIRST => fmt::Debug::fmt(&self.path, f),
            Life(life) => write!(f, "{:?}, life {life}", self.path),
        }
    }
}

#[cfg(test)]
mod tests;
