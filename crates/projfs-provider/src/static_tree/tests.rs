use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use projfs_types::Timestamp;

use super::ConflictKind;
use super::StaticTree;
use crate::ProviderErrorKind;

fn path(path: &str) -> &RelPath {
    RelPath::new(path.as_bytes()).unwrap()
}

fn names(tree: &StaticTree<u32>, directory: &str) -> Vec<String> {
    let entries = tree.list(path(directory)).unwrap().into_vec();
    entries.iter().map(|entry| entry.name.to_string()).collect()
}

#[test]
fn items_are_found_listed_and_given_back() {
    let mut builder = StaticTree::builder();
    for (number, name) in ["b", "a/z", "a/y/x", "a.b"].into_iter().enumerate() {
        builder.insert(path(name), PlaceholderInfo::file(number as u64), number).unwrap();
    }
    let tree = builder.build();
    assert_eq!(tree.get(path("a/y/x")), Ok(&2));
    assert_eq!(tree.item(path("a/y/x")).unwrap().info.size(), 2);
    assert_eq!(tree.item(path("a/y")).unwrap().name.to_string(), "y");
    for missing in ["c", "a/x", "b/x", "a/y/x/w"] {
        assert_eq!(tree.item(path(missing)).unwrap_err().kind, ProviderErrorKind::NotFound);
        assert_eq!(tree.list(path(missing)).unwrap_err().kind, ProviderErrorKind::NotFound);
    }
    assert_eq!(tree.list(path("b")).unwrap_err().kind, ProviderErrorKind::NotFound);
    assert_eq!(tree.item(path("")).unwrap_err().kind, ProviderErrorKind::NotFound);
}

#[test]
fn listings_are_in_order() {
    let mut builder = StaticTree::builder();
    for name in ["b", "a/z", "a/y", "a.b", "C", "a/\u{e9}"] {
        builder.insert(path(name), PlaceholderInfo::file(1), 0).unwrap();
    }
    let tree = builder.build();
    assert_eq!(names(&tree, "a"), ["y", "z", "\u{e9}"]);
    assert_eq!(names(&tree, "").len(), 4);
}

#[test]
fn a_directory_is_implied_until_it_is_inserted() {
    let time = Timestamp::from_seconds(7);
    let mut builder = StaticTree::builder().implied(PlaceholderInfo::directory().with_time(time));
    builder.insert(path("a/b/file"), PlaceholderInfo::file(1), 1).unwrap();
    builder.insert(path("a"), PlaceholderInfo::directory().with_mode(0o700), 2).unwrap();
    builder.insert(path("a/other"), PlaceholderInfo::file(1), 3).unwrap();
    let tree = builder.build();
    assert_eq!(tree.item(path("a")).unwrap().info.mode, 0o700);
    assert_eq!(tree.item(path("a/b")).unwrap().info.times.write, time);
    assert_eq!((tree.get(path("a")), tree.get(path("a/b")).is_err()), (Ok(&2), true));
    assert_eq!(names(&tree, "a"), ["b", "other"]);
}

#[test]
fn what_does_not_fit_is_named() {
    let mut builder = StaticTree::builder();
    builder.insert(path("a/file"), PlaceholderInfo::file(1), 1).unwrap();
    builder.insert(path("link"), PlaceholderInfo::symlink(*b"a"), 2).unwrap();
    for (name, info, kind) in [
        ("", PlaceholderInfo::directory(), ConflictKind::Root),
        ("a/file", PlaceholderInfo::file(2), ConflictKind::Twice),
        ("a/file/x", PlaceholderInfo::file(2), ConflictKind::BelowAFile),
        ("link/x/y", PlaceholderInfo::file(2), ConflictKind::BelowAFile),
        ("a", PlaceholderInfo::file(2), ConflictKind::AboveItems),
    ] {
        let conflict = builder.insert(path(name), info, 3).unwrap_err();
        assert_eq!((conflict.kind, &*conflict.path), (kind, path(name)));
        assert!(conflict.to_string().contains(name));
    }
    let tree = builder.build();
    assert_eq!(tree.get(path("a/file")), Ok(&1));
    assert_eq!(names(&tree, ""), ["a", "link"]);
}

#[test]
fn any_depth_is_fine() {
    let deep = ["d"; 100_000].join("/");
    let mut builder = StaticTree::builder();
    builder.insert(path(&deep), PlaceholderInfo::file(1), 1).unwrap();
    let tree = builder.build();
    assert_eq!(tree.get(path(&deep)), Ok(&1));
}
