use super::*;

#[test]
fn a_choice_is_enough() {
    for expression in [
        "MIT",
        "MIT OR GPL-3.0-only",
        "GPL-3.0-only OR (MIT AND Zlib)",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
    ] {
        assert!(satisfied(expression).unwrap(), "{expression}");
    }
}

#[test]
fn what_everyone_must_obey_counts() {
    for expression in
        ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MPL-2.0", "Apache-2.0 WITH Something", "MIT AND (X OR Y)"]
    {
        assert!(!satisfied(expression).unwrap(), "{expression}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error() {
    for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "MIT WITH"] {
        assert!(satisfied(expression).is_err(), "{expression}");
    }
}
