//! The bounds of a run: namespaces of its own for what is mounted and started, and everything as it was afterwards.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use crate::Options;
use crate::program;

const RINGS: &str = "/sys/module/fuse/parameters/enable_uring";

/// Below the directory of a run, everything but the results.
pub(crate) const WORK: &str = "projfs-bench-work";

/// How long the last processes may take to let go of what is removed.
const LETTING_GO: Duration = Duration::from_secs(30);

enum End {
    Signal(i32),
    Ended(Result<std::process::ExitStatus>),
}

/// Has a run made in namespaces of its own, and waits for it or for a signal. Whatever happens, all processes of the run
/// are gone when this returns, with their mounts, and `enable_uring` is what it was.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    if !rustix::process::geteuid().is_root() {
        bail!("mounting, and emptying the caches, take root");
    }
    fs::create_dir_all(&options.dir).with_context(|| format!("cannot make {}", options.dir.display()))?;
    let lock = fs::File::open(&options.dir)?;
    if lock.try_lock().is_err() {
        bail!("another run uses {}", options.dir.display());
    }
    let work = options.dir.join(WORK);
    // Of a run that was killed.
    remove(&work)?;
    fs::create_dir(&work)?;

    let (sender, ends) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let signalled = sender.clone();
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = signalled.send(End::Signal(signal));
        }
    });
    let rings = Rings::on();
    let mut inside = start(&rings)?;
    let alive = inside.stdin.take();
    let pid = Pid::from_raw(i32::try_from(inside.id())?);
    thread::spawn(move || {
        let ended = inside.wait().map_err(anyhow::Error::from);
        let _ = sender.send(End::Ended(ended));
    });
    let code = match ends.recv()? {
        End::Ended(status) => {
            if status?.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        End::Signal(signal) => {
            eprintln!("signal {signal}: everything is ended and taken away");
            // With it goes the first process of the namespace, and with that all others.
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL)?;
            ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
        }
    };
    drop(alive);
    drop(rings);
    if options.keep {
        println!("what was made is in {}", work.display());
    } else {
        remove(&work)?;
    }
    Ok(code)
}

fn start(rings: &Rings) -> Result<Child> {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    unshare.arg(std::env::current_exe()?).args(["init", &rings.0]);
    unshare.args(std::env::args_os().skip(2)).stdin(Stdio::piped());
    unshare.spawn().context("cannot start unshare")
}

/// The first process of the namespace: starts the run and buries whoever has no parent left. If the process that waits
/// outside is killed, all ends here.
pub(crate) fn init(restore: &str, options: &Options) -> Result<ExitCode> {
    let restore = restore.to_owned();
    thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        let _ = fs::write(RINGS, &restore);
        std::process::exit(1);
    });
    if !fs::read_to_string("/proc/self/mounts")?.contains(" /sys/fs/fuse/connections ") {
        // Without it a mount that hangs could not be aborted.
        program::run(Command::new("mount").args(["-t", "fusectl", "none", "/sys/fs/fuse/connections"]))?;
    }
    let runtime = options.dir.join(WORK).join("runtime");
    fs::create_dir(&runtime)?;
    let mut inside = Command::new(std::env::current_exe()?);
    inside.arg("inside").args(std::env::args_os().skip(3)).stdin(Stdio::null());
    let inside = inside.env("PROJFS_RUNTIME_DIR", &runtime.canonicalize()?).spawn()?;
    let pid = Pid::from_raw(i32::try_from(inside.id())?);
    loop {
        match waitpid(None, None)? {
            WaitStatus::Exited(ended, code) if ended == pid => {
                return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
            }
            WaitStatus::Signaled(ended, signal, _) if ended == pid => bail!("the run was ended by {signal}"),
            _ => {}
        }
    }
}

/// What `enable_uring` was, while it is on.
struct Rings(String);

impl Rings {
    fn on() -> Self {
        let before = fs::read_to_string(RINGS).map(|text| text.trim().to_owned()).unwrap_or_default();
        if before == "N"
            && let Err(error) = fs::write(RINGS, "Y")
        {
            eprintln!("SKIPPED over io_uring: it cannot be turned on: {error}");
        }
        Self(before)
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        if self.0 == "N"
            && let Err(error) = fs::write(RINGS, "N")
        {
            eprintln!("enable_uring stays on: {error}");
        }
    }
}

/// Removes what a run has made; its last processes may be about to die.
fn remove(work: &Path) -> Result<()> {
    let end = Instant::now() + LETTING_GO;
    loop {
        match fs::remove_dir_all(work) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() > end => {
                return Err(error).with_context(|| format!("cannot remove {}", work.display()));
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}
