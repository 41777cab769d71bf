//! What every mounted test needs: a reason not to run, an end in any case, a directory.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// How long a test may take. Then its mounts are taken away, and the process ends.
const TIME: Duration = Duration::from_secs(60);

/// How many operations of the model (`PROJFS_OPS`) that is time for.
const OPERATIONS: u32 = 5_000;

/// Runs a test with a directory for its mounts, if mounting is possible here. Also ends a test that hangs.
pub(super) fn mounted(name: &str, test: impl FnOnce(&Path)) {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        say(&format!("SKIPPED {name}: mounting needs root and /dev/fuse"));
        return;
    }
    // Whatever the umask is.
    let own = std::fs::Permissions::from_mode(0o700);
    let dir = tempfile::Builder::new().prefix("projfs-test-").permissions(own).tempdir().unwrap();
    let teardown = Teardown(dir.path().canonicalize().unwrap());
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let (watched, below, time) = (name.to_owned(), teardown.0.clone(), time());
    std::thread::spawn(move || {
        if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            say(&format!("{watched} did not end in {time:?}"));
            take_away(&below);
            // The kernel frees whoever waits for a process that is gone.
            std::process::exit(101);
        }
    });
    test(&teardown.0);
    drop(teardown);
    drop(done);
}

/// Says something at once, and even if the test succeeds, or never ends.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn time() -> Duration {
    let asked = std::env::var("PROJFS_OPS").ok().and_then(|text| text.parse::<u32>().ok());
    TIME * asked.unwrap_or(0).div_ceil(OPERATIONS).max(1)
}

/// Takes away what a failed test left mounted.
struct Teardown(std::path::PathBuf);

impl Drop for Teardown {
    fn drop(&mut self) {
        take_away(&self.0);
    }
}

/// Takes away what is mounted below a directory. Asks no daemon.
fn take_away(dir: &Path) {
    for mount in projectedfs::mounts().unwrap_or_default() {
        if mount.path.starts_with(dir) {
            let _ = rustix::mount::unmount(&mount.path, rustix::mount::UnmountFlags::DETACH);
        }
    }
}
