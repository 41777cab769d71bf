//! What a mount looks like from outside.

use std::fs;

use super::memory::Memory;
use super::rig::BOTH;
use super::rig::Rig;

#[test]
fn the_mount_says_what_it_is() {
    let Some(rig) = Rig::new(BOTH[0], Memory::new([])) else { return };
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let line =
        mounts.lines().find(|line| line.contains(rig.path("").to_str().unwrap().trim_end_matches('/')));
    let line = line.expect("mounted");
    assert!(line.starts_with("projfs ") && line.contains(" fuse.projfs "), "{line}");
    assert!(
        line.contains("nosuid") && line.contains("nodev") && line.contains("default_permissions"),
        "{line}"
    );
    for (feature, state) in rig.session.kernel().negotiated.describe() {
        eprintln!("{feature}: {state}");
    }
}
