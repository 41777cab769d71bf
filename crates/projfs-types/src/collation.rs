//! The one order of names, the two notions of "same", and patterns.
//!
//! All of them look at a name as UTF-16 code units, upcased one by one, as NTFS does: no locale, no
//! normalization, no case folding that changes lengths.

mod compare;
mod pattern;
mod upcase;

pub use compare::compare;
pub use compare::file_name_compare;
pub use compare::units;
pub use pattern::does_name_contain_wild_cards;
pub use pattern::file_name_match;
pub use upcase::upcase;

use crate::ItemName;

/// When two names are the same. Their *order* does not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Collation {
    /// When their bytes are equal, as everywhere on Linux.
    #[default]
    Sensitive,
    /// When they are equal but for case, as on Windows.
    Insensitive,
}

/// A name without regard to case: the same of two names exactly if they are the same to [`Collation::Insensitive`].
pub fn fold(name: &ItemName) -> Box<[u16]> {
    units(name.as_bytes()).map(upcase).collect()
}

impl Collation {
    /// Whether the two are names of one item.
    pub fn same(self, one: &ItemName, other: &ItemName) -> bool {
        match self {
            Self::Sensitive => one == other,
            Self::Insensitive => compare::compare_upcased(one.as_bytes(), other.as_bytes()).is_eq(),
        }
    }
}
