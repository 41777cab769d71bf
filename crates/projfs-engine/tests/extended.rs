//! Extended attributes that a provider gives: seen in every state, changed here, given anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ops::Range;
use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::ErrorKind;
use projfs_engine::KernelCache;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::StateWord;
use projfs_engine::Updated;
use projfs_provider::Adapter;
use projfs_provider::DataSink;
use projfs_provider::DirEntries;
use projfs_provider::Lifetime;
use projfs_provider::Provider;
use projfs_provider::ProviderError;
use projfs_provider::ProviderTraits;
use projfs_provider::Request;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_sync::atomic::AtomicUsize;
use projfs_sync::atomic::Ordering;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::ExtendedAttributes;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

/// The entries of a listing, with the nodes that came with them.
#[derive(Default)]
struct Entries(Vec<(String, Option<NodeId>)>);

impl DirSink for Entries {
    fn fits(&self, _: usize) -> bool {
        true
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        let node = entry.entry.map(|entry| entry.node);
        self.0.push((String::from_utf8_lossy(entry.name).into_owned(), node));
    }
}

/// A projection that counts what it is asked of single items.
struct Counting {
    projection: Projection,
    lifetime: Lifetime,
    asked: Arc<AtomicUsize>,
}

impl Provider for Counting {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.projection.placeholder_info(request)
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        self.projection.enumerate(request)
    }

    fn file_data(&self, request: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        self.projection.file_data(request, range, sink)
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: self.lifetime, ..ProviderTraits::default() }
    }
}

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn of(pairs: &[(&str, &str)]) -> ExtendedAttributes {
    ExtendedAttributes::new(pairs.iter().copied()).unwrap()
}

fn red() -> ExtendedAttributes {
    of(&[("user.color", "red"), ("user.empty", "")])
}

fn blue() -> ExtendedAttributes {
    of(&[("user.color", "blue"), ("user.new", "1")])
}

/// A file and a directory with a file in it, all with extended attributes, and a file without.
fn projection() -> Projection {
    Projection::default()
        .with("f", PlaceholderInfo::file(3).with_extended_attributes(red()), b"one".to_vec())
        .with("d", PlaceholderInfo::directory().with_extended_attributes(red()), Vec::new())
        .with("d/f", PlaceholderInfo::file(3).with_extended_attributes(red()), b"two".to_vec())
        .file("plain", "three")
}

struct Rig {
    engine: Engine,
    token: CancelToken,
}

impl Rig {
    fn new(provider: impl Provider, store: &MemoryStore) -> Self {
        let (store, journal) = (Arc::new(store.clone()), Arc::new(MemoryJournal::new()));
        let handler = Arc::new(Adapter::new(provider));
        let engine = Engine::start(store, journal, handler, Arc::new(NoCache), Options::default()).unwrap();
        Self { engine, token: CancelToken::new() }
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.token), request: 0 }
    }

    fn at<T>(&self, text: &str, act: impl FnOnce(NodeId) -> T) -> T {
        let mut nodes = vec![NodeId::ROOT];
        for name in path(text).components() {
            let entry = self.engine.lookup(&self.context(), nodes[nodes.len() - 1], name).unwrap();
            nodes.push(entry.unwrap().node);
        }
        let result = act(nodes[nodes.len() - 1]);
        nodes.into_iter().for_each(|node| self.engine.forget(node, 1));
        result
    }

    fn get(&self, text: &str, name: &str) -> Result<Vec<u8>, ErrorKind> {
        let got = self.at(text, |node| self.engine.get_xattr(&self.context(), node, name.as_bytes()));
        got.map_err(|error| error.kind)
    }

    fn shown_by(&self, node: NodeId) -> ExtendedAttributes {
        let names = self.engine.list_xattr(&self.context(), node).unwrap();
        let names = names.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        let value = |name: &[u8]| self.engine.get_xattr(&self.context(), node, name).unwrap();
        ExtendedAttributes::found(names.map(|name| (name, value(name))))
    }

    fn shown(&self, text: &str) -> ExtendedAttributes {
        self.at(text, |node| self.shown_by(node))
    }

    fn set(&self, text: &str, name: &str, value: &str) {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        self.at(text, |node| self.engine.set_xattr(&self.context(), node, name, value, 0)).unwrap();
    }

    fn remove(&self, text: &str, name: &str) -> Result<(), ErrorKind> {
        let removed = self.at(text, |node| self.engine.remove_xattr(&self.context(), node, name.as_bytes()));
        removed.map_err(|error| error.kind)
    }

    fn open(&self, text: &str, access: Access) {
        let how = OpenHow { access, truncate: false };
        let opened = self.at(text, |node| self.engine.open(&self.context(), node, how)).unwrap();
        self.engine.release(&self.context(), opened.handle);
    }

    fn word(&self, text: &str) -> StateWord {
        self.engine.state(&self.context(), path(text)).unwrap().word
    }

    fn update(&self, text: &str, info: &PlaceholderInfo) -> Updated {
        self.engine.update(&self.context(), path(text), info, UpdateFlags::all()).unwrap()
    }
}

#[test]
fn every_state_has_what_the_provider_gave() {
    let store = MemoryStore::new();
    let rig = Rig::new(projection(), &store);
    for text in ["f", "d", "d/f"] {
        assert_eq!(rig.shown(text), red(), "{text}");
        assert_eq!(rig.word(text), StateWord::Placeholder, "{text}: asking changes nothing");
        assert_eq!(rig.get(text, "user.color").unwrap(), b"red");
        for absent in ["user.Color", "user.none", "security.selinux", "user.projfs"] {
            assert_eq!(rig.get(text, absent), Err(ErrorKind::NoAttribute), "{text} {absent}");
        }
    }
    assert!(rig.shown("plain").is_empty());
    rig.open("f", Access::Read);
    assert_eq!((rig.word("f"), rig.shown("f")), (StateWord::Hydrated, red()));
    rig.open("f", Access::ReadWrite);
    assert_eq!((rig.word("f"), rig.shown("f")), (StateWord::Full, red()));
    rig.open("d/f", Access::ReadWrite);
    assert_eq!((rig.word("d/f"), rig.shown("d/f")), (StateWord::Full, red()));
    assert_eq!(rig.shown("d"), red(), "it is on disk now");
    drop(rig);
    let rig = Rig::new(projection(), &store);
    for text in ["f", "d", "d/f"] {
        assert_eq!(rig.shown(text), red(), "{text}");
    }
}

#[test]
fn what_is_changed_here_makes_an_item_dirty_and_leaves_the_others() {
    let rig = Rig::new(projection(), &MemoryStore::new());
    for text in ["f", "d", "d/f"] {
        assert_eq!(rig.remove(text, "user.none"), Err(ErrorKind::NoAttribute));
        assert_eq!(rig.word(text), StateWord::Placeholder, "{text}: nothing was changed");
        rig.set(text, "user.mine", "1");
        assert_eq!(rig.word(text), StateWord::Dirty, "{text}");
        assert_eq!(rig.remove(text, "user.empty"), Ok(()));
        rig.set(text, "user.color", "green");
        let expected = of(&[("user.color", "green"), ("user.mine", "1")]);
        assert_eq!(rig.shown(text), expected, "{text}");
        if text != "d" {
            rig.open(text, Access::Read);
            assert_eq!(rig.shown(text), expected, "{text}: with content");
            rig.open(text, Access::ReadWrite);
            assert_eq!(rig.shown(text), expected, "{text}: full");
        }
    }
    assert_eq!(rig.remove("f", "user.projfs"), Err(ErrorKind::Reserved));
}

#[test]
fn an_update_gives_others_and_takes_those_set_here() {
    let projection = projection();
    let rig = Rig::new(projection.clone(), &MemoryStore::new());
    let next = |text: &str, version: u8, extended: ExtendedAttributes| {
        let version = VersionInfo::of_content(&[version]).unwrap();
        let mut given = projection.get(path(text)).unwrap();
        given.info = given.info.with_version(version).with_extended_attributes(extended);
        let info = given.info.clone();
        projection.set(path(text).to_owned(), given);
        assert_eq!(rig.update(text, &info), Updated::Updated, "{text}");
    };
    for text in ["f", "d"] {
        assert_eq!(rig.shown(text), red());
        next(text, 100, blue());
        assert_eq!((rig.word(text), rig.shown(text)), (StateWord::Placeholder, blue()), "{text}");
        // Again, of one that is on disk with an attribute of its own.
        rig.set(text, "user.mine", "1");
        next(text, 101, red());
        assert_eq!((rig.word(text), rig.shown(text)), (StateWord::Placeholder, red()), "{text}");
        next(text, 102, ExtendedAttributes::default());
        assert!(rig.shown(text).is_empty(), "{text}");
    }
    next("f", 103, red());
    rig.open("f", Access::Read);
    next("f", 104, blue());
    rig.open("f", Access::Read);
    assert_eq!((rig.word("f"), rig.shown("f")), (StateWord::Hydrated, blue()));
}

#[test]
fn another_view_that_differs_in_them_alone_is_another() {
    let before = projection();
    let after = projection();
    // Without versions items are compared by all that is said of them.
    for (projection, extended) in [(&before, red()), (&after, blue())] {
        for text in ["f", "d", "d/f"] {
            let Given { info, content } = projection.get(path(text)).unwrap();
            let info = info.with_version(VersionInfo::default()).with_extended_attributes(extended.clone());
            projection.set(path(text).to_owned(), Given { info, content });
        }
    }
    let rig = Rig::new(before, &MemoryStore::new());
    assert_eq!((rig.shown("f"), rig.shown("d"), rig.shown("d/f")), (red(), red(), red()));
    rig.set("d/f", "user.mine", "1");
    let switched = rig.engine.switch(&rig.context(), Arc::new(Adapter::new(after))).unwrap();
    assert_eq!((rig.shown("f"), rig.shown("d")), (blue(), blue()));
    let conflicts: Vec<_> = switched.conflicts.iter().map(|conflict| conflict.path.to_string()).collect();
    assert_eq!(conflicts, ["d/f"]);
    assert_eq!(rig.shown("d/f"), of(&[("user.color", "red"), ("user.empty", ""), ("user.mine", "1")]));
}

#[test]
fn what_was_only_listed_has_them_too() {
    for lifetime in [Lifetime::Stable, Lifetime::Chosen(Duration::ZERO)] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counting = Counting { projection: projection(), lifetime, asked: Arc::clone(&asked) };
        let rig = Rig::new(counting, &MemoryStore::new());
        let mut entries = Entries::default();
        rig.engine.read_dir(&rig.context(), NodeId::ROOT, 0, true, &mut entries).unwrap();
        let node = entries.0.iter().find(|(name, _)| name == "f").and_then(|(_, node)| *node).unwrap();
        let other = rig.engine.get_xattr(&rig.context(), node, b"security.capability").unwrap_err();
        assert_eq!(other.kind, ErrorKind::NoAttribute);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "no provider gives those");
        assert_eq!(rig.shown_by(node), red());
        assert_eq!(rig.word("f"), StateWord::Virtual, "{lifetime:?}");
        rig.engine.forget(node, 1);
    }
}

#[test]
fn what_no_item_can_have_is_a_bad_answer() {
    let large = ExtendedAttributes::found([("user.large", vec![7; EXTENDED_SIZE_MAX])]);
    let bad = [
        PlaceholderInfo::symlink(*b"there").with_extended_attributes(red()),
        PlaceholderInfo::file(0).with_extended_attributes(large.clone()),
        PlaceholderInfo::directory().with_extended_attributes(large),
    ];
    for info in bad {
        let projection = Projection::default().with("bad", info.clone(), Vec::new());
        let rig = Rig::new(projection, &MemoryStore::new());
        let name = ItemName::new(b"bad").unwrap();
        let refused = rig.engine.lookup(&rig.context(), NodeId::ROOT, name).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::BadAnswer);
        let refused = rig.engine.create_placeholder(&rig.context(), path("ahead"), &info).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid);
    }
}

#[test]
fn a_directory_that_is_marked_keeps_its_own() {
    let rig = Rig::new(projection(), &MemoryStore::new());
    let new = NewItem { kind: NewKind::Directory, permissions: 0o755, uid: 0, gid: 0 };
    let name = ItemName::new(b"mine").unwrap();
    let made = rig.engine.make(&rig.context(), NodeId::ROOT, name, &new).unwrap();
    rig.engine.forget(made.node, 1);
    // More than a provider may give.
    rig.set("mine", "user.mine", &"x".repeat(2 * EXTENDED_SIZE_MAX));
    let before = rig.shown("mine");
    rig.engine.mark_directory(&rig.context(), path("mine"), &VersionInfo::default()).unwrap();
    assert_eq!((rig.word("mine"), rig.shown("mine")), (StateWord::Placeholder, before));
}
