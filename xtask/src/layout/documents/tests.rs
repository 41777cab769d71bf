use super::*;

#[test]
fn what_is_generated_is_there() {
    let (document, source) = GENERATED[0];
    assert_eq!(check(&Tree::of(&[(source, "//! A.\n")])).len(), 1);
    assert!(check(&Tree::of(&[(source, "//! A.\n"), (document, "# States\n")])).is_empty());
    assert!(check(&Tree::of(&[])).is_empty());
}

#[test]
fn links_lead_somewhere() {
    let text = "[a](b.md) [c](../README.md#part) [d](https://example.org/x) [e](#here) [f](adr)\n\
                ```\n[g](nowhere.md)\n```\n[h](gone.md)\n[i](../../up.md)\n";
    let tree =
        Tree::of(&[("docs/a.md", text), ("docs/b.md", ""), ("README.md", ""), ("docs/adr/0001.md", "")]);
    let found: Vec<(usize, String)> =
        check(&tree).into_iter().map(|finding| (finding.line, finding.message)).collect();
    assert_eq!(
        found,
        [(5, "nothing is at `gone.md`".to_owned()), (6, "nothing is at `../../up.md`".to_owned())]
    );
}
