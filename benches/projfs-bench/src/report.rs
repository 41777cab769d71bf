//! What came of a run: as JSON, as a table, and as a picture.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use anyhow::Result;
use serde::Serialize;

use crate::Options;
use crate::contestant::Contestant;
use crate::contestant::DEFAULT;
use crate::contestant::NATIVE;
use crate::inputs::Inputs;
use crate::program;
use crate::workload::Goal;
use crate::workload::Measured;
use crate::workload::Unit;
use crate::workload::Workload;

mod plot;
mod table;

/// What came of a workload.
#[derive(Default, Serialize)]
pub(crate) struct Outcome {
    /// Of each contestant, the values of each run, one for each row.
    values: BTreeMap<&'static str, Vec<Vec<f64>>>,
    /// What each found or made, if that was always the same.
    results: BTreeMap<&'static str, String>,
    /// Why one has no values, or not all.
    failures: BTreeMap<&'static str, String>,
}

impl Outcome {
    pub(crate) fn add(&mut self, name: &'static str, measured: Measured) {
        self.values.entry(name).or_default().push(measured.values);
        let before = self.results.entry(name).or_insert_with(|| measured.result.clone());
        if *before != measured.result {
            let message = format!("first {before}, then {}", measured.result);
            self.fail(name, message);
        }
    }

    pub(crate) fn fail(&mut self, name: &'static str, message: String) {
        println!("FAILED {name}: {message}");
        self.failures.entry(name).or_insert(message);
    }

    pub(crate) fn has_error(&self, name: &str) -> bool {
        self.failures.contains_key(name)
    }

    /// Whether something is wrong with one: it could not do it, or did something else than the others.
    pub(crate) fn has_failed(&self, name: &str) -> bool {
        self.has_error(name) || self.differs(name)
    }

    /// Whether one has another result than native, or, where that does not take part, than most likely right.
    fn differs(&self, name: &str) -> bool {
        let expected = self.results.get(NATIVE).filter(|result| !result.is_empty());
        let expected = expected.or_else(|| self.results.get(DEFAULT));
        match (expected, self.results.get(name)) {
            (Some(expected), Some(result)) => name != NATIVE && expected != result,
            (None, _) | (_, None) => false,
        }
    }

    /// The median and the minimum of a row.
    fn figures(&self, name: &str, row: usize) -> Option<Figures> {
        let mut values: Vec<f64> =
            self.values.get(name)?.iter().filter_map(|run| run.get(row).copied()).collect();
        values.sort_by(f64::total_cmp);
        let least = *values.first()?;
        let half = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[half - 1], values[half])
        } else {
            values[half]
        };
        Some(Figures { median, least })
    }

    /// What stands for one in a row: a ratio to native where that takes part and times are compared, else the value.
    fn standing(&self, name: &str, row: usize, goal: Goal) -> Option<Standing> {
        let own = self.figures(name, row)?;
        let native = self.figures(NATIVE, row).filter(|_| !matches!(goal, Goal::AtMost(_)));
        match native {
            Some(native) if native.least > 0.0 => Some(Standing::Ratio(Figures {
                median: own.median / native.median,
                least: own.least / native.least,
            })),
            Some(_) | None => Some(Standing::Value(own)),
        }
    }
}

#[derive(Clone, Copy)]
struct Figures {
    median: f64,
    least: f64,
}

#[derive(Clone, Copy)]
enum Standing {
    Ratio(Figures),
    Value(Figures),
}

/// On what it was measured.
#[derive(Serialize)]
pub(crate) struct Conditions {
    /// Seconds since 1970.
    time: u64,
    kernel: String,
    processor: String,
    processors: usize,
    memory_kib: u64,
    file_system: String,
    load: String,
    projfs: String,
    tree: String,
    files: usize,
    repeats: u32,
    quick: bool,
    programs: Vec<String>,
}

impl Conditions {
    pub(crate) fn now(options: &Options, inputs: &Inputs) -> Result<Self> {
        let word = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(key).map(str::to_owned));
            line.unwrap_or_default().trim_start_matches([':', '\t', ' ']).to_owned()
        };
        let system = rustix::system::uname();
        let memory = word("/proc/meminfo", "MemTotal:");
        let kind = program::output(Command::new("df").arg("--output=fstype").arg(&inputs.work))?;
        let version = |program: &str| {
            let text = Command::new(program).arg("--version").output().ok()?;
            let text = if text.stdout.is_empty() { text.stderr } else { text.stdout };
            String::from_utf8_lossy(&text).lines().next().map(str::to_owned)
        };
        let programs = ["git", "bindfs", "fuse-overlayfs", "mergerfs", "rclone", "squashfuse", "ratarmount"];
        let tree = options.tree.as_ref().and_then(|tree| tree.file_name());
        Ok(Self {
            time: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            kernel: system.release().to_string_lossy().into_owned(),
            processor: word("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism()?.get(),
            memory_kib: memory.trim_end_matches(" kB").parse()?,
            file_system: kind.lines().last().unwrap_or_default().to_owned(),
            load: fs::read_to_string("/proc/loadavg")?.trim().to_owned(),
            projfs: version(&inputs.projfs.to_string_lossy()).unwrap_or_default(),
            tree: tree.map_or("generated".into(), |name| name.to_string_lossy().into_owned()),
            files: inputs.files.len(),
            repeats: options.repeats,
            quick: options.quick,
            programs: programs.iter().filter_map(|program| version(program)).collect(),
        })
    }
}

/// All that was measured so far.
struct Report<'a> {
    conditions: &'a Conditions,
    contestants: &'a [&'static Contestant],
    outcomes: &'a [(&'static Workload, Outcome)],
}

/// Writes everything into the directory of the run.
pub(crate) fn write(
    options: &Options,
    conditions: &Conditions,
    contestants: &[&'static Contestant],
    outcomes: &[(&'static Workload, Outcome)],
) -> Result<()> {
    let report = Report { conditions, contestants, outcomes };
    let raw: BTreeMap<&str, &Outcome> =
        outcomes.iter().map(|(workload, outcome)| (workload.name, outcome)).collect();
    let json = serde_json::json!({ "conditions": conditions, "workloads": raw });
    fs::write(options.dir.join("result.json"), serde_json::to_string_pretty(&json)?)?;
    fs::write(options.dir.join("table.md"), table::table(&report)?)?;
    Ok(fs::write(options.dir.join("plot.svg"), plot::plot(&report)?)?)
}

/// What came of a workload, in a line for whoever watches.
pub(crate) fn line(outcome: &Outcome, workload: &Workload) -> String {
    let mut line = format!("{:20}", workload.name);
    for name in outcome.values.keys() {
        for (index, row) in workload.rows.iter().enumerate() {
            if let Some(standing) = outcome.standing(name, index, row.goal) {
                line.push_str(&format!("  {name}{} {}", row.name, shown(standing, row.unit)));
            }
        }
    }
    line
}

/// Median and minimum.
fn shown(standing: Standing, unit: Unit) -> String {
    match standing {
        Standing::Ratio(Figures { median, least }) => format!("{median:.2} / {least:.2}"),
        Standing::Value(Figures { median, least }) => {
            format!("{} / {}", value(median, unit), value(least, unit))
        }
    }
}

fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds if value >= 1.0 => format!("{value:.2} s"),
        Unit::Seconds if value >= 0.001 => format!("{:.2} ms", value * 1e3),
        Unit::Seconds => format!("{:.0} us", value * 1e6),
        Unit::Bytes if value >= 1048576.0 => format!("{:.2} MiB", value / 1048576.0),
        Unit::Bytes if value >= 1024.0 => format!("{:.1} KiB", value / 1024.0),
        Unit::Bytes => format!("{value:.0} B"),
        Unit::Calls => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests;
