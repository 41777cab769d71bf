//! What must hold of what a daemon that has died left, whatever it is: for fuzzing.

use std::collections::HashMap;

use super::entry::Entry;
use super::entry::checksum;
use super::memory::HEADER;
use super::memory::Memory;
use super::memory::MemoryError;
use super::memory::header;

/// What stands before an entry: its length and its checksum.
const HEAD: usize = 8;

/// Entries, as they are and with right checksums, and a file with these: what is taken comes back when it is written.
pub fn memory(bytes: &[u8]) {
    entries(bytes);
    let sealed = sealed(bytes);
    let latest = entries(&sealed);
    let mut damaged = sealed.clone();
    if let Some(last) = damaged.last_mut() {
        *last ^= 1;
        entries(&damaged);
    }
    let begins = |entries: &[Entry<'_>]| entries.iter().any(|entry| matches!(entry, Entry::Begin { .. }));
    let _ = file(bytes);
    let start = HEADER as u64;
    let read = file(&[&header(start)[..], &sealed].concat());
    match read {
        Ok((nodes, handles)) => {
            let (mut known, mut open) = (HashMap::new(), HashMap::new());
            for entry in &latest {
                match entry {
                    Entry::Node(id, Some(_)) => drop(known.insert(*id, ())),
                    Entry::Node(id, None) => drop(known.remove(id)),
                    Entry::Handle(id, Some(_)) => drop(open.insert(*id, ())),
                    Entry::Handle(id, None) => drop(open.remove(id)),
                    Entry::Begin { .. }
                    | Entry::Exchanged(_)
                    | Entry::Io(..)
                    | Entry::Pending(_)
                    | Entry::Told => {}
                }
            }
            assert_eq!((nodes, handles), (known.len(), open.len()));
            assert!(begins(&latest));
        }
        Err(error) => {
            assert_eq!(error, MemoryError::Format);
            assert!(!begins(&latest));
        }
    }
}

/// Pieces of the bytes as entries with right checksums.
fn sealed(mut bytes: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        sealed.extend_from_slice(&u32::from(u8::try_from(piece.len()).unwrap_or(0)).to_le_bytes());
        sealed.extend_from_slice(&checksum(piece).to_le_bytes());
        sealed.extend_from_slice(piece);
    }
    sealed
}

/// The entries up to the first that is none.
fn entries(mut bytes: &[u8]) -> Vec<Entry<'static>> {
    let mut entries = Vec::new();
    while let Some((entry, length)) = Entry::decode(bytes) {
        assert_eq!(bytes[4..HEAD], checksum(&bytes[HEAD..length]).to_le_bytes());
        bytes = &bytes[length..];
        let mut encoded = Vec::new();
        entry.encode(&mut encoded);
        let (again, length) = Entry::decode(&encoded).expect("what was just written");
        assert_eq!((&again, length), (&entry, encoded.len()));
        entries.push(entry.owned());
    }
    entries
}

/// Reads a file with these bytes; how many nodes and open files are in it. A second reader finds the same.
fn file(bytes: &[u8]) -> Result<(usize, usize), MemoryError> {
    let read = || {
        let file = rustix::fs::memfd_create("projfs-fuzz", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::io::pwrite(&file, bytes, 0)?;
        let (memory, found) = Memory::read(file)?;
        memory.told();
        Ok((found.engine.nodes.len(), found.engine.handles.len()))
    };
    let first = read();
    assert_eq!(read(), first);
    first
}
