//! Hours of paced work in a kept mount: its daemon must not grow.

mod sample;
mod work;

use std::fs;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use self::sample::Growth;
use self::sample::Sample;
use self::work::Random;
use self::work::Worker;
use crate::process;

/// How often the daemon is looked at.
const EVERY: Duration = Duration::from_secs(30);
/// After how many samples the kernel is told to forget what it knows of names, which is the whole machine's loss.
const FORGET: usize = 4;
/// How many work, each in a directory of its own.
const WORKERS: u32 = 4;

/// How much is done.
pub(crate) struct Plan {
    /// How long, all in all.
    pub(crate) time: Duration,
    /// How many operations in a second, of all workers together.
    pub(crate) rate: f64,
    /// What the random numbers follow from.
    pub(crate) seed: u64,
}

/// A number of minutes.
pub(crate) fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: Option<f64> = text.parse().ok();
    minutes
        .and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok())
        .ok_or_else(|| "not a number of minutes".into())
}

/// The mounted tree, and who serves it.
struct Place {
    projfs: PathBuf,
    tree: PathBuf,
    /// The directory under the mount.
    below: File,
}

/// Works in a new mount below `dir` as planned, and fails if the daemon has grown. The program is `projfs`, or made from
/// the sources.
pub(crate) fn run(repository: &Path, dir: &Path, projfs: Option<&Path>, plan: &Plan) -> Result<()> {
    let projfs = match projfs {
        Some(projfs) => projfs.canonicalize().with_context(|| format!("no {}", projfs.display()))?,
        None => {
            let mut cargo = process::cargo();
            process::run(cargo.current_dir(repository).args(["build", "--release", "-p", "projfs-cli"]))?;
            repository.join("target/release/projfs")
        }
    };
    let dir = dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))?;
    let [own, source, tree] = ["projfs", "source", "tree"].map(|name| dir.join(name));
    for made in [&source, &tree] {
        if made.exists() {
            fs::remove_dir_all(made)?;
        }
        fs::create_dir(made)?;
    }
    // A copy, so that a build in the meantime does not take it away.
    fs::copy(&projfs, &own)?;
    make_source(&source)?;
    let place = Place { projfs: own, below: File::open(&tree)?, tree };
    let mut from = std::ffi::OsString::from("git:");
    from.push(&source);
    process::run(place.projfs().args(["mount", "--keeper", "on"]).arg(from).arg(&place.tree))?;
    println!("seed {}, {} operations a second", plan.seed, plan.rate);
    let worked = place.work(plan);
    let unmounted = process::run(place.projfs().arg("unmount").arg(&place.tree));
    let samples = worked?;
    unmounted?;
    judge(&samples)
}

/// Commits what is projected.
fn make_source(source: &Path) -> Result<()> {
    for worker in 0..WORKERS {
        work::make_source(&source.join(worker.to_string()), worker)?;
    }
    for arguments in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["-c", "user.name=soak", "-c", "user.email=soak@localhost", "commit", "-q", "-m", "soak"],
    ] {
        process::run(Command::new("git").current_dir(source).args(arguments))?;
    }
    Ok(())
}

impl Place {
    fn projfs(&self) -> Command {
        Command::new(&self.projfs)
    }

    /// Works for as long as planned. How the daemon was, in order.
    fn work(&self, plan: &Plan) -> Result<Vec<Sample>> {
        let done = AtomicU64::new(0);
        let interval = Duration::try_from_secs_f64(f64::from(WORKERS) / plan.rate)?;
        std::thread::scope(|scope| {
            let (report, reports) = mpsc::channel();
            let mut stops = Vec::new();
            for number in 0..WORKERS {
                let (stop, stopped) = mpsc::channel::<()>();
                stops.push(stop);
                let (report, done) = (report.clone(), &done);
                scope.spawn(move || {
                    let random = Random::new(plan.seed.wrapping_add(number.into()));
                    let mut worker = Worker::new(&self.tree.join(number.to_string()), number, random);
                    let worked = worker.run(&self.projfs, interval, &stopped, done);
                    let _ = report.send(worked.with_context(|| format!("worker {number}")));
                });
            }
            drop(report);
            let sampled = self.watch(plan.time, &done, &reports);
            drop(stops);
            let samples = sampled?;
            for worked in reports {
                worked?;
            }
            Ok(samples)
        })
    }

    fn watch(
        &self,
        time: Duration,
        done: &AtomicU64,
        reports: &mpsc::Receiver<Result<()>>,
    ) -> Result<Vec<Sample>> {
        let begin = Instant::now();
        let mut samples = Vec::new();
        println!("{}", Sample::HEAD);
        while begin.elapsed() < time {
            match reports.recv_timeout(EVERY.min(time)) {
                Ok(worked) => {
                    worked?;
                    bail!("a worker has ended early");
                }
                Err(RecvTimeoutError::Disconnected) => bail!("a worker has panicked"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let sample = self.sample(begin, done)?;
            println!("{sample}");
            if samples.first().is_some_and(|first: &Sample| first.pid != sample.pid) {
                bail!("the daemon has died");
            }
            samples.push(sample);
            if samples.len() % FORGET == 0 {
                self.forget()?;
            }
        }
        Ok(samples)
    }

    fn sample(&self, begin: Instant, done: &AtomicU64) -> Result<Sample> {
        let text = process::output(self.projfs().args(["status", "--json"]).arg(&self.tree))?;
        let status = serde_json::from_str(&text).context("the status is not in JSON")?;
        let store = PathBuf::from(format!("/proc/self/fd/{}/.projfs", self.below.as_raw_fd()));
        Sample::take(begin.elapsed(), done, &status, &store)
    }

    /// Has names and attributes asked for again, and goes through the journal as one who was away does.
    fn forget(&self) -> Result<()> {
        if let Err(error) = fs::write("/proc/sys/vm/drop_caches", "2") {
            println!("caches are not dropped: {error}");
        }
        process::run(
            self.projfs()
                .args(["watch", "--once", "--since", "start"])
                .arg(&self.tree)
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }
}

/// Compares the second quarter of the time with the last.
fn judge(samples: &[Sample]) -> Result<()> {
    let quarter = samples.len() / 4;
    if quarter == 0 {
        bail!("too short a time for four samples");
    }
    let (then, now) = (&samples[quarter..2 * quarter], &samples[samples.len() - quarter..]);
    println!("\n{:20} {:>14} {:>14} {:>10}", "median", "2nd quarter", "4th quarter", "allowance");
    let growths = Growth::all(then, now);
    for growth in &growths {
        println!("{growth}");
    }
    let over: Vec<&str> =
        growths.iter().filter(|growth| growth.is_too_much()).map(|growth| growth.name).collect();
    if !over.is_empty() {
        bail!("FAILED: more than allowed of {}", over.join(", "));
    }
    println!("OK");
    Ok(())
}
