use super::*;

#[test]
fn a_cursor_is_read_as_it_is_written() {
    for cursor in [Cursor { epoch: 0, sequence: 0 }, Cursor { epoch: u64::MAX, sequence: u64::MAX }] {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
    assert_eq!(Cursor { epoch: 17, sequence: 4 }.to_string(), "17:4");
    for text in
        ["", ":", "1", "1:", ":1", "1:2:3", "+1:2", "1:+2", "-1:2", " 1:2", "1: 2", "1:18446744073709551616"]
    {
        assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text:?}");
    }
}

#[test]
fn the_name_of_a_reader_is_a_plain_word() {
    for name in ["a", "git-fsmonitor", "0_.x", &"n".repeat(64)] {
        assert_eq!(ReaderName::new(name).unwrap().as_str(), name);
    }
    for name in ["", ".", ".a", "..", "a/b", "a b", "\u{e9}", "a\0", &"n".repeat(65)] {
        assert_eq!(ReaderName::new(name), Err(ReaderNameError), "{name:?}");
    }
}
