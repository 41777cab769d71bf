//! A file system that is really full: what fails fails with `ENOSPC` and changes nothing, and can be done when there is room.
//!
//! A small ext4 is mounted in a mount namespace of its own, in which the test runs once more.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use projfs_testkit::skipped;
use projfs_tests::stage::Act;
use projfs_tests::trace::Blow;
use projfs_tests::trace::Counted;
use projfs_tests::trace::Strike;
use rustix::io::Errno;

use crate::judge::Found;
use crate::judge::References;
use crate::refused::sum_up;
use crate::rig::How;
use crate::rig::is_long;
use crate::rig::run_in;
use crate::rig::scenarios;

/// Names the file system, for the one who runs inside.
const INSIDE: &str = "PROJFS_SMALL_FILE_SYSTEM";
const SIZE: u64 = 64 << 20;
const NONE: Strike = Strike { counted: Counted::Changing, at: 0, blow: Blow::Kill };

#[test]
fn a_full_file_system_is_told_and_leaves_what_was_before_or_after() {
    if let Some(place) = std::env::var_os(INSIDE) {
        return inside(Path::new(&place));
    }
    if !rustix::process::geteuid().is_root() {
        return skipped("mounting a small file system needs root");
    }
    let dir = tempfile::tempdir().unwrap();
    let (image, place) = (dir.path().join("image"), dir.path().join("mounted"));
    File::create(&image).unwrap().set_len(SIZE).unwrap();
    std::fs::create_dir(&place).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-m", "0", "-b", "1024"]).arg(&image).status();
    if !made.is_ok_and(|status| status.success()) {
        return skipped("there is no mkfs.ext4");
    }
    let script = "mount -o loop \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let status = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .args([&image, &place, &std::env::current_exe().unwrap()])
        .args([
            "--exact",
            "full::a_full_file_system_is_told_and_leaves_what_was_before_or_after",
            "--nocapture",
        ])
        .env(INSIDE, &place)
        .status()
        .unwrap();
    assert!(status.success());
}

fn inside(place: &Path) {
    let left = if is_long() { 0..12 } else { 0..1 };
    let mut wanted = scenarios(&["create", "hydrate", "unlink-placeholder"], 1);
    wanted.retain(|scenario| matches!(scenario.act, Act::Run(_)));
    // One after the other: there is but one file system to be full.
    let found = wanted.into_iter().map(|scenario| {
        let mut found = Found::default();
        let references = References::new(scenario, |scenario, how| run_in(place, scenario, how, NONE));
        for left in left.clone() {
            let run = run_in(place, scenario, How::Full(left), NONE);
            found.refusals += 1;
            if let Err(why) = references.judge(&run, Errno::NOSPC, &mut found) {
                found.wrong.push(format!("{}: {left} blocks left: {why}", scenario.name));
            }
        }
        found
    });
    sum_up(&found.collect::<Vec<_>>());
}
