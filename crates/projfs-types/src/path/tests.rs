use super::*;

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

#[test]
fn slashes_only_separate() {
    for text in ["/", "/a", "a/", "a//b", "a/./b", "a/..", "a/\0"] {
        assert!(RelPath::new(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn splitting_and_joining_are_inverse() {
    for text in ["a", "a/b", "a/b/c"] {
        let (parent, name) = path(text).split_last().unwrap();
        assert_eq!(&*parent.join(name), path(text));
        assert_eq!(path(text).components().collect::<RelPathBuf>().as_bytes(), text.as_bytes());
    }
    assert_eq!(path("").split_last(), None);
    assert_eq!(path("").components().count(), 0);
}

#[test]
fn prefixes_are_whole_names() {
    assert_eq!(path("a/b").strip_prefix(path("a")), Some(path("b")));
    assert_eq!(path("a/b").strip_prefix(path("")), Some(path("a/b")));
    assert_eq!(path("a").strip_prefix(path("a")), Some(path("")));
    assert_eq!(path("ab").strip_prefix(path("a")), None);
    assert_eq!(path("a").strip_prefix(path("a/b")), None);
}
