//! Builds the command and the program that measures it, and runs that.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;

use crate::process;

/// Measures below `dir`. The program that does takes the place of this one, so that signals reach it.
pub(crate) fn run(root: &Path, dir: &Path, arguments: &[String]) -> Result<()> {
    process::run(process::cargo().current_dir(root).args([
        "build",
        "--release",
        "--locked",
        "-p",
        "projfs-cli",
        "-p",
        "projfs-bench",
        "--bins",
    ]))?;
    let programs = root.join("target/release");
    let mut bench = Command::new(programs.join("projfs-bench"));
    bench.arg("run").arg(dir).arg("--projfs").arg(programs.join("projfs")).args(arguments);
    Err(bench.exec()).context("cannot run projfs-bench")
}
