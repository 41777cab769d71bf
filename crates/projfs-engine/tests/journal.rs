//! What an engine tells of changes: all of them, when they are made, with what may be changing unseen.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::mpsc;
use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::AttributeChange;
use projfs_engine::CancelToken;
use projfs_engine::Changes;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::KernelCache;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Opened;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_engine::SetAttributes;
use projfs_engine::Since;
use projfs_provider::Adapter;
use projfs_store::Acknowledged;
use projfs_store::Journal;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::JournalEntry;
use projfs_types::NodeId;
use projfs_types::ReaderName;
use projfs_types::RelPathBuf;
use projfs_types::What;

const ROOT: NodeId = NodeId::ROOT;
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };
const FILE: NewItem = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

fn engine(journal: Arc<dyn Journal>) -> Engine {
    let handler = Arc::new(Adapter::new(Projection::default().file("a", "the content").directory("d")));
    let store = Arc::new(MemoryStore::new());
    Engine::start(store, journal, handler, Arc::new(NoCache), Options::default()).unwrap()
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

/// Does something, and gives back what is told of it.
struct Rig {
    engine: Engine,
    token: CancelToken,
    told: Cursor,
}

impl Rig {
    fn new() -> Self {
        let journal = MemoryJournal::new();
        let told = journal.end();
        Self { engine: engine(Arc::new(journal)), token: CancelToken::new(), told }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 7 }
    }

    fn open(&self, file: &str) -> Opened {
        let entry = self.engine.lookup(&self.context(), ROOT, name(file)).unwrap().unwrap();
        self.engine.open(&self.context(), entry.node, WRITE).unwrap()
    }

    fn changes(&mut self) -> (Vec<(String, What)>, Vec<RelPathBuf>) {
        let Changes { since, writing } = self.engine.changes(self.told, 100).unwrap();
        let Since::Entries { entries, next } = since else { panic!("{since:?}") };
        self.told = next;
        (entries.into_iter().map(|entry| (entry.path.to_string(), entry.what)).collect(), writing)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

fn told<const N: usize>(entries: [(&str, What); N]) -> Vec<(String, What)> {
    entries.map(|(path, what)| (path.to_owned(), what)).to_vec()
}

#[test]
fn every_answer_names_the_files_that_are_open_for_writing() {
    let mut rig = Rig::new();
    let opened = rig.open("a");
    let (converted, modified) = (("a", What::Converted), ("a", What::Modified));
    assert_eq!(rig.changes(), (told([converted, modified]), vec![path("a")]));
    assert_eq!(rig.changes(), (vec![], vec![path("a")]), "it is still open");
    let twice = rig.open("a");
    rig.engine.rename(&rig.context(), (ROOT, name("a")), (ROOT, name("b")), RenameHow::NoReplace).unwrap();
    let renamed = ("a", What::Renamed { to: path("b") });
    assert_eq!(rig.changes(), (told([("a", What::Modified), renamed]), vec![path("b")]));
    rig.engine.release(&rig.context(), opened.handle);
    assert_eq!(rig.changes(), (told([("b", What::Modified)]), vec![path("b")]), "once more");
    rig.engine.release(&rig.context(), twice.handle);
    assert_eq!(rig.changes(), (told([("b", What::Modified)]), vec![]));
}

#[test]
fn a_file_without_a_name_is_told_of_when_it_gets_one() {
    let mut rig = Rig::new();
    let (entry, opened) = rig.engine.create_nameless(&rig.context(), ROOT, &FILE, Access::ReadWrite).unwrap();
    assert_eq!(rig.changes(), (vec![], vec![]));
    rig.engine.link(&rig.context(), entry.node, ROOT, name("new")).unwrap();
    assert_eq!(rig.changes(), (told([("new", What::Created)]), vec![path("new")]));
    rig.engine.remove(&rig.context(), ROOT, name("new"), RemoveKind::NotDirectory).unwrap();
    assert_eq!(rig.changes(), (told([("new", What::Deleted)]), vec![]));
    rig.engine.release(&rig.context(), opened.handle);
    assert_eq!(rig.changes(), (vec![], vec![]));
}

#[test]
fn what_is_open_for_writing_at_the_end_is_recorded() {
    let mut rig = Rig::new();
    rig.open("a");
    rig.changes();
    rig.engine.stop(Duration::from_secs(5));
    assert_eq!(rig.changes().0, told([("a", What::Modified)]));
}

#[test]
fn attributes_of_the_root_are_recorded() {
    let mut rig = Rig::new();
    let others = AttributeChange { permissions: Some(0o700), ..AttributeChange::default() };
    let change = SetAttributes { others, ..SetAttributes::default() };
    rig.engine.set_attributes(&rig.context(), ROOT, None, &change).unwrap();
    assert_eq!(rig.changes().0, told([("", What::Metadata)]));
}

#[test]
fn what_is_made_virtual_again_is_recorded() {
    let mut rig = Rig::new();
    rig.engine.lookup(&rig.context(), ROOT, name("a")).unwrap();
    let token = CancelToken::new();
    let context = Context { patience: Patience::Until(&token), ..rig.context() };
    rig.engine.dehydrate_path(&context, &path("a"), false, &mut |_, kept| kept.unwrap()).unwrap();
    assert_eq!(rig.changes().0, told([("a", What::Updated)]), "of which only the log knew");
}

/// Tells somebody of an entry before its change is made, and waits a while for him to look.
struct Hasty {
    journal: MemoryJournal,
    tell: mpsc::Sender<Cursor>,
    seen: Mutex<mpsc::Receiver<Changes>>,
}

impl Journal for Hasty {
    fn append(&self, entry: &JournalEntry) -> projfs_store::Result<Cursor> {
        let cursor = self.journal.append(entry)?;
        self.tell.send(cursor).unwrap();
        let early = self.seen.lock().recv_timeout(Duration::from_millis(200));
        assert!(early.is_err(), "{early:?} was told before it was done");
        Ok(cursor)
    }

    fn start(&self) -> Cursor {
        self.journal.start()
    }

    fn end(&self) -> Cursor {
        self.journal.end()
    }

    fn since(&self, cursor: Cursor, limit: usize) -> projfs_store::Result<Since> {
        self.journal.since(cursor, limit)
    }

    fn register(&self, reader: &ReaderName) -> projfs_store::Result<Cursor> {
        self.journal.register(reader)
    }

    fn unregister(&self, reader: &ReaderName) -> projfs_store::Result<bool> {
        self.journal.unregister(reader)
    }

    fn readers(&self) -> Vec<(ReaderName, Cursor)> {
        self.journal.readers()
    }

    fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> projfs_store::Result<Acknowledged> {
        self.journal.acknowledge(reader, cursor)
    }
}

#[test]
fn a_change_is_told_when_it_is_done_and_not_before() {
    let (tell, told) = mpsc::channel();
    let (saw, seen) = mpsc::channel();
    let engine = engine(Arc::new(Hasty { journal: MemoryJournal::new(), tell, seen: Mutex::new(seen) }));
    let token = CancelToken::new();
    let caller = Caller { pid: 1, uid: 0, gid: 0 };
    let context = Context { caller, patience: Patience::Until(&token), request: 0 };
    std::thread::scope(|scope| {
        let (engine, context) = (&engine, &context);
        let looking = scope.spawn(move || {
            let changes = engine.changes(told.recv().unwrap(), 10).unwrap();
            let found = engine.lookup(context, ROOT, name("new")).unwrap();
            // Nobody listens any more by then.
            let _ = saw.send(changes.clone());
            (changes, found.is_some())
        });
        engine.make(context, ROOT, name("new"), &FILE).unwrap();
        let (changes, found) = looking.join().unwrap();
        let Since::Entries { entries, .. } = changes.since else { panic!("{changes:?}") };
        assert_eq!(entries.len(), 1);
        assert_eq!((&*entries[0].path, entries[0].kind), (&*path("new"), ItemKind::File));
        assert!(found, "who is told finds it");
    });
    engine.stop(Duration::from_secs(5));
}
