//! What single operations promise, by name: what the provider is asked, and what is left when it cannot answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ops::Range;
use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::DirectoryRenames;
use projfs_engine::Engine;
use projfs_engine::Entry;
use projfs_engine::ErrorKind;
use projfs_engine::HydrationPolicy;
use projfs_engine::KernelCache;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_engine::StateWord;
use projfs_provider::Adapter;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Lifetime;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

/// A projection that keeps what it was asked.
struct Asked {
    projection: Projection,
    lifetime: Lifetime,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Asked {
    fn note(&self, what: &str, request: &Request) {
        self.asked.lock().push(format!("{what} {}", request.path()));
    }
}

impl Provider for Asked {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.note("info", request);
        self.projection.placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.note("list", request);
        self.projection.enumerate(request)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        self.note("data", request);
        self.projection.file_data(request, range, sink)
    }

    fn exists(&self, request: &Request) -> Result<bool, ProviderError> {
        self.note("exists", request);
        self.projection.exists(request)
    }

    fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        self.asked.lock().push(format!("prefetch {}", paths.join(" ")));
        if cancel.is_cancelled() { Err(ProviderErrorKind::Cancelled.into()) } else { Ok(()) }
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: self.lifetime, ..ProviderTraits::default() }
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

struct Rig {
    engine: Engine,
    asked: Arc<Mutex<Vec<String>>>,
    token: CancelToken,
}

const ROOT: NodeId = NodeId::ROOT;
const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };
const WRITE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: false };
const TRUNCATE: OpenHow = OpenHow { access: Access::ReadWrite, truncate: true };

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

impl Rig {
    fn new(projection: Projection) -> Self {
        Self::with(projection, Lifetime::Stable, Options::default())
    }

    fn with(projection: Projection, lifetime: Lifetime, options: Options) -> Self {
        let asked = Arc::new(Mutex::default());
        let provider = Asked { projection, lifetime, asked: Arc::clone(&asked) };
        let (store, journal) = (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new()));
        let handler = Arc::new(Adapter::new(provider));
        let engine = Engine::start(store, journal, handler, Arc::new(NoCache), options).unwrap();
        Self { engine, asked, token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        Context {
            caller: Caller { pid: 1, uid: 0, gid: 0 },
            patience: Patience::Until(&self.token),
            request: 0,
        }
    }

    /// On a thread that must not wait.
    fn impatient(&self) -> Context<'_> {
        Context { patience: Patience::None, ..self.context() }
    }

    fn find(&self, path: &str) -> Option<Entry> {
        let mut found = Entry { node: ROOT, stat: self.engine.attributes(&self.context(), ROOT).unwrap() };
        for part in path.split('/') {
            found = self.engine.lookup(&self.context(), found.node, name(part)).unwrap()?;
        }
        Some(found)
    }

    fn node(&self, path: &str) -> NodeId {
        self.find(path).unwrap_or_else(|| panic!("{path} is not there")).node
    }

    fn read(&self, path: &str) -> String {
        let opened = self.engine.open(&self.context(), self.node(path), READ).unwrap();
        let mut buffer = vec![0; 100];
        let length = self.engine.read(&self.context(), opened.handle, 0, &mut buffer).unwrap();
        self.engine.release(&self.context(), opened.handle);
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    fn list(&self, node: NodeId) -> Vec<String> {
        let mut names = Names::default();
        self.engine.read_dir(&self.context(), node, 0, false, &mut names).unwrap();
        names.0
    }

    fn word(&self, path: &str) -> StateWord {
        self.engine.state(&self.context(), RelPath::new(path.as_bytes()).unwrap()).unwrap().word
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

#[test]
fn a_first_cat_asks_three_questions_and_a_second_none() {
    let rig = Rig::new(Projection::default().directory("src").file("src/main.c", "int main;"));
    assert_eq!(rig.read("src/main.c"), "int main;");
    assert_eq!(rig.asked(), ["info src", "info src/main.c", "data src/main.c"]);
    assert_eq!(rig.read("src/main.c"), "int main;");
    assert!(rig.asked().is_empty());
    assert_eq!(rig.word("src/main.c"), StateWord::Hydrated);
}

#[test]
fn listing_asks_once_and_makes_nothing_a_placeholder() {
    let rig = Rig::new(Projection::default().directory("d").file("d/a", "1").file("b", "2"));
    assert_eq!(rig.list(ROOT), [".", "..", "b", "d"]);
    assert_eq!(rig.list(ROOT), [".", "..", "b", "d"]);
    assert_eq!(rig.asked(), ["list "]);
    assert_eq!(rig.word("b"), StateWord::Virtual);
    assert_eq!(rig.engine.statistics().placeholders, 0);
}

#[test]
fn a_walk_is_foreseen_and_asks_for_each_directory_once() {
    let mut projection = Projection::default();
    let mut expected = vec!["list ".to_owned()];
    for one in 0..20 {
        projection = projection.directory(&format!("{one}"));
        expected.push(format!("list {one}"));
        for two in 0..5 {
            projection = projection.directory(&format!("{one}/{two}")).file(&format!("{one}/{two}/f"), "");
            expected.push(format!("list {one}/{two}"));
        }
    }
    let rig = Rig::new(projection);
    rig.list(ROOT);
    rig.list(rig.node("7"));
    let mut asked = rig.asked();
    assert_eq!(asked, ["list ", "list 7"], "who looks into one directory walks nowhere yet");
    // In the order in which programs do.
    let mut walk = vec![String::new()];
    while let Some(directory) = walk.pop() {
        let node = if directory.is_empty() { ROOT } else { rig.node(&directory) };
        let below = rig.list(node).into_iter().skip(2).filter(|name| name != "f");
        walk.extend(
            below.map(|name| if directory.is_empty() { name } else { format!("{directory}/{name}") }),
        );
    }
    asked.extend(rig.asked());
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
}

#[test]
fn what_is_below_a_renamed_directory_is_asked_for_where_it_was() {
    let rig = Rig::new(Projection::default().directory("d").directory("d/e").file("d/e/f", "deep"));
    rig.engine.rename(&rig.context(), (ROOT, name("d")), (ROOT, name("new")), RenameHow::Replace).unwrap();
    assert_eq!(rig.asked(), ["info d", "info new"]);
    assert_eq!(rig.read("new/e/f"), "deep");
    assert_eq!(rig.asked(), ["info d/e", "info d/e/f", "data d/e/f"]);
    assert!(rig.find("d").is_none());
    assert_eq!(rig.word("d"), StateWord::Tombstone);
}

#[test]
fn what_is_about_to_be_fetched_is_told_by_the_names_that_the_provider_knows() {
    let rig =
        Rig::new(Projection::default().directory("d").directory("d/e").file("d/e/f", "deep").file("a", "1"));
    rig.engine.rename(&rig.context(), (ROOT, name("d")), (ROOT, name("new")), RenameHow::Replace).unwrap();
    rig.asked();
    let paths = ["new/e", "a", "d", "missing"].map(|path| RelPathBuf::new(path).unwrap());
    rig.engine.prefetch(&rig.context(), &paths, &CancelToken::new());
    let asked = rig.asked();
    assert_eq!(
        asked.iter().filter(|asked| asked.starts_with("prefetch")).collect::<Vec<_>>(),
        ["prefetch d/e a missing"]
    );
    // To say what a file is may take what is about to be fetched.
    assert!(!asked.iter().any(|asked| asked.starts_with("data") || asked == "info a"), "{asked:?}");
    rig.engine.prefetch(&rig.context(), &paths[2..3], &CancelToken::new());
    assert!(
        rig.asked().iter().all(|asked| !asked.starts_with("prefetch")),
        "nothing of it is the provider's"
    );
    // What cannot be had ahead is no error.
    let cancelled = CancelToken::new();
    cancelled.cancel();
    rig.engine.prefetch(&rig.context(), &paths[..1], &cancelled);
}

#[test]
fn a_directory_of_which_nothing_is_on_disk_is_synced() {
    let rig = Rig::new(Projection::default().directory("d").file("d/a", "1").file("b", "2"));
    let node = rig.node("d");
    rig.engine.sync_directory(&rig.context(), node).unwrap();
    assert_eq!(rig.word("d"), StateWord::Placeholder, "for that, nothing is put on disk");
    rig.engine.remove(&rig.context(), node, name("a"), RemoveKind::NotDirectory).unwrap();
    rig.engine.sync_directory(&rig.context(), node).unwrap();
    assert!(rig.engine.sync_directory(&rig.context(), rig.node("b")).is_err());
}

#[test]
fn who_may_not_hydrate_reads_what_is_there_and_fetches_nothing() {
    let hydration = HydrationPolicy::new(|caller| caller.pid != 7);
    let options = Options { hydration, ..Options::default() };
    let rig = Rig::with(Projection::default().file("f", "x").file("g", "y"), Lifetime::Stable, options);
    rig.read("g");
    rig.asked();
    let indexer = Context { caller: Caller { pid: 7, uid: 0, gid: 0 }, ..rig.context() };
    for how in [READ, WRITE] {
        let refused = rig.engine.open(&indexer, rig.node("f"), how).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Denied);
    }
    assert_eq!(rig.asked(), ["info f"], "and no data");
    assert_eq!(rig.word("f"), StateWord::Placeholder);
    let opened = rig.engine.open(&indexer, rig.node("g"), READ).unwrap();
    rig.engine.release(&indexer, opened.handle);
    assert_eq!(rig.read("f"), "x");
}

#[test]
fn a_rename_of_a_projected_directory_can_be_refused() {
    let options = Options { directory_renames: DirectoryRenames::Refuse, ..Options::default() };
    let rig = Rig::with(Projection::default().directory("d").file("f", "x"), Lifetime::Stable, options);
    let rename = |from, to, how| rig.engine.rename(&rig.context(), (ROOT, name(from)), (ROOT, name(to)), how);
    let refused = rename("d", "new", RenameHow::Replace).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::CrossDevice);
    let refused = rename("f", "d", RenameHow::Exchange).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::CrossDevice, "an exchange moves both");
    rename("f", "g", RenameHow::Replace).unwrap();
}

#[test]
fn opening_for_writing_fetches_and_truncating_does_not() {
    let rig = Rig::new(Projection::default().file("a", "one").file("b", "two"));
    let before = rig.find("a").unwrap();
    let opened = rig.engine.open(&rig.context(), before.node, WRITE).unwrap();
    rig.engine.release(&rig.context(), opened.handle);
    assert_eq!(rig.asked(), ["info a", "data a"]);
    assert_eq!(rig.word("a"), StateWord::Full);
    let after = rig.find("a").unwrap();
    assert_eq!((after.node, after.stat.number), (before.node, before.stat.number));
    assert_eq!(after.stat.times.write, before.stat.times.write, "nothing was written");
    let opened = rig.engine.open(&rig.context(), rig.node("b"), TRUNCATE).unwrap();
    rig.engine.release(&rig.context(), opened.handle);
    assert_eq!(rig.asked(), ["info b"]);
    assert_eq!(rig.read("b"), "");
}

#[test]
fn without_patience_an_operation_gives_up_and_changes_nothing() {
    let rig = Rig::new(Projection::default().directory("d").file("f", "x"));
    let context = rig.impatient();
    let kind = |result: Result<(), projfs_engine::Error>| result.unwrap_err().kind;
    assert_eq!(kind(rig.engine.lookup(&context, ROOT, name("f")).map(drop)), ErrorKind::WouldWait);
    let mut names = Names::default();
    assert_eq!(kind(rig.engine.read_dir(&context, ROOT, 0, false, &mut names)), ErrorKind::WouldWait);
    let new = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };
    assert_eq!(kind(rig.engine.make(&context, ROOT, name("n"), &new).map(drop)), ErrorKind::WouldWait);
    let removed = rig.engine.remove(&context, ROOT, name("f"), RemoveKind::NotDirectory);
    assert_eq!(kind(removed), ErrorKind::WouldWait);
    let node = rig.node("f");
    assert_eq!(kind(rig.engine.open(&context, node, READ).map(drop)), ErrorKind::WouldWait);
    assert_eq!(rig.word("f"), StateWord::Placeholder);
    assert_eq!(rig.list(ROOT), [".", "..", "d", "f"]);
}

#[test]
fn a_second_name_keeps_the_number_and_says_where_the_item_comes_from() {
    let rig = Rig::new(Projection::default().file("f", "x").symlink("l", "target"));
    for item in ["f", "l"] {
        let before = rig.find(item).unwrap();
        let other = format!("{item}2");
        let linked = rig.engine.link(&rig.context(), before.node, ROOT, name(&other)).unwrap();
        assert_eq!((linked.node, linked.stat.number), (before.node, before.stat.number), "{item}");
        assert_eq!(linked.stat.links, 2, "{item}");
        let state = rig.engine.state(&rig.context(), RelPath::new(other.as_bytes()).unwrap()).unwrap();
        assert_eq!(state.origin.unwrap().as_bytes(), item.as_bytes());
    }
    assert_eq!(&*rig.engine.read_link(&rig.context(), rig.node("l2")).unwrap(), b"target");
    rig.engine.remove(&rig.context(), ROOT, name("f"), RemoveKind::NotDirectory).unwrap();
    assert_eq!(rig.read("f2"), "x");
}

#[test]
fn an_open_file_outlives_its_names_and_is_not_seen() {
    let rig = Rig::new(Projection::default().file("f", "still here"));
    let node = rig.node("f");
    let opened = rig.engine.open(&rig.context(), node, READ).unwrap();
    rig.engine.link(&rig.context(), node, ROOT, name("g")).unwrap();
    for file in ["f", "g"] {
        rig.engine.remove(&rig.context(), ROOT, name(file), RemoveKind::NotDirectory).unwrap();
    }
    assert_eq!(rig.list(ROOT), [".", ".."]);
    let mut buffer = [0; 10];
    assert_eq!(rig.engine.read(&rig.context(), opened.handle, 0, &mut buffer).unwrap(), 10);
    assert_eq!(&buffer, b"still here");
    assert_eq!(rig.engine.attributes(&rig.context(), node).unwrap().links, 0);
    rig.engine.release(&rig.context(), opened.handle);
}

#[test]
fn what_was_dehydrated_is_fetched_again_though_its_file_was_kept_open() {
    let rig = Rig::new(Projection::default().file("f", "the provider's"));
    let node = rig.node("f");
    assert_eq!(rig.read("f"), "the provider's");
    rig.engine.forget(node, 2);
    rig.engine.dehydrate_path(&rig.context(), RelPath::new(b"f").unwrap(), false, &mut |_, _| ()).unwrap();
    assert_eq!(rig.word("f"), StateWord::Virtual);
    let opened = rig.engine.open(&rig.context(), rig.node("f"), TRUNCATE).unwrap();
    rig.engine.release(&rig.context(), opened.handle);
    assert_eq!(rig.read("f"), "");
}

#[test]
fn a_directory_of_a_provider_that_changes_by_itself_can_be_removed() {
    let projection = Projection::default().directory("d").file("d/f", "x");
    let rig = Rig::with(projection, Lifetime::Chosen(Duration::ZERO), Options::default());
    let remove = |dir, file, kind| rig.engine.remove(&rig.context(), dir, name(file), kind);
    assert_eq!(remove(ROOT, "d", RemoveKind::Directory).unwrap_err().kind, ErrorKind::NotEmpty);
    remove(rig.node("d"), "f", RemoveKind::NotDirectory).unwrap();
    remove(ROOT, "d", RemoveKind::Directory).unwrap();
    assert!(rig.find("d").is_none());
}

/// Takes two entries at a time, and where to go on.
#[derive(Default)]
struct Two(Vec<(String, u64)>);

impl DirSink for Two {
    fn fits(&self, _: usize) -> bool {
        self.0.len() < 2
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.0.push((String::from_utf8_lossy(entry.name).into_owned(), entry.cookie));
    }
}

#[test]
fn one_listing_is_asked_for_once_also_of_a_provider_that_changes_by_itself() {
    let projection = Projection::default().file("a", "").file("b", "").file("c", "").directory("d");
    let rig = Rig::with(projection, Lifetime::Chosen(Duration::ZERO), Options::default());
    let list = || {
        let (mut names, mut cookie) = (Vec::new(), 0);
        loop {
            let mut part = Two::default();
            rig.engine.read_dir(&rig.context(), ROOT, cookie, false, &mut part).unwrap();
            let Some((_, last)) = part.0.last() else { return names };
            cookie = *last;
            names.extend(part.0.into_iter().map(|(name, _)| name));
        }
    };
    for _ in 0..2 {
        assert_eq!(list(), [".", "..", "a", "b", "c", "d"]);
        assert_eq!(rig.asked(), ["list "]);
    }
}

#[test]
fn of_a_provider_that_pins_what_was_looked_up_holds_and_nothing_else() {
    /// Which entries the kernel is told all of.
    #[derive(Default)]
    struct Told(Vec<(String, bool)>);

    impl DirSink for Told {
        fn fits(&self, _: usize) -> bool {
            true
        }

        fn push(&mut self, entry: DirEntry<'_>) {
            self.0.push((String::from_utf8_lossy(entry.name).into_owned(), entry.entry.is_some()));
        }
    }

    let projection = Projection::default().file("seen", "x").file("listed", "x");
    let rig = Rig::with(projection, Lifetime::Pinned, Options::default());
    rig.node("seen");
    let mut told = Told::default();
    rig.engine.read_dir(&rig.context(), ROOT, 0, true, &mut told).unwrap();
    let expected = [(".", false), ("..", false), ("listed", false), ("seen", true)];
    assert_eq!(told.0, expected.map(|(name, told)| (name.to_owned(), told)));
    assert_eq!((rig.engine.lifetime(), rig.engine.item_lifetime()), (Some(Duration::ZERO), None));
    assert_eq!(rig.asked(), ["info seen", "list "]);
    // The listing does not answer for the item, and what was looked up is not asked for again.
    rig.node("listed");
    rig.node("seen");
    assert!(rig.find("nothing").is_none() && rig.find("nothing").is_none());
    assert_eq!(rig.asked(), ["info listed", "info nothing", "info nothing"]);
    assert_eq!(rig.list(ROOT), [".", "..", "listed", "seen"]);
    assert_eq!(rig.asked(), ["list "]);
}

#[test]
fn a_projected_name_of_the_stores_own_is_not_shown() {
    let rig = Rig::new(Projection::default().file(".projfs", "hostile").file("f", "x"));
    assert_eq!(rig.list(ROOT), [".", "..", "f"]);
    assert!(rig.find(".projfs").is_none());
    let new = NewItem { kind: NewKind::File, permissions: 0o644, uid: 0, gid: 0 };
    let made = rig.engine.make(&rig.context(), ROOT, name(".projfs"), &new);
    assert_eq!(made.unwrap_err().kind, ErrorKind::Reserved);
}

#[test]
fn names_that_do_not_exist_are_asked_for_once() {
    let rig = Rig::new(Projection::default());
    for _ in 0..3 {
        assert!(rig.find("nothing").is_none());
    }
    assert_eq!(rig.asked(), ["info nothing"]);
}
