use projectedfs::RelPath;
use proptest::prelude::*;

use super::*;

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn separators_are_backslashes_outside_and_slashes_inside() {
    assert_eq!(to_units(b"a/b c/\xc3\xa4"), units("a\\b c\\\u{e4}"));
    assert_eq!(relative(&units("a\\b c\\\u{e4}")).unwrap().as_bytes(), b"a/b c/\xc3\xa4");
    assert_eq!(relative(&units("a/b\\c")).unwrap().as_bytes(), b"a/b/c");
    assert_eq!(full(&units("\\a/b")).unwrap(), PathBuf::from("/a/b"));
}

#[test]
fn a_backslash_in_a_name_is_a_unit_of_the_private_area() {
    assert_eq!(to_units(b"a\\b"), units("a\u{f05c}b"));
    assert_eq!(name(&units("a\u{f05c}b")).unwrap().as_bytes(), b"a\\b");
    // A name that has that unit itself is another.
    let own = to_units("a\u{f05c}b".as_bytes());
    assert_ne!(own, units("a\u{f05c}b"));
    assert_eq!(name(&own).unwrap().as_bytes(), "a\u{f05c}b".as_bytes());
}

#[test]
fn names_that_are_not_utf_8_are_escaped() {
    assert_eq!(to_units(b"a\xff"), [97, 0xdcff]);
    assert_eq!(name(&[97, 0xdcff]).unwrap().as_bytes(), b"a\xff");
    // A surrogate by itself is three bytes, and comes back.
    assert_eq!(name(&[97, 0xd800]).unwrap().as_bytes(), b"a\xed\xa0\x80");
    assert_eq!(to_units(b"a\xed\xa0\x80"), [97, 0xd800]);
}

#[test]
fn units_that_would_be_the_name_of_others_are_refused() {
    // Escapes of bytes that are valid UTF-8 together.
    assert_eq!(name(&[0xdcc3, 0xdca4]), Err(hresult::INVALID_NAME));
    assert_eq!(name(&units("\u{e4}")).unwrap().as_bytes(), b"\xc3\xa4");
}

#[test]
fn what_is_no_path_is_refused() {
    for wrong in ["\\a", "a\\", "a\\\\b", ".", "..", "a\\.\\b", "..\\a", "/a", "a/", ".\\"] {
        assert_eq!(relative(&units(wrong)), Err(hresult::E_INVALIDARG), "{wrong}");
    }
    for wrong in ["", ".", "..", "a\\b", "a/b"] {
        assert_eq!(name(&units(wrong)), Err(hresult::E_INVALIDARG), "{wrong}");
    }
    assert_eq!(relative(&[]).as_deref(), Ok(RelPath::root()));
    assert_eq!(item(&[]), Err(hresult::E_INVALIDARG));
    assert_eq!(full(&[]), Err(hresult::E_INVALIDARG));
}

#[test]
fn names_have_at_most_255_bytes() {
    assert!(name(&units(&"a".repeat(255))).is_ok());
    assert_eq!(name(&units(&"a".repeat(256))), Err(hresult::FILENAME_EXCED_RANGE));
    // 255 units, and too many bytes.
    assert_eq!(name(&units(&"\u{20ac}".repeat(255))), Err(hresult::FILENAME_EXCED_RANGE));
    assert_eq!(item(&units(&format!("a\\{}", "\u{20ac}".repeat(86)))), Err(hresult::FILENAME_EXCED_RANGE));
}

#[test]
fn names_that_windows_forbids_are_names() {
    for allowed in ["a:b", "*", "?", "\"", "<", ">", "|", "CON", "a.", "a ", "\u{1}"] {
        assert_eq!(name(&units(allowed)).unwrap().as_bytes(), allowed.as_bytes());
    }
}

#[test]
fn a_target_stays_as_it_is() {
    assert_eq!(&*target(&units("..\\a/b")), b"..\\a/b");
}

/// Bytes that are likely to be half of something.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => 0x80_u8..,
        1 => 1_u8..0x80,
        2 => prop::sample::select(vec![0xed, 0xef, 0xa0, 0x81, 0x9c, 0xb0, 0xbf, 0xf0, 0x90, b'\\']),
    ]
}

/// Units that are likely to be half of something.
fn unit() -> impl Strategy<Value = u16> {
    prop_oneof![
        2 => 0xd800_u16..0xe000,
        2 => 0xdc80_u16..0xdd00,
        1 => 1_u16..0x80,
        1 => 0x80_u16..,
        1 => prop::sample::select(vec![0xf05c, 0xdcc3, 0xdca4, 0xd83d, 0xde00, 0xdced]),
    ]
}

proptest! {
    #[test]
    fn bytes_come_back(bytes in prop::collection::vec(byte(), 1..12)) {
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| *byte != b'/').collect();
        prop_assert_eq!(to_bytes(&to_units(&bytes)), Ok(bytes));
    }

    #[test]
    fn units_come_back_or_are_refused(units in prop::collection::vec(unit(), 1..12)) {
        let units: Vec<u16> =
            units.into_iter().filter(|unit| *unit != u16::from(b'/') && *unit != u16::from(b'\\')).collect();
        if let Ok(bytes) = to_bytes(&units) {
            prop_assert_eq!(to_units(&bytes), units);
        }
    }

    #[test]
    fn text_is_never_refused(text in "[^/\\\\\0\u{f05c}]{0,20}") {
        prop_assert_eq!(to_bytes(&units(&text)), Ok(text.into_bytes()));
    }
}
