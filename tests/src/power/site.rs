//! `Site`: where a test happens, and the parts of one that both ways of cutting share.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use projfs_store::Existing;
use projfs_store::Journal;
use projfs_store::Since;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_store::fsck;
use projfs_testkit::model::Random;
use projfs_tests::pieces;
use projfs_types::Cursor;
use rustix::io::Errno;
use rustix::mount::MountFlags;

use crate::act::Act;
use crate::act::Program;
use crate::figures::Figures;
use crate::model::Cut;
use crate::model::Model;
use crate::program::OnEngine;
use crate::program::OnMount;
use crate::random;
use crate::sys;
use crate::volume::FileSystem;

/// What the kernel calls the boot that it is in.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// More acts than any cut waits for.
const MOST: usize = 2000;

/// What the acts go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Through {
    /// An engine in this process.
    Engine,
    /// A mount that another process serves.
    Mount,
    /// Nothing: it works in a plain directory. That shows what the file system itself keeps.
    Plain,
}

/// Where a directory in memory is mounted: there is such a directory everywhere, so that none is left behind.
const PLACE: &str = "/mnt";

/// A directory in memory, with places for all that is mounted. It goes with the mount namespace.
pub(crate) struct Site {
    boots: u64,
}

/// What was done, and when.
pub(crate) struct Work {
    pub(crate) model: Model,
    /// How much had been written to the disk when each act was begun, and when it was answered.
    pub(crate) begun: Vec<u64>,
    pub(crate) answered: Vec<Option<u64>>,
    /// How much had been written to the disk when the program, after its last act, was about to stop.
    pub(crate) stopping: u64,
    /// Where the journal ended before.
    pub(crate) journal: Cursor,
}

impl Site {
    /// Makes the places, in a mount namespace of this process's own.
    pub(crate) fn new() -> Result<Self> {
        rustix::mount::mount("power", PLACE, "tmpfs", MountFlags::empty(), None)
            .with_context(|| format!("cannot mount on {PLACE}"))?;
        let mut site = Self { boots: 0 };
        for name in ["disk", "room", "volume", "below"] {
            std::fs::create_dir(site.at(name))?;
        }
        File::create(site.at("boot"))?;
        site.boot()?;
        rustix::mount::mount_bind(site.at("boot"), BOOT).context("cannot pretend another boot")?;
        Ok(site)
    }

    /// A place.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        Path::new(PLACE).join(name)
    }

    /// The root, on the volume.
    pub(crate) fn root(&self) -> PathBuf {
        self.at("volume/root")
    }

    /// From now on it is another boot.
    pub(crate) fn boot(&mut self) -> Result<()> {
        self.boots += 1;
        let id = format!("00000000-0000-4000-8000-{:012}\n", self.boots);
        Ok(File::options().write(true).open(self.at("boot"))?.write_all(id.as_bytes())?)
    }

    /// Makes a root on the volume.
    pub(crate) fn make_root(&self, through: Through) -> Result<()> {
        std::fs::create_dir(self.root())?;
        if through == Through::Plain {
            for (path, content) in pieces() {
                match content {
                    Some(content) => std::fs::write(self.root().join(path), content)?,
                    None => std::fs::create_dir(self.root().join(path))?,
                }
            }
        } else {
            TreeStore::mark(&self.root(), Existing::Refuse)?;
        }
        Ok(rustix::fs::syncfs(File::open(self.at("volume"))?)?)
    }

    /// Does random acts until one fails, or `enough`.
    pub(crate) fn work(
        &self,
        filesystem: FileSystem,
        through: Through,
        random: &mut Random,
        pretend: bool,
        position: &dyn Fn() -> u64,
        enough: &dyn Fn(usize) -> bool,
    ) -> Result<Work> {
        rustix::mount::mount_bind(self.at("volume"), self.at("below"))?;
        let noise = Noise::begin(&self.at("below"), random, pretend)?;
        let journal = match through {
            Through::Plain => Cursor { epoch: 0, sequence: 0 },
            Through::Engine | Through::Mount => self.journal()?.end(),
        };
        let mut program: Box<dyn Program> = match through {
            Through::Engine => Box::new(OnEngine::start(&self.root())?),
            Through::Mount => Box::new(OnMount::start(&self.root())?),
            Through::Plain => Box::new(OnMount::plain(&self.root())),
        };
        let model = Model::new(pieces());
        let mut work = Work { model, begun: Vec::new(), answered: Vec::new(), stopping: 0, journal };
        while !enough(work.begun.len()) {
            if work.begun.len() > MOST {
                bail!("nothing fails, though the power was cut");
            }
            let act = random::act(random, &work.model, filesystem.order(), through);
            work.model.begin(&act);
            work.begun.push(position());
            let done = if pretend && act.is_sync() { Ok(()) } else { program.act(&act) };
            work.answered.push(done.is_ok().then(position));
            if let Err(errno) = done {
                expected(errno, &act)?;
                break;
            }
        }
        work.stopping = position();
        drop(program);
        drop(noise);
        rustix::mount::unmount(self.at("below"), rustix::mount::UnmountFlags::empty())?;
        Ok(work)
    }

    fn journal(&self) -> Result<TreeJournal> {
        let dir = File::open(self.root().join(".projfs/journal"))?;
        Ok(TreeJournal::open(dir.into(), Default::default())?)
    }

    /// Checks what is on the volume after a cut.
    pub(crate) fn check(
        &mut self,
        work: &Work,
        cut: &Cut<'_>,
        through: Through,
        mend: bool,
        figures: &mut Figures,
    ) -> Result<()> {
        self.boot()?;
        let root = self.root();
        if through == Through::Plain {
            let tree = OnMount::plain(&root).look()?;
            return work.model.check(&tree, cut, &mut figures.seen).map_err(anyhow::Error::msg);
        }
        let findings = fsck::run(&root, fsck::Mode::Check)?;
        figures.found(&findings);
        if mend {
            fsck::run(&root, fsck::Mode::Mend)?;
            let left = fsck::run(&root, fsck::Mode::Check)?;
            if !left.is_empty() {
                bail!("what was mended is found again: {left:?}");
            }
        }
        match self.journal()?.since(work.journal, usize::MAX)? {
            Since::Gone { .. } => {}
            // It is not open before the first act, and closed after the last one.
            Since::Entries { entries, .. } if cut.begun == 0 => {
                if !entries.is_empty() {
                    bail!("the journal has entries of nothing: {entries:?}");
                }
            }
            Since::Entries { entries, .. } if cut.stopping => {
                let changes = work.model.changes();
                if entries.len() < changes {
                    bail!("of {changes} changes, a journal that was closed has {} entries", entries.len());
                }
            }
            Since::Entries { .. } => bail!("the journal may have lost entries, and does not say so"),
        }
        let tree = {
            let mut program = OnEngine::start(&root).context("cannot start again")?;
            program.look()?
        };
        work.model.check(&tree, cut, &mut figures.seen).map_err(anyhow::Error::msg)?;
        let left = fsck::run(&root, fsck::Mode::Check)?;
        if !left.is_empty() {
            bail!("there is something to mend after a start, and before it were {findings:?}: {left:?}");
        }
        if through == Through::Mount {
            let tree = OnMount::start(&root)?.look()?;
            work.model.check(&tree, cut, &mut Default::default()).map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }
}

/// Fails if an act failed for another reason than that the power was cut.
fn expected(errno: Errno, act: &Act) -> Result<()> {
    match errno {
        Errno::IO | Errno::ROFS | Errno::NODEV | Errno::SHUTDOWN => Ok(()),
        // XFS says so of an inode that it cannot read any more.
        _ if errno.raw_os_error() == libc::EUCLEAN => Ok(()),
        errno => bail!("{act:?} fails: {errno}"),
    }
}

/// What happens beside the acts: the kernel writes content when it likes, and others sync their own files.
struct Noise {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Noise {
    fn begin(below: &Path, random: &mut Random, pretend: bool) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        if random.chance(70) {
            let (stop, root) = (Arc::clone(&stop), below.join("root"));
            threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    write_back(&root);
                }
            }));
        }
        // On some file systems that syncs everything, which nobody should have to.
        if random.chance(40) && !pretend {
            let stop = Arc::clone(&stop);
            let neighbor = File::create(below.join("neighbor"))?;
            threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if (&neighbor).write_all(b"a line\n").and_then(|()| neighbor.sync_all()).is_err() {
                        return;
                    }
                }
            }));
        }
        Ok(Self { stop, threads })
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn write_back(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => write_back(&entry.path()),
            Ok(kind) if kind.is_file() => {
                if let Ok(file) = File::open(entry.path()) {
                    sys::begin_writeback(&file);
                }
            }
            _ => {}
        }
    }
}
