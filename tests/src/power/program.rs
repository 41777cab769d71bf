//! Programs: one that calls an engine, and one that uses a mount.

use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;
use projfs_engine::Access;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::KernelCache;
use projfs_engine::OpenHow;
use projfs_engine::Patience;
use projfs_engine::RenameHow;
use projfs_provider::Adapter;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_testkit::model::EngineSubject;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Subject;
use projfs_testkit::model::errno_of;
use projfs_testkit::projection::Projection;
use projfs_tests::Sample;
use projfs_tests::Tree as SampleTree;
use projfs_types::Caller;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::act::Act;
use crate::act::Program;
use crate::act::Shown;
use crate::act::Tree;

/// How long a stop may take.
const GRACE: Duration = Duration::from_secs(5);

/// An engine on the root, without a mount.
pub(crate) struct OnEngine {
    engine: Arc<Engine>,
    subject: EngineSubject,
    patience: CancelToken,
}

struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

impl OnEngine {
    /// Opens a root, and starts.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        let store = Arc::new(TreeStore::open(root)?);
        let journal =
            TreeJournal::open(File::open(root.join(".projfs/journal"))?.into(), Default::default())?;
        let sample = Sample::new(SampleTree::Pieces).map_err(anyhow::Error::from_boxed)?;
        let handler = Arc::new(Adapter::new(sample));
        let engine = Engine::start(store, Arc::new(journal), handler, Arc::new(NoCache), Default::default())?;
        let engine = Arc::new(engine);
        let subject = EngineSubject::on(&engine, &Projection::default());
        Ok(Self { engine, subject, patience: CancelToken::new() })
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.patience), request: 0 }
    }

    fn at<T>(&self, path: &RelPath, act: impl FnOnce(NodeId) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut entered = vec![NodeId::ROOT];
        let mut walk = || {
            for name in path.components() {
                let dir = *entered.last().ok_or(Errno::NOENT)?;
                let entry = self.engine.lookup(&self.context(), dir, name);
                entered.push(entry.map_err(|error| errno_of(&error))?.ok_or(Errno::NOENT)?.node);
            }
            entered.last().copied().ok_or(Errno::NOENT)
        };
        let result = walk().and_then(act);
        entered.into_iter().for_each(|node| self.engine.forget(node, 1));
        result
    }

    fn sync(&self, path: &RelPath, data_only: bool) -> Result<(), Errno> {
        self.at(path, |node| {
            let how = OpenHow { access: Access::Read, truncate: false };
            let opened = self.engine.open(&self.context(), node, how).map_err(|error| errno_of(&error))?;
            let synced = self.engine.sync(&self.context(), opened.handle, data_only);
            self.engine.release(&self.context(), opened.handle);
            synced.map_err(|error| errno_of(&error))
        })
    }

    fn all(&mut self, ops: &[Op]) -> Result<(), Errno> {
        ops.iter().try_for_each(|op| match self.subject.apply(op) {
            Outcome::Failed(errno) => Err(errno),
            _ => Ok(()),
        })
    }

    fn look_below(&mut self, dir: &RelPath, tree: &mut Tree) -> Result<()> {
        let listed = match self.subject.apply(&Op::List { path: dir.to_owned() }) {
            Outcome::Listed(listed) => listed,
            other => bail!("{dir} cannot be listed: {other:?}"),
        };
        for (name, seen) in listed {
            let path = dir.join(ItemName::new(&name)?);
            let shown = match seen.kind {
                ItemKind::Directory => Shown::Directory,
                ItemKind::File => {
                    let word = self.subject.word(&path);
                    match self.subject.apply(&Op::Read { path: path.clone() }) {
                        Outcome::Bytes(content) => Shown::File { content, word },
                        other => bail!("{path}, {word:?}, cannot be read: {other:?}"),
                    }
                }
                ItemKind::Symlink | ItemKind::Special => bail!("{path} is a {:?}", seen.kind),
            };
            tree.insert(path.to_string(), shown);
            if seen.kind == ItemKind::Directory {
                self.look_below(&path, tree)?;
            }
        }
        Ok(())
    }
}

impl Program for OnEngine {
    fn act(&mut self, act: &Act) -> Result<(), Errno> {
        let at = |path: &String| RelPathBuf::new(path.as_str()).map_err(|_| Errno::INVAL);
        match act {
            Act::Read { path } => self.all(&[Op::Read { path: at(path)? }]),
            Act::Create { path, data } => {
                let create = Op::Create { path: at(path)?, mode: 0o644 };
                self.all(&[create, Op::Write { path: at(path)?, offset: 0, data: data.clone() }])
            }
            Act::Write { path, offset, data } => {
                self.all(&[Op::Write { path: at(path)?, offset: *offset as u64, data: data.clone() }])
            }
            Act::Replace { path, data } => {
                let cut = Op::Truncate { path: at(path)?, size: 0 };
                self.all(&[cut, Op::Write { path: at(path)?, offset: 0, data: data.clone() }])
            }
            Act::Mkdir { path } => self.all(&[Op::Mkdir { path: at(path)?, mode: 0o755 }]),
            Act::Unlink { path } => self.all(&[Op::Unlink { path: at(path)? }]),
            Act::Rename { from, to } => {
                self.all(&[Op::Rename { from: at(from)?, to: at(to)?, how: RenameHow::Replace }])
            }
            Act::Link { from, to } => self.all(&[Op::Link { from: at(from)?, to: at(to)? }]),
            Act::Chmod { path, mode } => self.all(&[Op::Chmod { path: at(path)?, mode: *mode }]),
            Act::Sync { path, data_only } => self.sync(&at(path)?, *data_only),
            Act::SyncDirectory { path } => self.at(&at(path)?, |node| {
                self.engine.sync_directory(&self.context(), node).map_err(|error| errno_of(&error))
            }),
            Act::SyncAll => self.engine.sync_all().map_err(|error| errno_of(&error)),
        }
    }

    fn look(&mut self) -> Result<Tree> {
        let mut tree = Tree::new();
        self.look_below(&RelPathBuf::root(), &mut tree)?;
        Ok(tree)
    }
}

impl Drop for OnEngine {
    fn drop(&mut self) {
        self.engine.stop(GRACE);
    }
}

/// A mount, served by another process, or a plain directory.
pub(crate) struct OnMount {
    root: PathBuf,
    /// None serves a plain directory.
    daemon: Option<Child>,
}

impl OnMount {
    /// Mounts over a root.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name("projfs-test-mount");
        let mut daemon = Command::new(program)
            .args(["--tree", SampleTree::Pieces.name()])
            .arg(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the daemon cannot be started")?;
        let output = daemon.stdout.take().ok_or_else(|| anyhow!("the daemon has no output"))?;
        let mounted = Self { root: root.to_owned(), daemon: Some(daemon) };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        if line != "mounted\n" {
            bail!("the daemon did not mount");
        }
        Ok(mounted)
    }

    /// Uses a directory as it is.
    pub(crate) fn plain(root: &Path) -> Self {
        Self { root: root.to_owned(), daemon: None }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn look_below(&self, dir: &str, tree: &mut Tree) -> Result<()> {
        for entry in std::fs::read_dir(self.at(dir)).with_context(|| format!("{dir} cannot be listed"))? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| anyhow!("{name:?}"))?;
            let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            let is_directory = entry.file_type()?.is_dir();
            let shown = if is_directory {
                Shown::Directory
            } else {
                let content =
                    std::fs::read(entry.path()).with_context(|| format!("{path} cannot be read"))?;
                Shown::File { content, word: None }
            };
            tree.insert(path.clone(), shown);
            if is_directory {
                self.look_below(&path, tree)?;
            }
        }
        Ok(())
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl Program for OnMount {
    fn act(&mut self, act: &Act) -> Result<(), Errno> {
        let write = |path: &String, options: &mut OpenOptions, offset: usize, data: &[u8]| {
            let file = options.write(true).open(self.at(path))?;
            file.write_all_at(data, offset as u64)
        };
        let mut options = OpenOptions::new();
        let done = match act {
            Act::Read { path } => std::fs::read(self.at(path)).map(drop),
            Act::Create { path, data } => write(path, options.create_new(true), 0, data),
            Act::Write { path, offset, data } => write(path, &mut options, *offset, data),
            Act::Replace { path, data } => write(path, options.truncate(true), 0, data),
            Act::Mkdir { path } => std::fs::create_dir(self.at(path)),
            Act::Unlink { path } => std::fs::remove_file(self.at(path)),
            Act::Rename { from, to } => std::fs::rename(self.at(from), self.at(to)),
            Act::Link { from, to } => std::fs::hard_link(self.at(from), self.at(to)),
            Act::Chmod { path, mode } => return rustix::fs::chmod(self.at(path), Mode::from_raw_mode(*mode)),
            Act::Sync { path, data_only: true } => {
                File::open(self.at(path)).and_then(|file| file.sync_data())
            }
            Act::Sync { path, data_only: false } | Act::SyncDirectory { path } => {
                File::open(self.at(path)).and_then(|file| file.sync_all())
            }
            Act::SyncAll => {
                return rustix::fs::syncfs(File::open(&self.root).map_err(|error| errno(&error))?);
            }
        };
        done.map_err(|error| errno(&error))
    }

    fn look(&mut self) -> Result<Tree> {
        let mut tree = Tree::new();
        self.look_below("", &mut tree)?;
        Ok(tree)
    }
}

impl Drop for OnMount {
    fn drop(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        // With the daemon gone, nobody waits for it.
        let _ = daemon.kill();
        let _ = daemon.wait();
        let _ = rustix::mount::unmount(&self.root, UnmountFlags::DETACH);
    }
}
