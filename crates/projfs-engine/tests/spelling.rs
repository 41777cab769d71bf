//! Roots in which the case of names does not matter.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::Entry;
use projfs_engine::ErrorKind;
use projfs_engine::KernelCache;
use projfs_engine::NegativePaths;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_engine::StateWord;
use projfs_engine::Updated;
use projfs_provider::Adapter;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::OnDiskState;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFlags;
use projfs_types::collation::Collation;

/// A source in which the case of names does not matter, as those of Windows are.
struct Windows {
    projection: Projection,
    /// Every path, as it is spelled.
    paths: Vec<RelPathBuf>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Windows {
    /// The path as it is spelled.
    fn spelled(&self, path: &RelPath) -> RelPathBuf {
        let same = |known: &&RelPathBuf| {
            known.components().count() == path.components().count()
                && known.components().zip(path.components()).all(|(a, b)| Collation::Insensitive.same(a, b))
        };
        self.paths.iter().find(same).cloned().unwrap_or_else(|| path.to_owned())
    }

    fn request(&self, what: &str, request: &Request) -> Request {
        self.asked.lock().push(format!("{what} {}", request.path()));
        Request::new(
            request.command(),
            self.spelled(request.path()),
            request.version().clone(),
            request.caller(),
            request.cancellation().clone(),
        )
    }
}

impl Provider for Windows {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.projection.placeholder_info(&self.request("info", request))
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.projection.enumerate(&self.request("list", request))
    }

    fn file_data(
        &self,
        request: &Request,
        range: std::ops::Range<u64>,
        sink: &DataSink,
    ) -> Result<(), ProviderError> {
        self.projection.file_data(&self.request("data", request), range, sink)
    }
}

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

#[derive(Default)]
struct Names(Vec<String>);

impl DirSink for Names {
    fn fits(&self, _: usize) -> bool {
        true
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.0.push(String::from_utf8_lossy(entry.name).into_owned());
    }
}

const ROOT: NodeId = NodeId::ROOT;
const FILE: NewItem = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };
const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };

struct Rig {
    engine: Engine,
    asked: Arc<Mutex<Vec<String>>>,
    token: CancelToken,
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

impl Rig {
    fn new() -> Self {
        Self::with(NegativePaths::default())
    }

    fn with(negative_paths: NegativePaths) -> Self {
        let paths = ["ReadMe", "Src", "Src/Main.c", "Other"].map(|path| RelPathBuf::new(path).unwrap());
        let projection = Projection::default()
            .file("ReadMe", "read me")
            .directory("Src")
            .file("Src/Main.c", "int main;")
            .file("Other", "other");
        let asked = Arc::new(Mutex::default());
        let provider = Windows { projection, paths: paths.into(), asked: Arc::clone(&asked) };
        let options = Options { collation: Collation::Insensitive, negative_paths, ..Options::default() };
        let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
        let handler = Arc::new(Adapter::new(provider));
        let engine = Engine::start(store, journal, handler, Arc::new(NoCache), options).unwrap();
        Self { engine, asked, token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    fn find(&self, path: &str) -> Option<Entry> {
        let mut found = Entry { node: ROOT, stat: self.engine.attributes(&self.context(), ROOT).unwrap() };
        for part in path.split('/') {
            found = self.engine.lookup(&self.context(), found.node, name(part)).unwrap()?;
        }
        Some(found)
    }

    fn read(&self, path: &str) -> String {
        let node = self.find(path).unwrap_or_else(|| panic!("{path} is not there")).node;
        let opened = self.engine.open(&self.context(), node, READ).unwrap();
        let mut buffer = vec![0; 100];
        let length = self.engine.read(&self.context(), opened.handle, 0, &mut buffer).unwrap();
        self.engine.release(&self.context(), opened.handle);
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn create(&self, path: &str, content: &str) -> Result<(), ErrorKind> {
        let (_, opened) = self
            .engine
            .create(&self.context(), ROOT, name(path), &FILE, WRITE, true)
            .map_err(|error| error.kind)?;
        self.engine.write(&self.context(), opened.handle, 0, content.as_bytes()).unwrap();
        self.engine.release(&self.context(), opened.handle);
        Ok(())
    }

    fn remove(&self, path: &str) {
        self.engine.remove(&self.context(), ROOT, name(path), RemoveKind::NotDirectory).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        let how = RenameHow::Replace;
        self.engine.rename(&self.context(), (ROOT, name(from)), (ROOT, name(to)), how).unwrap();
    }

    fn list(&self) -> Vec<String> {
        let mut names = Names::default();
        self.engine.read_dir(&self.context(), ROOT, 0, true, &mut names).unwrap();
        let mut names: Vec<_> = names.0.into_iter().filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    fn word(&self, path: &str) -> StateWord {
        self.engine.state(&self.context(), RelPath::new(path.as_bytes()).unwrap()).unwrap().word
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn an_item_is_one_however_it_is_spelled() {
    let rig = Rig::new();
    assert_eq!(rig.read("src/MAIN.C"), "int main;");
    assert_eq!(rig.find("SRC/main.c").unwrap().node, rig.find("Src/Main.c").unwrap().node);
    assert_eq!(rig.word("src/main.c"), StateWord::Hydrated);
    assert_eq!(rig.read("readme"), "read me");
    assert_eq!(rig.list(), ["Other", "ReadMe", "Src"]);
}

#[test]
fn a_name_that_nobody_has_is_asked_for_once_each_time() {
    let rig = Rig::with(NegativePaths::Ask);
    assert!(rig.find("absent").is_none());
    assert_eq!(*rig.asked.lock(), ["info absent"]);
    assert!(rig.find("ABSENT").is_none());
    assert_eq!(*rig.asked.lock(), ["info absent", "info ABSENT"]);
}

#[test]
fn the_provider_changes_placeholders_under_every_spelling() {
    let rig = Rig::new();
    let path = |text: &str| RelPathBuf::new(text).unwrap();
    // Known under its own spelling alone.
    assert!(rig.find("Src/Main.c").is_some());
    assert!(rig.find("ReadMe").is_some());
    let on_disk = |text: &str| rig.engine.on_disk_state(&path(text)).map_err(|error| error.kind);
    assert_eq!(on_disk("SRC/main.C"), Ok(OnDiskState::PLACEHOLDER));
    let info = version_info(100, 0o644, b"another");
    let made = rig.engine.create_placeholder(&rig.context(), &path("SRC/main.C"), &info);
    assert_eq!(made.unwrap_err().kind, ErrorKind::Exists);
    let updated = rig.engine.update(&rig.context(), &path("SRC/main.C"), &info, UpdateFlags::empty());
    assert_eq!(updated.unwrap(), Updated::Updated);
    assert_eq!(rig.find("Src/Main.c").unwrap().stat.size, 7);
    rig.engine.delete(&rig.context(), &path("README"), UpdateFlags::empty()).unwrap();
    assert_eq!(on_disk("ReadMe"), Err(ErrorKind::NotFound));
}

#[test]
fn a_spelling_is_asked_for_once() {
    let rig = Rig::new();
    rig.find("README");
    rig.find("readme");
    rig.find("README");
    assert_eq!(*rig.asked.lock(), ["info README"]);
}

#[test]
fn a_name_is_taken_however_it_is_spelled() {
    let rig = Rig::new();
    assert_eq!(rig.create("README", "mine"), Err(ErrorKind::Exists));
    rig.create("Mine", "mine").unwrap();
    assert_eq!(rig.create("mine", "again"), Err(ErrorKind::Exists));
    assert_eq!(rig.read("MINE"), "mine");
    assert_eq!(rig.list(), ["Mine", "Other", "ReadMe", "Src"]);
}

#[test]
fn what_is_deleted_is_gone_under_every_spelling_and_can_be_made_under_another() {
    let rig = Rig::new();
    rig.remove("README");
    assert!(rig.find("ReadMe").is_none() && rig.find("readme").is_none());
    assert_eq!(rig.list(), ["Other", "Src"]);
    rig.create("readme", "mine").unwrap();
    assert_eq!(rig.list(), ["Other", "Src", "readme"]);
    assert_eq!(rig.read("ReadMe"), "mine");
    rig.remove("READme");
    assert!(rig.find("ReadMe").is_none() && rig.find("readme").is_none());
    assert_eq!(rig.list(), ["Other", "Src"]);
}

#[test]
fn a_name_is_spelled_anew_by_way_of_another() {
    let rig = Rig::new();
    rig.rename("readme", "README");
    assert_eq!(rig.list(), ["Other", "ReadMe", "Src"], "two names of one item: nothing happens");
    rig.rename("readme", "aside");
    rig.rename("aside", "README");
    assert_eq!(rig.list(), ["Other", "README", "Src"]);
    assert_eq!(rig.read("readMe"), "read me");
    rig.rename("SRC", "aside");
    rig.rename("ASIDE", "src");
    assert_eq!(rig.read("SRC/main.c"), "int main;");
    assert_eq!(rig.list(), ["Other", "README", "src"]);
    rig.remove("readme");
    assert_eq!(rig.list(), ["Other", "src"]);
    assert!(rig.find("ReadMe").is_none());
}

#[test]
fn a_rename_replaces_what_has_the_name_however_it_is_spelled() {
    let rig = Rig::new();
    rig.rename("other", "README");
    assert_eq!(rig.list(), ["ReadMe", "Src"], "what is there keeps its spelling");
    assert_eq!(rig.read("readme"), "other");
    assert!(rig.find("Other").is_none());
    rig.rename("readme", "OTHER");
    assert_eq!(rig.list(), ["OTHER", "Src"], "a tombstone does not");
}
