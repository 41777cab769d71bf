use super::*;

fn has_unsafe(text: &str) -> bool {
    has_word(&code(text), "unsafe")
}

#[test]
fn code_is_kept() {
    let text = "fn f<'a>(x: &'a str) -> char { 'a' }\n";
    assert_eq!(code(text), "fn f<'a>(x: &'a str) -> char { \"\"\" }\n");
    assert!(has_unsafe("unsafe { f() }"));
    assert!(has_unsafe("let r = 1; unsafe impl Send for X {}"));
    assert!(!has_unsafe("#![deny(unsafe_code)]"));
}

#[test]
fn comments_are_not_code() {
    assert!(!has_unsafe("// unsafe\n"));
    assert!(!has_unsafe("/* /* unsafe */ unsafe */ fn f() {}"));
    assert!(has_unsafe("/* */ unsafe {}"));
}

#[test]
fn strings_are_not_code() {
    assert!(!has_unsafe(r#"let s = "unsafe \" unsafe";"#));
    assert!(!has_unsafe("let s = r#\"unsafe \" unsafe\"#;"));
    assert!(!has_unsafe("let s = br\"unsafe\";"));
    assert!(has_unsafe(r#"let c = '"'; unsafe { }; let d = '\''; "#));
    assert!(has_unsafe(r#"let c = '\u{41}'; unsafe { }"#));
}

#[test]
fn lines_stay_lines() {
    let text = "a\n/* b\nc */ d\n\"e\nf\"\ng";
    assert_eq!(code(text).lines().count(), text.lines().count());
}
