//! The conformance suite of this repository, built and run against the library that was just built.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::library;
use crate::support::package;
use crate::support::run;
use crate::support::say;

/// How long the suite may take, in seconds; it takes less than one minute.
const TIME: &str = "300";

#[test]
fn every_case_of_the_suite_passes_or_is_known_to_fail() {
    let name = "every_case_of_the_suite_passes_or_is_known_to_fail";
    if !rustix::process::geteuid().is_root() || !Path::new("/dev/fuse").exists() {
        say(&format!("SKIPPED {name}: mounting needs root and /dev/fuse"));
        return;
    }
    for (program, option) in [("c++", "--version"), ("make", "--version"), ("unshare", "--version")] {
        if Command::new(program).arg(option).output().is_err() {
            say(&format!("SKIPPED {name}: it needs {program}"));
            return;
        }
    }
    let suite = package().join("../../conformance");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    std::fs::create_dir_all(&built).unwrap();
    // A directory that stays, so that the program is linked again only if something has changed.
    let lib = built.join("lib");
    let _ = std::fs::remove_file(&lib);
    symlink(library(), &lib).unwrap();
    run(Command::new("make")
        .args(["--jobs=2", "--directory"])
        .arg(&suite)
        .arg(format!("OUT={}", built.display()))
        .arg(format!("LIBRARY={}", lib.display()))
        .arg("CXXFLAGS=-O0 -g"));

    let dir = tempfile::Builder::new().prefix("projfs-test-").tempdir().unwrap();
    // What is mounted is gone with the last process of the namespace, however that ends.
    let output = Command::new("timeout")
        .args(["--kill-after=10", TIME, "unshare", "--mount", "--propagation", "private"])
        .arg(built.join("conformance"))
        .arg("--directory")
        .arg(dir.path())
        .arg("--known")
        .arg(suite.join("known_failures.txt"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    say(&printed);
    assert!(output.status.success(), "{}: {printed}", output.status);
}
