//! What the provider is asked before operations, and told after them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ops::Range;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::AttributeChange;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::ErrorKind;
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
use projfs_engine::StateWord;
use projfs_provider::Adapter;
use projfs_provider::Closed;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::MaskChange;
use projfs_provider::NameChange;
use projfs_provider::PostOperation;
use projfs_provider::PreOperation;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Request;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(10);

/// What the provider does when it hears something.
#[derive(Default)]
struct Script {
    /// What it refuses, by the words of the note.
    refused: Vec<(String, ProviderErrorKind)>,
    /// What it answers to a note that begins with these words.
    masks: Vec<(String, NotifyMask)>,
}

/// A projection that notes what it hears.
struct Listener {
    projection: Projection,
    notes: Mutex<Sender<String>>,
    script: Arc<Mutex<Script>>,
}

impl Listener {
    fn note(&self, note: String) {
        self.notes.lock().send(note).unwrap();
    }

    fn judge(&self, note: String) -> Result<MaskChange, ProviderError> {
        let script = self.script.lock();
        let refused = script.refused.iter().find(|(refused, _)| *refused == note).map(|&(_, kind)| kind);
        let mask = script.masks.iter().find(|(told, _)| note.starts_with(told)).map(|&(_, mask)| mask);
        drop(script);
        self.note(note);
        match refused {
            Some(kind) => Err(kind.into()),
            None => Ok(mask.map_or(MaskChange::Keep, MaskChange::Set)),
        }
    }
}

fn slash(kind: ItemKind) -> &'static str {
    if kind == ItemKind::Directory { "/" } else { "" }
}

impl Provider for Listener {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.projection.placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.projection.enumerate(request)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        self.note(format!("data {}", request.path()));
        self.projection.file_data(request, range, sink)
    }

    fn authorize(&self, request: &Request, operation: &PreOperation) -> Result<(), ProviderError> {
        let path = request.path();
        let note = match operation {
            PreOperation::ConvertToFull => format!("pre-convert {path}"),
            PreOperation::Delete { kind } => format!("pre-delete {path}{}", slash(*kind)),
            PreOperation::Rename { kind, to } => format!("pre-rename {path}{} {to}", slash(*kind)),
            PreOperation::SetHardlink { to } => format!("pre-link {path} {to}"),
            PreOperation::OpenForWrite => format!("pre-write {path}"),
            PreOperation::Truncate { size } => format!("pre-truncate {path} {size}"),
            PreOperation::SetMetadata { .. } => format!("pre-metadata {path}"),
        };
        self.judge(note).map(|_| ())
    }

    fn opened(&self, request: &Request, kind: ItemKind) -> Result<MaskChange, ProviderError> {
        self.judge(format!("opened {}{}", request.path(), slash(kind)))
    }

    fn changed(&self, request: &Request, change: &NameChange) -> MaskChange {
        let path = request.path();
        let note = match change {
            NameChange::Created { kind } => format!("created {path}{}", slash(*kind)),
            NameChange::Overwritten => format!("overwritten {path}"),
            NameChange::Renamed { kind, to } => format!("renamed {path}{} {to}", slash(*kind)),
        };
        self.judge(note).unwrap_or_default()
    }

    fn observe(&self, request: &Request, operation: &PostOperation) {
        let path = request.path();
        self.note(match operation {
            PostOperation::HardlinkCreated { to } => format!("linked {path} {to}"),
            PostOperation::Closed { kind, how } => {
                let how = match how {
                    Closed::Unmodified => "closed",
                    Closed::Modified => "closed-modified",
                    Closed::Deleted { .. } => "closed-deleted",
                };
                format!("{how} {path}{}", slash(*kind))
            }
        });
    }
}

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

/// Whose doings are the provider's own.
const PROVIDER: u32 = 77;

const ROOT: NodeId = NodeId::ROOT;
const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };
const TRUNCATE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: true };
const FILE: NewItem = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };
const DIRECTORY: NewItem = NewItem { kind: NewKind::Directory, permissions: 0o755, uid: 0, gid: 0 };

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

struct Rig {
    engine: Arc<Engine>,
    notes: Receiver<String>,
    script: Arc<Mutex<Script>>,
    token: CancelToken,
    pid: u32,
}

impl Rig {
    /// Every notification of the whole root.
    fn new() -> Self {
        Self::with(&[("", NotifyMask::PRJ.difference(NotifyMask::SUPPRESS_NOTIFICATIONS))])
    }

    fn with(mappings: &[(&str, NotifyMask)]) -> Self {
        let (sender, notes) = std::sync::mpsc::channel();
        let script = Arc::new(Mutex::new(Script::default()));
        let projection = Projection::default()
            .directory("d")
            .file("d/inner", "inner")
            .file("f", "text")
            .file("g", "other");
        let provider = Listener { projection, notes: Mutex::new(sender), script: Arc::clone(&script) };
        let notifications =
            mappings.iter().map(|&(path, mask)| (RelPathBuf::new(path).unwrap(), mask)).collect();
        let is_provider = |caller: Caller| caller.pid == PROVIDER;
        let options = Options { notifications, is_provider, ..Options::default() };
        let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
        let handler = Arc::new(Adapter::new(provider));
        let engine = Engine::start(store, journal, handler, Arc::new(NoCache), options).unwrap();
        Self { engine: Arc::new(engine), notes, script, token: CancelToken::new(), pid: 1 }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: self.pid, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    fn refuse(&self, note: &str, kind: ProviderErrorKind) {
        self.script.lock().refused.push((note.to_owned(), kind));
    }

    fn node(&self, path: &str) -> NodeId {
        path.split('/').fold(ROOT, |node, part| {
            let entry = self.engine.lookup(&self.context(), node, name(part)).unwrap();
            entry.unwrap_or_else(|| panic!("{path} is not there")).node
        })
    }

    fn open(&self, path: &str, how: OpenHow) -> Result<Opened, ErrorKind> {
        self.engine.open(&self.context(), self.node(path), how).map_err(|error| error.kind)
    }

    fn close(&self, opened: &Opened) {
        self.engine.release(&self.context(), opened.handle);
    }

    fn create(&self, path: &str) -> Opened {
        self.engine.create(&self.context(), ROOT, name(path), &FILE, WRITE, true).unwrap().1
    }

    fn remove(&self, path: &str, kind: RemoveKind) -> Result<(), ErrorKind> {
        self.engine.remove(&self.context(), ROOT, name(path), kind).map_err(|error| error.kind)
    }

    fn rename(&self, from: &str, to: &str, how: RenameHow) -> Result<(), ErrorKind> {
        let renamed = self.engine.rename(&self.context(), (ROOT, name(from)), (ROOT, name(to)), how);
        renamed.map_err(|error| error.kind)
    }

    fn word(&self, path: &str) -> StateWord {
        self.engine.state(&self.context(), RelPath::new(path.as_bytes()).unwrap()).unwrap().word
    }

    /// Exactly these are heard next, in this order. A close is told without waiting for it.
    #[track_caller]
    fn hears(&self, notes: &[&str]) {
        for expected in notes {
            assert_eq!(self.notes.recv_timeout(SOON).as_deref(), Ok(*expected));
        }
        assert_eq!(self.notes.try_recv().ok(), None, "after {notes:?}");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(SOON);
    }
}

#[test]
fn a_read_is_opened_and_closed() {
    let rig = Rig::new();
    let opened = rig.open("f", READ).unwrap();
    rig.hears(&["data f", "opened f"]);
    rig.close(&opened);
    rig.hears(&["closed f"]);
}

#[test]
fn a_placeholder_that_is_written_is_asked_for_then_fetched_then_opened() {
    let rig = Rig::new();
    let opened = rig.open("f", WRITE).unwrap();
    rig.hears(&["pre-convert f", "data f", "opened f"]);
    rig.engine.write(&rig.context(), opened.handle, 0, b"T").unwrap();
    rig.close(&opened);
    rig.hears(&["closed-modified f"]);
    let opened = rig.open("f", WRITE).unwrap();
    rig.hears(&["opened f"]);
    rig.close(&opened);
    rig.hears(&["closed f"]);
}

#[test]
fn an_open_for_writing_that_writes_nothing_is_no_modification_even_if_the_mode_was_changed() {
    let rig = Rig::new();
    let opened = rig.open("f", WRITE).unwrap();
    rig.hears(&["pre-convert f", "data f", "opened f"]);
    let others = AttributeChange { permissions: Some(0o600), ..AttributeChange::default() };
    let change = SetAttributes { size: None, others };
    rig.engine.set_attributes(&rig.context(), opened.node, None, &change).unwrap();
    rig.hears(&["opened f", "closed f"]);
    rig.close(&opened);
    rig.hears(&["closed f"]);
}

#[test]
fn what_is_new_is_created_and_not_opened() {
    let rig = Rig::new();
    let opened = rig.create("new");
    rig.hears(&["created new"]);
    rig.close(&opened);
    rig.hears(&["closed new"]);
    let opened = rig.create("newer");
    rig.engine.write(&rig.context(), opened.handle, 0, b"text").unwrap();
    rig.close(&opened);
    rig.hears(&["created newer", "closed-modified newer"]);
    rig.engine.make(&rig.context(), ROOT, name("dir"), &DIRECTORY).unwrap();
    rig.hears(&["created dir/", "closed dir/"]);
}

#[test]
fn an_open_that_drops_the_content_overwrites() {
    let rig = Rig::new();
    let opened = rig.open("f", TRUNCATE).unwrap();
    rig.hears(&["pre-convert f", "overwritten f"]);
    rig.close(&opened);
    rig.hears(&["closed-modified f"]);
}

#[test]
fn a_deletion_is_opened_asked_for_and_closed() {
    let rig = Rig::new();
    rig.remove("f", RemoveKind::NotDirectory).unwrap();
    rig.hears(&["opened f", "pre-delete f", "closed-deleted f"]);
    rig.engine.make(&rig.context(), ROOT, name("dir"), &DIRECTORY).unwrap();
    rig.hears(&["created dir/", "closed dir/"]);
    rig.remove("dir", RemoveKind::Directory).unwrap();
    rig.hears(&["opened dir/", "pre-delete dir/", "closed-deleted dir/"]);
}

#[test]
fn an_open_file_that_was_deleted_is_closed_under_its_last_name() {
    let rig = Rig::new();
    let opened = rig.open("f", READ).unwrap();
    rig.hears(&["data f", "opened f"]);
    rig.remove("f", RemoveKind::NotDirectory).unwrap();
    rig.hears(&["opened f", "pre-delete f", "closed-deleted f"]);
    rig.close(&opened);
    rig.hears(&["closed f"]);
}

#[test]
fn a_rename_is_asked_for_and_told_under_both_names() {
    let rig = Rig::new();
    rig.rename("f", "new", RenameHow::Replace).unwrap();
    rig.hears(&["opened f", "pre-rename f new", "renamed f new", "closed new"]);
    rig.rename("d", "moved", RenameHow::Replace).unwrap();
    rig.hears(&["opened d/", "pre-rename d/ moved", "renamed d/ moved", "closed moved/"]);
    rig.rename("new", "g", RenameHow::Exchange).unwrap();
    rig.hears(&[
        "opened new",
        "pre-rename new g",
        "opened g",
        "pre-rename g new",
        "renamed new g",
        "closed g",
        "renamed g new",
        "closed new",
    ]);
}

#[test]
fn a_rename_that_replaces_tells_nothing_of_what_it_replaced() {
    let rig = Rig::new();
    rig.rename("f", "g", RenameHow::Replace).unwrap();
    rig.hears(&["opened f", "pre-rename f g", "renamed f g", "closed g"]);
}

#[test]
fn a_link_is_asked_for_and_told() {
    let rig = Rig::new();
    rig.engine.link(&rig.context(), rig.node("f"), ROOT, name("l")).unwrap();
    rig.hears(&["opened f", "pre-link f l", "data f", "linked f l", "closed f"]);
}

#[test]
fn a_file_without_a_name_comes_into_being_when_it_gets_one() {
    let rig = Rig::new();
    let (entry, opened) = rig.engine.create_nameless(&rig.context(), ROOT, &FILE, Access::ReadWrite).unwrap();
    rig.hears(&[]);
    rig.engine.link(&rig.context(), entry.node, ROOT, name("named")).unwrap();
    rig.hears(&["created named", "closed named"]);
    rig.close(&opened);
}

#[test]
fn attributes_that_change_are_an_open_and_a_close() {
    let rig = Rig::new();
    let others = AttributeChange { permissions: Some(0o600), ..AttributeChange::default() };
    let change = SetAttributes { size: None, others };
    rig.engine.set_attributes(&rig.context(), rig.node("f"), None, &change).unwrap();
    rig.hears(&["opened f", "closed f"]);
    rig.engine.set_xattr(&rig.context(), rig.node("f"), b"user.a", b"1", 0).unwrap();
    rig.hears(&["opened f", "closed f"]);
    let change = SetAttributes { size: Some(2), ..SetAttributes::default() };
    rig.engine.set_attributes(&rig.context(), rig.node("f"), None, &change).unwrap();
    rig.hears(&["opened f", "pre-convert f", "data f", "closed-modified f"]);
}

#[test]
fn a_directory_is_opened_and_closed_and_its_entries_are_not() {
    let rig = Rig::new();
    let handle = rig.engine.open_directory(&rig.context(), rig.node("d")).unwrap();
    rig.hears(&["opened d/"]);
    rig.engine.release_directory(handle);
    rig.hears(&["closed d/"]);
    assert!(rig.engine.wants_directory_opens());
    assert!(!Rig::with(&[("", NotifyMask::PRE_DELETE)]).engine.wants_directory_opens());
}

#[test]
fn what_is_refused_has_changed_nothing() {
    let rig = Rig::new();
    let denied = ErrorKind::Provider(ProviderErrorKind::AccessDenied);
    for note in ["pre-convert f", "pre-rename f new", "pre-link f l"] {
        rig.refuse(note, ProviderErrorKind::AccessDenied);
    }
    rig.refuse("pre-delete f", ProviderErrorKind::NotPermitted);
    assert_eq!(rig.open("f", WRITE).unwrap_err(), denied);
    rig.hears(&["pre-convert f"]);
    assert_eq!(rig.open("f", TRUNCATE).unwrap_err(), denied);
    rig.hears(&["pre-convert f"]);
    assert_eq!(rig.word("f"), StateWord::Placeholder, "and nothing was fetched");
    let removed = rig.remove("f", RemoveKind::NotDirectory).unwrap_err();
    assert_eq!(removed, ErrorKind::Provider(ProviderErrorKind::NotPermitted));
    rig.hears(&["opened f", "pre-delete f", "closed f"]);
    assert_eq!(rig.rename("f", "new", RenameHow::Replace).unwrap_err(), denied);
    rig.hears(&["opened f", "pre-rename f new", "closed f"]);
    let linked = rig.engine.link(&rig.context(), rig.node("f"), ROOT, name("l")).unwrap_err();
    assert_eq!(linked.kind, denied);
    rig.hears(&["opened f", "pre-link f l", "closed f"]);
    assert_eq!(rig.word("f"), StateWord::Placeholder);
    for gone in ["new", "l"] {
        assert!(rig.engine.lookup(&rig.context(), ROOT, name(gone)).unwrap().is_none(), "{gone}");
    }
}

#[test]
fn an_open_that_is_refused_leaves_no_handle() {
    let rig = Rig::new();
    rig.refuse("opened f", ProviderErrorKind::AccessDenied);
    let denied = ErrorKind::Provider(ProviderErrorKind::AccessDenied);
    assert_eq!(rig.open("f", READ).unwrap_err(), denied);
    rig.hears(&["data f", "opened f"]);
    assert_eq!(rig.engine.statistics().handles, 0);
    assert_eq!(rig.remove("f", RemoveKind::NotDirectory).unwrap_err(), denied);
    rig.hears(&["opened f", "closed f"]);
}

#[test]
fn a_refusal_after_the_fact_changes_nothing() {
    let rig = Rig::new();
    rig.refuse("created new", ProviderErrorKind::AccessDenied);
    rig.refuse("renamed f moved", ProviderErrorKind::AccessDenied);
    rig.close(&rig.create("new"));
    rig.hears(&["created new", "closed new"]);
    rig.rename("f", "moved", RenameHow::Replace).unwrap();
    rig.hears(&["opened f", "pre-rename f moved", "renamed f moved", "closed moved"]);
}

#[test]
fn vetoes_that_windows_does_not_have_concern_full_files_too() {
    let ours = NotifyMask::PRE_OPEN_FOR_WRITE | NotifyMask::PRE_TRUNCATE | NotifyMask::PRE_SET_METADATA;
    let rig = Rig::with(&[("", ours)]);
    rig.close(&rig.create("full"));
    let denied = ErrorKind::Provider(ProviderErrorKind::AccessDenied);
    for note in ["pre-write full", "pre-truncate full 3", "pre-truncate full 0", "pre-metadata full"] {
        rig.refuse(note, ProviderErrorKind::AccessDenied);
    }
    assert_eq!(rig.open("full", WRITE).unwrap_err(), denied);
    rig.hears(&["pre-write full"]);
    let set = |change: &SetAttributes| {
        rig.engine.set_attributes(&rig.context(), rig.node("full"), None, change).unwrap_err().kind
    };
    assert_eq!(set(&SetAttributes { size: Some(3), ..SetAttributes::default() }), denied);
    rig.hears(&["pre-truncate full 3"]);
    let others = AttributeChange { permissions: Some(0o600), ..AttributeChange::default() };
    assert_eq!(set(&SetAttributes { size: None, others }), denied);
    rig.hears(&["pre-metadata full"]);
    let xattr = rig.engine.set_xattr(&rig.context(), rig.node("full"), b"user.a", b"1", 0).unwrap_err();
    assert_eq!(xattr.kind, denied);
    rig.hears(&["pre-metadata full"]);
    rig.script.lock().refused.retain(|(note, _)| note != "pre-write full");
    assert_eq!(rig.open("full", TRUNCATE).unwrap_err(), denied);
    rig.hears(&["pre-write full", "pre-truncate full 0"]);
}

#[test]
fn only_what_is_registered_is_told_and_the_deepest_mapping_decides() {
    let rig = Rig::with(&[
        ("", NotifyMask::NEW_FILE_CREATED),
        ("d", NotifyMask::FILE_OPENED),
        ("d/inner", NotifyMask::SUPPRESS_NOTIFICATIONS),
    ]);
    rig.close(&rig.open("f", READ).unwrap());
    rig.hears(&["data f"]);
    rig.close(&rig.open("d/inner", READ).unwrap());
    rig.hears(&["data d/inner"]);
    rig.close(&rig.create("new"));
    rig.hears(&["created new"]);
    let directory = rig.node("d");
    rig.engine.make(&rig.context(), directory, name("sub"), &DIRECTORY).unwrap();
    rig.hears(&[]);
}

#[test]
fn a_rename_is_told_if_either_end_wants_it() {
    let both = NotifyMask::PRE_RENAME | NotifyMask::FILE_RENAMED;
    let rig = Rig::with(&[("d", both)]);
    let directory = rig.node("d");
    rig.engine.rename(&rig.context(), (ROOT, name("f")), (directory, name("f")), RenameHow::Replace).unwrap();
    rig.hears(&["pre-rename f d/f", "renamed f d/f"]);
    rig.engine
        .rename(&rig.context(), (directory, name("f")), (ROOT, name("out")), RenameHow::Replace)
        .unwrap();
    rig.hears(&["pre-rename d/f out", "renamed d/f out"]);
    rig.rename("out", "further", RenameHow::Replace).unwrap();
    rig.hears(&[]);
}

#[test]
fn an_answered_mask_holds_until_the_last_close() {
    let rig = Rig::with(&[("", NotifyMask::FILE_OPENED)]);
    let closes = NotifyMask::FILE_OPENED | NotifyMask::FILE_HANDLE_CLOSED_NO_MODIFICATION;
    rig.script.lock().masks.push(("opened f".into(), closes));
    let (first, second) = (rig.open("f", READ).unwrap(), rig.open("f", READ).unwrap());
    rig.hears(&["data f", "opened f", "opened f"]);
    rig.script.lock().masks.clear();
    rig.close(&first);
    rig.hears(&["closed f"]);
    rig.close(&second);
    rig.hears(&["closed f"]);
    rig.close(&rig.open("f", READ).unwrap());
    rig.hears(&["opened f"]);
}

#[test]
fn a_suppressed_file_is_silent_until_its_last_close() {
    let rig = Rig::new();
    rig.script.lock().masks.push(("created new".into(), NotifyMask::SUPPRESS_NOTIFICATIONS));
    let created = rig.create("new");
    rig.hears(&["created new"]);
    rig.close(&rig.open("new", READ).unwrap());
    rig.close(&created);
    rig.hears(&[]);
    rig.close(&rig.open("new", READ).unwrap());
    rig.hears(&["opened new", "closed new"]);
}

#[test]
fn a_suppressed_file_is_heard_again_when_one_that_was_silent_is_closed_last() {
    let rig = Rig::new();
    rig.script.lock().masks.push(("created new".into(), NotifyMask::SUPPRESS_NOTIFICATIONS));
    let created = rig.create("new");
    let silent = rig.open("new", READ).unwrap();
    rig.close(&created);
    rig.close(&silent);
    rig.hears(&["created new"]);
    rig.close(&rig.open("new", READ).unwrap());
    rig.hears(&["opened new", "closed new"]);
}

#[test]
fn what_the_providers_own_process_does_is_not_told() {
    let mut rig = Rig::new();
    rig.pid = PROVIDER;
    rig.close(&rig.create("new"));
    rig.remove("f", RemoveKind::NotDirectory).unwrap();
    rig.hears(&[]);
}

#[test]
fn nothing_has_changed_when_an_operation_must_wait_to_notify() {
    let rig = Rig::new();
    let impatient = Context { patience: Patience::None, ..rig.context() };
    let made = rig.engine.make(&impatient, ROOT, name("dir"), &DIRECTORY).unwrap_err();
    assert_eq!(made.kind, ErrorKind::WouldWait);
    rig.hears(&[]);
}

#[test]
fn of_many_who_convert_a_file_at_once_one_asks() {
    let rig = Rig::with(&[("", NotifyMask::FILE_PRE_CONVERT_TO_FULL)]);
    let node = rig.node("f");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let token = CancelToken::new();
                let caller = Caller { pid: 1, uid: 0, gid: 0 };
                let context = Context { caller, patience: Patience::Until(&token), request: 0 };
                let opened = rig.engine.open(&context, node, WRITE).unwrap();
                rig.engine.release(&context, opened.handle);
            });
        }
    });
    rig.hears(&["pre-convert f", "data f"]);
}
