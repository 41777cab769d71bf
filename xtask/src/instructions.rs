//! How many instructions the hot paths take, by valgrind, against what they took when somebody last wrote it down.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::process;

/// What they took, a path and a number a line.
const BASELINE: &str = "benches/instructions.txt";

/// By how much a path may grow, in percent.
const ALLOWED: u64 = 10;

/// How often each path is gone, at first and then. They differ enough that what is made ready does not matter, and there
/// are files enough for the paths that take one each time.
const TIMES: [u64; 2] = [50, 200];

const HEAD: &str = "\
# Instructions of each hot path, once, in a release build: written by `cargo xtask instructions --write`.
";

/// What is done with the counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Compare,
    Write,
}

/// Counts all paths.
pub(crate) fn run(root: &Path, then: Then) -> Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: valgrind is not installed, and the instructions of hot paths are not counted");
        return Ok(());
    }
    process::run(process::cargo().current_dir(root).args([
        "build",
        "--release",
        "--locked",
        "-p",
        "projfs-hot",
    ]))?;
    let program = root.join("target/release/projfs-hot");
    let names = process::output(&mut Command::new(&program))?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        let [few, many] = count(&program, name)?;
        counts.insert(name.to_owned(), many.saturating_sub(few) / (TIMES[1] - TIMES[0]));
    }
    let baseline = root.join(BASELINE);
    if then == Then::Write {
        let mut text = HEAD.to_owned();
        for (name, count) in &counts {
            writeln!(text, "{name} {count}")?;
        }
        return fs::write(&baseline, text).with_context(|| format!("cannot write {}", baseline.display()));
    }
    let before = parse(&fs::read_to_string(&baseline).with_context(|| format!("no {BASELINE}"))?)?;
    let (lines, grown) = compare(&before, &counts);
    print!("{lines}");
    if !grown.is_empty() {
        bail!(
            "more than {ALLOWED} % more instructions: {}; if that is worth it, `cargo xtask instructions --write`",
            grown.join(", ")
        );
    }
    Ok(())
}

/// The instructions of the whole program for a path gone as often as [`TIMES`] says, both counted at once.
fn count(program: &Path, name: &str) -> Result<[u64; 2]> {
    std::thread::scope(|scope| {
        let counting = TIMES.map(|times| scope.spawn(move || collected(program, name, times)));
        let [few, many] = counting
            .map(|counting| counting.join().unwrap_or_else(|_| bail!("the thread that counts has panicked")));
        Ok([few?, many?])
    })
}

fn collected(program: &Path, name: &str, times: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(program).args([name, &times.to_string()]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{name} under valgrind: {}\n{said}", output.status);
    }
    let line = said.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.with_context(|| format!("valgrind does not say what it has counted\n{said}"))?;
    Ok(count.trim().parse()?)
}

fn parse(text: &str) -> Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, count) = line.split_once(' ').with_context(|| format!("no count in `{line}`"))?;
            Ok((name.to_owned(), count.parse().with_context(|| format!("no count in `{line}`"))?))
        })
        .collect()
}

/// A line for each path, and what has grown too much or is in one of the two alone.
fn compare(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> (String, Vec<String>) {
    let mut lines = String::new();
    let mut grown = Vec::new();
    for (name, count) in now {
        let Some(before) = before.get(name) else {
            grown.push(format!("{name} (which is new)"));
            continue;
        };
        let change = (*count as f64 / (*before).max(1) as f64 - 1.0) * 100.0;
        lines.push_str(&format!("{name:16} {count:>10} {change:+6.1} %\n"));
        if count * 100 > before * (100 + ALLOWED) {
            grown.push(format!("{name} {change:+.1} %"));
        }
    }
    grown.extend(
        before.keys().filter(|name| !now.contains_key(*name)).map(|name| format!("{name} (is gone)")),
    );
    (lines, grown)
}

#[cfg(test)]
mod tests;
