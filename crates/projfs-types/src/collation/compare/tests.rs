use super::*;
use crate::ItemNameBuf;
use crate::collation::Collation;

/// Names that differ in every way that matters: case, length, planes, and bytes that are not text.
const NAMES: [&[u8]; 24] = [
    b"a",
    b"A",
    b"ab",
    b"aB",
    b"a_b",
    b"_",
    b"Z",
    b"z",
    b"a.b",
    b"a-b",
    "\u{e9}".as_bytes(),
    "\u{c9}".as_bytes(),
    "e\u{301}".as_bytes(),
    "\u{3c3}".as_bytes(),
    "\u{3c2}".as_bytes(),
    "\u{3a3}".as_bytes(),
    "\u{ffe5}".as_bytes(),
    "\u{1f600}".as_bytes(),
    "\u{10428}".as_bytes(),
    "a\u{10400}".as_bytes(),
    b"\xff",
    b"\xed\xb3\xbf",
    b"a\x80",
    b"\xc3",
];

fn names() -> Vec<ItemNameBuf> {
    NAMES.iter().map(|name| ItemNameBuf::new(name).unwrap()).collect()
}

#[test]
fn the_order_is_total() {
    for a in &names() {
        for b in &names() {
            assert_eq!(compare(a, b), compare(b, a).reverse());
            assert_eq!(compare(a, b).is_eq(), a == b);
            for c in &names() {
                if compare(a, b).is_le() && compare(b, c).is_le() {
                    assert!(compare(a, c).is_le(), "{a} {b} {c}");
                }
            }
        }
    }
}

#[test]
fn the_order_is_that_of_units() {
    for a in &names() {
        for b in &names() {
            let [one, other] = [a, b].map(|name| units(name.as_bytes()).collect::<Vec<_>>());
            assert_eq!(
                compare_upcased(a.as_bytes(), b.as_bytes()),
                file_name_compare(&one, &other),
                "{a} {b}"
            );
            assert_eq!(Collation::Insensitive.same(a, b), file_name_compare(&one, &other).is_eq());
            assert_eq!(Collation::Sensitive.same(a, b), a == b);
        }
    }
}

#[test]
fn different_bytes_are_different_units() {
    for a in &names() {
        for b in &names() {
            assert_eq!(units(a.as_bytes()).eq(units(b.as_bytes())), a == b, "{a} {b}");
        }
    }
}

#[test]
fn letters_come_before_what_is_between_the_cases_in_ascii() {
    let mut names = [b"_", b"b", b"[", b"A", b"`", b"a", b"Z"].map(|name| ItemNameBuf::new(name).unwrap());
    names.sort_by(|one, other| compare(one, other));
    assert_eq!(names.concat_bytes(), b"AabZ[_`");
}

trait ConcatBytes {
    fn concat_bytes(&self) -> Vec<u8>;
}

impl ConcatBytes for [ItemNameBuf] {
    fn concat_bytes(&self) -> Vec<u8> {
        self.iter().flat_map(|name| name.as_bytes().to_vec()).collect()
    }
}
