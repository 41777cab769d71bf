//! Tests of the handshake, with a file system that is mounted nowhere.

use projfs_testkit::skipped;

use super::*;
use crate::mount::MountOptions;
use crate::mount::Prepared;
use crate::mount::Target;
use crate::wire::abi::init;

const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";

fn is_off() -> bool {
    std::fs::read_to_string(SWITCH).is_ok_and(|text| text.trim() == "N")
}

#[test]
fn rings_that_were_offered_and_are_refused_say_why() {
    if !rustix::process::geteuid().is_root() || Device::open().is_err() || !is_off() {
        return skipped(format_args!("needs root, /dev/fuse, and {SWITCH} turned off"));
    }
    let dir = tempfile::tempdir().unwrap();
    let prepared = Prepared::new(Target::at(dir.path()), &MountOptions::default()).unwrap();
    let device = &prepared.device;
    let (unique, mut offer) = read_init(device).unwrap();
    // As if the switch had been on until now.
    offer.flags |= init::INIT_EXT as u32;
    offer.flags2 |= (init::OVER_IO_URING >> 32) as u32;
    let agreed = answer(device, unique, &offer, &Wishes::default(), 1).unwrap();
    assert!(agreed.negotiated.uring && agreed.rings_refused.is_none());
    match agreed.queues.unwrap().registered() {
        Err(error) => assert_eq!(error.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error())),
        Ok(_) => assert!(!is_off(), "taken, though io_uring is off"),
    }
}
