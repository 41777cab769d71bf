//! A log that was cut anywhere is a prefix of itself; one that was compacted says the same.

use std::fs::File;

use super::*;

fn entries(dir: &File) -> (Vec<Vec<u8>>, Replayed) {
    let mut entries = Vec::new();
    let (_, replayed) = Log::open(dir, "log", &mut |entry| entries.push(entry.to_vec())).unwrap();
    (entries, replayed)
}

fn three(dir: &File) -> Vec<Vec<u8>> {
    let all = vec![b"one".to_vec(), Vec::new(), b"and the third".to_vec()];
    let (mut log, _) = Log::open(dir, "log", &mut |_| {}).unwrap();
    for entry in &all {
        log.append(entry).unwrap();
    }
    all
}

#[test]
fn cut_at_every_byte_a_prefix_is_left() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = File::open(temporary.path()).unwrap();
    let all = three(&dir);
    let bytes = std::fs::read(temporary.path().join("log")).unwrap();
    for cut in 0..=bytes.len() {
        std::fs::write(temporary.path().join("log"), &bytes[..cut]).unwrap();
        let (left, replayed) = entries(&dir);
        assert!(all.starts_with(&left), "cut at {cut}");
        assert_eq!(left.len() == all.len(), cut == bytes.len(), "cut at {cut}");
        // What was cut off is gone, and the log goes on after it.
        let (again, whole) = entries(&dir);
        assert_eq!((again, whole), (left, Replayed::Whole), "cut at {cut}: {replayed:?}");
    }
}

#[test]
fn a_changed_byte_ends_the_log() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = File::open(temporary.path()).unwrap();
    let all = three(&dir);
    let bytes = std::fs::read(temporary.path().join("log")).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        std::fs::write(temporary.path().join("log"), &damaged).unwrap();
        assert_ne!(Log::check(&dir, "log", &mut |_| {}).unwrap(), Replayed::Whole);
        let (left, _) = entries(&dir);
        assert!(left.len() < all.len() && all.starts_with(&left), "changed at {at}");
    }
}

#[test]
fn zeros_are_no_entries() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = File::open(temporary.path()).unwrap();
    let all = three(&dir);
    let mut bytes = std::fs::read(temporary.path().join("log")).unwrap();
    bytes.extend_from_slice(&[0; 100]);
    std::fs::write(temporary.path().join("log"), &bytes).unwrap();
    assert_eq!(entries(&dir).0, all);
}

#[test]
fn a_compacted_log_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = File::open(temporary.path()).unwrap();
    let all = three(&dir);
    let mut log = Log::compact(&dir, "log", all[..1].iter().map(Vec::as_slice)).unwrap();
    log.append(b"more").unwrap();
    assert_eq!(entries(&dir), (vec![b"one".to_vec(), b"more".to_vec()], Replayed::Whole));
    assert!(!temporary.path().join("log.new").exists());
}
