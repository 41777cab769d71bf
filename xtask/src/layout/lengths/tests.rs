use super::*;
use crate::finding::Severity;

fn severities(path: &str, line: &str, lines: usize) -> Vec<Severity> {
    let text = line.repeat(lines);
    check(&Tree::of(&[(path, &text)])).into_iter().map(|finding| finding.severity).collect()
}

#[test]
fn limits() {
    assert_eq!(severities("a/src/a.rs", "x();\n", 400), []);
    assert_eq!(severities("a/src/a.rs", "x();\n", 401), [Severity::Warning]);
    assert_eq!(severities("a/src/a.rs", "x();\n", 600), [Severity::Warning]);
    assert_eq!(severities("a/src/a.rs", "x();\n", 601), [Severity::Error]);
}

#[test]
fn comments_and_tests_do_not_count() {
    assert_eq!(severities("a/src/a.rs", "/// why\n\n", 1000), []);
    assert_eq!(severities("a/src/a/tests.rs", "x();\n", 1000), []);
    assert_eq!(severities("a/tests/all.rs", "x();\n", 1000), []);
}
