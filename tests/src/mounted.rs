//! `Mounted`: a sample on a real mount, served by another process, for the length of a test.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;
use std::time::Instant;

use projfs_testkit::say;
use projfs_testkit::skipped;
use tempfile::TempDir;

use crate::Tree;
use crate::Watchdog;

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(120);

/// How long a test may take that does the whole (`PROJFS_LONG`).
const LONG_LIMIT: Duration = Duration::from_secs(1200);

/// How long the daemon may take to unmount.
const STOP: Duration = Duration::from_secs(15);

/// How a sample is mounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What is projected.
    pub tree: Tree,
    /// Requests by io_uring, where the kernel offers it.
    pub uring: bool,
    /// Content of whole files goes past the daemon.
    pub passthrough: bool,
    /// Other users may use it; set-id bits and devices work.
    pub allow_other: bool,
    /// The daemon's limit of open files (`RLIMIT_NOFILE`), if it is not what it inherits.
    pub descriptors: Option<u64>,
}

/// A sample on a real mount. Unmounts when dropped; if the daemon does not answer, by force.
pub struct Mounted {
    daemon: Child,
    /// What it says.
    said: BufReader<ChildStdout>,
    /// The minor number of the device, which names the connection.
    connection: Option<u32>,
    dir: TempDir,
    options: Options,
    _watchdog: Watchdog,
}

impl Options {
    /// Every way to mount that this kernel has, with `tree` projected. That it has no io_uring is said loudly.
    pub fn every(tree: Tree) -> Vec<Self> {
        let of = |uring, passthrough| Self { tree, uring, passthrough, ..Self::default() };
        let enabled = fs::read_to_string("/sys/module/fuse/parameters/enable_uring");
        let rings = enabled.is_ok_and(|text| text.starts_with('Y'));
        if !rings {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                say("SKIPPED over io_uring: the parameter enable_uring of the module fuse is not on");
            });
        }
        let rings: &[bool] = if rings { &[false, true] } else { &[false] };
        rings.iter().flat_map(|&ring| [of(ring, true), of(ring, false)]).collect()
    }
}

impl Mounted {
    /// Mounts in a new directory; `program` is the path of `projfs-test-mount`. Nothing where tests cannot mount, which
    /// is said loudly.
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn new(program: &str, options: Options) -> Option<Self> {
        if !can_mount() {
            skipped("tests on a real mount need root and /dev/fuse");
            return None;
        }
        let dir = tempfile::Builder::new()
            .prefix("projfs-test-")
            // Other users are let in, as far as here.
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a directory can be made");
        fs::create_dir(dir.path().join("root")).expect("a directory can be made");
        let (daemon, said) = start(program, &dir.path().join("root"), options);
        let connection = connection(&dir.path().join("root"));
        let limit = if std::env::var_os("PROJFS_LONG").is_some() { LONG_LIMIT } else { LIMIT };
        let watched = dir.path().join("root");
        let watchdog = Watchdog::new(limit, move || {
            say("the test takes too long: its connection is aborted");
            abort(self::connection(&watched));
        });
        Some(Self { daemon, said, connection, dir, options, _watchdog: watchdog })
    }

    /// Calls `test` on each way of mounting that this kernel has.
    pub fn each(program: &str, tree: Tree, test: impl Fn(&Self)) {
        for options in Options::every(tree) {
            eprintln!("-- {options:?}");
            if let Some(mounted) = Self::new(program, options) {
                test(&mounted);
            }
        }
    }

    /// The mounted directory.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// The path of something in the mounted directory.
    pub fn path(&self, below: &str) -> PathBuf {
        self.root().join(below)
    }

    /// How it is mounted.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The daemon's process id.
    pub fn daemon(&self) -> u32 {
        self.daemon.id()
    }

    /// Gives a daemon that takes orders one, and waits for its answer.
    ///
    /// # Panics
    /// If it is gone.
    pub fn order(&mut self, line: &str) -> String {
        let input = self.daemon.stdin.as_mut().expect("the daemon's input is a pipe");
        writeln!(input, "{line}").expect("the daemon takes orders");
        let mut answer = String::new();
        self.said.read_line(&mut answer).expect("the daemon answers");
        assert!(answer.ends_with('\n'), "the daemon is gone");
        answer.trim_end().to_owned()
    }

    /// The name of its connection in `/sys/fs/fuse/connections`, if it could be found.
    pub fn connection(&self) -> Option<u32> {
        self.connection
    }

    /// How many descriptors the daemon has open.
    ///
    /// # Panics
    /// If the daemon is gone.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.daemon.id())).expect("the daemon runs").count()
    }

    /// Unmounts and mounts again, by another daemon.
    ///
    /// # Panics
    /// If it cannot be unmounted, or mounted again.
    pub fn restart(&mut self, program: &str) {
        self.stop();
        self.start(program);
    }

    /// Kills the daemon. The mount stays, and answers with errors, until the next start.
    ///
    /// # Panics
    /// If there is no daemon.
    pub fn kill(&mut self) {
        self.daemon.kill().expect("the daemon can be killed");
        self.daemon.wait().expect("the daemon can be waited for");
    }

    /// Mounts again after a stop or a kill, by another daemon.
    ///
    /// # Panics
    /// If it cannot be mounted.
    pub fn start(&mut self, program: &str) {
        if connection(&self.root()).is_some_and(|minor| Some(minor) == self.connection) {
            rustix::mount::unmount(self.root(), rustix::mount::UnmountFlags::DETACH)
                .expect("a dead mount can go");
        }
        (self.daemon, self.said) = start(program, &self.root(), self.options);
        self.connection = connection(&self.root());
    }

    /// Unmounts. The directory then shows what is on disk.
    ///
    /// # Panics
    /// If the daemon does not end in time.
    pub fn stop(&mut self) {
        drop(self.daemon.stdin.take());
        let end = Instant::now() + STOP;
        while self.daemon.try_wait().expect("the daemon can be waited for").is_none() {
            assert!(Instant::now() < end, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(self.daemon.stdin.take());
        let end = Instant::now() + STOP;
        while let Ok(None) = self.daemon.try_wait() {
            if Instant::now() >= end {
                say("the daemon does not end: it is killed");
                abort(self.connection);
                let _ = self.daemon.kill();
                let _ = self.daemon.wait();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let root = self.root();
        if connection(&root).is_some_and(|minor| Some(minor) == self.connection) {
            let _ = rustix::mount::unmount(&root, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

fn can_mount() -> bool {
    rustix::process::geteuid().is_root()
        && fs::File::options().read(true).write(true).open("/dev/fuse").is_ok()
}

fn start(program: &str, root: &Path, options: Options) -> (Child, BufReader<ChildStdout>) {
    let mut command = match options.descriptors {
        None => Command::new(program),
        Some(limit) => {
            let mut shell = Command::new("/bin/sh");
            shell.arg("-c").arg(format!("ulimit -n {limit}; exec \"$@\"")).arg0("sh").arg("sh").arg(program);
            shell
        }
    };
    command.arg("--tree").arg(options.tree.name());
    for (flag, set) in [
        ("--uring", options.uring),
        ("--cached", !options.passthrough),
        ("--allow-other", options.allow_other),
    ] {
        if set {
            command.arg(flag);
        }
    }
    command.arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut daemon = command.spawn().expect("the daemon can be started");
    let mut line = String::new();
    let mut said = BufReader::new(daemon.stdout.take().expect("the daemon's output is a pipe"));
    said.read_line(&mut line).expect("the daemon's output can be read");
    assert_eq!(line, "mounted\n", "the daemon did not mount");
    (daemon, said)
}

/// The connection of the FUSE file system that is mounted at `root`.
fn connection(root: &Path) -> Option<u32> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let root = root.to_str()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(4) == Some(root))?;
    line.split(' ').nth(2)?.split(':').nth(1)?.parse().ok()
}

/// Frees everybody who waits for the daemon.
fn abort(connection: Option<u32>) {
    if let Some(minor) = connection {
        let _ = fs::write(format!("/sys/fs/fuse/connections/{minor}/abort"), "1");
    }
}
