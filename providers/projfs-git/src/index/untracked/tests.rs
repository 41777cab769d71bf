//! Numbers, and the ids of patterns.

use super::*;

#[test]
fn numbers_have_no_two_spellings() {
    let encoded = |value| {
        let mut bytes = Vec::new();
        varint(value, &mut bytes);
        bytes
    };
    assert_eq!(encoded(0), [0]);
    assert_eq!(encoded(127), [0x7f]);
    assert_eq!(encoded(128), [0x80, 0x00]);
    assert_eq!(encoded(16_511), [0xff, 0x7f]);
    assert_eq!(encoded(16_512), [0x80, 0x80, 0x00]);
}

#[test]
fn patterns_end_in_a_line_unless_there_are_none() {
    let id = |content: &[u8]| patterns(20, content).unwrap().to_string();
    assert_eq!(id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    // As `git hash-object` has "x\n".
    assert_eq!(id(b"x"), "587be6b4c3f93f93c489c0111bba5596147a26cb");
}
