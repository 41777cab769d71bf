use projfs_types::RelPath;

use super::*;

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn seen(parent: NodeId, name: &ItemName, number: u64) -> Seen<'_> {
    let (kind, prepared) = (ItemKind::File, Prepared::Dirty);
    Seen { parent, name, number: Number(number), kind, links: Links::One, projection: None, prepared }
}

/// One name of several.
fn linked(parent: NodeId, name: &ItemName, number: u64) -> Seen<'_> {
    Seen { links: Links::Several, ..seen(parent, name, number) }
}

fn table() -> NodeTable {
    NodeTable::new(Number::of_origin(RelPath::root()), Box::new(|_| ()))
}

#[test]
fn a_tree_deeper_than_a_stack_is_forgotten() {
    let table = table();
    let mut at = NodeId::ROOT;
    for depth in 0..200_000 {
        let node = table.insert(seen(at, name("d"), 2 + depth), 1);
        table.forget(at, 1);
        at = node;
    }
    table.forget(at, 1);
    assert_eq!(table.len(), 1);
}

#[test]
fn a_removed_item_keeps_its_node_although_its_number_is_given_again() {
    let table = table();
    let first = table.insert(seen(NodeId::ROOT, name("a"), 7), 1);
    assert_eq!(table.removed(first, NodeId::ROOT, name("a"), None), None);
    let second = table.insert(seen(NodeId::ROOT, name("b"), 7), 1);
    assert_ne!(first, second);
    // The first id comes free: the second node is found all the same.
    table.forget(first, 1);
    assert_eq!(table.named(NodeId::ROOT, name("b"), Number(7)), Some(second));
    assert_eq!(table.insert(seen(NodeId::ROOT, name("b"), 7), 1), second);
}

#[test]
fn what_is_kept_for_a_handle_that_was_closed_meanwhile_comes_back() {
    let table = table();
    let node = table.insert(seen(NodeId::ROOT, name("a"), 7), 1);
    table.opened(node);
    assert!(table.needs_trash(node));
    assert_eq!(table.closed(node), None);
    assert_eq!(table.removed(node, NodeId::ROOT, name("a"), Some(TrashId(1))), Some(TrashId(1)));
}

#[test]
fn only_the_last_known_name_of_an_open_file_needs_the_trash() {
    let table = table();
    let node = table.insert(linked(NodeId::ROOT, name("a"), 7), 1);
    table.insert(linked(NodeId::ROOT, name("b"), 7), 1);
    table.opened(node);
    assert!(!table.needs_trash(node));
    table.removed(node, NodeId::ROOT, name("a"), None);
    assert!(table.needs_trash(node));
    table.removed(node, NodeId::ROOT, name("b"), Some(TrashId(3)));
    assert!(!table.needs_trash(node));
    assert_eq!(table.closed(node), Some(TrashId(3)));
}

#[test]
fn an_item_that_is_projected_again_is_not_the_one_that_moved_away() {
    let table = table();
    let moved = table.insert(seen(NodeId::ROOT, name("moved"), 7), 1);
    let again = table.insert(seen(NodeId::ROOT, name("a"), 7), 1);
    assert_ne!(moved, again);
    assert_eq!(table.named(NodeId::ROOT, name("a"), Number(7)), Some(again));
    assert_eq!(table.named(NodeId::ROOT, name("moved"), Number(7)), Some(moved));
}

#[test]
fn an_item_of_another_kind_is_another_item() {
    let table = table();
    let file = table.insert(seen(NodeId::ROOT, name("a"), 7), 1);
    let directory = Seen { kind: ItemKind::Directory, ..seen(NodeId::ROOT, name("a"), 7) };
    let directory = table.insert(directory, 1);
    assert_ne!(file, directory);
    assert_eq!(table.kind(directory).unwrap(), ItemKind::Directory);
    assert_eq!(table.named(NodeId::ROOT, name("a"), Number(7)), Some(directory));
}
