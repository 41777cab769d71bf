//! `DirEntries`: what a provider says is in a directory.

use std::cmp::Ordering;

use projfs_types::ProjectedItem;
use projfs_types::collation;

use crate::ProviderError;
use crate::ProviderErrorKind;

/// The entries of one projected directory, in the order of [`collation::compare`], each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirEntries(Vec<ProjectedItem>);

impl DirEntries {
    /// Takes entries that are in order.
    ///
    /// # Errors
    /// `InvalidInput`, naming the first entry that is out of order or there twice.
    pub fn sorted(entries: Vec<ProjectedItem>) -> Result<Self, ProviderError> {
        let wrong = entries
            .windows(2)
            .find(|pair| collation::compare(&pair[0].name, &pair[1].name) != Ordering::Less);
        match wrong {
            None => Ok(Self(entries)),
            Some(pair) => Err(ProviderError::new(
                ProviderErrorKind::InvalidInput,
                format!("{:?} does not come before {:?}", pair[0].name, pair[1].name),
            )),
        }
    }

    /// Takes entries in any order and sorts them.
    ///
    /// # Errors
    /// `InvalidInput`, naming an entry that is there twice.
    pub fn unsorted(mut entries: Vec<ProjectedItem>) -> Result<Self, ProviderError> {
        entries.sort_by(|one, other| collation::compare(&one.name, &other.name));
        Self::sorted(entries)
    }

    /// The entries, in order.
    pub fn into_vec(self) -> Vec<ProjectedItem> {
        self.0
    }
}

#[cfg(test)]
mod tests;
