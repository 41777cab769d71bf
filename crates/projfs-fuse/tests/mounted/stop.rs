//! The end of a session, in bounded time whatever goes on.

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use projfs_fuse::Config;
use projfs_fuse::Session;
use projfs_fuse::mount::Health;
use projfs_fuse::mount::Target;
use projfs_fuse::mount::clear_dead;
use projfs_fuse::mount::health;
use projfs_testkit::skipped;

use super::memory::Content;
use super::memory::Memory;
use super::rig::BOTH;
use super::rig::Rig;
use super::rig::is_mounted;
use super::rig::until;

#[test]
fn stops_with_requests_that_wait() {
    for transport in BOTH {
        let Some(rig) = Rig::new(transport, Memory::new([("blocked", Content::Blocked)])) else { return };
        let mut reader = Command::new("cat").arg(rig.path("blocked")).stderr(Stdio::null()).spawn().unwrap();
        until("the read waits", || rig.memory.blocked.load(Ordering::SeqCst) > 0);
        let begin = Instant::now();
        let stopped = rig.session.stop(Duration::from_secs(4));
        eprintln!("over {transport:?}: {stopped:?} after {:?}", begin.elapsed());
        assert_eq!(stopped.lingering, 0);
        assert!(begin.elapsed() < Duration::from_secs(3));
        assert!(!reader.wait().unwrap().success());
        assert_eq!(rig.session.stop(Duration::ZERO), stopped, "stopping again changes nothing");
    }
}

#[test]
fn stops_with_a_request_that_never_ends() {
    for transport in BOTH {
        let Some(rig) = Rig::new(transport, Memory::new([("stuck", Content::Stuck)])) else { return };
        let mut reader = Command::new("cat").arg(rig.path("stuck")).stderr(Stdio::null()).spawn().unwrap();
        until("the read waits", || rig.memory.blocked.load(Ordering::SeqCst) > 0);
        let begin = Instant::now();
        let stopped = rig.session.stop(Duration::from_secs(2));
        eprintln!("over {transport:?}: {stopped:?} after {:?}", begin.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(3));
        assert_eq!((stopped.aborted, stopped.lingering), (true, 1));
        assert!(!reader.wait().unwrap().success(), "the reader is free though nobody answered it");
        assert!(!is_mounted(&rig.path("")));
    }
}

#[test]
fn stops_while_files_are_open() {
    for transport in BOTH {
        let Some(rig) = Rig::new(transport, Memory::new([("a", Content::Bytes(b"x".into()))])) else {
            return;
        };
        let open = fs::File::open(rig.path("a")).unwrap();
        let stopped = rig.session.stop(Duration::from_secs(2));
        assert_eq!((stopped.aborted, stopped.lingering), (true, 0));
        drop(open);
    }
}

#[test]
fn ends_when_someone_unmounts() {
    for transport in BOTH {
        let Some(rig) = Rig::new(transport, Memory::new([])) else { return };
        rustix::mount::unmount(rig.path(""), rustix::mount::UnmountFlags::empty()).unwrap();
        rig.session.wait();
        let stopped = rig.session.stop(Duration::from_secs(2));
        assert_eq!((stopped.aborted, stopped.lingering), (false, 0));
    }
}

#[test]
fn mounts_over_the_directory_that_was_opened_before() {
    let Some(rig) = Rig::new(BOTH[0], Memory::new([])) else { return };
    let below = tempfile::tempdir().unwrap();
    fs::write(below.path().join("kept"), b"below").unwrap();
    let dir = rustix::fs::open(below.path(), rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
    let again = dir.try_clone().unwrap();
    let config = Config::new(Target::over(below.path(), dir));
    let memory = Arc::new(Memory::new([("above", Content::Bytes(b"x".into()))]));
    let session = Session::start(&config, memory).unwrap();
    assert!(below.path().join("above").exists());
    let flags = rustix::fs::OFlags::RDONLY;
    assert!(rustix::fs::openat(&again, "kept", flags, rustix::fs::Mode::empty()).is_ok());
    assert_eq!(session.stop(Duration::from_secs(2)).lingering, 0);
    assert!(below.path().join("kept").exists());
    drop(rig);
}

#[test]
fn a_dead_mount_is_seen_and_cleared() {
    let Some(rig) = Rig::new(BOTH[0], Memory::new([])) else { return };
    let path = rig.path("");
    assert_eq!(health(&path, Duration::from_secs(1)), Health::Alive);
    assert!(!clear_dead(&path).unwrap());
    // A second mount in front of the first, of which only the abort is seen.
    let config = Config::new(Target::at(&path));
    let session = Session::start(&config, Arc::new(Memory::new([]))).unwrap();
    let minor = rustix::fs::stat(&path).map(|stat| rustix::fs::minor(stat.st_dev)).unwrap();
    let control = tempfile::tempdir().unwrap();
    let none = rustix::mount::MountFlags::empty();
    if rustix::mount::mount("none", control.path(), "fusectl", none, None).is_err() {
        return skipped("fusectl cannot be mounted in a user namespace");
    }
    fs::write(control.path().join(minor.to_string()).join("abort"), "1").unwrap();
    rustix::mount::unmount(control.path(), rustix::mount::UnmountFlags::empty()).unwrap();
    session.wait();
    assert_eq!(health(&path, Duration::from_secs(1)), Health::Dead);
    assert!(clear_dead(&path).unwrap());
    assert_eq!(health(&path, Duration::from_secs(1)), Health::Alive, "the first mount is there again");
}

fn threads_and_descriptors() -> (usize, usize) {
    let count = |dir| fs::read_dir(dir).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
#[ignore = "counts what the process has, so it runs alone"]
fn nothing_is_left_of_many_sessions() {
    for transport in BOTH {
        let run = || {
            let files = [("slow", Content::Slow(b"x".into())), ("a", Content::Bytes(b"x".into()))];
            let rig = Rig::new(transport, Memory::new(files)).expect("run as root");
            assert_eq!(fs::read(rig.path("slow")).unwrap(), b"x");
        };
        run();
        // The test itself and the thread that runs it.
        until("threads end", || threads_and_descriptors().0 <= 2);
        let before = threads_and_descriptors();
        (0..100).for_each(|_| run());
        until("threads end", || threads_and_descriptors().0 <= 2);
        assert_eq!(threads_and_descriptors(), before);
    }
}
