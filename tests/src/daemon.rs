//! `serve`: mounts a sample and serves it, in the calling process.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use projfs_engine::Engine;
use projfs_engine::Timeouts;
use projfs_fuse::Config;
use projfs_fuse::EngineService;
use projfs_fuse::KernelLink;
use projfs_fuse::Session;
use projfs_fuse::mount::Target;
use projfs_provider::Adapter;
use projfs_provider::CommandHandler;
use projfs_store::Existing;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_testkit::faulty::Faulty;
use projfs_testkit::faulty::Handler;

use crate::Generated;
use crate::Options;
use crate::Sample;
use crate::Tree;

/// How long a stop may take.
const STOP: Duration = Duration::from_secs(5);

/// How long a provider with faults may take to answer.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// A mounted sample, served by this process. Unmounts when dropped.
pub struct Setup {
    // First, so that it is gone before what answers its requests.
    session: Session,
    engine: Arc<Engine>,
}

/// Mounts a sample over `root`, which is marked first unless it is a root already.
///
/// # Errors
/// The step that failed.
pub fn serve(root: &Path, options: &Options) -> Result<Setup> {
    if !root.join(".projfs").exists() {
        TreeStore::mark(root, Existing::Refuse).context("cannot mark the root")?;
    }
    let store = Arc::new(TreeStore::open(root).context("cannot open the root")?);
    let journal = File::open(root.join(".projfs/journal")).context("no journal")?;
    let journal = TreeJournal::open(journal.into(), Default::default()).context("cannot open the journal")?;
    let link = Arc::new(KernelLink::default());
    let (handler, settings) = provider(root, options.tree)?;
    let engine = Engine::start(store, Arc::new(journal), handler, link.clone(), settings)?;
    let engine = Arc::new(engine);
    let service = EngineService::new(Arc::clone(&engine), link);
    let mut config = Config::new(Target::at(root));
    config.policy = service.policy();
    config.wishes.uring = options.uring;
    config.wishes.passthrough = options.passthrough;
    config.options.allow_other = options.allow_other;
    config.options.nosuid = !options.allow_other;
    config.options.nodev = !options.allow_other;
    let session = Session::start(&config, Arc::new(service))?;
    Ok(Setup { session, engine })
}

/// What answers, and how the engine is to treat it.
fn provider(root: &Path, tree: Tree) -> Result<(Arc<dyn CommandHandler>, projfs_engine::Options)> {
    if let Some((directories, files)) = tree.generated() {
        return Ok((Arc::new(Adapter::new(Generated::new(directories, files))), Default::default()));
    }
    if tree != Tree::Faults {
        let sample = Sample::new(tree).map_err(anyhow::Error::from_boxed)?;
        return Ok((Arc::new(Adapter::new(sample)), Default::default()));
    }
    let mended = root.with_file_name("mended");
    let settings = projfs_engine::Options {
        timeouts: Timeouts::all(PATIENCE),
        // As many as block at once: who blocks takes a thread until the time is over.
        provider_threads: 64,
        whole_file_limit: 64 << 10,
        ..Default::default()
    };
    Ok((Arc::new(Handler(Faulty::new(move || mended.exists()))), settings))
}

impl Setup {
    /// What is in force, a line each.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        self.session.kernel().negotiated.describe()
    }

    /// Waits until the mount is gone.
    pub fn wait(&self) {
        self.session.wait();
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        self.session.stop(STOP);
        self.engine.stop(STOP);
    }
}
