//! Which mapping decides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use projfs_types::NotifyMask;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation::Collation;

use super::Router;

fn router(mappings: &[(&str, NotifyMask)]) -> Router {
    let mappings: Vec<_> =
        mappings.iter().map(|&(path, mask)| (RelPathBuf::new(path).unwrap(), mask)).collect();
    Router::new(&mappings, Collation::Sensitive)
}

fn mask(router: &Router, path: &str) -> NotifyMask {
    router.mask(RelPath::new(path.as_bytes()).unwrap())
}

#[test]
fn the_deepest_mapping_decides_whatever_the_order() {
    let (opened, deleted) = (NotifyMask::FILE_OPENED, NotifyMask::PRE_DELETE);
    let suppressed = NotifyMask::SUPPRESS_NOTIFICATIONS;
    for mappings in [
        [("", opened), ("src", deleted), ("src/gen", suppressed)],
        [("src/gen", suppressed), ("", opened), ("src", deleted)],
    ] {
        let router = router(&mappings);
        assert_eq!(mask(&router, ""), opened);
        assert_eq!(mask(&router, "srcs"), opened, "a name is matched whole");
        assert_eq!(mask(&router, "src"), deleted, "its mask replaces the one above");
        assert_eq!(mask(&router, "src/a/b"), deleted);
        assert_eq!(mask(&router, "src/gen/a"), suppressed);
    }
}

#[test]
fn of_two_masks_for_a_path_the_last_counts() {
    let router = router(&[("a", NotifyMask::FILE_OPENED), ("a", NotifyMask::PRE_RENAME)]);
    assert_eq!(mask(&router, "a/b"), NotifyMask::PRE_RENAME);
}

#[test]
fn what_no_mapping_covers_is_silent() {
    let router = router(&[("a", NotifyMask::FILE_OPENED)]);
    assert_eq!(mask(&router, "b"), NotifyMask::empty());
    assert!(!router.is_empty());
}

#[test]
fn suppressed_mappings_alone_are_silence() {
    assert!(router(&[]).is_empty());
    assert!(router(&[("", NotifyMask::empty())]).is_empty());
    assert!(router(&[("", NotifyMask::SUPPRESS_NOTIFICATIONS | NotifyMask::FILE_OPENED)]).is_empty());
}

#[test]
fn case_matters_where_it_does_for_names() {
    let mappings = [(RelPathBuf::new("Src/Gen").unwrap(), NotifyMask::PRE_DELETE)];
    let of = |collation| mask(&Router::new(&mappings, collation), "src/gen/a");
    assert_eq!(of(Collation::Sensitive), NotifyMask::empty());
    assert_eq!(of(Collation::Insensitive), NotifyMask::PRE_DELETE);
}
