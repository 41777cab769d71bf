//! Trees that no honest program writes.

use std::sync::Arc;

use projfs_provider::CancelToken;
use projfs_provider::DataSink;
use projfs_provider::DataTarget;
use projfs_provider::Provider;
use projfs_provider::ProviderErrorKind;
use projfs_testkit::provider_contract;
use projfs_types::ItemKind;
use projfs_types::RelPath;
use projfs_types::VersionInfo;

use super::Repository;
use super::describe;
use super::path;
use crate::GitProvider;

#[test]
fn entries_that_cannot_be_shown_are_left_out_and_the_others_stay() {
    let repository = Repository::init(&[]);
    let blob = repository.store("blob", b"content");
    let other = repository.store("blob", b"other content");
    let long_target = repository.store("blob", &[b't'; 4096]);
    let nul_target = repository.store("blob", b"a\0b");
    let empty = repository.store("blob", b"");
    let inner = repository.store_tree(&[("100644", b"file", &blob)]);
    let too_long = [b'n'; 256];
    let hostile = repository.store_tree(&[
        ("100644", b"", &blob),
        ("40000", b".", &inner),
        ("40000", b"..", &inner),
        ("40000", b".git", &inner),
        ("40000", b".GiT", &inner),
        ("40000", b"git~1", &inner),
        ("40000", b".git . ", &inner),
        ("100644", b"../escape", &blob),
        ("100644", b"/etc/passwd", &blob),
        ("100644", &too_long, &blob),
        ("120000", b".gitmodules", &blob),
        ("120000", b"long", &long_target),
        ("120000", b"nul", &nul_target),
        ("120000", b"empty", &empty),
        ("100644", b"twice", &blob),
        ("120000", b"twice", &other),
        ("40000", b"twice", &inner),
        ("100664", b"group-writable", &blob),
        ("40000", b"dir", &inner),
        ("100644", b"zz", &other),
        ("100644", b"aa", &other),
    ]);
    let root = repository.store_tree(&[("40000", b"hostile", &hostile), ("100644", b"honest", &blob)]);
    let commit = repository.commit_tree(&root);
    let provider = GitProvider::open(repository.path(), Some(&commit)).unwrap();
    let snapshot = provider_contract::check(&provider);
    let names: Vec<_> = snapshot.keys().map(ToString::to_string).collect();
    let expected = [
        "honest",
        "hostile",
        "hostile/aa",
        "hostile/dir",
        "hostile/dir/file",
        "hostile/group-writable",
        "hostile/twice",
        "hostile/zz",
    ];
    assert_eq!(names, expected);
    assert_eq!(snapshot[path(b"hostile/twice")].content, b"content");
    assert_eq!(snapshot[path(b"hostile/group-writable")].info.mode, 0o644);
    let error = describe(&provider, b"hostile/.git/file").unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::NotFound);
    assert_eq!(provider.snapshot.logged.lock().len(), 1);
}

/// Which names `git` refuses to check out, for files and for symbolic links, is said by `git` itself.
#[test]
fn the_names_that_git_refuses_are_left_out_and_no_others() {
    let repository = Repository::init(&[]);
    let blob = repository.store("blob", b"content");
    let names: [&[u8]; 34] = [
        b".git",
        b".GIT",
        b".git ",
        b".git.",
        b".git...",
        b".git::$INDEX_ALLOCATION",
        b".git:x",
        b"git~1",
        b"GIT~1 .",
        b"git~2",
        b".git\\x",
        b"x\\.git",
        b"x\\git~1",
        b"x\\y",
        b"x:y",
        ".g\u{200c}it".as_bytes(),
        "\u{feff}.git".as_bytes(),
        ".gitmod\u{200c}ules".as_bytes(),
        b".gitmodules",
        b".GitModules",
        b".gitmodules ",
        b".gitmodules:x",
        b"gitmod~1",
        b"gitmod~4",
        b"gitmod~5",
        b"gi7eba~1",
        b"gi7eb~12",
        b"~1000000",
        b".gitignore",
        b".gitattributes",
        b"..",
        b".",
        b"...",
        b"COM1",
    ];
    for (hfs, ntfs) in [("default", "default"), ("true", "false"), ("false", "false"), ("true", "true")] {
        for (key, value) in [("core.protectHFS", hfs), ("core.protectNTFS", ntfs)] {
            if value != "default" {
                repository.git(&["config", key, value]);
            }
        }
        for mode in ["100644", "120000"] {
            for name in names {
                let tree = repository.store_tree(&[(mode, name, &blob)]);
                let accepted = repository.tries(&["read-tree", &tree]);
                let commit = repository.commit_tree(&tree);
                let provider = GitProvider::open(repository.path(), Some(&commit)).unwrap();
                let request = provider_contract::request(RelPath::root(), &VersionInfo::default());
                let shown = !provider.enumerate(&request).unwrap().into_vec().is_empty();
                let name = String::from_utf8_lossy(name);
                assert_eq!(shown, accepted, "{mode} {name:?}, HFS {hfs}, NTFS {ntfs}");
            }
        }
    }
}

#[test]
fn modes_that_no_git_writes_are_what_git_takes_them_for() {
    let repository = Repository::init(&[]);
    let blob = repository.store("blob", b"content");
    let inner = repository.store_tree(&[("100644", b"file", &blob)]);
    let root = repository.store_tree(&[
        ("100600", b"a", &blob),
        ("100777", b"b", &blob),
        ("100111", b"c", &blob),
        ("120777", b"d", &blob),
        ("040755", b"e", &inner),
        ("100000", b"f", &blob),
    ]);
    let provider = GitProvider::open(repository.path(), Some(&repository.commit_tree(&root))).unwrap();
    let mode = |name: &[u8]| describe(&provider, name).unwrap().info.mode;
    assert_eq!([mode(b"a"), mode(b"b"), mode(b"c"), mode(b"f")], [0o644, 0o755, 0o755, 0o644]);
    assert_eq!(describe(&provider, b"d").unwrap().info.item_kind(), ItemKind::Symlink);
    assert_eq!(describe(&provider, b"e/file").unwrap().info.size(), 7);
}

#[test]
fn objects_of_the_wrong_kind_are_errors() {
    let repository = Repository::init(&[]);
    let blob = repository.store("blob", b"content");
    let inner = repository.store_tree(&[("100644", b"file", &blob)]);
    let garbage = repository.store("tree", b"100644 no end of this");
    let root = repository.store_tree(&[
        ("40000", b"dir is a blob", &blob),
        ("100644", b"file is a tree", &inner),
        ("40000", b"garbage", &garbage),
        ("120000", b"link is a tree", &inner),
        ("100644", b"ok", &blob),
    ]);
    let commit = repository.commit_tree(&root);
    let provider = GitProvider::open(repository.path(), Some(&commit)).unwrap();
    for item in [&b"dir is a blob/x"[..], b"file is a tree", b"garbage/x", b"link is a tree"] {
        let error = describe(&provider, item).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Io, "{:?}", path(item));
    }
    assert_eq!(describe(&provider, b"ok").unwrap().info.size(), 7);
}

#[test]
fn a_tree_that_unfolds_without_end_costs_only_what_is_looked_at() {
    let repository = Repository::init(&[]);
    let mut tree = repository.store_tree(&[("100644", b"leaf", &repository.store("blob", b"x"))]);
    let names: Vec<_> = (0..10).map(|n| format!("d{n}")).collect();
    for _ in 0..30 {
        let entries: Vec<_> = names.iter().map(|name| ("40000", name.as_bytes(), &*tree)).collect();
        tree = repository.store_tree(&entries);
    }
    let provider = GitProvider::open(repository.path(), Some(&repository.commit_tree(&tree))).unwrap();
    let leaf = ["d7/"; 30].concat() + "leaf";
    assert_eq!(describe(&provider, leaf.as_bytes()).unwrap().info.size(), 1);
}

#[test]
fn a_size_that_a_header_makes_up_is_not_believed_with_memory() {
    let repository = Repository::init(&[]);
    let tebibyte = "a".repeat(40);
    let more_than_any_file = "b".repeat(40);
    repository.store_loose(&tebibyte, b"blob 1099511627776\0abc");
    repository.store_loose(&more_than_any_file, b"blob 18446744073709551615\0abc");
    let root = repository.store_tree(&[
        ("100644", b"large", &tebibyte),
        ("120000", b"large link", &tebibyte),
        ("100644", b"larger", &more_than_any_file),
    ]);
    let provider = GitProvider::open(repository.path(), Some(&repository.commit_tree(&root))).unwrap();
    let listed = describe(&provider, b"large").unwrap();
    assert_eq!(listed.info.size(), 1 << 40);
    let sink = DataSink::new(Arc::new(Nowhere), 1 << 40, CancelToken::new());
    let request = provider_contract::request(path(b"large"), &listed.info.version);
    let error = provider.file_data(&request, 0..1 << 40, &sink).unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    let error = describe(&provider, b"larger").unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Io);
    let error = describe(&provider, b"large link").unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::NotFound);
}

struct Nowhere;

impl DataTarget for Nowhere {
    fn write_at(&self, _: u64, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
}
