//! Tests of mounting by the helper.

use projfs_testkit::skipped;

use super::*;

#[test]
fn options_are_joined_and_escaped() {
    let options =
        MountOptions { source: "a,b\\c".into(), allow_other: true, nodev: false, ..MountOptions::default() };
    let wanted = "fsname=a\\,b\\\\c,subtype=projfs,default_permissions,nosuid,allow_other";
    assert_eq!(option_string(&options), wanted);
}

#[test]
fn the_helper_hands_the_device_over() {
    if !rustix::process::geteuid().is_root() || Command::new(HELPER).arg("--version").output().is_err() {
        return skipped("needs root (the device may be root's) and fusermount3");
    }
    let dir = tempfile::tempdir().unwrap();
    let device = mount(dir.path(), &MountOptions::default()).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let length = device.read(&mut buffer).unwrap();
    let raw = crate::wire::request::RawRequest::contiguous(&buffer[..length]).unwrap();
    assert_eq!(raw.header().opcode, crate::wire::abi::Opcode::Init as u32);
    unmount(dir.path(), Unmount::Free).unwrap();
    assert_eq!(device.read(&mut buffer), Err(Errno::NODEV));
    let error = mount(&dir.path().join("missing"), &MountOptions::default()).unwrap_err();
    assert!(!error.message.is_empty());
}
