use super::is_dot_git;
use super::is_dot_gitmodules;
use super::is_target;

#[test]
fn every_spelling_of_dot_git_is_found() {
    let spellings: [&[u8]; 14] = [
        b".git",
        b".GIT",
        b".gIt",
        b".git ",
        b".git.",
        b".git. . ",
        b".git::$INDEX_ALLOCATION",
        b".git\\config",
        b"git~1",
        b"GIT~1",
        b"git~1.",
        ".g\u{200c}it".as_bytes(),
        "\u{feff}.GI\u{206f}T".as_bytes(),
        ".git\u{202e}".as_bytes(),
    ];
    for name in spellings {
        assert!(is_dot_git(name), "{:?}", String::from_utf8_lossy(name));
    }
}

#[test]
fn honest_names_are_not_taken_for_dot_git() {
    let names: [&[u8]; 10] = [
        b".gitignore",
        b".gitmodules",
        b".gitattributes",
        b"git",
        b"git~2",
        b".git-blame-ignore-revs",
        b"..git",
        b".gi",
        b".git\xff",
        b"x.git",
    ];
    for name in names {
        assert!(!is_dot_git(name), "{:?}", String::from_utf8_lossy(name));
    }
}

#[test]
fn every_spelling_of_gitmodules_is_found() {
    for name in
        [".gitmodules", ".GitModules", ".gitmodules .", "gitmod~4", "GI7EBA~1", "gi7eb~10", "~1000000"]
    {
        assert!(is_dot_gitmodules(name.as_bytes()), "{name}");
    }
    for name in [".gitmodule", "gitmod~5", "gi7ebb~1", "gi7eba~0", "gi7eba~1x", "gitmodules", "~100000"] {
        assert!(!is_dot_gitmodules(name.as_bytes()), "{name}");
    }
}

#[test]
fn a_target_is_what_symlink_takes() {
    assert!(is_target(b"a"));
    assert!(is_target(&[b'a'; 4095]));
    assert!(!is_target(&[b'a'; 4096]));
    assert!(!is_target(b""));
    assert!(!is_target(b"a\0b"));
}
