//! The tests that run under simulated schedules, which need everything to be built for that.

use std::path::Path;

use anyhow::Result;

use crate::process;

/// Those that have such tests. Their names have `schedules` in them, or `model` where the simulation itself is tested.
const PACKAGES: [&str; 3] = ["projfs-sync", "projfs-engine", "projfs-fuse"];

/// Builds and runs them.
pub(crate) fn run(tree: &Path) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.current_dir(tree).args(["test", "--locked", "--lib", "--target-dir", "target/model"]);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    cargo.args(["--", "schedules::", "model::tests::"]);
    process::run(cargo.env("RUSTFLAGS", "--cfg projfs_model"))
}
