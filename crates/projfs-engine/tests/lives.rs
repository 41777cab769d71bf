//! Two items of one path of the projection: one that was moved away, and one that is projected under the name that it left.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::KernelCache;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RenameHow;
use projfs_engine::StateWord;
use projfs_provider::Adapter;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::model::EngineSubject;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Seen;
use projfs_testkit::model::Subject;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFlags;

/// Remembers what the kernel is told of names.
#[derive(Default)]
struct Told(Mutex<Vec<(NodeId, String)>>);

impl KernelCache for Told {
    fn entry_changed(&self, parent: NodeId, name: &ItemName) {
        self.0.lock().push((parent, name.to_string()));
    }
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

struct Rig {
    engine: Arc<Engine>,
    subject: EngineSubject,
    projection: Projection,
    told: Arc<Told>,
    token: CancelToken,
}

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

impl Rig {
    fn new() -> Self {
        let projection = Projection::default().directory("d").directory("d/e").file("d/e/f", "content");
        let projection = projection.file("d/a", "a");
        let told = Arc::new(Told::default());
        let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
        let handler = Arc::new(Adapter::new(projection.clone()));
        let engine = Engine::start(store, journal, handler, Arc::clone(&told) as _, Options::default());
        let engine = Arc::new(engine.unwrap());
        let subject = EngineSubject::on(&engine, &projection);
        Self { engine, subject, projection, told, token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    /// The kernel refers to it from now on.
    fn looked_up(&self, dir: NodeId, name: &str) -> NodeId {
        let name = ItemName::new(name.as_bytes()).unwrap();
        self.engine.lookup(&self.context(), dir, name).unwrap().unwrap().node
    }

    fn done(&mut self, op: &Op) {
        let outcome = self.subject.apply(op);
        assert!(!matches!(outcome, Outcome::Failed(_)), "{op:?}: {outcome:?}");
    }

    fn rename(&mut self, from: &str, to: &str) {
        self.done(&Op::Rename { from: path(from), to: path(to), how: RenameHow::Replace });
    }

    /// What the provider has there is virtual again.
    fn unhide(&mut self, text: &str) {
        self.done(&Op::Drop { path: path(text), flags: UpdateFlags::all() });
    }

    fn update(&mut self, text: &str, version: u64) {
        let flags = UpdateFlags::all();
        self.done(&Op::Update { path: path(text), flags, version, mode: 0o600, data: b"new".to_vec() });
    }

    fn stat(&mut self, text: &str) -> Seen {
        match self.subject.apply(&Op::Stat { path: path(text) }) {
            Outcome::Seen(seen) => seen,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn number(&mut self, text: &str) -> u64 {
        self.stat(text).number.unwrap()
    }

    fn word(&mut self, text: &str) -> Option<StateWord> {
        self.subject.word(&path(text))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(std::time::Duration::from_secs(5));
    }
}

#[test]
fn directories_of_one_path_do_not_share_their_placeholders() {
    let mut rig = Rig::new();
    let (d, f) = (rig.number("d"), rig.number("d/e/f"));
    rig.rename("d", "moved");
    rig.unhide("d");
    assert_eq!((rig.number("moved"), rig.number("moved/e/f")), (d, f));
    assert_eq!(rig.word("moved/e/f"), Some(StateWord::Placeholder));
    assert_eq!(rig.word("d/e/f"), Some(StateWord::Virtual));
    let (again, below) = (rig.number("d"), rig.number("d/e/f"));
    assert!(again != d && below != f && again != f && below != d);
    // And again, of what is in the second.
    rig.rename("d/e", "second");
    rig.unhide("d/e");
    assert_eq!(rig.number("second/f"), below);
    let third = rig.number("d/e/f");
    assert!(![f, below].contains(&third));
    // What is the one's alone does not concern the other.
    rig.done(&Op::Unlink { path: path("second/f") });
    assert_eq!(rig.word("d/e/f"), Some(StateWord::Placeholder));
    assert_eq!(rig.number("moved/e/f"), f);
}

#[test]
fn what_was_moved_away_and_is_gone_leaves_the_next_life_as_it_is() {
    let mut rig = Rig::new();
    rig.number("d/e/f");
    rig.rename("d/e", "moved");
    rig.unhide("d/e");
    let f = rig.number("d/e/f");
    rig.done(&Op::Unlink { path: path("moved/f") });
    rig.done(&Op::Rmdir { path: path("moved") });
    assert_eq!(rig.number("d/e/f"), f);
    // What was deleted, and is not anywhere else, is the same again.
    rig.done(&Op::Unlink { path: path("d/e/f") });
    rig.unhide("d/e/f");
    assert_eq!(rig.number("d/e/f"), f);
}

#[test]
fn what_comes_home_again_can_be_dehydrated() {
    let mut rig = Rig::new();
    let a = rig.number("d/a");
    rig.rename("d/a", "moved");
    rig.rename("moved", "d/a");
    assert_eq!(rig.number("d/a"), a);
    rig.done(&Op::Dehydrate { path: path("d/a") });
    assert_eq!(rig.word("d/a"), Some(StateWord::Virtual));
}

#[test]
fn a_file_with_several_names_that_is_changed_under_one_is_two_files() {
    for linked in ["d/a", "moved"] {
        let mut rig = Rig::new();
        if linked == "moved" {
            rig.rename("d/a", "moved");
        }
        let a = rig.number(linked);
        rig.done(&Op::Link { from: path(linked), to: path("other") });
        rig.update(linked, 7);
        let other = rig.stat("other");
        assert_eq!((other.number, other.size, other.links), (Some(a), Some(1), Some(1)));
        let changed = rig.stat(linked);
        assert_ne!(changed.number, Some(a));
        assert_eq!((changed.size, changed.links), (Some(3), Some(1)));
    }
}

#[test]
fn a_name_of_several_that_goes_takes_no_number_with_it() {
    let mut rig = Rig::new();
    let a = rig.number("d/a");
    rig.done(&Op::Link { from: path("d/a"), to: path("other") });
    rig.done(&Op::Unlink { path: path("d/a") });
    rig.unhide("d/a");
    assert_ne!(rig.number("d/a"), a);
    assert_eq!(rig.number("other"), a);
    rig.done(&Op::Link { from: path("d/a"), to: path("third") });
    let a = rig.number("d/a");
    rig.done(&Op::Discard { path: path("d/a") });
    assert_ne!(rig.number("d/a"), a);
    assert_eq!(rig.number("third"), a);
}

#[test]
fn placeholders_made_where_nothing_is_projected_are_nobody_elses() {
    let mut rig = Rig::new();
    rig.number("d/e/f");
    rig.rename("d", "moved");
    rig.done(&Op::Mkdir { path: path("d"), mode: 0o755 });
    // In a directory that was made here an item comes from its own path, where the other came from.
    rig.done(&Op::Mkdir { path: path("d/e"), mode: 0o755 });
    rig.update("d/e", 5);
    assert_eq!(rig.word("d/e/f"), Some(StateWord::Virtual));
    assert_eq!(rig.word("moved/e/f"), Some(StateWord::Placeholder));
}

#[test]
fn who_shows_the_path_of_what_was_updated_elsewhere_is_told() {
    let mut rig = Rig::new();
    rig.number("d/e/f");
    rig.rename("d/e/f", "moved");
    rig.unhide("d/e/f");
    rig.done(&Op::List { path: path("d/e") });
    // The kernel holds these.
    let (d, e) = (rig.looked_up(NodeId::ROOT, "d"), rig.number("d/e"));
    let e_node = rig.looked_up(d, "e");
    let given = Given { info: version_info(9, 0o600, b"new"), content: b"new".to_vec() };
    rig.projection.set(path("d/e/f"), given.clone());
    rig.told.0.lock().clear();
    rig.engine.update(&rig.context(), &path("moved"), &given.info, UpdateFlags::all()).unwrap();
    let told = rig.told.0.lock().clone();
    assert!(told.contains(&(e_node, "f".to_owned())), "{told:?}");
    assert_eq!(rig.stat("d/e/f").size, Some(3), "by the listing that was kept it is the old one");
    assert_eq!(rig.number("d/e"), e);
}
