use projfs_types::VersionInfo;

use super::object;
use super::of_entry;
use crate::objects::Id;
use crate::tree::EntryKind;

#[test]
fn an_id_comes_back_whatever_its_last_bytes_are() {
    for length in [20, 32] {
        for last in [0, 1, b'x', 0xff] {
            let mut bytes = vec![7; length];
            bytes[length - 2] = 0;
            bytes[length - 1] = last;
            let id = Id::from_bytes(&bytes).unwrap();
            for kind in [EntryKind::File, EntryKind::Executable] {
                assert_eq!(object(&of_entry(id, &kind), length), Some(id));
            }
        }
    }
}

#[test]
fn a_mode_makes_another_version() {
    let id = Id::from_bytes(&[7; 20]).unwrap();
    assert_ne!(of_entry(id, &EntryKind::File), of_entry(id, &EntryKind::Executable));
}

#[test]
fn a_foreign_version_names_no_object() {
    for bytes in [&b""[..], &[1; 21], &[b'x'; 22], &[1; 128]] {
        assert_eq!(object(&VersionInfo::of_content(bytes).unwrap(), 20), None);
    }
}
