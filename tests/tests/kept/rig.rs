//! A kept mount, its keeper, and its daemon of the moment.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use projfs_testkit::skipped;
use projfs_tests::Options;
use projfs_tests::Watchdog;
use rustix::mount::UnmountFlags;
use rustix::process::Pid;
use rustix::process::Signal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");

/// How long a test may take; the whole (`PROJFS_LONG`) longer.
const LIMIT: Duration = Duration::from_secs(180);
const LONG_LIMIT: Duration = Duration::from_secs(1800);

/// How long anything may take that does not wait for others.
const SOON: Duration = Duration::from_secs(30);

/// A mount that outlives its daemon.
pub(crate) struct Kept {
    keeper: Child,
    dir: tempfile::TempDir,
    options: Options,
    _watchdog: Watchdog,
}

impl Kept {
    /// Mounts. Nothing where tests cannot mount.
    pub(crate) fn new(options: Options, arguments: &[&str]) -> Option<Self> {
        let device = fs::File::options().read(true).write(true).open("/dev/fuse");
        if !rustix::process::geteuid().is_root() || device.is_err() {
            skipped("tests on a real mount need root and /dev/fuse");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("projfs-kept-").tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir(&root).unwrap();
        let keeper = start(&["--keep"], arguments, &root, options);
        let limit = if std::env::var_os("PROJFS_LONG").is_some() { LONG_LIMIT } else { LIMIT };
        let watched = root.clone();
        let watchdog = Watchdog::new(limit, move || {
            eprintln!("the test takes too long: its connection is aborted");
            let _ = rustix::mount::unmount(&watched, UnmountFlags::FORCE | UnmountFlags::DETACH);
        });
        Some(Self { keeper, dir, options, _watchdog: watchdog })
    }

    /// The mounted directory.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// The daemon of the moment, if there is one.
    pub(crate) fn daemon(&self) -> Option<Pid> {
        let id = self.keeper.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    }

    /// Kills the daemon.
    pub(crate) fn kill(&self) -> Option<Pid> {
        let daemon = self.daemon()?;
        rustix::process::kill_process(daemon, Signal::KILL).ok().map(|()| daemon)
    }

    /// Unmounts, and waits for the end of everything. What keeps the mount busy is shown.
    pub(crate) fn unmount(&mut self) {
        let end = Instant::now() + SOON;
        while let Err(errno) = rustix::mount::unmount(self.root(), UnmountFlags::empty()) {
            assert!(Instant::now() < end, "it cannot be unmounted: {errno}");
            std::thread::yield_now();
        }
        self.ended();
    }

    /// Waits for the keeper's end. Whether it was content.
    pub(crate) fn ended(&mut self) -> bool {
        let end = Instant::now() + SOON;
        loop {
            match self.keeper.try_wait().unwrap() {
                Some(status) => return status.success(),
                None => assert!(Instant::now() < end, "the keeper does not end"),
            }
            std::thread::yield_now();
        }
    }

    /// Mounts again, without a keeper, for the length of `look`.
    pub(crate) fn again(&mut self, look: impl FnOnce()) {
        let mut daemon = start(&[], &[], &self.root(), self.options);
        look();
        drop(daemon.stdin.take());
        daemon.wait().unwrap();
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        while rustix::mount::unmount(self.root(), UnmountFlags::DETACH | UnmountFlags::FORCE).is_ok() {}
    }
}

fn start(first: &[&str], arguments: &[&str], root: &PathBuf, options: Options) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(first).args(arguments).args(["--tree", options.tree.name()]);
    if !options.passthrough {
        command.arg("--cached");
    }
    let mut child = command.arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "mounted\n", "the daemon did not mount");
    child
}
