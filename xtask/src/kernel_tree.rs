//! A large input: the Linux sources, as a Git repository of one commit and as plain files.
//!
//! They come from Debian's package `linux-source-6.1`: 79,000 files in 5,000 directories. Each step makes its
//! result under another name and renames it when it is whole, so a run that was cut off is taken up again.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::process;

const PACKAGE: &str = "linux-source-6.1";

/// Makes `dir/linux` and `dir/checkout`, unless they are there.
pub(crate) fn run(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let dir = &fs::canonicalize(dir)?;
    let linux = dir.join("linux");
    if !linux.exists() {
        unpack(dir, &linux)?;
    }
    let checkout = dir.join("checkout");
    if !checkout.exists() {
        let unfinished = fresh(dir, "checkout.unfinished")?;
        println!("checking out {}", checkout.display());
        let prefix = format!("--prefix={}/", unfinished.display());
        process::run(git(&linux).args(["checkout-index", "--all", "--quiet", &prefix]))?;
        fs::rename(&unfinished, &checkout)?;
    }
    let files = process::output(git(&linux).args(["ls-files"]))?.lines().count();
    println!("{}: {files} files in one commit", linux.display());
    println!("{}: the same, without Git", checkout.display());
    Ok(())
}

fn unpack(dir: &Path, linux: &Path) -> Result<()> {
    let package = match downloaded(dir)? {
        Some(package) => package,
        None => {
            println!("downloading {PACKAGE}");
            process::run(Command::new("apt-get").args(["download", PACKAGE]).current_dir(dir))
                .context("cannot download (is this Debian 12, and `apt-get update` done?)")?;
            downloaded(dir)?.context("apt-get left no package behind")?
        }
    };
    let unfinished = fresh(dir, "linux.unfinished")?;
    println!("unpacking {}", package.display());
    process::run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&unfinished))?;
    let archive = unfinished.join(format!("usr/src/{PACKAGE}.tar.xz"));
    process::run(
        Command::new("tar").arg("--extract").arg("--file").arg(&archive).arg("-C").arg(&unfinished),
    )?;
    let tree = unfinished.join(PACKAGE);
    if !tree.join("Makefile").exists() {
        bail!("{} does not hold the sources where they were", package.display());
    }

    println!("committing");
    process::run(git(&tree).args(["init", "--quiet", "--initial-branch=main"]))?;
    process::run(git(&tree).args(["add", "--all", "--force"]))?;
    let mut commit = git(&tree);
    commit.args(["-c", "gc.auto=0", "commit", "--quiet", "--message", PACKAGE]);
    for who in ["AUTHOR", "COMMITTER"] {
        commit.env(format!("GIT_{who}_NAME"), "projfs");
        commit.env(format!("GIT_{who}_EMAIL"), "projfs@localhost");
        commit.env(format!("GIT_{who}_DATE"), "2000-01-01T00:00:00Z");
    }
    process::run(&mut commit)?;
    process::run(git(&tree).args(["repack", "-a", "-d", "--quiet"]))?;
    fs::rename(&tree, linux)?;
    fs::remove_dir_all(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))
}

fn git(tree: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(tree).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command.args(["-c", "safe.directory=*", "-c", "core.autocrlf=false"]);
    command
}

/// An empty directory, whatever a run that was cut off left there.
fn fresh(dir: &Path, name: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    if path.exists() {
        fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

/// The package, if it is in `dir` already. `apt-get` gives it its name only when it is whole.
fn downloaded(dir: &Path) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(&format!("{PACKAGE}_")) && name.ends_with(".deb") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
