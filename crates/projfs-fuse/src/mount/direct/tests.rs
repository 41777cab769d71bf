//! Tests of mounting by system calls.

use projfs_testkit::skipped;

use super::*;
use crate::wire::abi::Opcode;
use crate::wire::request::RawRequest;

fn first_opcode(device: &Device) -> u32 {
    let mut buffer = vec![0; 64 * 1024];
    let length = device.read(&mut buffer).unwrap();
    RawRequest::contiguous(&buffer[..length]).unwrap().header().opcode
}

fn may_mount() -> bool {
    let may = rustix::process::geteuid().is_root() && Device::open().is_ok();
    if !may {
        skipped("needs root and /dev/fuse");
    }
    may
}

#[test]
fn the_older_way_mounts_and_asks() {
    if !may_mount() {
        return;
    }
    let (dir, device) = (tempfile::tempdir().unwrap(), Device::open().unwrap());
    mount(&device, &MountOptions::default(), &Target::at(dir.path())).unwrap();
    assert_eq!(first_opcode(&device), Opcode::Init as u32);
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let line = mounts.lines().find(|line| line.contains(dir.path().to_str().unwrap())).unwrap();
    assert!(line.starts_with("projfs ") && line.contains(" fuse.projfs "), "{line}");
    assert!(
        line.contains("nosuid") && line.contains("nodev") && line.contains("default_permissions"),
        "{line}"
    );
    rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    assert_eq!(device.read(&mut [0; 8192]), Err(Errno::NODEV));
}

#[test]
fn the_kernel_asks_before_anything_is_visible() {
    if !may_mount() {
        return;
    }
    let device = Device::open().unwrap();
    let detached = make(&device, &MountOptions::default()).unwrap();
    assert_eq!(first_opcode(&device), Opcode::Init as u32);
    let connection = connection(&detached).unwrap();
    abort(connection).unwrap();
    assert!(matches!(device.read(&mut [0; 8192]), Err(Errno::NODEV | Errno::CONNABORTED)));
    drop(detached);
}
