//! The fuzz targets, run with libFuzzer for a while each.
//!
//! What is found goes to `target/fuzz`; `--keep` takes from it, into the corpus of the repository, as few inputs as
//! reach as much. Ordinary tests go through that corpus, so that nobody needs libFuzzer to see that a fault is back.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

/// Longer inputs are not tried, in bytes.
const LONGEST: u32 = 2048;

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    executions: u64,
    coverage: u64,
    features: u64,
}

/// Runs targets, or all of them, for so many seconds each.
pub(crate) fn run(repository: &Path, seconds: u64, targets: &[String], keep: bool) -> Result<()> {
    let mut known = Vec::new();
    for entry in fs::read_dir(repository.join("fuzz/fuzz_targets"))? {
        let name = entry?.file_name();
        known.extend(name.to_str().and_then(|name| name.strip_suffix(".rs")).map(str::to_owned));
    }
    known.sort();
    if let Some(unknown) = targets.iter().find(|target| !known.contains(target)) {
        bail!("no target {unknown}: there are {}", known.join(", "));
    }
    println!("{:20} {:>12} {:>8} {:>9}", "target", "executions", "edges", "features");
    for target in if targets.is_empty() { &known[..] } else { targets } {
        let fuzzed = Target { repository, name: target, found: repository.join("target/fuzz").join(target) };
        fs::create_dir_all(&fuzzed.found)?;
        let time = format!("-max_total_time={seconds}");
        let Figures { executions, coverage, features } =
            fuzzed.run(&fuzzed.found, &[&fuzzed.corpus()], &[&time])?;
        println!("{target:20} {executions:12} {coverage:8} {features:9}");
        if keep {
            fuzzed.keep()?;
        }
    }
    Ok(())
}

struct Target<'a> {
    repository: &'a Path,
    name: &'a str,
    found: PathBuf,
}

impl Target<'_> {
    fn corpus(&self) -> PathBuf {
        self.repository.join("fuzz/corpus").join(self.name)
    }

    /// Runs libFuzzer; `to` is where what is new goes. What it says is shown if it fails.
    fn run(&self, to: &Path, from: &[&Path], options: &[&str]) -> Result<Figures> {
        let mut cargo = crate::process::cargo();
        cargo.current_dir(self.repository).args(["fuzz", "run", self.name, "--sanitizer", "none"]);
        cargo.arg(to).args(from).args(["--", "-timeout=20", "-rss_limit_mb=4096"]);
        cargo.arg(format!("-max_len={LONGEST}")).args(options);
        // Its instrumentation has no stable name yet.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        let mut child =
            cargo.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().context("cannot start cargo")?;
        let mut said = Vec::new();
        for line in BufReader::new(child.stderr.take().context("no output")?).lines() {
            said.push(line?);
        }
        if !child.wait()?.success() {
            said.iter().rev().take(60).rev().for_each(|line| eprintln!("{line}"));
            bail!("{}: failed; if there is no `cargo fuzz`: cargo install cargo-fuzz", self.name);
        }
        Ok(figures(&said))
    }

    /// Has the corpus be the smallest inputs that reach all that was reached.
    fn keep(&self) -> Result<()> {
        let merged = self.found.with_extension("merged");
        if merged.exists() {
            fs::remove_dir_all(&merged)?;
        }
        fs::create_dir_all(&merged)?;
        // Not how often each place is reached, which takes three times as many.
        self.run(&merged, &[&self.corpus(), &self.found], &["-set_cover_merge=1", "-use_counters=0"])?;
        fs::remove_dir_all(self.corpus())?;
        fs::create_dir_all(self.corpus())?;
        for entry in fs::read_dir(&merged)? {
            let entry = entry?;
            fs::copy(entry.path(), self.corpus().join(entry.file_name()))?;
        }
        Ok(())
    }
}

/// The last figures among the lines that libFuzzer prints, each with `#` and the number of executions at its beginning.
fn figures(said: &[String]) -> Figures {
    let mut figures = Figures::default();
    for line in said {
        let Some(rest) = line.strip_prefix('#') else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let after = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1)?.parse().ok()
        };
        let executions = words.first().and_then(|word| word.parse().ok());
        if let (Some(executions), Some(coverage)) = (executions, after("cov:")) {
            figures = Figures { executions, coverage, features: after("ft:").unwrap_or(0) };
        }
    }
    figures
}

#[cfg(test)]
mod tests;
