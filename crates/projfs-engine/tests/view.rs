//! Changes of the view by the provider: single items, and everything at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Conflict;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::ErrorKind;
use projfs_engine::HandleId;
use projfs_engine::KernelCache;
use projfs_engine::NegativePaths;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_engine::SetAttributes;
use projfs_engine::StateWord;
use projfs_engine::Updated;
use projfs_provider::Adapter;
use projfs_provider::CommandHandler;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::Request;
use projfs_store::Acknowledged;
use projfs_store::Journal;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_store::Since;
use projfs_store::StoreError;
use projfs_store::StoreErrorKind;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicUsize;
use projfs_sync::atomic::Ordering;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::Cursor;
use projfs_types::ItemName;
use projfs_types::JournalEntry;
use projfs_types::NodeId;
use projfs_types::OnDiskState;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::ReaderName;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFailureCauses;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;

const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

/// Names, as many as are asked for at a time.
struct Names {
    left: usize,
    names: Vec<String>,
    cookie: u64,
}

impl DirSink for Names {
    fn fits(&self, _: usize) -> bool {
        self.left > self.names.len()
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.cookie = entry.cookie;
        self.names.push(String::from_utf8_lossy(entry.name).into_owned());
    }
}

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

struct Rig {
    engine: Arc<Engine>,
    token: CancelToken,
}

impl Rig {
    fn new(projection: &Projection) -> Self {
        Self::with(projection.clone(), &MemoryStore::new(), Options::default())
    }

    fn with(provider: impl Provider, store: &MemoryStore, options: Options) -> Self {
        Self::over(store, Arc::new(MemoryJournal::new()), Arc::new(Adapter::new(provider)), options)
    }

    fn over(
        store: &MemoryStore,
        journal: Arc<dyn Journal>,
        handler: Arc<dyn CommandHandler>,
        options: Options,
    ) -> Self {
        let engine = Engine::start(Arc::new(store.clone()), journal, handler, Arc::new(NoCache), options);
        Self { engine: Arc::new(engine.unwrap()), token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    fn at<T>(&self, text: &str, act: impl FnOnce(NodeId) -> T) -> Option<T> {
        let mut nodes = vec![NodeId::ROOT];
        for name in path(text).components() {
            let Some(entry) = self.engine.lookup(&self.context(), *nodes.last()?, name).unwrap() else {
                break;
            };
            nodes.push(entry.node);
        }
        let found = nodes.len() == path(text).components().count() + 1;
        let result = found.then(|| act(*nodes.last().unwrap()));
        nodes.into_iter().for_each(|node| self.engine.forget(node, 1));
        result
    }

    fn open(&self, text: &str, how: OpenHow) -> HandleId {
        self.at(text, |node| self.engine.open(&self.context(), node, how).unwrap().handle).unwrap()
    }

    fn contents(&self, handle: HandleId) -> String {
        let mut bytes = vec![0; 1000];
        let read = self.engine.read(&self.context(), handle, 0, &mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    }

    fn read(&self, text: &str) -> String {
        let handle = self.open(text, READ);
        let contents = self.contents(handle);
        self.engine.release(&self.context(), handle);
        contents
    }

    fn write(&self, text: &str, data: &str) {
        let handle = self.open(text, OpenHow { truncate: true, ..WRITE });
        self.engine.write(&self.context(), handle, 0, data.as_bytes()).unwrap();
        self.engine.release(&self.context(), handle);
    }

    fn chmod(&self, text: &str, mode: u32) {
        let mut change = SetAttributes::default();
        change.others.permissions = Some(mode);
        self.at(text, |node| self.engine.set_attributes(&self.context(), node, None, &change).unwrap())
            .unwrap();
    }

    fn make(&self, text: &str, kind: NewKind) {
        let (parent, name) = path(text).split_last().unwrap();
        let new = NewItem { kind, permissions: 0o755, uid: 0, gid: 0 };
        let made =
            self.at(&parent.to_string(), |dir| self.engine.make(&self.context(), dir, name, &new).unwrap());
        self.engine.forget(made.unwrap().node, 1);
    }

    fn remove(&self, text: &str, kind: RemoveKind) {
        let (parent, name) = path(text).split_last().unwrap();
        let removed =
            self.at(&parent.to_string(), |dir| self.engine.remove(&self.context(), dir, name, kind));
        removed.unwrap().unwrap();
    }

    fn list(&self, text: &str) -> Vec<String> {
        let mut names = Names { left: usize::MAX, names: Vec::new(), cookie: 0 };
        self.at(text, |node| self.engine.read_dir(&self.context(), node, 0, true, &mut names).unwrap())
            .unwrap();
        let mut names: Vec<_> = names.names.into_iter().filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }

    fn word(&self, text: &str) -> Option<StateWord> {
        self.engine.state(&self.context(), path(text)).ok().map(|state| state.word)
    }

    fn update(&self, text: &str, info: &PlaceholderInfo, flags: UpdateFlags) -> Result<Updated, ErrorKind> {
        self.engine.update(&self.context(), path(text), info, flags).map_err(|error| error.kind)
    }

    fn delete(&self, text: &str, flags: UpdateFlags) -> Result<(), ErrorKind> {
        self.engine.delete(&self.context(), path(text), flags).map_err(|error| error.kind)
    }
}

/// A file of the projection has another version.
fn next(projection: &Projection, text: &str, version: u64, content: &str) -> PlaceholderInfo {
    let info = version_info(version, 0o644, content.as_bytes());
    projection.set(path(text).to_owned(), Given { info: info.clone(), content: content.into() });
    info
}

fn small() -> Projection {
    Projection::default().file("a", "one").directory("d").file("d/b", "bee").file("z", "zed")
}

#[test]
fn who_has_a_file_open_reads_on_in_the_old_version() {
    let projection = small();
    let rig = Rig::new(&projection);
    let before = rig.open("a", READ);
    let info = next(&projection, "a", 100, "another");
    assert_eq!(rig.update("a", &info, UpdateFlags::empty()), Ok(Updated::Updated));
    assert_eq!(rig.word("a"), Some(StateWord::Placeholder));
    let after = rig.open("a", READ);
    assert_eq!((rig.contents(before), rig.contents(after)), ("one".into(), "another".into()));
    assert_eq!(rig.update("a", &info, UpdateFlags::empty()), Ok(Updated::Unchanged));
    assert_eq!(rig.word("a"), Some(StateWord::Hydrated), "what is of that version is left as it is");
    assert_eq!(rig.delete("a", UpdateFlags::empty()), Ok(()));
    assert_eq!(rig.word("a"), Some(StateWord::Virtual));
    assert_eq!((rig.contents(before), rig.contents(after)), ("one".into(), "another".into()));
    for handle in [before, after] {
        rig.engine.release(&rig.context(), handle);
    }
    let statistics = rig.engine.statistics();
    assert_eq!((statistics.nodes, statistics.handles), (1, 0), "everything was forgotten and closed");
}

#[test]
fn what_is_not_local_is_not_updated() {
    let projection = small();
    let rig = Rig::new(&projection);
    let info = next(&projection, "a", 100, "another");
    let none = UpdateFlags::all();
    for text in ["a", "missing"] {
        assert_eq!(rig.update(text, &info, none), Err(ErrorKind::NotFound), "{text}");
        assert_eq!(rig.delete(text, none), Err(ErrorKind::NotFound), "{text}");
    }
    for text in ["d/b", "missing/b"] {
        assert_eq!(rig.update(text, &info, none), Err(ErrorKind::PathNotFound), "{text}");
        assert_eq!(rig.delete(text, none), Err(ErrorKind::PathNotFound), "{text}");
    }
    assert_eq!(rig.update("", &info, none), Err(ErrorKind::Invalid));
    rig.at("d/b", drop).unwrap();
    assert_eq!(rig.update("d/b/c", &info, none), Err(ErrorKind::PathNotFound));
    assert_eq!(rig.delete("d", none), Err(ErrorKind::NotEmpty));
    assert_eq!(rig.update("d", &info, none), Err(ErrorKind::NotEmpty));
    assert_eq!(rig.delete("d/b", UpdateFlags::empty()), Ok(()));
    assert_eq!(rig.delete("d", UpdateFlags::empty()), Ok(()));
    rig.remove("d/b", RemoveKind::NotDirectory);
    assert_eq!(rig.update("d/b/c", &info, none), Err(ErrorKind::PathNotFound), "beneath a tombstone");
}

#[test]
fn local_changes_are_kept_until_they_are_given_up() {
    let projection = small();
    let rig = Rig::new(&projection);
    let info = next(&projection, "a", 100, "another");
    fn kept<T>(causes: UpdateFailureCauses) -> Result<T, ErrorKind> {
        Err(ErrorKind::Kept(causes))
    }
    rig.write("a", "mine");
    rig.chmod("a", 0o444);
    let both = UpdateFailureCauses::DIRTY_DATA | UpdateFailureCauses::READ_ONLY;
    assert_eq!(rig.update("a", &info, UpdateFlags::empty()), kept(both));
    let flags = UpdateFlags::ALLOW_DIRTY_DATA;
    assert_eq!(rig.update("a", &info, flags), kept(UpdateFailureCauses::READ_ONLY));
    assert_eq!(rig.read("a"), "mine");
    assert_eq!(rig.update("a", &info, flags | UpdateFlags::ALLOW_READ_ONLY), Ok(Updated::Updated));
    assert_eq!(rig.read("a"), "another");
    rig.remove("a", RemoveKind::NotDirectory);
    assert_eq!(rig.delete("a", UpdateFlags::empty()), kept(UpdateFailureCauses::TOMBSTONE));
    assert_eq!(rig.delete("a", UpdateFlags::ALLOW_TOMBSTONE), Ok(()));
    assert_eq!(rig.word("a"), Some(StateWord::Virtual));
    rig.remove("d/b", RemoveKind::NotDirectory);
    let (dirty, tombstone) = (UpdateFlags::ALLOW_DIRTY_METADATA, UpdateFlags::ALLOW_TOMBSTONE);
    assert_eq!(rig.delete("d", dirty), kept(UpdateFailureCauses::TOMBSTONE));
    assert_eq!(rig.delete("d", tombstone), kept(UpdateFailureCauses::DIRTY_METADATA));
    assert_eq!(rig.delete("d", dirty | tombstone), Ok(()));
    assert_eq!(rig.list("d"), ["b"], "what was deleted is there again");
}

#[test]
fn the_parent_of_what_is_changed_stays_clean() {
    let projection = small();
    let rig = Rig::new(&projection);
    assert_eq!(rig.read("d/b"), "bee");
    let info = next(&projection, "d/b", 100, "another");
    assert_eq!(rig.update("d/b", &info, UpdateFlags::empty()), Ok(Updated::Updated));
    assert_eq!(rig.word("d"), Some(StateWord::Placeholder));
    assert_eq!(rig.delete("d/b", UpdateFlags::empty()), Ok(()));
    assert_eq!(rig.word("d"), Some(StateWord::Placeholder));
    assert_eq!(rig.engine.on_disk_state(path("d")).unwrap(), OnDiskState::PLACEHOLDER);
    assert_eq!(rig.engine.on_disk_state(path("d/b")).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn a_moved_item_is_updated_where_it_is() {
    let projection = small();
    let rig = Rig::new(&projection);
    let names = (ItemName::new(b"a").unwrap(), ItemName::new(b"moved").unwrap());
    let root = NodeId::ROOT;
    rig.engine.rename(&rig.context(), (root, names.0), (root, names.1), RenameHow::Replace).unwrap();
    let info = next(&projection, "a", 100, "another");
    assert_eq!(rig.update("moved", &info, UpdateFlags::empty()), Ok(Updated::Updated));
    assert_eq!(rig.read("moved"), "another");
    assert_eq!(rig.delete("a", UpdateFlags::ALLOW_TOMBSTONE), Ok(()));
    let info = next(&projection, "a", 101, "a third");
    assert_eq!(rig.read("a"), "a third", "another item than the one that moved, with the same number");
    assert_eq!(rig.update("a", &info, UpdateFlags::empty()), Ok(Updated::Unchanged));
    assert_eq!(rig.read("moved"), "another");
}

#[test]
fn placeholders_are_made_ahead_of_time() {
    let projection = small();
    let rig = Rig::new(&projection);
    let create = |text: &str, info: &PlaceholderInfo| {
        rig.engine.create_placeholder(&rig.context(), path(text), info).map_err(|error| error.kind)
    };
    let info = version_info(100, 0o644, b"new");
    projection.offer(&info.version, b"new");
    assert_eq!(create("d/new", &info), Ok(()), "the provider is asked for the directory");
    assert_eq!(rig.list("d"), ["b", "new"], "though the provider does not list it");
    assert_eq!(rig.read("d/new"), "new");
    assert_eq!(create("d/new", &info), Err(ErrorKind::Exists));
    assert_eq!(create("missing/new", &info), Err(ErrorKind::PathNotFound));
    assert_eq!(create("a/new", &info), Err(ErrorKind::PathNotFound));
    rig.remove("a", RemoveKind::NotDirectory);
    assert_eq!(create("a", &info), Err(ErrorKind::Exists), "a tombstone too");
    let link = PlaceholderInfo::symlink(&b"new"[..]);
    assert_eq!(create("d/link", &link), Ok(()));
    assert_eq!(
        rig.at("d/link", |node| rig.engine.read_link(&rig.context(), node).unwrap().to_vec()).unwrap(),
        b"new"
    );
    rig.make("mine", NewKind::Directory);
    assert_eq!(create("mine/new", &info), Ok(()), "in a directory that was made here, too");
    assert_eq!((rig.read("mine/new"), rig.word("mine/new")), ("new".into(), Some(StateWord::Hydrated)));
}

#[test]
fn a_directory_that_was_made_here_shows_what_the_provider_has() {
    let projection = small();
    let rig = Rig::new(&projection);
    let mark = |text: &str| {
        let version = VersionInfo::of_content(b"v").unwrap();
        rig.engine.mark_directory(&rig.context(), path(text), &version).map_err(|error| error.kind)
    };
    rig.remove("d/b", RemoveKind::NotDirectory);
    rig.remove("d", RemoveKind::Directory);
    rig.make("d", NewKind::Directory);
    rig.make("d/b", NewKind::File);
    rig.make("d/mine", NewKind::File);
    assert_eq!(mark("d"), Ok(()));
    projection
        .set(path("d/c").to_owned(), Given { info: version_info(7, 0o644, b"c"), content: b"c".to_vec() });
    assert_eq!(rig.list("d"), ["b", "c", "mine"]);
    assert_eq!((rig.read("d/b"), rig.read("d/c")), (String::new(), "c".into()), "what is local wins");
    assert_eq!(rig.word("d"), Some(StateWord::Placeholder));
    assert_eq!(mark("d"), Err(ErrorKind::AlreadyPlaceholder));
    assert_eq!(mark(""), Err(ErrorKind::AlreadyPlaceholder));
    assert_eq!(mark("a"), Err(ErrorKind::NotDirectory));
    assert_eq!(mark("missing"), Err(ErrorKind::NotFound));
    assert_eq!(mark("missing/d"), Err(ErrorKind::PathNotFound));
}

/// Holds back one answer about `a` until it is let go.
struct Slow {
    projection: Projection,
    asked: mpsc::Sender<()>,
    go: Mutex<mpsc::Receiver<()>>,
    held: AtomicUsize,
}

impl Slow {
    fn hold(&self) {
        if self.held.fetch_add(1, Ordering::Relaxed) == 0 {
            self.asked.send(()).unwrap();
            self.go.lock().recv().unwrap();
        }
    }
}

impl Provider for Slow {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let answer = self.projection.placeholder_info(request);
        if request.path().as_bytes() == b"held" {
            self.hold();
        }
        answer
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.projection.enumerate(request)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        if request.path().as_bytes() == b"a" {
            self.hold();
        }
        self.projection.file_data(request, range, sink)
    }
}

fn slow(projection: &Projection, options: Options) -> (Rig, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (asked, hears) = mpsc::channel();
    let (lets, go) = mpsc::channel();
    let (go, held) = (Mutex::new(go), AtomicUsize::new(0));
    let provider = Slow { projection: projection.clone(), asked, go, held };
    (Rig::with(provider, &MemoryStore::new(), options), hears, lets)
}

#[test]
fn what_is_fetched_while_an_item_changes_is_fetched_again() {
    let projection = small();
    let (rig, hears, lets) = slow(&projection, Options { provider_threads: 2, ..Options::default() });
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| rig.read("a"));
        hears.recv().unwrap();
        let info = next(&projection, "a", 100, "another");
        assert_eq!(rig.update("a", &info, UpdateFlags::empty()), Ok(Updated::Updated));
        assert_eq!(reader.join().unwrap(), "another", "the old answer has not come yet");
        lets.send(()).unwrap();
    });
    assert_eq!(rig.read("a"), "another");
}

#[test]
fn a_name_that_was_absent_before_a_clearing_is_asked_for_again() {
    let projection = small();
    let (rig, hears, lets) = slow(&projection, Options { provider_threads: 2, ..Options::default() });
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| rig.word("held"));
        hears.recv().unwrap();
        next(&projection, "held", 100, "there by now");
        assert_eq!(rig.engine.clear_negative_path_cache(), 0);
        lets.send(()).unwrap();
        reader.join().unwrap();
    });
    assert_eq!(rig.read("held"), "there by now");
}

#[test]
fn absent_names_are_remembered_as_the_option_says() {
    for (negative_paths, count) in
        [(NegativePaths::Remember, 2), (NegativePaths::AsLifetime, 2), (NegativePaths::Ask, 0)]
    {
        let projection = small();
        let rig = Rig::with(
            projection.clone(),
            &MemoryStore::new(),
            Options { negative_paths, ..Options::default() },
        );
        for name in ["x", "y", "made", "ahead"] {
            assert!(rig.at(name, drop).is_none());
        }
        rig.make("made", NewKind::File);
        let info = version_info(1, 0o644, b"");
        rig.engine.create_placeholder(&rig.context(), path("ahead"), &info).unwrap();
        next(&projection, "x", 100, "there by now");
        assert_eq!(rig.at("x", drop).is_none(), negative_paths != NegativePaths::Ask);
        assert_eq!(
            rig.engine.clear_negative_path_cache(),
            count,
            "{negative_paths:?}: those that appeared are not counted"
        );
        assert_eq!(rig.read("x"), "there by now");
    }
}

/// A tree, and the next version of it, in which everything differs but what is called `same`.
fn versions() -> (Projection, Projection) {
    let one = |changed: &str| {
        let tree = Projection::default();
        for (at, name) in
            ["full", "dirty", "clean", "hydrated", "deleted", "same", "both"].into_iter().enumerate()
        {
            let text = if name == "same" { "same" } else { changed };
            let version = if name == "same" { 1 } else { 10 * changed.len() as u64 + at as u64 };
            next(&tree, name, version, &format!("{name}: {text}"));
        }
        for name in ["dir", "dir/in", "gone", "gone/in", "turns"] {
            let info = PlaceholderInfo::directory()
                .with_version(VersionInfo::of_content(format!("{name}{changed}").as_bytes()).unwrap());
            tree.set(path(name).to_owned(), Given { info, content: Vec::new() });
        }
        next(&tree, "dir/in/clean", 1000 + changed.len() as u64, changed);
        next(&tree, "dir/in/full", 2000 + changed.len() as u64, changed);
        tree
    };
    let (old, new) = (one("old"), one("newer"));
    next(&old, "gone/in/clean", 7001, "gone");
    next(&old, "gone/in/full", 7002, "gone");
    next(&old, "gone/untouched", 7003, "gone");
    next(&new, "fresh", 8000, "fresh");
    new.remove(path("gone"));
    new.remove(path("both"));
    new.remove(path("turns"));
    next(&new, "turns", 8001, "a file by now");
    (old, new)
}

/// Does something to the old version.
fn use_it(rig: &Rig) {
    rig.write("full", "mine");
    rig.chmod("dirty", 0o600);
    rig.at("clean", drop).unwrap();
    rig.read("hydrated");
    rig.read("same");
    for name in ["deleted", "both"] {
        rig.remove(name, RemoveKind::NotDirectory);
    }
    rig.read("dir/in/clean");
    rig.write("dir/in/full", "mine");
    rig.make("dir/in/made", NewKind::File);
    rig.read("gone/in/clean");
    rig.write("gone/in/full", "mine");
    rig.at("gone/untouched", drop).unwrap();
    rig.list("turns");
    rig.at("turns", drop).unwrap();
}

fn everything(rig: &Rig) -> BTreeMap<String, (Option<StateWord>, Option<String>)> {
    let mut all = BTreeMap::new();
    let mut pending = vec![String::new()];
    while let Some(dir) = pending.pop() {
        for name in rig.list(&dir) {
            let text = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            let word = rig.word(&text);
            let stat = rig.at(&text, |node| rig.engine.attributes(&rig.context(), node).unwrap()).unwrap();
            let content = match stat.kind() {
                projfs_types::ItemKind::Directory => {
                    pending.push(text.clone());
                    None
                }
                _ => Some(rig.read(&text)),
            };
            all.insert(text, (word, content));
        }
    }
    all
}

fn conflicts() -> Vec<Conflict> {
    let conflict =
        |(text, causes): (&str, UpdateFailureCauses)| Conflict { path: path(text).to_owned(), causes };
    let expected = [
        ("deleted", UpdateFailureCauses::TOMBSTONE),
        ("dir/in/full", UpdateFailureCauses::DIRTY_DATA),
        ("dirty", UpdateFailureCauses::DIRTY_METADATA),
        ("full", UpdateFailureCauses::DIRTY_DATA),
        ("gone/in/full", UpdateFailureCauses::DIRTY_DATA),
    ];
    expected.into_iter().map(conflict).collect()
}

fn after_the_switch(rig: &Rig) {
    let word = |text| rig.word(text).unwrap();
    assert_eq!(word("clean"), StateWord::Placeholder);
    assert_eq!(word("hydrated"), StateWord::Placeholder);
    assert_eq!(word("same"), StateWord::Hydrated, "what is of the same version is not fetched again");
    assert_eq!(word("dirty"), StateWord::Dirty);
    assert_eq!(word("gone"), StateWord::Full, "it holds what was kept, and is nobody else's any more");
    assert_eq!(rig.list(""), ["clean", "dir", "dirty", "fresh", "full", "gone", "hydrated", "same", "turns"]);
    assert_eq!(rig.list("gone"), ["in"]);
    assert_eq!(rig.list("gone/in"), ["full"]);
    assert_eq!(rig.list("dir/in"), ["clean", "full", "made"]);
    let read = |text| rig.read(text);
    assert_eq!(read("clean"), "clean: newer");
    assert_eq!(read("hydrated"), "hydrated: newer");
    assert_eq!(
        (read("full"), read("dir/in/full"), read("gone/in/full")),
        ("mine".into(), "mine".into(), "mine".into())
    );
    assert_eq!(read("dir/in/clean"), "newer");
    assert_eq!((read("turns"), read("fresh")), ("a file by now".into(), "fresh".into()));
}

#[test]
fn a_switch_brings_everything_to_the_new_version_but_what_was_changed_here() {
    let (old, new) = versions();
    let rig = Rig::new(&old);
    use_it(&rig);
    let before = rig.open("hydrated", READ);
    let switched = rig.engine.switch(&rig.context(), Arc::new(Adapter::new(new))).unwrap();
    assert_eq!(switched.conflicts, conflicts());
    after_the_switch(&rig);
    assert_eq!(rig.contents(before), "hydrated: old");
    rig.engine.release(&rig.context(), before);
    let again = rig.engine.refresh(&rig.context()).unwrap();
    assert_eq!((again.updated, again.dropped), (0, 0), "once is enough");
}

#[test]
fn a_switch_that_the_provider_cannot_answer_for_changes_nothing() {
    struct Failing;
    impl Provider for Failing {
        fn placeholder_info(&self, _: &Request) -> Result<ProjectedItem, ProviderError> {
            Err(ProviderError::new(projfs_provider::ProviderErrorKind::Io, "broken"))
        }
        fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
            Err(ProviderError::new(projfs_provider::ProviderErrorKind::Io, "broken"))
        }
        fn file_data(&self, _: &Request, _: Range<u64>, _: &DataSink) -> Result<(), ProviderError> {
            Err(ProviderError::new(projfs_provider::ProviderErrorKind::Io, "broken"))
        }
    }
    let (old, _) = versions();
    let rig = Rig::new(&old);
    use_it(&rig);
    // Looking at everything hydrates it.
    everything(&rig);
    let before = everything(&rig);
    let refused = rig.engine.switch(&rig.context(), Arc::new(Adapter::new(Failing))).unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::Provider(_)), "{refused}");
    assert_eq!(everything(&rig), before);
}

/// A journal that is full after some entries, as if the power had gone: nothing is done without it.
struct Ending {
    inner: MemoryJournal,
    left: AtomicUsize,
}

impl Journal for Ending {
    fn append(&self, entry: &JournalEntry) -> Result<Cursor, StoreError> {
        let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match left {
            Ok(_) => self.inner.append(entry),
            Err(_) => {
                let kind = StoreErrorKind::Os(rustix::io::Errno::NOSPC);
                Err(StoreError::new(kind, "write the journal", RelPathBuf::root()))
            }
        }
    }

    fn start(&self) -> Cursor {
        self.inner.start()
    }

    fn end(&self) -> Cursor {
        self.inner.end()
    }

    fn register(&self, reader: &ReaderName) -> Result<Cursor, StoreError> {
        self.inner.register(reader)
    }

    fn unregister(&self, reader: &ReaderName) -> Result<bool, StoreError> {
        self.inner.unregister(reader)
    }

    fn readers(&self) -> Vec<(ReaderName, Cursor)> {
        self.inner.readers()
    }

    fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> Result<Acknowledged, StoreError> {
        self.inner.acknowledge(reader, cursor)
    }

    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since, StoreError> {
        self.inner.since(cursor, limit)
    }
}

#[test]
fn a_switch_that_a_crash_interrupts_is_finished_by_the_next_start() {
    let mut stops = 0;
    loop {
        let (old, new) = versions();
        let store = MemoryStore::new();
        let rig = Rig::with(old.clone(), &store, Options::default());
        use_it(&rig);
        drop(rig);
        let ending = Arc::new(Ending { inner: MemoryJournal::new(), left: AtomicUsize::new(stops) });
        let rig = Rig::over(&store, ending, Arc::new(Adapter::new(old.clone())), Options::default());
        let switched = rig.engine.switch(&rig.context(), Arc::new(Adapter::new(new.clone())));
        rig.engine.stop(std::time::Duration::from_secs(5));
        drop(rig);
        let rig = Rig::with(new.clone(), &store, Options::default());
        if switched.is_err() {
            rig.engine.finish_switch(&rig.context()).unwrap();
        }
        after_the_switch(&rig);
        if switched.is_ok() {
            break;
        }
        stops += 1;
    }
    assert!(stops > 5, "it has {stops} steps only");
}

#[test]
fn a_switch_that_was_interrupted_can_also_go_back() {
    let (old, new) = versions();
    let store = MemoryStore::new();
    let rig = Rig::with(old.clone(), &store, Options::default());
    use_it(&rig);
    let before: Vec<_> = everything(&rig).into_iter().map(|(path, (_, content))| (path, content)).collect();
    drop(rig);
    let ending = Arc::new(Ending { inner: MemoryJournal::new(), left: AtomicUsize::new(5) });
    let rig = Rig::over(&store, ending, Arc::new(Adapter::new(old.clone())), Options::default());
    rig.engine.switch(&rig.context(), Arc::new(Adapter::new(new))).unwrap_err();
    rig.engine.stop(std::time::Duration::from_secs(5));
    drop(rig);
    let rig = Rig::with(old, &store, Options::default());
    rig.engine.finish_switch(&rig.context()).unwrap();
    let after: Vec<_> = everything(&rig).into_iter().map(|(path, (_, content))| (path, content)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_listing_that_began_before_a_switch_ends_with_the_old_names() {
    let (old, new) = versions();
    let rig = Rig::new(&old);
    use_it(&rig);
    let whole = rig.list("");
    let mut first = Names { left: 4, names: Vec::new(), cookie: 0 };
    rig.engine.read_dir(&rig.context(), NodeId::ROOT, 0, true, &mut first).unwrap();
    rig.engine.switch(&rig.context(), Arc::new(Adapter::new(new))).unwrap();
    let mut rest = Names { left: usize::MAX, names: Vec::new(), cookie: 0 };
    rig.engine.read_dir(&rig.context(), NodeId::ROOT, first.cookie, true, &mut rest).unwrap();
    let mut names: Vec<_> =
        first.names.into_iter().chain(rest.names).filter(|name| !name.starts_with('.')).collect();
    names.sort();
    assert_eq!(names, whole);
    assert!(rig.list("").contains(&"fresh".to_owned()));
}
