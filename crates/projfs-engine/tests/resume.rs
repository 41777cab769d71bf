//! An engine goes on with what another took down, also where that died between a change and its own table.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::HandleId;
use projfs_engine::HandleRecord;
use projfs_engine::KernelCache;
use projfs_engine::Ledger;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::NodeRecord;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::Remembered;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_engine::What;
use projfs_provider::Adapter;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

/// What was taken down.
#[derive(Default)]
struct Taken(Mutex<Remembered>);

impl Ledger for Taken {
    fn node(&self, id: NodeId, node: Option<&NodeRecord>) {
        let nodes = &mut self.0.lock().nodes;
        match node {
            Some(node) => drop(nodes.insert(id, node.clone())),
            None => drop(nodes.remove(&id)),
        }
    }

    fn handle(&self, id: HandleId, handle: Option<&HandleRecord>) {
        let handles = &mut self.0.lock().handles;
        match handle {
            Some(handle) => drop(handles.insert(id, *handle)),
            None => drop(handles.remove(&id)),
        }
    }

    fn exchanged(&self, request: u64) {
        self.0.lock().exchanged.push(request);
    }
}

/// A store with a journal, which engines come and go over.
struct Rig {
    store: MemoryStore,
    journal: Arc<MemoryJournal>,
    token: CancelToken,
}

impl Rig {
    fn new() -> Self {
        Self { store: MemoryStore::new(), journal: Arc::default(), token: CancelToken::new() }
    }

    fn engine(&self) -> Engine {
        let (store, journal) = (Arc::new(self.store.clone()), Arc::clone(&self.journal));
        let handler = Arc::new(Adapter::new(Projection::default()));
        Engine::start(store, journal, handler, Arc::new(NoCache), Options::default()).unwrap()
    }

    fn context(&self, request: u64) -> Context<'_> {
        let caller = Caller { pid: 0, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request }
    }

    fn create(&self, engine: &Engine, parent: NodeId, text: &str) -> (NodeId, HandleId) {
        let new = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };
        let how = OpenHow { access: Access::ReadWrite, truncate: false };
        let context = self.context(1);
        let (entry, opened) = engine.create(&context, parent, name(text), &new, how, true).unwrap();
        engine.write(&context, opened.handle, 0, text.as_bytes()).unwrap();
        (entry.node, opened.handle)
    }
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn reads(rig: &Rig, engine: &Engine, handle: HandleId) -> Vec<u8> {
    let mut buffer = [0; 16];
    let length = engine.read(&rig.context(0), handle, 0, &mut buffer).unwrap();
    buffer[..length].to_vec()
}

#[test]
fn nodes_and_open_files_go_on_where_their_last_change_was_not_taken_down() {
    let rig = Rig::new();
    let (first, taken) = (rig.engine(), Arc::new(Taken::default()));
    let ledger: Arc<dyn Ledger> = Arc::clone(&taken) as _;
    first.keep(&ledger);
    let directory = NewItem { kind: NewKind::Directory, permissions: 0o755, uid: 0, gid: 0 };
    let dir = first.make(&rig.context(1), NodeId::ROOT, name("dir"), &directory).unwrap().node;
    let moved = rig.create(&first, NodeId::ROOT, "moved");
    let removed = rig.create(&first, dir, "removed");
    let (one, other) = (rig.create(&first, dir, "one"), rig.create(&first, dir, "other"));
    // The process dies after all of this was done, and nothing of it taken down.
    let before = taken.0.lock().clone();
    first
        .rename(&rig.context(7), (NodeId::ROOT, name("moved")), (dir, name("new")), RenameHow::Replace)
        .unwrap();
    first.remove(&rig.context(8), dir, name("removed"), RemoveKind::NotDirectory).unwrap();
    first.rename(&rig.context(9), (dir, name("one")), (dir, name("other")), RenameHow::Exchange).unwrap();

    let second = rig.engine();
    second.resume(before, &ledger).unwrap();
    assert!(matches!(second.begun(7), Some(What::Renamed { .. })));
    assert!(second.is_gone(NodeId::ROOT, name("moved")).unwrap());
    assert_eq!(second.begun(8), Some(What::Deleted));
    assert!(second.is_gone(dir, name("removed")).unwrap());
    assert!(second.has_exchanged(9));
    let looked = |parent, text| second.lookup(&rig.context(0), parent, name(text)).unwrap().unwrap().node;
    assert_eq!(looked(dir, "new"), moved.0);
    assert_eq!((looked(dir, "one"), looked(dir, "other")), (other.0, one.0));
    for (file, text) in [(moved, "moved"), (removed, "removed"), (one, "one"), (other, "other")] {
        assert_eq!(reads(&rig, &second, file.1), text.as_bytes());
        second.release(&rig.context(11), file.1);
    }
    assert_eq!(second.statistics().handles, 0);
    assert!(taken.0.lock().handles.is_empty());
}

#[test]
fn what_was_opened_and_not_answered_is_closed() {
    let rig = Rig::new();
    let (first, taken) = (rig.engine(), Arc::new(Taken::default()));
    let ledger: Arc<dyn Ledger> = Arc::clone(&taken) as _;
    first.keep(&ledger);
    let (node, _) = rig.create(&first, NodeId::ROOT, "file");
    let how = OpenHow { access: Access::Read, truncate: false };
    first.open(&rig.context(5), node, how).unwrap();
    let second = rig.engine();
    let before = taken.0.lock().clone();
    second.resume(before, &ledger).unwrap();
    assert_eq!(second.close_unanswered(&rig.context(5)), Some((node, Access::Read)));
    assert_eq!(second.close_unanswered(&rig.context(5)), None);
    assert_eq!(second.statistics().handles, 1);
    // Numbers are not given again.
    let opened = second.open(&rig.context(6), node, how).unwrap();
    assert!(!taken.0.lock().handles.keys().any(|id| id.0 > opened.handle.0));
}

#[test]
fn a_directory_goes_on_under_the_name_that_the_store_has() {
    let rig = Rig::new();
    let (first, taken) = (rig.engine(), Arc::new(Taken::default()));
    let ledger: Arc<dyn Ledger> = Arc::clone(&taken) as _;
    first.keep(&ledger);
    let directory = NewItem { kind: NewKind::Directory, permissions: 0o755, uid: 0, gid: 0 };
    let dir = first.make(&rig.context(1), NodeId::ROOT, name("dir"), &directory).unwrap().node;
    let file = rig.create(&first, dir, "file");
    let before = taken.0.lock().clone();
    let (from, to) = ((NodeId::ROOT, name("dir")), (NodeId::ROOT, name("d")));
    first.rename(&rig.context(7), from, to, RenameHow::NoReplace).unwrap();
    let second = rig.engine();
    second.resume(before, &ledger).unwrap();
    let looked = |parent, text| second.lookup(&rig.context(0), parent, name(text)).unwrap().unwrap().node;
    assert_eq!((looked(NodeId::ROOT, "d"), looked(dir, "file")), (dir, file.0));
    assert_eq!(reads(&rig, &second, file.1), b"file");
}
