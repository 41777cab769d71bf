//! Tests of replies.

use projfs_types::FileTimes;
use proptest::prelude::*;
use zerocopy::FromBytes;

use super::*;

fn stat() -> Stat {
    let times = FileTimes::all(Timestamp { seconds: -1, nanoseconds: 7 });
    Stat {
        number: Number(42),
        mode: mode::FILE | 0o644,
        links: 1,
        uid: 10,
        gid: 20,
        device: (8, 1000),
        size: 99,
        blocks: 8,
        block_size: 4096,
        times,
    }
}

fn entry() -> Entry {
    let (entry_lifetime, stat_lifetime) = (Lifetime::Forever, Lifetime::For(Duration::from_millis(1500)));
    Entry { node: NodeId(6), generation: 1, stat: stat(), entry_lifetime, stat_lifetime }
}

#[test]
fn entries_carry_attributes_and_lifetimes() {
    let mut buffer = [0; 200];
    let mut reply = Reply::new(&mut buffer);
    reply.entry(&entry()).unwrap();
    assert_eq!(reply.len(), 128);
    let out = EntryOut::read_from_bytes(&buffer[..128]).unwrap();
    assert_eq!((out.nodeid, out.attr.ino, out.attr.size), (6, 42, 99));
    assert_eq!((out.entry_valid, out.attr_valid, out.attr_valid_nsec), (i64::MAX as u64, 1, 500_000_000));
    assert_eq!((out.attr.mtime as i64, out.attr.mtimensec), (-1, 7));
    assert_eq!(decode_device(out.attr.rdev), (8, 1000));
}

#[test]
fn passthrough_goes_with_its_id() {
    let mut buffer = [0; 200];
    let opened = Opened { handle: 3, flags: fopen::KEEP_CACHE, passthrough: Some(BackingId(5)) };
    Reply::new(&mut buffer).created(&entry(), &opened).unwrap();
    let out = OpenOut::read_from_bytes(&buffer[128..144]).unwrap();
    assert_eq!((out.fh, out.backing_id, out.open_flags), (3, 5, fopen::KEEP_CACHE | fopen::PASSTHROUGH));
    let opened = Opened { handle: 3, flags: fopen::PASSTHROUGH, passthrough: None };
    Reply::new(&mut buffer).opened(&opened).unwrap();
    assert_eq!(OpenOut::read_from_bytes(&buffer[..16]).unwrap().open_flags, 0);
}

#[test]
fn attributes_answer_what_was_asked() {
    let mut buffer = [0; 64];
    let mut reply = Reply::new(&mut buffer);
    reply.attribute(0, b"value").unwrap();
    assert_eq!(reply.len(), 8);
    reply.attribute(5, b"value").unwrap();
    assert_eq!(reply.len(), 5);
    assert_eq!(reply.attribute(4, b"value"), Err(Unserved::Errno(Errno::RANGE)));
    assert_eq!(&buffer[..5], b"value");
}

#[test]
fn what_has_no_room_is_refused() {
    let mut buffer = [0; 16];
    let mut reply = Reply::new(&mut buffer);
    assert!(reply.entry(&entry()).is_err());
    assert!(reply.data(&[0; 17]).is_err());
    assert!(reply.data_with(17, |_| Ok(17)).is_err());
    assert!(reply.listing(17).is_err());
    reply.data_with(4, |room| Ok(room.len() + 100)).unwrap();
    assert_eq!(reply.len(), 4);
    reply.copied(7, true).unwrap();
    reply.written(7).unwrap();
    assert_eq!(reply.len(), 8);
}

proptest! {
    #[test]
    fn listings_can_be_walked(names in prop::collection::vec("[a-z]{1,60}", 0..40), size in 0_u32..4096, plus: bool) {
        let mut buffer = vec![0xff; 4096];
        let mut reply = Reply::new(&mut buffer);
        let mut listing = reply.listing(size).unwrap();
        let mut added = 0;
        for (at, text) in names.iter().enumerate() {
            let name = ItemName::new(text.as_bytes()).unwrap();
            let packed = match plus {
                true => listing.item(&entry(), at as u64, name),
                false => listing.name(Number(42), at as u64, mode::FILE, name.as_bytes()),
            };
            if packed == Packed::Full { break; }
            added += 1;
        }
        listing.finish().unwrap();
        let length = reply.len();
        prop_assert!(length <= size as usize && length.is_multiple_of(8));
        let mut rest = &buffer[..length];
        for name in &names[..added] {
            if plus {
                let (head, after) = EntryOut::read_from_prefix(rest).unwrap();
                prop_assert_eq!(head.nodeid, 6);
                rest = after;
            }
            let (dirent, after) = Dirent::read_from_prefix(rest).unwrap();
            prop_assert_eq!((dirent.ino, dirent.kind), (42, 8));
            prop_assert_eq!(&after[..name.len()], name.as_bytes());
            rest = &after[(24 + name.len()).next_multiple_of(8) - 24..];
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn devices_come_back(major in 0_u32..4096, minor in 0_u32..(1 << 20)) {
        prop_assert_eq!(decode_device(encode_device((major, minor))), (major, minor));
    }
}
