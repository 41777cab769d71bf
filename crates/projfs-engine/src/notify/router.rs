//! `Router`: which notifications are wanted of a path.

use projfs_types::NotifyMask;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

/// Paths, and what is wanted of them and of everything below them.
pub(super) struct Router {
    /// The longest paths first.
    mappings: Vec<(RelPathBuf, NotifyMask)>,
}

impl Router {
    /// Of two masks for one path the last counts.
    pub(super) fn new(mappings: &[(RelPathBuf, NotifyMask)]) -> Self {
        let mut mappings: Vec<_> = mappings.iter().rev().cloned().collect();
        mappings.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_bytes().len()));
        Self { mappings }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any(NotifyMask::all().difference(NotifyMask::SUPPRESS_NOTIFICATIONS))
    }

    /// Whether one of `wanted` is wanted anywhere.
    pub(super) fn any(&self, wanted: NotifyMask) -> bool {
        self.mappings
            .iter()
            .any(|(_, mask)| mask.intersects(wanted) && !mask.contains(NotifyMask::SUPPRESS_NOTIFICATIONS))
    }

    /// The mask of the deepest mapping above a path; it replaces those of shallower ones. None at all without one.
    pub(super) fn mask(&self, path: &RelPath) -> NotifyMask {
        let above = self.mappings.iter().find(|(root, _)| path.starts_with(root));
        above.map_or(NotifyMask::empty(), |&(_, mask)| mask)
    }
}

#[cfg(test)]
mod tests;
