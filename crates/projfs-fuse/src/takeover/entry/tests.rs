//! Entries read back as they were written, and half an entry is none.

use projfs_types::Life;
use projfs_types::RelPath;

use super::*;
use crate::wire::abi::init;

fn entries() -> Vec<Entry<'static>> {
    let name = |name: &str| ItemName::new(name.as_bytes()).expect("a name").to_owned();
    let path = |path: &str| RelPath::new(path.as_bytes()).expect("a path").to_owned();
    let node = NodeRecord {
        number: Number(7),
        kind: ItemKind::Directory,
        names: vec![(NodeId::ROOT, name("a")), (NodeId(9), name("b"))],
        trash: Some(TrashId(3)),
        several: true,
        lookups: 12,
        directory: Some(DirectoryRecord {
            projection: Some(OriginBuf::new(path("x/y"), Life(3))),
            prepared: 3,
        }),
    };
    let bare =
        NodeRecord { names: Vec::new(), trash: None, directory: None, kind: ItemKind::File, ..node.clone() };
    let handle = HandleRecord { node: NodeId(5), access: Access::ReadWrite, in_parts: true, request: 44 };
    let negotiated = Negotiated::of(45, init::HAS_RESEND | init::PASSTHROUGH, 1 << 18);
    let since = Some(Cursor { epoch: 1, sequence: 2 });
    let io = IoRecord { passes_through: true, backing: Some(BackingId(4)), stale: false };
    let entry = Notification::InvalidateEntry { parent: NodeId(2), name: name("n") };
    let inode = Notification::InvalidateInode { node: NodeId(2), offset: -1, length: 0 };
    let gone = Notification::Delete { parent: NodeId(2), child: NodeId(3), name: name("n") };
    vec![
        Entry::Begin { negotiated, since, path: "/a b".into(), source: "dir:/x".into() },
        Entry::Node(NodeId(5), Some(node)),
        Entry::Node(NodeId(5), Some(bare)),
        Entry::Node(NodeId(5), None),
        Entry::Handle(HandleId(1), Some(handle)),
        Entry::Handle(HandleId(1), None),
        Entry::Exchanged(8),
        Entry::Io(NodeId(5), Some(io)),
        Entry::Io(NodeId(5), Some(IoRecord { backing: None, stale: true, ..io })),
        Entry::Io(NodeId(5), None),
        Entry::Pending(std::borrow::Cow::Owned(entry)),
        Entry::Pending(std::borrow::Cow::Owned(inode)),
        Entry::Pending(std::borrow::Cow::Owned(gone)),
        Entry::Pending(std::borrow::Cow::Owned(Notification::IncrementEpoch)),
        Entry::Told,
    ]
}

/// What the fuzzing of the file begins with.
pub(crate) fn entry_seeds() -> Vec<Vec<u8>> {
    let piece = |entry: &Entry<'_>| {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        let length = u8::try_from(bytes.len() - HEADER).expect("short");
        [&[length], &bytes[HEADER..]].concat()
    };
    let mut seeds: Vec<Vec<u8>> = entries().iter().map(piece).collect();
    seeds.push(seeds.concat());
    seeds
}

#[test]
fn what_is_written_is_read() {
    let mut bytes = Vec::new();
    for entry in entries() {
        entry.encode(&mut bytes);
    }
    let mut rest = &bytes[..];
    for entry in entries() {
        let (read, length) = Entry::decode(rest).expect("an entry");
        assert_eq!(read, entry);
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
}

#[test]
fn half_an_entry_is_none() {
    for entry in entries() {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(Entry::decode(&bytes[..length]), None);
            let mut zeroed = bytes.clone();
            zeroed[length..].fill(0);
            if zeroed != bytes {
                assert_eq!(Entry::decode(&zeroed), None, "{entry:?} up to {length}");
            }
        }
    }
}
