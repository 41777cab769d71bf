use projfs_types::RelPath;

use super::*;

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn seen(parent: NodeId, name: &ItemName, number: u64) -> Seen<'_> {
    let (kind, prepared) = (ItemKind::File, Prepared::Dirty);
    Seen { parent, name, number: Number(number), kind, projection: None, prepared }
}

fn table() -> NodeTable {
    NodeTable::new(Number::of_origin(RelPath::root()))
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
    let node = table.insert(seen(NodeId::ROOT, name("a"), 7), 1);
    table.insert(seen(NodeId::ROOT, name("b"), 7), 1);
    table.opened(node);
    assert!(!table.needs_trash(node));
    table.removed(node, NodeId::ROOT, name("a"), None);
    assert!(table.needs_trash(node));
    table.removed(node, NodeId::ROOT, name("b"), Some(TrashId(3)));
    assert!(!table.needs_trash(node));
    assert_eq!(table.closed(node), Some(TrashId(3)));
}
