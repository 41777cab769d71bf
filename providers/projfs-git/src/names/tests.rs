use super::Protection;
use super::is_target;

const EVERYWHERE: Protection = Protection { hfs: true, ntfs: true };
const NOWHERE: Protection = Protection { hfs: false, ntfs: false };

#[test]
fn every_spelling_of_dot_git_is_found() {
    let spellings: [&[u8]; 15] = [
        b".git",
        b".GIT",
        b".gIt",
        b".git ",
        b".git.",
        b".git. . ",
        b".git::$INDEX_ALLOCATION",
        b".git\\config",
        b"a\\git~1",
        b"git~1",
        b"GIT~1",
        b"git~1.",
        ".g\u{200c}it".as_bytes(),
        "\u{feff}.GI\u{206f}T".as_bytes(),
        ".git\u{202e}".as_bytes(),
    ];
    for name in spellings {
        assert!(EVERYWHERE.is_dot_git(name), "{:?}", String::from_utf8_lossy(name));
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
        assert!(!EVERYWHERE.is_dot_git(name), "{:?}", String::from_utf8_lossy(name));
    }
}

#[test]
fn every_spelling_of_gitmodules_is_found() {
    for name in
        [".gitmodules", ".GitModules", ".gitmodules .", "gitmod~4", "GI7EBA~1", "gi7eb~10", "~1000000"]
    {
        assert!(EVERYWHERE.is_dot_gitmodules(name.as_bytes()), "{name}");
    }
    for name in [".gitmodule", "gitmod~5", "gi7ebb~1", "gi7eba~0", "gi7eba~1x", "gitmodules", "~100000"] {
        assert!(!EVERYWHERE.is_dot_gitmodules(name.as_bytes()), "{name}");
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

#[test]
fn what_another_system_takes_for_dot_git_is_a_name_where_that_does_not_matter() {
    let hfs = Protection { hfs: true, ntfs: false };
    let ntfs = Protection { hfs: false, ntfs: true };
    for (name, expected) in [
        (b".GIT".as_slice(), [true, true, true]),
        (b"git~1", [false, true, false]),
        (b".git .", [false, true, false]),
        (".g\u{200c}it".as_bytes(), [true, false, false]),
    ] {
        let found = [hfs, ntfs, NOWHERE].map(|protection| protection.is_dot_git(name));
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(name));
    }
    assert!(NOWHERE.is_dot_gitmodules(b".GITmodules"));
    assert!(!NOWHERE.is_dot_gitmodules(b"gitmod~1"));
}
