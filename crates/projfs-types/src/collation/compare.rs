//! The order of names.

use std::cmp::Ordering;

use crate::ItemName;

/// Orders names as `PrjFileNameCompare` does, names equal under it by their bytes.
pub fn compare(one: &ItemName, other: &ItemName) -> Ordering {
    one.as_bytes().cmp(other.as_bytes())
}
