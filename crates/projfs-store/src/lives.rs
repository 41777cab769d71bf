//! `Lives`: in which of its lives is what is projected under a name.

use std::collections::HashMap;

use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Life;
use projfs_types::OriginBuf;
use rustix::io::Errno;

/// The names that an item has left, each with the life of what is projected there since. What is projected under any other
/// name is of the life of its directory.
#[derive(Default)]
pub(crate) struct Lives {
    below: HashMap<OriginBuf, HashMap<ItemNameBuf, Life>>,
    /// No life up to this one is given again: that is why two items of one path are never of one life.
    last: Life,
}

impl Lives {
    /// What is projected under a name of a directory.
    pub(crate) fn origin(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf {
        let life = self.of(directory, name).unwrap_or(directory.life());
        OriginBuf::new(directory.join(name), life)
    }

    /// The life of what is projected under a name that was left.
    pub(crate) fn of(&self, directory: &OriginBuf, name: &ItemName) -> Option<Life> {
        // Almost always there are none.
        if self.below.is_empty() {
            return None;
        }
        self.below.get(directory)?.get(name).copied()
    }

    /// The names of a directory that were left.
    pub(crate) fn in_directory(&self, directory: &OriginBuf) -> impl Iterator<Item = (&ItemNameBuf, Life)> {
        self.below.get(directory).into_iter().flatten().map(|(name, life)| (name, *life))
    }

    /// The next life that nobody has had.
    ///
    /// # Errors
    /// `EOVERFLOW` after four thousand million.
    pub(crate) fn next(&self) -> Result<Life, Errno> {
        self.last.0.checked_add(1).map(Life).ok_or(Errno::OVERFLOW)
    }

    /// The last life that was given.
    pub(crate) fn last(&self) -> Life {
        self.last
    }

    /// A life was given.
    pub(crate) fn given(&mut self, life: Life) {
        self.last = self.last.max(life);
    }

    /// What is projected under a name is of this life from now on.
    pub(crate) fn set(&mut self, directory: &OriginBuf, name: &ItemName, life: Life) {
        self.given(life);
        if !self.below.contains_key(directory) {
            self.below.insert(directory.clone(), HashMap::new());
        }
        if let Some(names) = self.below.get_mut(directory) {
            names.insert(name.to_owned(), life);
        }
    }

    /// No directory has this origin, and none will: what was said of the names below it is not needed. What has left it is
    /// not in it any more.
    pub(crate) fn end(&mut self, directory: &OriginBuf) {
        let ended: Vec<_> = self.below.keys().filter(|below| self.is_in(directory, below)).cloned().collect();
        for below in ended {
            self.below.remove(&below);
        }
    }

    /// Whether anything is said of the names below a directory.
    pub(crate) fn is_needed_by(&self, directory: &OriginBuf) -> bool {
        self.below.keys().any(|below| self.is_in(directory, below))
    }

    /// Whether one goes down to the other from a directory.
    fn is_in(&self, directory: &OriginBuf, other: &OriginBuf) -> bool {
        let Some(rest) = other.strip_prefix(directory) else { return false };
        let reached = rest.components().fold(directory.clone(), |at, name| self.origin(&at, name));
        reached == *other
    }

    /// Calls `act` for every name that was left.
    pub(crate) fn each(&self, act: &mut dyn FnMut(&OriginBuf, &ItemName, Life)) {
        for (directory, names) in &self.below {
            for (name, life) in names {
                act(directory, name, *life);
            }
        }
    }
}

#[cfg(test)]
mod tests;
