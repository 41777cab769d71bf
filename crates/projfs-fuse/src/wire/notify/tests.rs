//! Tests of notifications.

use zerocopy::FromBytes;

use super::*;

fn check(notification: &Notification, code: i32, length: usize) -> Vec<u8> {
    let bytes = notification.to_bytes();
    let (header, _) = OutHeader::read_from_prefix(&bytes).unwrap();
    assert_eq!((header.len as usize, header.error, header.unique), (length, code, 0));
    assert_eq!(bytes.len(), length);
    bytes
}

#[test]
fn each_has_its_form() {
    let name = ItemNameBuf::new(b"abc").unwrap();
    let entry = Notification::InvalidateEntry { parent: NodeId(1), name: name.clone() };
    let bytes = check(&entry, notify::INVAL_ENTRY, 16 + 16 + 4);
    assert_eq!(&bytes[32..], b"abc\0");
    assert_eq!((bytes[24], bytes[28]), (3, 0));
    check(&Notification::InvalidateInode { node: NodeId(9), offset: -1, length: 0 }, notify::INVAL_INODE, 40);
    check(&Notification::Delete { parent: NodeId(1), child: NodeId(2), name }, notify::DELETE, 44);
    check(&Notification::IncrementEpoch, notify::INC_EPOCH, 16);
}
