//! The store in memory and both journals, put through the suites. The store on disk is in the tests of its crate.

use std::os::fd::OwnedFd;

use projfs_store::JournalOptions;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_store::Store;
use projfs_store::TreeJournal;
use projfs_testkit::journal_contract;
use projfs_testkit::store_contract;

struct MemoryRoot(MemoryStore);

impl store_contract::Root for MemoryRoot {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }
}

#[test]
fn the_store_in_memory_keeps_its_promises() {
    store_contract::check(|| MemoryRoot(MemoryStore::new()));
}

#[test]
fn the_journal_in_memory_keeps_its_promises() {
    journal_contract::check(&MemoryJournal::new());
}

#[test]
fn the_journal_on_disk_keeps_its_promises() {
    for segment_size in [1, 1000, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let fd = OwnedFd::from(std::fs::File::open(dir.path()).unwrap());
        let options = JournalOptions { segment_size, ..JournalOptions::default() };
        journal_contract::check(&TreeJournal::open(fd, options).unwrap());
    }
}
