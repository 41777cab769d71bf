//! Mounts that outlive their daemon.

use std::fs;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rustix::process::Pid;
use rustix::process::Signal;

use super::support::Work;
use super::support::mounted;

fn status(work: &Work) -> serde_json::Value {
    serde_json::from_str(&work.does(&["status", "tree", "--json"])).unwrap()
}

fn kill(status: &serde_json::Value) {
    let pid = Pid::from_raw(i32::try_from(status["pid"].as_u64().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn a_killed_daemon_is_started_again() {
    mounted("a_killed_daemon_is_started_again", |work| {
        work.does(&["mount", "git:repo@HEAD~1", "tree"]);
        let before = status(work);
        assert_eq!(before["keeper"]["restarts"], 0);
        let mut open = fs::File::create(work.path("tree/new")).unwrap();
        kill(&before);
        // The commit that was mounted, not what its name means by now.
        fs::write(work.path("repo/README"), "three\n").unwrap();
        assert_eq!(fs::read_to_string(work.path("tree/README")).unwrap(), "one\n");
        open.write_all(b"written\n").unwrap();
        assert_eq!(fs::read_to_string(work.path("tree/new")).unwrap(), "written\n");
        let after = status(work);
        assert_eq!(after["keeper"]["pid"], before["keeper"]["pid"]);
        assert_eq!(after["keeper"]["restarts"], 1);
        assert_ne!(after["pid"], before["pid"]);
        assert!(work.does(&["status", "tree"]).contains("1 restart\n"));
        drop(open);
        work.does(&["unmount", "tree"]);
        assert!(work.does(&["fsck", "tree"]).starts_with("0 findings"));
    });
}

#[test]
fn a_daemon_is_replaced_under_programs_that_work() {
    mounted("a_daemon_is_replaced_under_programs_that_work", |work| {
        work.does(&["mount", "dir:source", "tree"]);
        let (stop, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let working = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let round = rounds.fetch_add(1, Ordering::Relaxed).to_string();
                    fs::write(work.path("tree/sub/x"), &round).unwrap();
                    fs::rename(work.path("tree/sub/x"), work.path("tree/y")).unwrap();
                    assert_eq!(fs::read_to_string(work.path("tree/y")).unwrap(), round);
                    assert_eq!(fs::read_to_string(work.path("tree/sub/b")).unwrap(), "beta\n");
                    assert_eq!(fs::read_dir(work.path("tree")).unwrap().count(), 3);
                    fs::remove_file(work.path("tree/y")).unwrap();
                }
            });
            let replaced = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                for upgrade in 1..=3 {
                    let before = status(work);
                    let begun = rounds.load(Ordering::Relaxed);
                    while rounds.load(Ordering::Relaxed) < begun + 10 && !working.is_finished() {
                        std::thread::yield_now();
                    }
                    work.does(&["upgrade", "tree"]);
                    assert_ne!(status(work)["pid"], before["pid"]);
                    assert_eq!(status(work)["keeper"]["restarts"], upgrade);
                }
            }));
            stop.store(true, Ordering::Relaxed);
            working.join().unwrap();
            replaced.unwrap();
        });
        work.does(&["unmount", "tree"]);
    });
}

#[test]
fn only_a_kept_mount_can_be_upgraded() {
    mounted("only_a_kept_mount_can_be_upgraded", |work| {
        work.does(&["mount", "--keeper", "off", "dir:source", "tree"]);
        assert!(status(work)["keeper"].is_null());
        work.fails(&["upgrade", "tree"], 1, &["has no keeper"]);
        work.does(&["unmount", "tree"]);
        work.fails(&["mount", "-f", "--keeper", "on", "dir:source", "tree"], 2, &["--foreground"]);
        let both = ["mount", "--transport", "io_uring", "--keeper", "on", "dir:source", "tree"];
        work.fails(&both, 5, &["a keeper or io_uring"]);
    });
}
