//! Every transition of files and directories, walked through by a script of ordinary programs.

use super::support::mounted;

#[test]
fn every_state_is_as_it_must_be_also_after_an_unmount_and_a_kill() {
    mounted("every_state_is_as_it_must_be_also_after_an_unmount_and_a_kill", |work| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/states.sh");
        let scratch = work.path("states");
        std::fs::create_dir(&scratch).unwrap();
        let output =
            work.program("bash").args([script, env!("CARGO_BIN_EXE_projfs")]).arg(&scratch).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    });
}
