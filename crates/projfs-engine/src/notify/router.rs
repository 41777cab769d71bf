//! `Router`: which notifications are wanted of a path.

use projfs_types::NotifyMask;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation::Collation;

/// Paths, and what is wanted of them and of everything below them.
pub(super) struct Router {
    /// The longest paths first.
    mappings: Vec<(RelPathBuf, NotifyMask)>,
    collation: Collation,
}

impl Router {
    /// Of two masks for one path the last counts.
    pub(super) fn new(mappings: &[(RelPathBuf, NotifyMask)], collation: Collation) -> Self {
        let mut mappings: Vec<_> = mappings.iter().rev().cloned().collect();
        mappings.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_bytes().len()));
        Self { mappings, collation }
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
        let above = self.mappings.iter().find(|(root, _)| match self.collation {
            Collation::Sensitive => path.starts_with(root),
            Collation::Insensitive => {
                let mut components = path.components();
                root.components()
                    .all(|name| components.next().is_some_and(|own| self.collation.same(own, name)))
            }
        });
        above.map_or(NotifyMask::empty(), |&(_, mask)| mask)
    }
}

#[cfg(test)]
mod tests;
