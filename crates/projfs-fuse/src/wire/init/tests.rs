//! Tests of the negotiation.

use super::*;

fn offer(minor: u32, flags: u64) -> InitIn {
    let (low, high) = (flags as u32, (flags >> 32) as u32);
    InitIn { major: 7, minor, max_readahead: 1 << 17, flags: low, flags2: high, unused: [0; 11] }
}

#[test]
fn everything_offered_and_wished_is_in_force() {
    let (negotiated, out) = negotiate(&offer(45, u64::MAX), &Wishes::default()).unwrap();
    assert!(negotiated.uring && negotiated.passthrough && negotiated.epoch && negotiated.no_opendir);
    assert_eq!((out.max_stack_depth, out.max_pages, out.max_write), (1, 64, 256 * 1024));
    assert_eq!(u64::from(out.flags2) << 32 & init::OVER_IO_URING, init::OVER_IO_URING);
    let never = init::WRITEBACK_CACHE
        | init::POSIX_ACL
        | init::POSIX_LOCKS
        | init::SECURITY_CTX
        | init::CREATE_SUPP_GROUP
        | init::SETXATTR_EXT
        | init::ASYNC_DIO
        | init::EXPORT_SUPPORT;
    assert_eq!(negotiated.flags & never, 0);
    assert_eq!(negotiated.describe()[1], ("transport", "io_uring".to_owned()));
}

#[test]
fn what_is_not_offered_has_a_fallback() {
    // Without INIT_EXT the second word means nothing, whatever is in it.
    let (negotiated, out) = negotiate(&offer(36, !init::INIT_EXT), &Wishes::default()).unwrap();
    assert!(!negotiated.uring && !negotiated.passthrough && !negotiated.epoch);
    assert_eq!((out.flags2, out.max_stack_depth, negotiated.minor), (0, 0, 36));
    let (negotiated, _) = negotiate(&offer(45, 0), &Wishes::default()).unwrap();
    assert_eq!(negotiated.flags, 0);
    assert!(negotiated.describe().contains(&("data path", "through the daemon".to_owned())));
}

#[test]
fn what_is_not_wished_for_is_not_in_force() {
    let wishes = Wishes { passthrough: false, uring: false, ..Wishes::default() };
    let (negotiated, out) = negotiate(&offer(45, u64::MAX), &wishes).unwrap();
    assert!(!negotiated.passthrough && !negotiated.uring);
    assert_eq!(out.max_stack_depth, 0);
}

#[test]
fn other_versions_are_told_apart() {
    let older = negotiate(&offer(35, u64::MAX), &Wishes::default()).unwrap_err();
    assert_eq!(older, Refused::Older { major: 7, minor: 35 });
    let newer = InitIn { major: 8, ..offer(0, 0) };
    assert_eq!(negotiate(&newer, &Wishes::default()).unwrap_err(), Refused::Newer);
    let (negotiated, out) = negotiate(&offer(99, 0), &Wishes::default()).unwrap();
    assert_eq!((negotiated.minor, out.minor), (45, 45));
}

#[test]
fn sizes_stay_within_what_the_kernel_takes() {
    for (asked, got) in [(0, 4096), (5000, 4096), (300_000, 299_008), (u32::MAX, 1 << 20)] {
        let wishes = Wishes { max_write: asked, ..Wishes::default() };
        let (negotiated, out) = negotiate(&offer(45, 0), &wishes).unwrap();
        assert_eq!((negotiated.max_write, u32::from(out.max_pages)), (got, got / 4096));
        assert!(negotiated.request_size() >= crate::wire::abi::MIN_READ_BUFFER);
    }
}
