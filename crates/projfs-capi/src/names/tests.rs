use std::ffi::c_void;

use sha2::Digest;
use sha2::Sha256;

use super::*;
use crate::wide::Text;

/// Calls a function with both widths, which have to agree.
fn both<T: PartialEq + std::fmt::Debug>(
    texts: [Option<&[u16]>; 2],
    call: impl Fn(Width, [*const c_void; 2]) -> T,
) -> T {
    let [two, four] = [Width::Two, Width::Four].map(|width| {
        let texts = texts.map(|text| text.map(|text| Text::new(text, width)));
        let pointers = [0, 1].map(|at| texts[at].as_ref().map_or(std::ptr::null(), Text::as_ptr));
        call(width, pointers)
    });
    assert_eq!(two, four);
    two
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn matches(name: Option<&str>, pattern: Option<&str>) -> bool {
    let (name, pattern) = (name.map(units), pattern.map(units));
    // SAFETY: the pointers are null or lead to strings of the width.
    let result = both([name.as_deref(), pattern.as_deref()], |width, [name, pattern]| unsafe {
        match width {
            Width::Two => PrjFileNameMatch(name, pattern),
            Width::Four => PrjFileNameMatch_w32(name, pattern),
        }
    });
    assert!(result <= 1);
    result == 1
}

fn compare(one: &[u16], other: &[u16]) -> i32 {
    // SAFETY: the pointers lead to strings of the width.
    both([Some(one), Some(other)], |width, [one, other]| unsafe {
        match width {
            Width::Two => PrjFileNameCompare(one, other),
            Width::Four => PrjFileNameCompare_w32(one, other),
        }
    })
}

fn has_wild_cards(name: Option<&str>) -> bool {
    let name = name.map(units);
    // SAFETY: the pointer is null or leads to a string of the width.
    let result = both([name.as_deref(), None], |width, [name, _]| unsafe {
        match width {
            Width::Two => PrjDoesNameContainWildCards(name),
            Width::Four => PrjDoesNameContainWildCards_w32(name),
        }
    });
    result == 1
}

#[test]
fn names_match_patterns_as_on_windows() {
    for line in include_str!("match.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('\t');
        let [name, pattern, expected] = std::array::from_fn(|_| parts.next().unwrap());
        let text = |part: &str| match part {
            "NULL" => None,
            "EMPTY" => Some(String::new()),
            text => Some(unescape(text)),
        };
        let (name, pattern) = (text(name), text(pattern));
        assert_eq!(matches(name.as_deref(), pattern.as_deref()), expected == "yes", "{line}");
    }
}

#[test]
fn names_are_ordered_as_on_windows() {
    for line in include_str!("compare.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('\t');
        let [one, other, expected] = std::array::from_fn(|_| parts.next().unwrap());
        let text = |part: &str| units(&if part == "EMPTY" { String::new() } else { unescape(part) });
        let (one, other) = (text(one), text(other));
        let sign = match expected {
            "<" => -1,
            "=" => 0,
            ">" => 1,
            other => panic!("{other}"),
        };
        assert_eq!(compare(&one, &other), sign, "{line}");
        assert_eq!(compare(&other, &one), -sign, "{line}");
    }
}

#[test]
fn dots_at_the_end_of_equal_beginnings_are_ordinary() {
    for beginning in ["", "a", "ab", "abc", "abcd", "abcdefgh"] {
        let [dot, bang] = [".", "!"].map(|end| units(&format!("{beginning}{end}")));
        // By itself a dot is a special name, which comes first; else it comes after `!`, as its number says.
        assert_eq!(compare(&dot, &bang), if beginning.is_empty() { -1 } else { 1 }, "{beginning}");
    }
}

#[test]
fn a_name_without_a_string_is_the_empty_one() {
    let a = units("a");
    // SAFETY: null, and a string.
    unsafe {
        let text = Text::new(&a, Width::Two);
        assert_eq!(PrjFileNameCompare(std::ptr::null(), std::ptr::null()), 0);
        assert_eq!(PrjFileNameCompare(std::ptr::null(), text.as_ptr()), -1);
        assert_eq!(PrjFileNameCompare_w32(std::ptr::null(), std::ptr::null()), 0);
    }
}

#[test]
fn what_is_no_string_is_the_empty_one_wherever_two_begin_to_differ() {
    let no_string = |last| [0x11_0000, 97, 97, 97, 97, last, 0_u32];
    let (one, other) = (no_string(98), no_string(99));
    // SAFETY: the pointers lead to units with a zero at their end.
    assert_eq!(unsafe { PrjFileNameCompare_w32(one.as_ptr().cast(), other.as_ptr().cast()) }, 0);
}

#[test]
fn wild_cards_are_five() {
    for name in ["a*", "?", "<.txt", "foo>", "E\"*"] {
        assert!(has_wild_cards(Some(name)), "{name}");
    }
    for name in ["", "abc", "a.b", "a|b", "a:b", "a\\b", "[ab]"] {
        assert!(!has_wild_cards(Some(name)), "{name}");
    }
    assert!(!has_wild_cards(None));
}

#[test]
fn units_are_upcased_by_the_table_of_ntfs() {
    // Two units are equal to the function exactly if the table says so: the table can be had from it.
    let mut hash = Sha256::new();
    for unit in 0..=u16::MAX {
        hash.update(collation::upcase(unit).to_le_bytes());
        if unit != 0 && collation::upcase(unit) != unit {
            // SAFETY: two strings.
            let same = unsafe {
                PrjFileNameCompare([unit, 0].as_ptr().cast(), [collation::upcase(unit), 0].as_ptr().cast())
            };
            assert_eq!(
                same,
                i32::from(collation::upcase(collation::upcase(unit)) != collation::upcase(unit))
            );
        }
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "d82e679f23b7988b320807e81b72f6d965b42068e8aa7f2e0932f07cf349a146");
}

/// Undoes `\u{...}`.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_once('}').unwrap();
        plain.push(char::from_u32(u32::from_str_radix(digits, 16).unwrap()).unwrap());
        plain.push_str(rest);
    }
    plain
}
