//! A mount outlives its daemon: programs that work in it while daemons are killed at any moment see nothing of it.
//!
//! Four programs work, each in a directory of its own, which must look like their model whenever they look; a fifth has a
//! file mapped. 20 rounds; `PROJFS_LONG=1` has 500. `PROJFS_SEED` repeats what is done, though not when.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

mod mapped;
mod rig;
mod ring;
mod worker;

use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_testkit::model::Random;
use projfs_testkit::say;
use projfs_testkit::skipped;
use projfs_tests::Options;
use projfs_tests::Tree;
use projfs_tests::WORKERS;

use mapped::Mapped;
use rig::Kept;
use worker::Worker;

/// How long a daemon may take until it answers.
const RESUMED: Duration = Duration::from_secs(30);

fn seed() -> u64 {
    let asked = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64)
}

#[test]
fn programs_see_nothing_of_killed_daemons() {
    let rounds = if std::env::var_os("PROJFS_LONG").is_some() { 500 } else { 20 };
    for passthrough in [true, false] {
        let seed = seed();
        say(format_args!("passthrough {passthrough}, PROJFS_SEED={seed}"));
        let options = Options { tree: Tree::Workers, passthrough, ..Options::default() };
        let Some(mut kept) = Kept::new(options, &["--short-lives", "1000000"]) else { return };
        let begin = Instant::now();
        let (workers, steps, kills) = storm(&kept, rounds, seed);
        say(format_args!("{kills} daemons killed, {steps} steps, {:?}", begin.elapsed()));
        workers.iter().for_each(Worker::check);
        let workers: Vec<Worker> = workers.into_iter().map(Worker::closed).collect();
        kept.unmount();
        kept.again(|| workers.iter().for_each(Worker::check));
    }
}

/// Kills daemons at any moment, that of the takeover not excepted, while everybody works.
fn storm(kept: &Kept, rounds: usize, seed: u64) -> (Vec<Worker>, usize, usize) {
    let root = kept.root();
    let mut random = Random::new(seed);
    let workers: Vec<Worker> = (0..WORKERS)
        .map(|number| {
            let dir = root.join(format!("w{number}"));
            fs::write(dir.join("mapped"), vec![b'.'; 8192]).unwrap();
            Worker::new(dir, random.number())
        })
        .collect();
    let mut mapped = Mapped::new(&root.join("w0/mapped"));
    let (steps, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut kills = 0;
    let workers = std::thread::scope(|scope| {
        let working: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                let (steps, stop) = (&steps, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        worker.step();
                        steps.fetch_add(1, Ordering::Relaxed);
                    }
                    worker
                })
            })
            .collect();
        let failed = || working.iter().any(std::thread::ScopedJoinHandle::is_finished);
        let until = |count: usize| {
            let end = Instant::now() + RESUMED;
            while steps.load(Ordering::Relaxed) < count && !failed() {
                assert!(Instant::now() < end, "nobody gets on");
                std::thread::yield_now();
            }
        };
        let done = catch_unwind(AssertUnwindSafe(|| {
            for round in 0..rounds {
                until(steps.load(Ordering::Relaxed) + random.below(300));
                let killed = kept.kill();
                kills += usize::from(killed.is_some());
                if random.chance(30) {
                    // The next one has hardly begun.
                    let end = Instant::now() + RESUMED;
                    let next = || kept.daemon().filter(|daemon| Some(*daemon) != killed);
                    while next().is_none() && Instant::now() < end {
                        std::thread::yield_now();
                    }
                    (0..random.below(20_000)).for_each(|_| std::hint::spin_loop());
                    kills += usize::from(kept.kill().is_some());
                }
                mapped.check(round);
                // As many as there are workers may be done with what they had begun.
                until(steps.load(Ordering::Relaxed) + WORKERS + 1);
                if failed() {
                    break;
                }
            }
        }));
        stop.store(true, Ordering::Relaxed);
        let workers: Vec<_> = working.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        workers
            .into_iter()
            .map(|worker| worker.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    mapped.ends();
    (workers, steps.into_inner(), kills)
}

#[test]
fn a_keeper_gives_up_a_daemon_that_only_dies() {
    let options = Options { tree: Tree::Workers, passthrough: true, ..Options::default() };
    let Some(mut kept) = Kept::new(options, &["--short-lives", "3", "--dies-again"]) else { return };
    let root = kept.root();
    let open = fs::File::open(root.join("w0/f0")).unwrap();
    kept.kill().unwrap();
    // Waits until the keeper gives up, and no longer.
    let refused = fs::read_dir(root.join("w1")).map(drop).unwrap_err().raw_os_error();
    let gone = [libc::ENOTCONN, libc::ECONNABORTED];
    assert!(refused.is_some_and(|errno| gone.contains(&errno)), "{refused:?}");
    assert!(!kept.ended(), "a keeper that gives up says so");
    let refused = fs::metadata(root.join("w2")).unwrap_err().raw_os_error();
    assert!(refused.is_some_and(|errno| gone.contains(&errno)), "{refused:?}");
    drop(open);
}

#[test]
fn a_working_directory_outlives_the_daemon() {
    let options = Options { tree: Tree::Workers, passthrough: true, ..Options::default() };
    let Some(kept) = Kept::new(options, &[]) else { return };
    let script = "cd w0/d0 && mkdir gone && cd gone && rmdir ../gone && echo ready && read line \
                  && cd .. && pwd && cat f0 && ls";
    let mut shell = std::process::Command::new("sh")
        .args(["-c", script])
        .current_dir(kept.root())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(shell.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    kept.kill().unwrap();
    std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"go on\n").unwrap();
    let said = std::io::read_to_string(output).unwrap();
    assert!(shell.wait().unwrap().success());
    let expected = format!("{}\nprojected\nf0\nf1\n", kept.root().join("w0/d0").display());
    assert_eq!(said, expected);
}

#[test]
fn requests_that_were_read_are_sent_again() {
    if !rustix::process::geteuid().is_root() || fs::File::open("/dev/fuse").is_err() {
        return skipped("tests on a real mount need root and /dev/fuse");
    }
    let came = ring::take_over(false);
    say(format_args!("by /dev/fuse: {came:?}"));
    // What a cloned descriptor had read fails with it; the rest comes again.
    assert!(came.goes_on && came.waiting == 0, "{came:?}");
    assert!(came.again + came.failed > 0, "{came:?}");
    let enabled = fs::read_to_string("/sys/module/fuse/parameters/enable_uring");
    if !enabled.is_ok_and(|text| text.starts_with('Y')) {
        return say("SKIPPED over io_uring: the parameter enable_uring of the module fuse is not on");
    }
    let came = ring::take_over(true);
    say(format_args!("by io_uring: {came:?}"));
    assert!(came.goes_on, "new rings serve new requests: {came:?}");
    // The day this fails, a kept mount may use io_uring.
    assert!(came.again == 0 && came.waiting + came.failed > 0, "{came:?}");
}
