//! Which processors the threads of a mount run on.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::Ordering;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::StatxFlags;
use rustix::thread::CpuSet;

use super::memory::Content;
use super::memory::Memory;
use super::rig::BOTH;
use super::rig::Rig;
use super::rig::until;

fn ask(path: &Path) {
    rustix::fs::statx(CWD, path, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS).unwrap();
}

/// Where each of this process' threads whose name begins so may run.
fn places(name: &str) -> Vec<CpuSet> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let named = tasks.filter(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.starts_with(name))
    });
    let ids =
        named.filter_map(|task| rustix::process::Pid::from_raw(task.file_name().to_str()?.parse().ok()?));
    ids.filter_map(|id| rustix::thread::sched_getaffinity(Some(id)).ok()).collect()
}

fn only(processor: usize) -> CpuSet {
    let mut one = CpuSet::new();
    one.set(processor);
    one
}

#[test]
fn readers_run_where_their_only_caller_does() {
    let Some(rig) = Rig::new(BOTH[0], Memory::new([("a", Content::Bytes(b"x".into()))])) else { return };
    let everywhere = rustix::thread::sched_getaffinity(None).unwrap();
    let a = rig.path("a");
    for processor in (0..CpuSet::MAX_CPU).filter(|&processor| everywhere.is_set(processor)) {
        rustix::thread::sched_setaffinity(None, &only(processor)).unwrap();
        // They take turns; and a caller that was moved is found within ten milliseconds.
        until("both are where their caller is", || {
            ask(&a);
            places("projfs-reader").iter().all(|&place| place == only(processor))
        });
    }
    rustix::thread::sched_setaffinity(None, &everywhere).unwrap();
    std::thread::scope(|scope| {
        let [one, other] = [0, 1].map(|_| {
            scope.spawn(|| {
                until("they are free", || {
                    ask(&a);
                    places("projfs-reader").contains(&everywhere)
                });
            })
        });
        one.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn workers_run_anywhere() {
    for transport in BOTH {
        let files = [("a", Content::Bytes(b"x".into())), ("blocked", Content::Blocked)];
        let Some(rig) = Rig::new(transport, Memory::new(files)) else { return };
        let everywhere = rustix::thread::sched_getaffinity(None).unwrap();
        (0..100).for_each(|_| ask(&rig.path("a")));
        let mut reader = Command::new("cat").arg(rig.path("blocked")).stdout(Stdio::null()).spawn().unwrap();
        until("the read waits", || rig.memory.blocked.load(Ordering::SeqCst) > 0);
        assert_eq!(places("projfs-worker"), [everywhere], "over {transport:?}");
        rig.memory.release();
        reader.wait().unwrap();
    }
}
