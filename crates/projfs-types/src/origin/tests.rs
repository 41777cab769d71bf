//! Origins read back as they were written, of the first life as a path was before there were others.

use super::*;

fn origin(path: &str, life: u32) -> OriginBuf {
    OriginBuf::new(RelPathBuf::new(path).expect("a path"), Life(life))
}

#[test]
fn what_is_written_is_read() {
    for path in ["", "a", "a/b", "abcd", "abcde", "a/b/c/d/e/f"] {
        for life in [0, 1, 0xff, 0x100, u32::MAX] {
            let origin = origin(path, life);
            assert_eq!(OriginBuf::from_bytes(&origin.to_bytes()), Some(origin));
        }
    }
}

#[test]
fn of_the_first_life_the_path_alone_is_written() {
    assert_eq!(origin("a/b", 0).to_bytes(), b"a/b");
    assert_eq!(origin("a/b", 0x102).to_bytes(), b"a/b\0\x02\x01\0\0");
    assert_eq!(OriginBuf::from_bytes(b"a//b"), None);
    assert_eq!(OriginBuf::from_bytes(b"a\0b"), None);
}
