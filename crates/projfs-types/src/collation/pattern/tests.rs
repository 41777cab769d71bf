use std::cmp::Ordering;
use std::cmp::Ordering::Equal;
use std::cmp::Ordering::Greater;
use std::cmp::Ordering::Less;

use super::*;
use crate::collation::file_name_compare;

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// Name, pattern, and whether they match on Windows.
const MATCHES: [(&str, &str, bool); 97] = [
    ("Test", "", true),
    ("", "Test", false),
    ("", "", false),
    ("Test", "Test", true),
    ("Test", "TEST", true),
    ("TEST", "Test", true),
    ("Test", "*", true),
    ("Test", "*.*", false),
    ("Test.txt", "*.*", true),
    ("D.", "*.*", true),
    (".txt", "*.*", true),
    ("Test", "*est", true),
    ("Test", "*EST", true),
    ("a.txt", "*.TXT", true),
    ("Test", "<est", true),
    ("Test", "<EST", true),
    ("Test.txt", "<txt", true),
    ("Test.txt", "<TXT", true),
    ("Test", "Test>", true),
    ("Test", "???", false),
    ("Test", "????", true),
    ("Test", "?????", false),
    ("Test", "T?st", true),
    ("Test", "T??ST", false),
    ("Test", "T*est", true),
    ("Test", "T*t", true),
    ("Test", "T*?est", false),
    ("Test", "T*?t", true),
    ("Test", "T*?", true),
    ("Test", "t*?", true),
    ("Test", "T<", true),
    ("Test.txt", "t<txt", true),
    ("Test", "Test\"", true),
    ("Test.", "Test\"", true),
    ("Test.txt", "Test\"", false),
    ("X.txt.temp", "X.txt\"", false),
    ("Test", ">>>", false),
    ("Test", ">>>>>", true),
    ("Test", "Te>", false),
    ("Test", "te>>>", true),
    ("D.txt", "<.txt", true),
    (".txt", "<.txt", true),
    ("E..log", "<.txt", false),
    (".txt", ">.txt", true),
    (".txt", "?.txt", false),
    ("E", "E\"*", true),
    ("E..log", "e\"*", true),
    ("B", "B\"*", true),
    ("Test.txt", "Test", false),
    ("Test", "T", false),
    ("Test", "<", true),
    ("Test.", "<", true),
    ("Test.txt", "<", false),
    ("a.b.c", "<", false),
    ("a.b.txt", "<.txt", true),
    ("a.b.txt", "<txt", true),
    ("a.b.c", "a<.c", true),
    ("a.b.c", "a<b", false),
    ("a.b.c", "<.b", false),
    ("foo.tar.gz", "<.gz", true),
    ("foo.tar.gz", "foo<gz", true),
    ("foo.tar.gz", "foo<tar.gz", true),
    ("ab.txt", ">>>.txt", true),
    ("ab", ">>>.txt", false),
    ("abcd.txt", ">>>.txt", false),
    ("ab.c", ">>>>>>>>\">>>", true),
    ("ab", ">>>>>>>>\">>>", true),
    ("longname1.c", ">>>>>>>>\">>>", false),
    ("foo", "foo\">>>", true),
    ("foo.", "foo\">>>", true),
    ("foo.html", "foo\">>>", false),
    ("foo", "foo\"\"", true),
    ("foo..", "foo\"\"", true),
    ("HKEY_LOCAL_MACHINE", "HKEY_LOCAL_MACHIN>", true),
    ("HKEY_LOCAL_MACHIN", "HKEY_LOCAL_MACHIN>", true),
    ("a.b", "a?b", true),
    ("a.b", "a>b", false),
    ("a.b", "a>.b", true),
    ("a", "a?", false),
    ("a", "a*", true),
    ("ac", "a*c", true),
    ("abc", "a**c", true),
    ("abc", "*b", false),
    ("\u{c9}.TXT", "\u{e9}.txt", true),
    ("stra\u{df}e", "STRASSE", false),
    ("\u{3c3}", "\u{3c2}", true),
    ("\u{131}", "I", false),
    ("\u{1f600}", "?", false),
    ("\u{1f600}", "??", true),
    ("\u{10428}", "\u{10400}", false),
    ("..", "*", true),
    ("E..log", "E.???", false),
    ("E.bat", "E.???", true),
    ("D.txt", "?.txt", true),
    ("D.txt", ">.txt", true),
    ("Test", ">>>>", true),
    ("Test", "TE>>", true),
];

/// Two names, and how the first compares to the second on Windows.
const COMPARISONS: [(&str, &str, Ordering); 24] = [
    ("a", "A", Equal),
    ("FILE.TXT", "File.txt", Equal),
    ("a", "B", Less),
    ("B", "a", Greater),
    ("a", "ab", Less),
    ("", "a", Less),
    ("a_b", "aB", Greater),
    ("Z", "_", Less),
    ("file10", "file2", Less),
    ("a-b", "a.b", Less),
    ("a b", "a-b", Less),
    ("[", "z", Greater),
    ("\u{e9}", "\u{c9}", Equal),
    ("\u{ff}", "\u{178}", Equal),
    ("\u{3c3}", "\u{3c2}", Equal),
    ("\u{df}", "ss", Greater),
    ("\u{b5}", "\u{39c}", Less),
    ("\u{131}", "i", Greater),
    ("\u{1f600}", "\u{ff5e}", Less),
    ("\u{10428}", "\u{10400}", Greater),
    ("123", "newfileInPackage.txt", Less),
    (".", "!", Less),
    ("a.txt", "a0txt", Less),
    ("A1", "a_", Less),
];

const WILD_CARDS: [(&str, bool); 12] = [
    ("", false),
    ("abc", false),
    ("a*", true),
    ("?", true),
    ("<.txt", true),
    ("foo>", true),
    ("E\"*", true),
    ("a.b", false),
    ("a|b", false),
    ("a:b", false),
    ("a\\b", false),
    ("[ab]", false),
];

#[test]
fn names_match_as_on_windows() {
    for (name, pattern, matches) in MATCHES {
        assert_eq!(file_name_match(&units(name), &units(pattern)), matches, "{name:?} and {pattern:?}");
    }
}

#[test]
fn names_compare_as_on_windows() {
    for (one, other, order) in COMPARISONS {
        assert_eq!(file_name_compare(&units(one), &units(other)), order, "{one:?} and {other:?}");
        assert_eq!(file_name_compare(&units(other), &units(one)), order.reverse(), "{other:?} and {one:?}");
    }
}

#[test]
fn wild_cards_are_found() {
    for (name, contains) in WILD_CARDS {
        assert_eq!(does_name_contain_wild_cards(&units(name)), contains, "{name:?}");
    }
}

#[test]
fn a_long_name_and_many_stars_take_no_time() {
    let pattern = units(&"*a".repeat(100));
    assert!(file_name_match(&units(&"a".repeat(255)), &pattern));
    assert!(!file_name_match(&units(&("a".repeat(254) + "b")), &pattern));
}

#[test]
fn bytes_that_are_not_text_match_themselves_only() {
    let units = |bytes: &[u8]| crate::collation::units(bytes).collect::<Vec<_>>();
    assert!(file_name_match(&units(b"A\xffz"), &units(b"a\xff*")));
    assert!(!file_name_match(&units(b"A\xfez"), &units(b"a\xff*")));
}

/// The meaning of each symbol, tried out one way after the other: slow, and plainly what its description says.
fn matches_by_definition(name: &[u16], at: usize, pattern: &[u16]) -> bool {
    let Some((symbol, rest)) = pattern.split_first() else { return at == name.len() };
    let here = name.get(at).copied();
    let mut runs = at..=name.len();
    match *symbol {
        STAR => runs.any(|end| matches_by_definition(name, end, rest)),
        DOS_STAR => runs.any(|end| {
            let last_dot = name.iter().rposition(|unit| *unit == DOT);
            let dot_inside = last_dot.is_some_and(|dot| (at..end).contains(&dot));
            (!dot_inside || last_dot == end.checked_sub(1)) && matches_by_definition(name, end, rest)
        }),
        DOS_QM if here.is_none_or(|unit| unit == DOT) => matches_by_definition(name, at, rest),
        DOS_DOT if here.is_none() => matches_by_definition(name, at, rest),
        DOS_DOT if here != Some(DOT) => false,
        QUESTION_MARK | DOS_QM | DOS_DOT => here.is_some() && matches_by_definition(name, at + 1, rest),
        literal => {
            here.is_some_and(|unit| upcase(unit) == upcase(literal))
                && matches_by_definition(name, at + 1, rest)
        }
    }
}

/// All texts over an alphabet, up to a length.
fn texts(alphabet: &str, length: u32) -> Vec<Vec<u16>> {
    let mut texts = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..length {
        let end = texts.len();
        for index in begin..end {
            texts.extend(
                alphabet.encode_utf16().map(|unit| [&texts[index][..], &[unit]].concat()).collect::<Vec<_>>(),
            );
        }
        begin = end;
    }
    texts
}

#[test]
fn short_names_and_patterns_match_by_the_definition() {
    let names = texts("a.", 5);
    for pattern in texts("A.*?<>\"", 4) {
        for name in &names {
            let expected = match (name.is_empty(), pattern.is_empty()) {
                (true, _) => false,
                (false, true) => true,
                (false, false) => matches_by_definition(name, 0, &pattern),
            };
            let [shown, by] = [name, &pattern].map(|units| String::from_utf16_lossy(units));
            assert_eq!(file_name_match(name, &pattern), expected, "{shown:?} and {by:?}");
        }
    }
}
