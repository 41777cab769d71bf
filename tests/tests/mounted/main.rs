//! What a mount promises. Each promise is kept on every way of mounting, in a full and in a projected directory; and by
//! a plain directory, which shows that it is the right promise.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

mod attributes;
mod content;
mod create;
mod extended;
mod limits;
mod locks;
mod mapped;
mod names;
mod privilege;
mod remove;
mod rename;
mod walk;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;

/// The daemon.
const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");

/// A user without privilege.
const NOBODY: u32 = 65534;

/// Calls `test` with a plain directory, and with a full and a projected one on each way of mounting.
fn everywhere(test: impl Fn(&Path)) {
    plainly(&test);
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let full = mounted.path("full");
        fs::create_dir(&full).unwrap();
        test(&full);
        test(&mounted.path("projected"));
    });
}

/// The same, on mounts that admit other users and honour set-id bits and devices.
fn for_everybody(test: impl Fn(&Path)) {
    plainly(&test);
    for options in Options::every(Tree::Small) {
        eprintln!("-- {options:?}");
        let Some(mounted) = Mounted::new(PROGRAM, Options { allow_other: true, ..options }) else { continue };
        let full = mounted.path("full");
        fs::create_dir(&full).unwrap();
        test(&full);
        test(&mounted.path("projected"));
    }
}

fn plainly(test: &impl Fn(&Path)) {
    let plain = tempfile::tempdir().unwrap();
    fs::set_permissions(plain.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    test(plain.path());
}

/// Runs a line of shell in `dir`, and gives back what it printed.
fn shell(dir: &Path, line: &str) -> String {
    output(Command::new("/bin/sh").arg("-c").arg(line).current_dir(dir))
}

/// The same, as a user without privilege.
fn shell_as_nobody(dir: &Path, line: &str) -> String {
    output(Command::new("/bin/sh").arg("-c").arg(line).current_dir(dir).uid(NOBODY).gid(NOBODY))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {error}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// `truncate(2)`, which needs no open file; perl has it under this name.
fn truncate(path: &Path, length: u64) -> std::io::Result<()> {
    let script = "exit(truncate($ARGV[0], $ARGV[1]) ? 0 : $!)";
    let status = Command::new("perl").arg("-e").arg(script).arg(path).arg(length.to_string()).status()?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(std::io::Error::from_raw_os_error(code.unwrap_or(libc::EIO))),
    }
}

/// Waits until a file system that is told to write down the time writes down another one.
fn tick() {
    let now = || rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    let before = now();
    while now() == before {
        std::thread::yield_now();
    }
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

/// Asserts that a call was refused so.
#[track_caller]
fn refused<T: std::fmt::Debug, E: Into<std::io::Error>>(result: Result<T, E>, errno: rustix::io::Errno) {
    match result {
        Ok(value) => panic!("not refused: {value:?}"),
        Err(error) => assert_eq!(error.into().raw_os_error(), Some(errno.raw_os_error())),
    }
}
