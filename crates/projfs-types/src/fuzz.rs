//! What must hold of names, paths, patterns and ranges whatever bytes they come from: for fuzzing.

use std::cmp::Ordering;

use crate::ItemName;
use crate::NAME_MAX;
use crate::RangeSet;
use crate::RelPath;
use crate::collation::Collation;
use crate::collation::compare;
use crate::collation::does_name_contain_wild_cards;
use crate::collation::file_name_compare;
use crate::collation::file_name_match;
use crate::collation::fold;
use crate::collation::units;
use crate::collation::upcase;

/// Three names, with zeros between them: their order is one, and it is that of their folded units.
pub fn names(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let [a, b, c] = [next(), next(), next()];
    raw_names([a, b, c].map(|part| units(part).collect::<Vec<u16>>()));
    let [Ok(a), Ok(b), Ok(c)] = [a, b, c].map(ItemName::new) else { return };
    let ab = compare(a, b);
    assert_eq!(ab, compare(b, a).reverse());
    assert_eq!(ab.is_eq(), a == b);
    assert_eq!(ab, fold(a).cmp(&fold(b)).then_with(|| a.as_bytes().cmp(b.as_bytes())));
    assert_eq!(units(a.as_bytes()).eq(units(b.as_bytes())), a == b);
    let same = |one: &ItemName, other: &ItemName| Collation::Insensitive.same(one, other);
    assert_eq!(same(a, b), fold(a) == fold(b));
    if ab.is_le() && compare(b, c).is_le() {
        assert!(compare(a, c).is_le());
        // Those that are the same but for case are neighbors.
        assert!(!same(a, c) || (same(a, b) && same(b, c)));
    }
}

/// The same of the names of Windows, which may also be empty or dots.
fn raw_names(names: [Vec<u16>; 3]) {
    let [a, b, c] = &names;
    let ab = file_name_compare(a, b);
    assert_eq!(ab, file_name_compare(b, a).reverse());
    assert!(file_name_compare(a, a).is_eq());
    let bc = file_name_compare(b, c);
    if ab.is_le() && bc.is_le() {
        let expected = if ab.is_eq() && bc.is_eq() { Ordering::Equal } else { Ordering::Less };
        assert_eq!(file_name_compare(a, c), expected);
    }
}

/// A path, and behind a zero another: what is taken is names with slashes between them, and comes apart again.
pub fn paths(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (bytes, other) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_name = |name: &[u8]| {
        !name.is_empty() && name.len() <= NAME_MAX && !matches!(name, b"." | b"..") && !name.contains(&0)
    };
    let expected = bytes.is_empty() || bytes.split(|byte| *byte == b'/').all(is_name);
    let path = RelPath::new(bytes);
    assert_eq!(path.is_ok(), expected);
    let Ok(path) = path else { return };
    let again: crate::RelPathBuf = path.components().collect();
    assert_eq!(&*again, path);
    match path.split_last() {
        Some((parent, name)) => assert_eq!(&*parent.join(name), path),
        None => assert!(path.is_root()),
    }
    let Ok(ancestor) = RelPath::new(other) else { return };
    let below = path.strip_prefix(ancestor);
    let names = |path: &RelPath| path.components().map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(below.map(names), names(path).strip_prefix(&*names(ancestor)).map(<[_]>::to_vec));
}

/// A name and behind a zero a pattern: the match is the one that its definition says.
pub fn patterns(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let mut next = || units(parts.next().unwrap_or_default()).take(200).collect::<Vec<u16>>();
    let (name, pattern) = (next(), next());
    let matches = file_name_match(&name, &pattern);
    let expected = !name.is_empty() && (pattern.is_empty() || Naive::new(&name, &pattern).matches(0, 0));
    assert_eq!(matches, expected);
    let upper = |units: &[u16]| units.iter().map(|unit| upcase(*unit)).collect::<Vec<u16>>();
    assert_eq!(file_name_match(&upper(&name), &upper(&pattern)), matches);
    assert_eq!(file_name_match(&name, &[u16::from(b'*')]), !name.is_empty());
    if !does_name_contain_wild_cards(&pattern) && !name.is_empty() && !pattern.is_empty() {
        assert_eq!(matches, file_name_compare(&name, &pattern).is_eq());
    }
}

/// The definition of a match, symbol by symbol.
struct Naive<'a> {
    name: &'a [u16],
    pattern: &'a [u16],
    last_dot: Option<usize>,
    known: Vec<Option<bool>>,
}

impl<'a> Naive<'a> {
    fn new(name: &'a [u16], pattern: &'a [u16]) -> Self {
        let last_dot = name.iter().rposition(|unit| *unit == u16::from(b'.'));
        Self { name, pattern, last_dot, known: vec![None; (name.len() + 1) * (pattern.len() + 1)] }
    }

    fn matches(&mut self, at: usize, place: usize) -> bool {
        let key = at * (self.pattern.len() + 1) + place;
        if let Some(known) = self.known[key] {
            return known;
        }
        let found = self.find(at, place);
        self.known[key] = Some(found);
        found
    }

    fn find(&mut self, at: usize, place: usize) -> bool {
        let unit = self.name.get(at).copied();
        let is_dot = unit == Some(u16::from(b'.'));
        let Some(&symbol) = self.pattern.get(place) else { return unit.is_none() };
        match u8::try_from(symbol) {
            Ok(b'*') => self.matches(at, place + 1) || (unit.is_some() && self.matches(at + 1, place)),
            Ok(b'<') => {
                let rest = if self.last_dot == Some(at) { place + 1 } else { place };
                self.matches(at, place + 1) || (unit.is_some() && self.matches(at + 1, rest))
            }
            Ok(b'?') => unit.is_some() && self.matches(at + 1, place + 1),
            Ok(b'>') if unit.is_none() || is_dot => self.matches(at, place + 1),
            Ok(b'>') => self.matches(at + 1, place + 1),
            Ok(b'"') if unit.is_none() => self.matches(at, place + 1),
            Ok(b'"') => is_dot && self.matches(at + 1, place + 1),
            Ok(_) | Err(_) => {
                unit.is_some_and(|unit| upcase(unit) == upcase(symbol)) && self.matches(at + 1, place + 1)
            }
        }
    }
}

/// Ranges, two bytes each: what is there and what is missing is what a list of all bytes says.
pub fn ranges(bytes: &[u8]) {
    let (mut set, mut list) = (RangeSet::default(), [false; 256]);
    for pair in bytes.chunks_exact(2) {
        let [start, end] = [pair[0], pair[1]];
        let asked = &list[usize::from(start)..usize::from(end.max(start))];
        assert_eq!(set.covers(&(start.into()..end.into())), asked.iter().all(|there| *there));
        set.insert(start.into()..end.into());
        list[usize::from(start)..usize::from(end.max(start))].fill(true);
        let mut missing = [false; 256];
        for range in set.missing(start.saturating_sub(9).into()..end.saturating_add(9).into()) {
            assert!(!range.is_empty());
            for at in range {
                missing[usize::try_from(at).unwrap_or(usize::MAX)] = true;
            }
        }
        for at in 0..list.len() {
            let within =
                (usize::from(start.saturating_sub(9))..usize::from(end.saturating_add(9))).contains(&at);
            assert_eq!(missing[at], within && !list[at], "{at}");
        }
        let ranges: Vec<_> = set.iter().collect();
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
    }
}

#[cfg(test)]
mod tests;
