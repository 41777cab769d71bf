use projfs_types::VersionInfo;

use super::object;
use super::of_entry;
use crate::convert::Conversion;
use crate::convert::Ident;
use crate::convert::LineEnds;
use crate::objects::Id;
use crate::tree::EntryKind;

/// One of each sort, and the longest.
fn conversions() -> [Conversion; 4] {
    let name = || Some([b'n'; 40].into());
    let plain = Conversion::default();
    [
        Conversion { line_ends: LineEnds::Crlf, ..plain.clone() },
        Conversion { line_ends: LineEnds::CrlfInText, ident: Ident::Expanded, ..plain.clone() },
        Conversion { filter: Some((*b"lfs").into()), ..plain },
        Conversion { line_ends: LineEnds::Crlf, ident: Ident::Expanded, encoding: name(), filter: name() },
    ]
}

#[test]
fn an_id_comes_back_whatever_its_last_bytes_are() {
    for length in [20, 32] {
        for last in [0, 1, b'x', 0xff] {
            let mut bytes = vec![7; length];
            bytes[length - 2] = 0;
            bytes[length - 1] = last;
            let id = Id::from_bytes(&bytes).unwrap();
            for kind in [EntryKind::File, EntryKind::Executable, EntryKind::LinkAsFile] {
                assert_eq!(object(&of_entry(id, &kind, None), length), Some((id, None)));
            }
            for kind in [EntryKind::File, EntryKind::Executable] {
                for conversion in conversions() {
                    let version = of_entry(id, &kind, Some(&conversion));
                    assert_eq!(object(&version, length), Some((id, Some(conversion))));
                }
            }
        }
    }
}

#[test]
fn a_mode_makes_another_version() {
    let id = Id::from_bytes(&[7; 20]).unwrap();
    let kinds = [EntryKind::File, EntryKind::Executable, EntryKind::LinkAsFile];
    let plain = kinds.iter().map(|kind| of_entry(id, kind, None));
    let converted = conversions().map(|conversion| of_entry(id, &EntryKind::File, Some(&conversion)));
    let mut versions: Vec<_> = plain.chain(converted).collect();
    for version in std::mem::take(&mut versions) {
        assert!(!versions.contains(&version));
        versions.push(version);
    }
}

#[test]
fn a_foreign_version_names_no_object() {
    let cut = [&[1; 20][..], b"c\x03"].concat();
    for bytes in [&b""[..], &[1; 21], &[b'x'; 22], &[1; 128], &cut] {
        assert_eq!(object(&VersionInfo::of_content(bytes).unwrap(), 20), None);
    }
}
