//! Work in a kept mount whose daemon is killed again and again: it must end as it does when nobody disturbs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::foreign;
use crate::process;

/// How often the one revision is checked out after the other.
const CHECKOUTS: usize = 20;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Work {
    /// Builds the command, with all that it is made of
    Build,
    /// Checks two revisions out, the one over the other
    Checkout,
    /// Runs fsx
    Fsx,
}

/// An interval in seconds.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "not a number of seconds".into())
}

struct Place<'a> {
    repository: &'a Path,
    projfs: PathBuf,
    tree: PathBuf,
}

/// Does each piece of work below `dir` twice, undisturbed and with a daemon killed every `every`, and compares.
pub(crate) fn run(repository: &Path, dir: &Path, every: Duration, works: &[Work]) -> Result<()> {
    process::run(process::cargo().current_dir(repository).args(["build", "--release", "-p", "projfs-cli"]))?;
    let dir = dir.canonicalize().with_context(|| format!("cannot find {}", dir.display()))?;
    let place =
        Place { repository, projfs: repository.join("target/release/projfs"), tree: dir.join("tree") };
    for work in works {
        let (undisturbed, time, _) = place.mounted(*work, None)?;
        let (disturbed, longer, kills) = place.mounted(*work, Some(every))?;
        if kills == 0 {
            bail!("{work:?}: it was over before a daemon was killed");
        }
        let differs = |(path, what): &(&String, &String)| disturbed.get(*path) != Some(*what);
        if let Some((path, _)) = undisturbed.iter().find(differs) {
            bail!("{work:?}: {path} is not what it is when nobody disturbs");
        }
        if let Some(path) = disturbed.keys().find(|path| !undisturbed.contains_key(*path)) {
            bail!("{work:?}: {path} is not there when nobody disturbs");
        }
        println!(
            "{work:?}: {} files the same; {:.1} s undisturbed, {:.1} s with {kills} daemons killed",
            disturbed.len(),
            time.as_secs_f64(),
            longer.as_secs_f64()
        );
    }
    Ok(())
}

impl Place<'_> {
    /// Does a piece of work in a new mount. What it made, how long that took, and how many daemons were killed.
    fn mounted(
        &self,
        work: Work,
        every: Option<Duration>,
    ) -> Result<(BTreeMap<String, String>, Duration, usize)> {
        if self.tree.exists() {
            fs::remove_dir_all(&self.tree)?;
        }
        fs::create_dir(&self.tree)?;
        let mut source = std::ffi::OsString::from("git:");
        source.push(self.repository);
        process::run(
            self.projfs()
                .args(["mount", "--keeper", "on", "--short-lives", "100"])
                .arg(source)
                .arg(&self.tree),
        )?;
        let (stop, stopped) = mpsc::channel::<()>();
        let begin = Instant::now();
        let (made, kills) = std::thread::scope(|scope| {
            let killing = scope.spawn(move || self.kill(every, &stopped));
            let made = self.work(work);
            drop(stop);
            (made, killing.join().unwrap_or_else(|_| bail!("the thread that kills has panicked")))
        });
        let time = begin.elapsed();
        let unmounted = process::run(self.projfs().arg("unmount").arg(&self.tree));
        let (made, kills) = (made?, kills?);
        unmounted?;
        fs::remove_dir_all(&self.tree)?;
        Ok((made, time, kills))
    }

    fn projfs(&self) -> Command {
        Command::new(&self.projfs)
    }

    /// Kills a daemon after each interval, until it is told to stop.
    fn kill(&self, every: Option<Duration>, stopped: &mpsc::Receiver<()>) -> Result<usize> {
        let Some(every) = every else { return Ok(0) };
        let mut kills = 0;
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            let status = self.projfs().args(["status", "--json"]).arg(&self.tree).output()?;
            let status: serde_json::Value = serde_json::from_slice(&status.stdout)
                .with_context(|| format!("no status: {}", String::from_utf8_lossy(&status.stderr)))?;
            let pid = status["pid"].as_u64().context("no pid in the status")?;
            process::run(Command::new("kill").args(["-9", &pid.to_string()]))?;
            kills += 1;
        }
        Ok(kills)
    }

    fn work(&self, work: Work) -> Result<BTreeMap<String, String>> {
        match work {
            Work::Build => {
                let target = self.tree.join("target");
                let mut cargo = process::cargo();
                cargo.args(["build", "--locked", "-p", "projfs-cli"]).current_dir(&self.tree);
                // What is made depends on nothing but the sources and their place.
                cargo.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0");
                process::run(&mut cargo)?;
                digests(&[target.join("debug/projfs"), target.join("debug/deps")], &["", "rlib", "rmeta"])
            }
            Work::Checkout => self.checkout(),
            Work::Fsx => {
                foreign::fsx(self.repository, &self.tree, 20_000, 1)?;
                Ok(BTreeMap::new())
            }
        }
    }

    fn checkout(&self) -> Result<BTreeMap<String, String>> {
        let objects = self.tree.with_file_name("objects.git");
        if objects.exists() {
            fs::remove_dir_all(&objects)?;
        }
        process::run(Command::new("git").args(["clone", "-q", "--bare"]).arg(self.repository).arg(&objects))?;
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.env("GIT_DIR", &objects).env("GIT_WORK_TREE", &self.tree).current_dir(&self.tree);
            git.args(["-c", "core.bare=false", "-c", "advice.detachedHead=false"]).args(arguments);
            git
        };
        let commits = process::output(&mut git(&["rev-list", "--first-parent", "HEAD"]))?;
        let commits: Vec<&str> = commits.lines().collect();
        let (new, old) = (commits.first().context("no commit")?, commits[commits.len() / 2]);
        process::run(&mut git(&["reset", "-q"]))?;
        for _ in 0..CHECKOUTS {
            process::run(&mut git(&["checkout", "-q", "-f", old]))?;
            process::run(&mut git(&["checkout", "-q", "-f", new]))?;
        }
        let status = process::output(&mut git(&["status", "--porcelain"]))?;
        if !status.is_empty() {
            bail!("git status: {status}");
        }
        fs::remove_dir_all(&objects)?;
        digests(std::slice::from_ref(&self.tree), &[])
    }
}

/// The SHA-256 of every file there whose name ends like one of these, or of all.
fn digests(places: &[PathBuf], extensions: &[&str]) -> Result<BTreeMap<String, String>> {
    let mut find = Command::new("find");
    find.args(places).args(["-type", "f", "-exec", "sha256sum", "{}", "+"]);
    let text = process::output(&mut find)?;
    let digests = text.lines().filter_map(|line| line.split_once("  "));
    let wanted = |path: &str| {
        let extension = Path::new(path).extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        extensions.is_empty() || extensions.contains(&extension)
    };
    Ok(digests
        .filter(|(_, path)| wanted(path))
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect())
}
