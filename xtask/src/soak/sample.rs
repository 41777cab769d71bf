//! How a daemon is at one moment, and by how much it grew.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use serde_json::Value;

/// A daemon, and its store. Sizes are in KiB.
pub(super) struct Sample {
    pub(super) pid: u64,
    time: Duration,
    operations: u64,
    resident: u64,
    anonymous: u64,
    descriptors: u64,
    threads: u64,
    /// The files in memory that it has for the next daemon.
    memory_files: u64,
    /// The placeholder log.
    log: u64,
    journal: u64,
    /// Everything else that is the store's own.
    other: u64,
    nodes: u64,
    open_files: u64,
    /// Processor time since the beginning, in hundredths of a second.
    ticks: u64,
}

impl Sample {
    pub(super) const HEAD: &str = "\
      s  operations   RSS K  anon K   fds threads memfd K   log K journal K  other K   nodes  open  CPU s";

    /// Looks at the daemon of which `status` is, and at its store.
    pub(super) fn take(time: Duration, done: &AtomicU64, status: &Value, store: &Path) -> Result<Self> {
        let number = |key: &str| status[key].as_u64().with_context(|| format!("no {key} in the status"));
        let pid = number("pid")?;
        let process = Path::new("/proc").join(pid.to_string());
        let of = |name: &str| fs::read_to_string(process.join(name)).context("the daemon has died");
        let (memory, times) = (of("status")?, of("stat")?);
        let field = |name: &str| {
            let line = memory.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok())
                .with_context(|| format!("no {name}"))
        };
        // The name of the program, in brackets, may hold spaces. User and system time are the 14th and 15th field.
        let after = times.rsplit_once(')').map_or("", |(_, after)| after);
        let ticks =
            after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        let (descriptors, memory_files) = descriptors(&process.join("fd"))?;
        let [log, journal] = ["placeholders", "journal"].map(|name| size(&store.join(name)));
        Ok(Self {
            pid,
            time,
            operations: done.load(Ordering::Relaxed),
            resident: field("VmRSS")?,
            anonymous: field("RssAnon")?,
            descriptors,
            threads: field("Threads")?,
            memory_files,
            log,
            journal,
            other: size(store).saturating_sub(log + journal),
            nodes: number("nodes")?,
            open_files: number("open_files")?,
            ticks,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            time,
            operations,
            resident,
            anonymous,
            descriptors,
            threads,
            memory_files,
            log,
            journal,
            ..
        } = self;
        let Self { other, nodes, open_files, ticks, .. } = self;
        let time = time.as_secs();
        write!(
            f,
            "{time:7} {operations:11} {resident:7} {anonymous:7} {descriptors:5} {threads:7} {memory_files:7} \
             {log:7} {journal:9} {other:8} {nodes:7} {open_files:5} {:4}.{:02}",
            ticks / 100,
            ticks % 100
        )
    }
}

/// How many descriptors there are, and how large the files in memory among them are together.
fn descriptors(dir: &Path) -> Result<(u64, u64)> {
    let (mut count, mut bytes) = (0, 0);
    for entry in fs::read_dir(dir).context("cannot list the descriptors")? {
        let path = entry?.path();
        // It may be closed meanwhile.
        let Ok(target) = fs::read_link(&path) else { continue };
        count += 1;
        if target.to_string_lossy().starts_with("/memfd:") {
            bytes += allocated(&path);
        }
    }
    Ok((count, bytes / 1024))
}

/// What a file takes, in bytes.
fn allocated(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512)
}

/// What a file or a directory takes with all that is in it, in KiB. What vanishes meanwhile takes nothing.
fn size(path: &Path) -> u64 {
    fn bytes(path: &Path) -> u64 {
        let below = fs::read_dir(path).into_iter().flatten().flatten();
        allocated(path) + below.map(|entry| bytes(&entry.path())).sum::<u64>()
    }
    bytes(path) / 1024
}

/// A figure in two quarters of the time.
pub(super) struct Growth {
    pub(super) name: &'static str,
    then: u64,
    now: u64,
    /// By how much it may grow; none if it may grow.
    allowance: Option<u64>,
}

impl Growth {
    /// Every figure, by its medians.
    pub(super) fn all(then: &[Sample], now: &[Sample]) -> Vec<Self> {
        let figure = |name, of: fn(&Sample) -> u64, allowance| {
            let [then, now] = [then, now].map(|samples| median(samples.iter().map(of).collect()));
            Self { name, then, now, allowance }
        };
        vec![
            // Some three bytes for each operation in two hours at the usual rate.
            figure("anonymous memory, K", |sample| sample.anonymous, Some(1024)),
            figure("all memory, K", |sample| sample.resident, None),
            // What is open comes and goes; and there is one for each MiB of the journal, until it is at its limit.
            figure("descriptors", |sample| sample.descriptors, Some(32)),
            figure("threads", |sample| sample.threads, Some(4)),
            figure("files in memory, K", |sample| sample.memory_files, Some(1024)),
            figure("placeholder log, K", |sample| sample.log, None),
            figure("journal, K", |sample| sample.journal, None),
            figure("others of .projfs, K", |sample| sample.other, Some(1024)),
            figure("nodes", |sample| sample.nodes, None),
            figure("open files", |sample| sample.open_files, None),
        ]
    }

    pub(super) fn is_too_much(&self) -> bool {
        self.allowance.is_some_and(|allowance| self.now > self.then + allowance)
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let allowance = self.allowance.map_or_else(|| "-".to_owned(), |allowance| allowance.to_string());
        write!(f, "{:20} {:14} {:14} {allowance:>10}", self.name, self.then, self.now)
    }
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
