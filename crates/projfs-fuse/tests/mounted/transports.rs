//! What must work over both transports.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use projfs_fuse::io::IoMode;
use projfs_testkit::skipped;
use projfs_types::ItemName;
use projfs_types::NodeId;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::process::Signal;

use super::memory::Content;
use super::memory::Memory;
use super::rig::BOTH;
use super::rig::Rig;
use super::rig::until;

fn each(files: impl Fn() -> Vec<(&'static str, Content)>, test: impl Fn(&Rig)) {
    for transport in BOTH {
        if let Some(rig) = Rig::new(transport, Memory::new(files())) {
            eprintln!("over {transport:?}");
            test(&rig);
        }
    }
}

#[test]
fn files_are_found_and_read() {
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| ((at * 31) >> 3) as u8).collect();
    let files = || vec![("a", Content::Bytes(b"hello".into())), ("large", Content::Bytes(large.clone()))];
    each(files, |rig| {
        let found = fs::metadata(rig.path("a")).unwrap();
        assert_eq!((found.ino(), found.len(), found.mtime_nsec()), (2, 5, 5));
        assert_eq!(fs::read(rig.path("a")).unwrap(), b"hello");
        assert!(fs::read(rig.path("large")).unwrap() == large);
        let missing = fs::metadata(rig.path("missing")).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
        let long = "x".repeat(256);
        assert_eq!(fs::metadata(rig.path(&long)).unwrap_err().raw_os_error(), Some(36));
    });
}

#[test]
fn what_is_written_arrives() {
    each(
        || vec![("sink", Content::Sink(Mutex::default()))],
        |rig| {
            let mut file = fs::File::options().write(true).open(rig.path("sink")).unwrap();
            let data: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
            // Short ones, long ones, and some that wait on a worker.
            let parts = [&b"short"[..], b"wait", &data, &[b"w", &data[..]].concat()];
            for part in parts {
                file.write_all(part).unwrap();
            }
            drop(file);
            assert!(fs::read(rig.path("sink")).unwrap() == parts.concat());
            let mut value = [0; 64];
            assert_eq!(rustix::fs::getxattr(rig.path("sink"), "user.x", &mut value).unwrap(), 5);
            assert_eq!(rustix::fs::getxattr(rig.path("sink"), "user.x", &mut value[..4]), Err(Errno::RANGE));
        },
    );
}

#[test]
fn listings_come_with_attributes() {
    const NAMES: [&str; 4] = ["a", "b", "cc", "ddd"];
    let files = || NAMES.map(|name| (name, Content::Bytes(name.into()))).into_iter().collect();
    each(files, |rig| {
        let items: Vec<_> = fs::read_dir(rig.path("")).unwrap().map(|item| item.unwrap()).collect();
        let names: Vec<_> = items.iter().map(|item| item.file_name().into_string().unwrap()).collect();
        assert_eq!(names, NAMES);
        let sizes: Vec<_> = items.iter().map(|item| item.metadata().unwrap().len()).collect();
        assert_eq!(sizes, [1, 1, 2, 3]);
    });
}

#[test]
fn what_waits_runs_again_on_a_worker() {
    each(
        || vec![("slow", Content::Slow(vec![7; 100_000]))],
        |rig| {
            assert!(fs::read(rig.path("slow")).unwrap() == vec![7; 100_000]);
            assert!(rig.session.load().1 > 0, "there is a worker");
            assert_eq!(rig.session.load().0, 0, "nothing waits any more");
        },
    );
}

#[test]
fn a_panic_costs_one_request() {
    each(
        || vec![("a", Content::Bytes(b"fine".into())), ("bad", Content::Panics)],
        |rig| {
            for _ in 0..5 {
                assert_eq!(fs::read(rig.path("bad")).unwrap_err().raw_os_error(), Some(5));
            }
            assert_eq!(fs::read(rig.path("a")).unwrap(), b"fine");
        },
    );
}

/// Reads 4 KiB by a request of the reader's own, past the page cache.
fn direct_reader(path: &Path) -> Command {
    let mut dd = Command::new("dd");
    dd.arg(format!("if={}", path.display())).args(["iflag=direct", "bs=4096", "count=1"]);
    dd.stdout(Stdio::null()).stderr(Stdio::null());
    dd
}

/// Reads through the page cache.
fn cached_reader(path: &Path) -> Command {
    let mut cat = Command::new("cat");
    cat.arg(path).stdout(Stdio::null());
    cat
}

fn interrupt(rig: &Rig, mut reader: Command) {
    let before = rig.memory.blocked.load(Ordering::SeqCst);
    let mut reader = reader.spawn().unwrap();
    until("the read waits", || rig.memory.blocked.load(Ordering::SeqCst) > before);
    let begin = Instant::now();
    rustix::process::kill_process(Pid::from_child(&reader), Signal::INT).unwrap();
    let status = reader.wait().unwrap();
    eprintln!("  dead after {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(!status.success());
}

#[test]
fn an_interrupted_reader_dies_within_a_second() {
    each(
        || vec![("blocked", Content::Blocked)],
        |rig| {
            interrupt(rig, direct_reader(&rig.path("blocked")));
            until("the service learns of it", || rig.memory.interrupted.load(Ordering::SeqCst) == 1);
            // The kernel reads ahead on its own account and tells nobody, but the reader is free.
            interrupt(rig, cached_reader(&rig.path("blocked")));
        },
    );
}

#[test]
fn many_blocked_readers_block_nobody_else() {
    each(
        || vec![("blocked", Content::Blocked), ("free", Content::Bytes(b"free".into()))],
        |rig| {
            let path = rig.path("blocked");
            let mut readers: Vec<_> = (0..50).map(|_| direct_reader(&path).spawn().unwrap()).collect();
            until("all wait", || rig.memory.blocked.load(Ordering::SeqCst) >= 50);
            let begin = Instant::now();
            assert_eq!(fs::read(rig.path("free")).unwrap(), b"free");
            assert!(begin.elapsed() < Duration::from_secs(1));
            for reader in &mut readers {
                rustix::process::kill_process(Pid::from_child(reader), Signal::KILL).unwrap();
            }
            for reader in &mut readers {
                reader.wait().unwrap();
            }
            until("none waits", || rig.session.load().0 == 0);
        },
    );
}

#[test]
fn the_kernel_reads_backed_files_by_itself() {
    let store = tempfile::tempdir().unwrap();
    let file = store.path().join("file");
    fs::write(&file, vec![3; 50_000]).unwrap();
    each(
        || vec![("backed", Content::Backed(file.clone()))],
        |rig| {
            if !rig.session.kernel().negotiated.passthrough {
                return skipped("this kernel has no passthrough");
            }
            let io = &rig.session.kernel().io;
            for _ in 0..3 {
                let mut open = fs::File::open(rig.path("backed")).unwrap();
                if matches!(io.mode(NodeId(2)), IoMode::Cached { .. }) {
                    skipped("no privilege for passthrough; read through the daemon instead");
                    assert!(fs::read(rig.path("backed")).unwrap() == vec![3; 50_000]);
                    return;
                }
                assert!(matches!(io.mode(NodeId(2)), IoMode::Passthrough { opens: 1, .. }));
                let mut bytes = Vec::new();
                open.read_to_end(&mut bytes).unwrap();
                assert!(bytes == vec![3; 50_000]);
                drop(open);
                until("released", || io.mode(NodeId(2)) == IoMode::Closed);
            }
            assert_eq!(rig.memory.reads.load(Ordering::Relaxed), 0, "no read came to us");
            assert_eq!(io.ids(), 1, "one id for all opens");
            io.forget(NodeId(2));
            assert_eq!(io.ids(), 0);
        },
    );
}

#[test]
fn what_is_invalidated_is_asked_for_again() {
    each(
        || vec![("a", Content::Bytes(b"x".into()))],
        |rig| {
            fs::metadata(rig.path("a")).unwrap();
            let invalidator = &rig.session.kernel().invalidator;
            invalidator.entry_changed(NodeId(1), ItemName::new(b"a").unwrap());
            invalidator.content_changed(NodeId(2));
            invalidator.everything_changed();
            assert!(invalidator.flush(Instant::now() + Duration::from_secs(5)));
            until("forgotten", || rig.memory.forgotten.load(Ordering::Relaxed) > 0);
            fs::metadata(rig.path("a")).unwrap();
        },
    );
}

#[test]
fn names_are_invalidated_while_they_are_looked_up() {
    each(
        || vec![("a", Content::Bytes(b"x".into()))],
        |rig| {
            let invalidator = &rig.session.kernel().invalidator;
            let name = ItemName::new(b"a").unwrap();
            let done = std::sync::atomic::AtomicBool::new(false);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        while !done.load(Ordering::Relaxed) {
                            fs::metadata(rig.path("a")).unwrap();
                            let _ = fs::File::create_new(rig.path("new")).unwrap_err();
                        }
                    });
                }
                for _ in 0..5_000 {
                    invalidator.entry_changed(NodeId(1), name);
                    invalidator.attributes_changed(NodeId(1));
                }
                let flushed = invalidator.flush(Instant::now() + Duration::from_secs(20));
                done.store(true, Ordering::Relaxed);
                assert!(flushed);
            });
        },
    );
}
