use projfs_types::Life;
use projfs_types::OriginBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

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
    NodeTable::new(Number::of_origin(&OriginBuf::root()), Box::new(|_| ()))
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

/// A directory that shows what is projected at a path.
fn shown<'a>(parent: NodeId, name: &'a ItemName, at: &str, life: u32) -> Seen<'a> {
    let origin = OriginBuf::new(RelPathBuf::new(at).unwrap(), Life(life));
    let (number, kind, links) = (Number::of_origin(&origin), ItemKind::Directory, Links::One);
    Seen { parent, name, number, kind, links, projection: Some(origin), prepared: Prepared::Dirty }
}

fn showing(table: &NodeTable, path: &str) -> Vec<NodeId> {
    table.showing(RelPath::new(path.as_bytes()).unwrap())
}

#[test]
fn whatever_shows_a_path_is_found() {
    let table = table();
    let sorted = |mut nodes: Vec<NodeId>| {
        nodes.sort_unstable();
        nodes
    };
    assert_eq!(showing(&table, ""), [NodeId::ROOT]);
    let d = table.insert(shown(NodeId::ROOT, name("d"), "d", 0), 1);
    let e = table.insert(shown(d, name("e"), "d/e", 0), 1);
    assert_eq!(showing(&table, "d/e"), [e]);
    // The first was moved away, and what is in it with it; the next has its name.
    table.renamed(d, (NodeId::ROOT, name("d")), (NodeId::ROOT, name("z")));
    assert_eq!(showing(&table, "d/e"), [e]);
    let d1 = table.insert(shown(NodeId::ROOT, name("d"), "d", 1), 1);
    let e1 = table.insert(shown(d1, name("e"), "d/e", 1), 1);
    assert_eq!(showing(&table, "d/e"), sorted(vec![e, e1]));
    assert_eq!(showing(&table, "d"), sorted(vec![d, d1]));
    // What was made here has a number of its own.
    let made = Seen { number: Number(77), ..shown(d1, name("x"), "d/x", 1) };
    let made = table.insert(made, 1);
    assert_eq!(showing(&table, "d/x"), [made]);
    table.provide(made, None, Prepared::Dirty);
    assert_eq!(showing(&table, "d/x"), []);
    table.provide(made, Some(RelPathBuf::new("other").unwrap().into()), Prepared::Dirty);
    assert_eq!((showing(&table, "d/x"), showing(&table, "other")), (Vec::new(), vec![made]));
    for node in [made, e1, d1] {
        table.forget(node, 1);
    }
    assert_eq!((showing(&table, "other"), showing(&table, "d/e")), (Vec::new(), vec![e]));
}
