//! Every transition of files and directories, walked through by a script of ordinary programs.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use projfs_testkit::skipped;

use super::support::Work;
use super::support::mounted;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/states.sh");

/// The user that owns nothing.
const NOBODY: u32 = 65534;

fn walk(work: &Work, mut command: Command, projfs: &Path, scratch: &Path) {
    let output = command.arg(work.path("states.sh")).arg(projfs).arg(scratch).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_state_is_as_it_must_be_also_after_an_unmount_and_a_kill() {
    mounted("every_state_is_as_it_must_be_also_after_an_unmount_and_a_kill", |work| {
        let scratch = work.path("states");
        std::fs::create_dir(&scratch).unwrap();
        std::fs::copy(SCRIPT, work.path("states.sh")).unwrap();
        walk(work, work.program("bash"), Path::new(env!("CARGO_BIN_EXE_projfs")), &scratch);
    });
}

#[test]
fn every_state_is_as_it_must_be_for_an_ordinary_user() {
    mounted("every_state_is_as_it_must_be_for_an_ordinary_user", |work| {
        let as_nobody = |program: &str| {
            let mut command = work.program("setpriv");
            let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()];
            command.args(ids).arg(program);
            command
        };
        let can_mount = as_nobody("test").args(["-r", "/dev/fuse", "-a", "-w", "/dev/fuse"]).status();
        let helper = Command::new("fusermount3").arg("-V").output();
        if !can_mount.is_ok_and(|status| status.success()) || helper.is_err() {
            return skipped(
                "ordinary users cannot mount here: /dev/fuse is not for them, or there is no fusermount3",
            );
        }
        // Neither the build's directory nor the test's need be open to others.
        let program = work.path("projfs");
        std::fs::copy(env!("CARGO_BIN_EXE_projfs"), &program).unwrap();
        std::fs::copy(SCRIPT, work.path("states.sh")).unwrap();
        let scratch = work.path("states");
        std::fs::create_dir(&scratch).unwrap();
        for path in [&scratch, &work.path("run"), &work.path("")] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        walk(work, as_nobody("bash"), &program, &scratch);
    });
}
