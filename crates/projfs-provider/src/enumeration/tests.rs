use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;

use super::*;

fn items(names: &[&str]) -> Vec<ProjectedItem> {
    let item =
        |name: &&str| ProjectedItem::new(ItemNameBuf::new(name).unwrap(), PlaceholderInfo::directory());
    names.iter().map(item).collect()
}

#[test]
fn entries_in_order_are_taken_as_they_are() {
    let entries = DirEntries::sorted(items(&["a", "b", "b.c", "bc"])).unwrap();
    assert_eq!(entries.into_vec(), items(&["a", "b", "b.c", "bc"]));
    assert_eq!(DirEntries::sorted(Vec::new()), Ok(DirEntries::default()));
}

#[test]
fn entries_out_of_order_are_refused_by_name() {
    for wrong in [["a", "c", "b"], ["b", "a", "c"], ["a", "b", "b"]] {
        let error = DirEntries::sorted(items(&wrong)).unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::InvalidInput);
        assert!(error.message.contains("\"b\""), "{error}");
    }
}

#[test]
fn entries_in_any_order_are_sorted_and_none_may_be_there_twice() {
    assert_eq!(DirEntries::unsorted(items(&["c", "a", "b"])), DirEntries::sorted(items(&["a", "b", "c"])));
    let error = DirEntries::unsorted(items(&["b", "a", "b"])).unwrap_err();
    assert!(error.message.contains("\"b\""), "{error}");
}
