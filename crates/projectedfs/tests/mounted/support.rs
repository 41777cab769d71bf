//! What every mounted test needs: a reason not to run, an end in any case, a directory.

use std::path::Path;
use std::time::Duration;

/// How long a test may take. Then the process ends, and its mounts with it.
const TIME: Duration = Duration::from_secs(60);

/// Runs a test with a directory for its mounts, if mounting is possible here. Also ends a test that hangs.
pub(super) fn mounted(name: &str, test: impl FnOnce(&Path)) {
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        eprintln!("SKIPPED {name}: mounting needs root and /dev/fuse");
        return;
    }
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watched = name.to_owned();
    std::thread::spawn(move || {
        if ended.recv_timeout(TIME) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{watched} did not end in {TIME:?}");
            // The kernel ends the mounts of a process that is gone.
            std::process::exit(101);
        }
    });
    let dir = tempfile::Builder::new().prefix("projfs-test-").tempdir().unwrap();
    let teardown = Teardown(dir.path().canonicalize().unwrap());
    test(&teardown.0);
    drop(teardown);
    drop(done);
}

/// Takes away what a failed test left mounted.
struct Teardown(std::path::PathBuf);

impl Drop for Teardown {
    fn drop(&mut self) {
        for mount in projectedfs::mounts().unwrap_or_default() {
            if mount.path.starts_with(&self.0) {
                let flags = rustix::mount::UnmountFlags::DETACH;
                let _ = rustix::mount::unmount(&mount.path, flags);
            }
        }
    }
}
