//! The queue does not grow with the names that are in it.

use super::*;
use crate::wire::abi::InitIn;
use crate::wire::init::Wishes;
use crate::wire::init::negotiate;

fn invalidator(minor: u32) -> Invalidator {
    let offer = InitIn { major: 7, minor, ..InitIn::default() };
    Invalidator::new(&negotiate(&offer, &Wishes::default()).unwrap().0)
}

fn queue(invalidator: &Invalidator) -> Vec<Notification> {
    invalidator.0.state.lock().queue.iter().cloned().collect()
}

fn change_names(invalidator: &Invalidator, count: usize) {
    let name = ItemName::new(b"name").unwrap();
    (0..count as u64).for_each(|parent| invalidator.entry_changed(NodeId(parent), name));
}

#[test]
fn many_names_become_one_notification_and_nothing_else_is_lost() {
    let invalidator = invalidator(44);
    invalidator.content_changed(NodeId(1));
    change_names(&invalidator, 3 * LIMIT);
    invalidator.attributes_changed(NodeId(2));
    assert!(queue(&invalidator).len() <= LIMIT);
    change_names(&invalidator, LIMIT);
    let kept = [(1, 0), (2, -1)];
    let kept =
        kept.map(|(node, offset)| Notification::InvalidateInode { node: NodeId(node), offset, length: 0 });
    let queue = queue(&invalidator);
    assert!(kept.iter().all(|notification| queue.contains(notification)));
    assert!(queue.contains(&Notification::IncrementEpoch));
}

#[test]
fn where_the_kernel_does_not_know_epochs_no_name_is_dropped() {
    let invalidator = invalidator(43);
    change_names(&invalidator, LIMIT + 10);
    assert_eq!(queue(&invalidator).len(), LIMIT + 10);
}

#[test]
fn full_of_other_notifications_the_queue_takes_one_for_all_names() {
    let invalidator = invalidator(44);
    (0..LIMIT as u64).for_each(|node| invalidator.attributes_changed(NodeId(node)));
    change_names(&invalidator, 3);
    assert_eq!(queue(&invalidator).len(), LIMIT + 1);
}

#[test]
fn the_same_twice_in_a_row_is_queued_once() {
    let invalidator = invalidator(44);
    (0..2).for_each(|_| invalidator.attributes_changed(NodeId(1)));
    assert_eq!(queue(&invalidator).len(), 1);
}
