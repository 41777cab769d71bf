use super::*;

#[test]
fn every_rule_has_its_error() {
    let long = [b'x'; NAME_MAX + 1];
    let rows: [(&[u8], NameError); 6] = [
        (b"", NameError::Empty),
        (b".", NameError::Dots),
        (b"..", NameError::Dots),
        (b"a/b", NameError::Slash),
        (b"a\0b", NameError::Nul),
        (&long, NameError::TooLong),
    ];
    for (bytes, error) in rows {
        assert_eq!(ItemName::new(bytes), Err(error));
    }
}

#[test]
fn any_other_bytes_are_a_name() {
    for bytes in [&b"..a"[..], b"\xff\xfe", b"a\nb", &[b'x'; NAME_MAX]] {
        assert_eq!(ItemName::new(bytes).map(ItemName::as_bytes), Ok(bytes));
    }
}
