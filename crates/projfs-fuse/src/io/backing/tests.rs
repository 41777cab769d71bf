//! Tests of the table, with a kernel that keeps count.

use std::collections::HashMap;
use std::collections::HashSet;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Ids {
    next: i32,
    open: HashSet<BackingId>,
    refuses: Option<Errno>,
}

#[derive(Clone, Default)]
struct FakeKernel(Arc<Mutex<Ids>>);

impl BackingFiles for FakeKernel {
    fn open(&self, _: BorrowedFd<'_>) -> Result<BackingId, Errno> {
        let mut ids = self.0.lock();
        if let Some(errno) = ids.refuses {
            return Err(errno);
        }
        ids.next += 1;
        let id = BackingId(ids.next);
        ids.open.insert(id);
        Ok(id)
    }

    fn close(&self, id: BackingId) {
        assert!(self.0.lock().open.remove(&id), "closed twice");
    }
}

fn table(limit: usize) -> (IoTable, FakeKernel) {
    let kernel = FakeKernel::default();
    (IoTable::new(Some(Box::new(kernel.clone())), limit), kernel)
}

fn file() -> Result<OwnedFd, Errno> {
    rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC)
}

#[test]
fn one_id_serves_all_opens() {
    let (table, kernel) = table(10);
    let first = table.open(NodeId(1), Coverage::Whole, Access::Read, file);
    assert_eq!(first, OpenedAs::Passthrough(BackingId(1)));
    table.close(NodeId(1), Access::Read);
    assert_eq!(
        table.open(NodeId(1), Coverage::Whole, Access::Read, || -> Result<OwnedFd, _> { Err(Errno::IO) }),
        first
    );
    assert_eq!(kernel.0.lock().open.len(), 1);
}

#[test]
fn a_refusal_means_cached_and_is_remembered() {
    let (table, kernel) = table(10);
    kernel.0.lock().refuses = Some(Errno::PERM);
    assert_eq!(table.open(NodeId(1), Coverage::Whole, Access::Read, file), OpenedAs::Cached);
    let never = || -> Result<OwnedFd, _> { panic!("asked again") };
    assert_eq!(table.open(NodeId(2), Coverage::Whole, Access::Read, never), OpenedAs::Cached);
}

#[test]
fn an_id_in_use_is_dropped_with_the_last_close() {
    let (table, kernel) = table(10);
    table.open(NodeId(1), Coverage::Whole, Access::Read, file);
    table.forget(NodeId(1));
    assert_eq!(kernel.0.lock().open.len(), 1);
    table.close(NodeId(1), Access::Read);
    assert_eq!((kernel.0.lock().open.len(), table.ids()), (0, 0));
}

#[derive(Clone, Debug)]
enum Action {
    Open(u64, bool),
    Close(u64),
    Forget(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        (0..12_u64, any::<bool>()).prop_map(|(node, whole)| Action::Open(node, whole)),
        (0..12_u64).prop_map(Action::Close),
        (0..12_u64).prop_map(Action::Forget),
    ];
    prop::collection::vec(action, 0..200)
}

proptest! {
    #[test]
    fn an_id_in_use_is_never_closed(actions in actions(), limit in 0_usize..6) {
        let (table, kernel) = table(limit);
        let mut open: HashMap<u64, (OpenedAs, usize)> = HashMap::new();
        for action in actions {
            match action {
                Action::Open(node, whole) => {
                    let coverage = if whole { Coverage::Whole } else { Coverage::Partial };
                    let opened = table.open(NodeId(node), coverage, Access::Read, file);
                    let entry = open.entry(node).or_insert((opened, 0));
                    prop_assert_eq!(entry.0, opened, "one mode at a time");
                    entry.1 += 1;
                }
                Action::Close(node) => {
                    if let Some(entry) = open.get_mut(&node) {
                        table.close(NodeId(node), Access::Read);
                        entry.1 -= 1;
                        if entry.1 == 0 { open.remove(&node); }
                    }
                }
                Action::Forget(node) => table.forget(NodeId(node)),
            }
            let ids = kernel.0.lock();
            let used: Vec<_> = open.values().filter_map(|(opened, _)| match opened {
                OpenedAs::Passthrough(id) => Some(*id),
                OpenedAs::Cached => None,
            }).collect();
            prop_assert!(used.iter().all(|id| ids.open.contains(id)));
            prop_assert_eq!(ids.open.len(), table.ids());
            prop_assert!(ids.open.len() <= limit.max(used.len()) + used.len());
        }
    }
}

#[test]
fn a_file_is_written_unseen_while_a_writer_has_it_in_passthrough_mode() {
    let (table, _) = table(10);
    let node = NodeId(1);
    table.open(node, Coverage::Whole, Access::Read, file);
    assert!(!table.is_written_unseen(node));
    table.open(node, Coverage::Whole, Access::ReadWrite, file);
    assert!(table.is_written_unseen(node));
    table.close(node, Access::ReadWrite);
    assert!(!table.is_written_unseen(node));
    table.close(node, Access::Read);
    table.open(node, Coverage::Partial, Access::ReadWrite, file);
    assert!(!table.is_written_unseen(node));
}
