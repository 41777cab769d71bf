use super::*;

#[test]
fn pure_rooms_stay_pure() {
    let text = "//! A.\n\nuse std::fs;\nuse std::io;\n";
    let tree = Tree::of(&[
        ("crates/projfs-types/src/time.rs", text),
        ("crates/projfs-types/src/time/tests.rs", text),
        ("crates/projfs-store/src/store.rs", text),
    ]);
    let why = "`std::fs`: projfs-types has values and pure functions only";
    assert_eq!(check(&tree), [Finding::error("crates/projfs-types/src/time.rs", 3, why)]);
}

#[test]
fn the_state_machine_knows_only_types() {
    let text =
        "//! A.\n// projfs_store is not used.\nuse projfs_types::ItemState;\nuse projfs_store::Leave;\n";
    let found = check(&Tree::of(&[("crates/projfs-engine/src/transition.rs", text)]));
    let lines: Vec<usize> = found.into_iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [4]);
}
