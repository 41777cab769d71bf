//! Operations of an engine on a store in memory: valgrind does not know every system call of the store on disk.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::Entry;
use projfs_engine::KernelCache;
use projfs_engine::OpenHow;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_provider::Adapter;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_sync::Arc;
use projfs_testkit::projection::Projection;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NodeId;

/// Files of the directory `d`, and how long each is, in bytes.
const FILES: u32 = 256;
const SIZE: usize = 4096;

const READ: OpenHow = OpenHow { access: Access::Read, truncate: false };

/// There is no kernel.
struct NoKernel;

impl KernelCache for NoKernel {
    fn entry_changed(&self, _: NodeId, _: &ItemName) {}
    fn attributes_changed(&self, _: NodeId) {}
    fn content_changed(&self, _: NodeId) {}
}

struct Rig {
    engine: Engine,
    token: CancelToken,
    directory: NodeId,
}

impl Rig {
    /// An engine of which the directory was listed.
    fn new() -> Result<Self> {
        let mut projection = Projection::default().directory("d");
        for number in 0..FILES {
            projection = projection.file(&format!("d/{}", name(number)), vec![1; SIZE]);
        }
        let store = Arc::new(MemoryStore::new());
        let journal = Arc::new(MemoryJournal::new());
        // One thread, which answers one after the other.
        let options = Options { provider_threads: 1, ..Options::default() };
        let handler = Arc::new(Adapter::new(projection));
        let engine = Engine::start(store, journal, handler, Arc::new(NoKernel), options)?;
        let mut rig = Self { engine, token: CancelToken::new(), directory: NodeId::ROOT };
        rig.directory = rig.find(NodeId::ROOT, "d")?.node;
        rig.list()?;
        Ok(rig)
    }

    fn context(&self) -> Context<'_> {
        Context {
            caller: Caller { pid: 1, uid: 0, gid: 0 },
            patience: Patience::Until(&self.token),
            request: 0,
        }
    }

    fn find(&self, parent: NodeId, name: &str) -> Result<Entry> {
        let name = ItemName::new(name.as_bytes())?;
        self.engine.lookup(&self.context(), parent, name)?.context("it is not there")
    }

    /// The nodes of all files, each of which is known from then on.
    fn files(&self) -> Result<Vec<NodeId>> {
        (0..FILES).map(|number| Ok(self.find(self.directory, &name(number))?.node)).collect()
    }

    /// Lists the directory, with attributes, as the kernel does that forgets everything afterwards.
    fn list(&self) -> Result<()> {
        let mut entries = Entries::default();
        self.engine.read_dir(&self.context(), self.directory, 0, true, &mut entries)?;
        for node in entries.0 {
            self.engine.forget(node, 1);
        }
        Ok(())
    }

    fn open_and_close(&self, node: NodeId) -> Result<()> {
        let opened = self.engine.open(&self.context(), node, READ)?;
        self.engine.release(&self.context(), opened.handle);
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.engine.stop(Duration::from_secs(5));
    }
}

fn name(number: u32) -> String {
    format!("file_{number:04}.c")
}

#[derive(Default)]
struct Entries(Vec<NodeId>);

impl DirSink for Entries {
    fn fits(&self, _: usize) -> bool {
        true
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.0.extend(entry.entry.map(|entry| entry.node));
    }
}

/// Once is a lookup of each file, and that the kernel forgets it.
pub(crate) fn lookup(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    let names: Vec<String> = (0..FILES).map(name).collect();
    rig.files()?;
    for _ in 0..count {
        for name in &names {
            let entry = rig.find(rig.directory, name)?;
            rig.engine.forget(entry.node, 1);
        }
    }
    Ok(())
}

/// Once is a lookup of so many names that do not exist.
pub(crate) fn lookup_absent(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    for _ in 0..count {
        for number in FILES..2 * FILES {
            let name = name(number);
            let name = ItemName::new(name.as_bytes())?;
            black_box(rig.engine.lookup(&rig.context(), rig.directory, name)?);
        }
    }
    Ok(())
}

/// Once is a listing of all files with their attributes, and that the kernel forgets them.
pub(crate) fn readdirplus(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    (0..count).try_for_each(|_| rig.list())
}

/// Once is the attributes of each file.
pub(crate) fn getattr(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    let files = rig.files()?;
    for _ in 0..count {
        for node in &files {
            black_box(rig.engine.attributes(&rig.context(), *node)?);
        }
    }
    Ok(())
}

/// Once is an open and a close of each of some files that are hydrated.
pub(crate) fn open(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    let files = rig.files()?;
    for node in &files[..32] {
        rig.open_and_close(*node)?;
    }
    for _ in 0..count {
        for node in &files[..32] {
            rig.open_and_close(*node)?;
        }
    }
    Ok(())
}

/// Once is the first open of a file, in which it is fetched. There are as many as there are files.
pub(crate) fn hydrate(count: u32) -> Result<()> {
    let rig = Rig::new()?;
    let files = rig.files()?;
    for node in files.iter().take(count as usize) {
        rig.open_and_close(*node)?;
    }
    Ok(())
}
