use super::*;

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

#[test]
fn an_answer_that_was_asked_for_before_a_clearing_is_not_kept() {
    let cache = NegativeCache::default();
    let before = cache.generation();
    assert_eq!(cache.insert(path("a"), NodeId::ROOT, before), Kept::Yes);
    assert_eq!(cache.clear(), [(path("a"), NodeId::ROOT)]);
    assert_eq!(cache.insert(path("b"), NodeId::ROOT, before), Kept::No);
    assert!(!cache.contains(&path("a")) && !cache.contains(&path("b")));
    assert_eq!(cache.insert(path("b"), NodeId::ROOT, cache.generation()), Kept::Yes);
    assert!(cache.contains(&path("b")));
    cache.remove(&path("b"), Collation::Sensitive);
    assert!(cache.clear().is_empty());
}

#[test]
fn it_is_bounded() {
    let cache = NegativeCache { capacity: 2, paths: Mutex::default() };
    let now = cache.generation();
    for (name, expected) in [("a", Kept::Yes), ("b", Kept::Yes)] {
        assert_eq!(cache.insert(path(name), NodeId::ROOT, now), expected);
    }
    let Kept::Instead(gone) = cache.insert(path("c"), NodeId::ROOT, now) else { panic!("it grows") };
    assert_eq!(gone.len(), 2);
    assert_eq!(cache.clear().len(), 1);
}
