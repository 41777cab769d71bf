//! Foreign suites: programs of others that know what a file system must do.
//!
//! They are built from crates.io into `target/foreign` on first use. They are only run, never linked: fsx is
//! under the Apple Public Source License.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::process;

/// What a Linux file system can do beyond POSIX; ext4 passes all of it.
const PJDFSTEST: &str = "\
[features]
posix_fallocate = {}
rename_ctime = {}
utime_now = {}
utimensat = {}

[settings]
# Longer than the granularity of the file system's clock, in seconds.
naptime = 0.01
";

/// Names of fsx runs, and what each changes in its configuration.
const FSX: &[(&str, &str)] = &[
    ("plain", ""),
    ("without mmap", "[weights]\nmapread = 0\nmapwrite = 0\nclose_open = 1\nfsync = 1\n"),
    (
        "every kind",
        "[weights]\nclose_open = 1\ninvalidate = 1\nfsync = 1\nfdatasync = 1\nposix_fallocate = 1\n\
         punch_hole = 1\nsendfile = 2\nposix_fadvise = 1\ncopy_file_range = 2\n",
    ),
];

/// Runs pjdfstest below `dir`.
pub(crate) fn pjdfstest(root: &Path, dir: &Path, patterns: &[String]) -> Result<()> {
    if !is_root()? {
        bail!("pjdfstest changes users and makes devices: run it as root");
    }
    let program = install(root, "pjdfstest", "~0.2")?;
    make_user()?;
    let config = root.join("target/foreign/pjdfstest.toml");
    fs::write(&config, PJDFSTEST).with_context(|| format!("cannot write {}", config.display()))?;
    let mut command = Command::new(program);
    command.arg("-c").arg(config).arg("-p").arg(dir);
    match second_file_system(dir)? {
        Some(second) => {
            command.arg("-s").arg(second);
        }
        None => println!("pjdfstest: no second file system; the tests for EXDEV are skipped"),
    }
    command.arg("--").args(patterns);

    let start = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = plain(&String::from_utf8_lossy(&output.stdout));
    for line in interesting(&text) {
        println!("{line}");
    }
    println!("pjdfstest: {:.1} s", start.elapsed().as_secs_f64());
    if !output.status.success() {
        bail!("pjdfstest: {}", output.status);
    }
    Ok(())
}

/// Runs fsx on a file in `dir`.
pub(crate) fn fsx(root: &Path, dir: &Path, ops: u64, seed: u32) -> Result<()> {
    let program = install(root, "fsx", "~0.3")?;
    let artifacts = root.join("target/foreign/fsx");
    fs::create_dir_all(&artifacts)?;
    for ((name, config), seed) in FSX.iter().zip(seed..) {
        let slug = name.replace(' ', "-");
        let config_path = artifacts.join(format!("{slug}.toml"));
        fs::write(&config_path, config)?;
        let file = dir.join(format!("fsx-{slug}"));
        let start = Instant::now();
        let mut command = Command::new(&program);
        command.arg("-f").arg(&config_path).arg("-S").arg(seed.to_string()).arg("-N").arg(ops.to_string());
        command.arg("-P").arg(&artifacts).arg(&file);
        process::run(&mut command).with_context(|| {
            format!("fsx {name}, seed {seed}; what it knew is in {}", artifacts.display())
        })?;
        println!("fsx: {name}, seed {seed}: {ops} operations in {:.1} s", start.elapsed().as_secs_f64());
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}

/// The program, built if it is not there yet.
fn install(root: &Path, name: &str, version: &str) -> Result<PathBuf> {
    let foreign = root.join("target/foreign");
    let program = foreign.join("bin").join(name);
    if !program.exists() {
        println!("building {name} {version}");
        let mut command = process::cargo();
        command.args(["install", "--quiet", "--locked", name, "--version", version, "--root"]).arg(&foreign);
        command.arg("--target-dir").arg(foreign.join("build"));
        process::run(&mut command).with_context(|| {
            format!("cannot build {name}; pjdfstest needs a C library's headers (Debian: libacl1-dev)")
        })?;
    }
    Ok(program)
}

/// pjdfstest acts as the users `nobody` and `tests`.
fn make_user() -> Result<()> {
    let there = Command::new("getent").args(["passwd", "tests"]).stdout(Stdio::null()).status()?.success();
    if there {
        return Ok(());
    }
    println!("making the system user `tests`, whom pjdfstest acts as");
    process::run(Command::new("useradd").args([
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/",
        "--shell",
        "/usr/sbin/nologin",
        "tests",
    ]))
}

fn is_root() -> Result<bool> {
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

/// A directory that is on another file system than `dir`.
fn second_file_system(dir: &Path) -> Result<Option<PathBuf>> {
    let device = fs::metadata(dir).with_context(|| format!("cannot look at {}", dir.display()))?.dev();
    let candidates = [PathBuf::from("/dev/shm"), PathBuf::from("/run"), std::env::temp_dir()];
    Ok(candidates
        .into_iter()
        .find(|candidate| fs::metadata(candidate).is_ok_and(|other| other.is_dir() && other.dev() != device)))
}

/// Without the colours of a terminal.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// What failed and why, what was skipped and why, and the sum.
fn interesting(text: &str) -> Vec<&str> {
    let mut shown = false;
    text.lines()
        .filter(|line| {
            let is_result = !line.starts_with(char::is_whitespace);
            if is_result {
                shown = !line.ends_with(" ok") && !line.is_empty();
            }
            shown
        })
        .collect()
}

#[cfg(test)]
mod tests;
