use super::*;

#[test]
fn colours_are_taken_out() {
    assert_eq!(plain("\u{1b}[34mchmod\u{1b}[0m  \u{1b}[1;32mok\u{1b}[0m"), "chmod  ok");
}

#[test]
fn only_what_did_not_pass_is_shown() {
    let text = "a::b   ok\na::c   FAILED\n\twhy\na::d  ok\na::e  skipped\n\treason\n\nSummary: 1 failed\n";
    assert_eq!(
        interesting(text),
        ["a::c   FAILED", "\twhy", "a::e  skipped", "\treason", "Summary: 1 failed"]
    );
}
