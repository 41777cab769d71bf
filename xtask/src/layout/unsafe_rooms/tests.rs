use super::*;

#[test]
fn only_rooms_may() {
    let text = "//! A.\n\nfn f() {\n    unsafe { g() }\n}\n";
    let tree = Tree::of(&[
        ("crates/projfs-capi/src/abi.rs", text),
        ("crates/projfs-fuse/src/transport/uring.rs", text),
        ("crates/projfs-store/src/store.rs", text),
    ]);
    let found: Vec<(String, usize)> =
        check(&tree).into_iter().map(|finding| (finding.path, finding.line)).collect();
    assert_eq!(found, [("crates/projfs-store/src/store.rs".to_owned(), 4)]);
}

#[test]
fn speaking_of_it_is_allowed() {
    let tree = Tree::of(&[("a/src/lib.rs", "//! No unsafe.\n#![forbid(unsafe_code)]\n")]);
    assert!(check(&tree).is_empty());
}
