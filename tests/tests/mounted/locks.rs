//! Locks.

use std::fs;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::everywhere;
use crate::refused;
use crate::shell;

#[test]
fn flock_excludes() {
    everywhere(|dir| {
        let open =
            || fs::File::options().write(true).create(true).truncate(false).open(dir.join("lock")).unwrap();
        let (one, other) = (open(), open());
        rustix::fs::flock(&one, FlockOperation::LockExclusive).unwrap();
        refused(rustix::fs::flock(&other, FlockOperation::NonBlockingLockShared), Errno::AGAIN);
        rustix::fs::flock(&one, FlockOperation::LockShared).unwrap();
        rustix::fs::flock(&other, FlockOperation::NonBlockingLockShared).unwrap();
        refused(rustix::fs::flock(&one, FlockOperation::NonBlockingLockExclusive), Errno::AGAIN);
        drop(other);
        rustix::fs::flock(&one, FlockOperation::NonBlockingLockExclusive).unwrap();
        // Another process as well, until the holder is gone.
        shell(dir, "! flock -n lock true");
        drop(one);
        shell(dir, "flock -n lock true");
    });
}

#[test]
fn record_locks_exclude_other_processes() {
    everywhere(|dir| {
        let file = fs::File::create(dir.join("lock")).unwrap();
        rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        // `flock --fcntl` needs a newer util-linux; what the kernel lists shows the same.
        let number = std::os::unix::fs::MetadataExt::ino(&file.metadata().unwrap());
        let held = || fs::read_to_string("/proc/locks").unwrap().contains(&format!(":{number} "));
        assert!(held());
        rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingUnlock).unwrap();
        assert!(!held());
    });
}
