//! What was found by fuzzing stays as it must be.

use projfs_testkit::corpus::replay;

use super::*;

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn names_hold() {
    let mut seeds =
        seeds(&["a\0A\0b", ".\0..\0", "\u{e9}t\u{e9}\0\u{c9}T\u{c9}\0ete", "\u{10400}\0\u{10428}\0\u{ffff}"]);
    seeds.push(b"\xff\0\xfe\x80\0\xed\xa0\x80".to_vec());
    replay("names", names, &seeds);
}

#[test]
fn paths_hold() {
    replay("paths", paths, &seeds(&["a/b/c\0a/b", "a\0", "a//b\0", "a/../b\0", "ab/c\0a", &"n".repeat(256)]));
}

#[test]
fn patterns_hold() {
    let all = [
        "foo.txt\0*.txt",
        "foo.bar.txt\0<.txt",
        "ab\0a>>>",
        "a.b\0A\"b",
        "a\0a\"",
        "abc\0?b?",
        "x.\0<\"",
        "a\0",
        "\0*",
    ];
    replay("patterns", patterns, &seeds(&all));
}

#[test]
fn ranges_hold() {
    replay(
        "ranges",
        ranges,
        &[vec![0, 9, 20, 30, 9, 20], vec![5, 5, 200, 100, 0, 255], vec![1, 2, 3, 4, 5, 6, 0, 9]],
    );
}
