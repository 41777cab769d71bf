use super::*;

fn lines(text: &str) -> Vec<usize> {
    check(&Tree::of(&[("a.md", text)])).into_iter().map(|finding| finding.line).collect()
}

#[test]
fn paths_of_a_machine_are_found() {
    let path = PATHS[0];
    assert_eq!(lines(&format!("fine\nsee {path}x\n(`{path}x`)\n")), [2, 3]);
}

#[test]
fn a_part_of_another_path_is_no_such_path() {
    let path = PATHS[0];
    assert!(lines(&format!("/home/me{path}x and ~{path}x\n")).is_empty());
}

#[test]
fn hosts_are_found_anywhere() {
    assert_eq!(lines(&format!("https://x.{}/y\n", HOSTS[0])), [1]);
}
