use super::*;

#[test]
fn a_file_says_what_it_holds() {
    let tree = Tree::of(&[
        ("a/src/lib.rs", "//! A.\n"),
        ("a/src/b.rs", "use std::fs;\n"),
        ("a/src/b/tests.rs", "use super::*;\n"),
        ("a/tests/all.rs", "mod common;\n"),
    ]);
    let found: Vec<String> = check(&tree).into_iter().map(|finding| finding.path).collect();
    assert_eq!(found, ["a/src/b.rs", "a/tests/all.rs"]);
}

#[test]
fn sources_are_ascii_and_documents_need_not_be() {
    let tree = Tree::of(&[("a/src/lib.rs", "//! A.\n// \u{e9}\n"), ("docs/a.md", "\u{e9}\n")]);
    assert_eq!(check(&tree), [Finding::error("a/src/lib.rs", 2, "\\u{e9} is not ASCII")]);
}

#[test]
fn a_line_imports_one_item() {
    let text = "//! A.\nuse std::fs;\nuse std::{io, fmt};\npub use a::{\n    B,\n};\n// use c::{d};\npub(crate) use e::{f, g};\n";
    let found = check(&Tree::of(&[("a/src/lib.rs", text)]));
    let lines: Vec<usize> = found.into_iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [3, 4, 8]);
}
