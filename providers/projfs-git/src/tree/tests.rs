use projfs_types::ItemName;

use super::EntryKind;
use super::RawEntry;
use super::Tree;
use crate::names::LeftOut;
use crate::names::Protection;
use crate::objects::Id;

const DEFAULT: Protection = Protection { hfs: false, ntfs: true };

fn raw(name: &[u8], id: u8, kind: EntryKind) -> RawEntry {
    RawEntry { name: name.into(), id: Id::from_bytes(&[id; 20]).unwrap(), kind }
}

#[test]
fn what_cannot_be_shown_is_left_out_and_the_rest_stays() {
    let target = |bytes: &[u8]| EntryKind::Symlink(Some(bytes.into()));
    let (tree, left_out) = Tree::check(
        vec![
            raw(b"b", 1, EntryKind::File),
            raw(b"", 2, EntryKind::File),
            raw(b"..", 3, EntryKind::Directory),
            raw(b"x/y", 4, EntryKind::File),
            raw(&[b'n'; 256], 5, EntryKind::File),
            raw(b".GIT", 6, EntryKind::Directory),
            raw(b".gitmodules", 7, target(b"a")),
            raw(b"link", 8, target(&[b'a'; 4096])),
            raw(b"b", 9, target(b"/etc")),
            raw(b"a", 10, EntryKind::Executable),
            raw(b"good", 11, target(b"a")),
            raw(b"unread", 12, EntryKind::Symlink(None)),
            raw(b".gitmodules", 13, EntryKind::LinkAsFile),
        ],
        DEFAULT,
    );
    let names: Vec<_> = tree.entries().iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["a", "b", "good", "unread"]);
    let reasons: Vec<_> = left_out.iter().map(|(_, reason)| *reason).collect();
    let expected = [
        LeftOut::NotAName,
        LeftOut::NotAName,
        LeftOut::NotAName,
        LeftOut::NotAName,
        LeftOut::GitItself,
        LeftOut::GitItself,
        LeftOut::Target,
        LeftOut::GitItself,
        LeftOut::Twice,
    ];
    assert_eq!(reasons, expected);
    let b = tree.get(ItemName::new(b"b").unwrap()).unwrap();
    assert_eq!((b.id.as_bytes()[0], &b.kind), (1, &EntryKind::File));
}

#[test]
fn names_are_found_in_any_order_of_the_object() {
    let (tree, left_out) =
        Tree::check((0..=255u8).rev().map(|n| raw(&[b'n', n.max(1)], n, EntryKind::File)).collect(), DEFAULT);
    // 47 is the slash; 0 and 1 are one name.
    assert_eq!((tree.entries().len(), left_out.len()), (254, 2));
    for n in (1..=255u8).filter(|n| *n != b'/') {
        assert!(tree.get(ItemName::new(&[b'n', n]).unwrap()).is_some());
    }
    assert!(tree.get(ItemName::new(b"n").unwrap()).is_none());
}
