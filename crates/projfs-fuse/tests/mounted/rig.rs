//! A mount for a test, which goes away whatever happens, and does not hang for ever.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use projfs_fuse::Config;
use projfs_fuse::Session;
use projfs_fuse::mount::Target;
use projfs_testkit::say;
use projfs_testkit::skipped;
use tempfile::TempDir;

use super::memory::Memory;

const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";
const TIME: Duration = Duration::from_secs(30);

/// The switch is the machine's, so tests that turn it take turns.
static TURN: Mutex<()> = Mutex::new(());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Classic,
    Uring,
}

pub const BOTH: [Transport; 2] = [Transport::Classic, Transport::Uring];

/// Sets the kernel's switch for io_uring, and sets it back.
struct Switch(String);

impl Switch {
    fn on() -> Option<Self> {
        let before = std::fs::read_to_string(SWITCH).ok()?;
        std::fs::write(SWITCH, "Y").ok()?;
        Some(Self(before))
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(SWITCH, self.0.trim()) {
            say(format_args!("{SWITCH} was not set back: {error}"));
        }
    }
}

/// A mounted [`Memory`].
pub struct Rig {
    pub session: Session,
    pub memory: Arc<Memory>,
    dir: TempDir,
    _watchdog: mpsc::Sender<()>,
    _switch: Option<Switch>,
    _turn: MutexGuard<'static, ()>,
}

impl Rig {
    /// Mounts `memory`, or says why not.
    pub fn new(transport: Transport, memory: Memory) -> Option<Self> {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
            skipped("needs root and /dev/fuse");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let switch = match transport {
            Transport::Classic => None,
            Transport::Uring => {
                let switch = Switch::on();
                if switch.is_none() {
                    skipped(format_args!("{SWITCH} cannot be turned on: no FUSE over io_uring here"));
                    return None;
                }
                switch
            }
        };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut config = Config::new(Target::at(dir.path()));
        config.wishes.uring = transport == Transport::Uring;
        let memory = Arc::new(memory);
        let session = Session::start(&config, Arc::clone(&memory) as Arc<_>).expect("mounted");
        let refused = session.rings_refused();
        assert_eq!(session.kernel().negotiated.uring, transport == Transport::Uring, "{refused:?}");
        let (watchdog, ended) = mpsc::channel::<()>();
        let path = dir.path().to_owned();
        std::thread::spawn(move || {
            if ended.recv_timeout(TIME) == Err(mpsc::RecvTimeoutError::Timeout) {
                say(format_args!("a test took more than {TIME:?}: unmounting by force"));
                let force = rustix::mount::UnmountFlags::FORCE | rustix::mount::UnmountFlags::DETACH;
                let _ = rustix::mount::unmount(&path, force);
                std::process::abort();
            }
        });
        Some(Self { session, memory, dir, _watchdog: watchdog, _switch: switch, _turn: turn })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.memory.release();
        self.session.stop(Duration::from_secs(5));
        assert!(!is_mounted(self.dir.path()), "still mounted");
    }
}

pub fn is_mounted(path: &Path) -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("readable");
    mounts.lines().any(|line| line.split(' ').nth(4).map(Path::new) == Some(path))
}

/// Waits until `condition` holds.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !condition() {
        assert!(Instant::now() < end, "{what}: not within 5 s");
        std::thread::yield_now();
    }
}
