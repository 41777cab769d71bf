//! The order of names.

use std::cmp::Ordering;

use super::upcase;
use crate::ItemName;

/// Where the units of bytes that are not UTF-8 begin.
const ESCAPE: u16 = 0xdc00;

/// Orders names as `PrjFileNameCompare` does, names equal under it by their bytes.
///
/// This is a total order: only names with the same bytes are equal. Names that are the same but for case are
/// neighbors, so one sorted listing serves both kinds of instances.
pub fn compare(one: &ItemName, other: &ItemName) -> Ordering {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    compare_upcased(one, other).then_with(|| one.cmp(other))
}

/// Compares two names, or two paths, without regard to case: unit by unit, upcased, as unsigned numbers; if one
/// ends first, it comes first. The special names `.` and `..`, which are never names of items, come before all
/// others but the empty one.
///
/// # References
/// [`PrjFileNameCompare`](https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjfilenamecompare)
pub fn file_name_compare(one: &[u16], other: &[u16]) -> Ordering {
    match (one, other) {
        ([], _) | (_, []) => one.cmp(other),
        _ if is_dots(one) != is_dots(other) => is_dots(other).cmp(&is_dots(one)),
        _ => one.iter().map(|unit| upcase(*unit)).cmp(other.iter().map(|unit| upcase(*unit))),
    }
}

fn is_dots(name: &[u16]) -> bool {
    const DOT: u16 = b'.' as u16;
    matches!(name, [DOT] | [DOT, DOT])
}

/// The UTF-16 code units of a name.
///
/// UTF-8 is decoded. Each byte `b` that is not part of valid UTF-8 becomes the unit 0xDC00 + `b`, which is a
/// low surrogate without a high one and so cannot come from anything else: different bytes never become the
/// same units.
///
/// # References
/// Python calls this rule [`surrogateescape`](https://peps.python.org/pep-0383/).
pub fn units(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let escaped = chunk.invalid().iter().map(|byte| ESCAPE + u16::from(*byte));
        chunk.valid().encode_utf16().chain(escaped)
    })
}

/// Compares without regard to case.
pub(super) fn compare_upcased(one: &[u8], other: &[u8]) -> Ordering {
    // ASCII is the same in both encodings, and its upper case is ASCII: most names are done here.
    let mut at = 0;
    while let (Some(a), Some(b)) = (one.get(at), other.get(at))
        && a.is_ascii()
        && b.is_ascii()
    {
        match a.to_ascii_uppercase().cmp(&b.to_ascii_uppercase()) {
            Ordering::Equal => at += 1,
            order @ (Ordering::Less | Ordering::Greater) => return order,
        }
    }
    units(&one[at..]).map(upcase).cmp(units(&other[at..]).map(upcase))
}

#[cfg(test)]
mod tests;
