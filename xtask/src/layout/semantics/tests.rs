use super::*;

fn packages() -> Vec<Package> {
    vec![Package {
        name: "projfs-engine".to_owned(),
        version: "1.0.0".to_owned(),
        dir: "crates/projfs-engine".to_owned(),
        license: None,
        dependencies: Vec::new(),
    }]
}

fn messages(document: &str) -> Vec<(usize, String)> {
    let tree = Tree::of(&[
        (DOCUMENT, document),
        ("crates/projfs-engine/src/op/tests.rs", "#[test]\nfn a_rename_moves() {}\n"),
        ("tests/tests/mounted.rs", "//! M.\n#[test]\n#[ignore]\nfn cat_hydrates() {}\n\nfn helper() {}\n"),
    ]);
    check(&tree, &packages()).into_iter().map(|finding| (finding.line, finding.message)).collect()
}

#[test]
fn tests_that_exist_are_found_by_crate_and_by_file() {
    let document = "| What | Test |\n|---|---|\n| a | `projfs_engine::op::tests::a_rename_moves` |\n\
                    | b | `projfs-engine::a_rename_moves`, `tests/mounted.rs::cat_hydrates` |\n";
    assert_eq!(messages(document), []);
}

#[test]
fn tests_that_do_not_exist_are_told() {
    let document = "| What | Test |\n|---|---|\n| a | `projfs_engine::op::a_rename` |\n\
                    | b | `tests/mounted.rs::a_rename_moves` |\n| c | `tests/gone.rs::cat_hydrates` |\n\
                    | d | `tests/mounted.rs::helper` |\n";
    let lines: Vec<usize> = messages(document).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [3, 4, 5, 6]);
}

#[test]
fn the_column_of_tests_holds_nothing_else() {
    let document = "| What | Tests |\n|---|---|\n| `std::fs::rename` | `rename` |\n";
    let message = "`rename` is neither `crate::module::name` nor `tests/file.rs::name`".to_owned();
    assert_eq!(messages(document), [(3, message)]);
}

#[test]
fn other_columns_are_checked_where_they_name_a_test() {
    let document =
        "| What | Linux |\n|---|---|\n| a \\| b | `O_TMPFILE`, `std::fs`, `projfs_engine::gone` |\n";
    assert_eq!(messages(document), [(3, "there is no test `projfs_engine::gone`".to_owned())]);
}

#[test]
fn without_the_document_there_is_nothing_to_check() {
    assert!(check(&Tree::of(&[]), &packages()).is_empty());
}
