//! The store on disk keeps every promise of a store.

use projfs_store::Existing;
use projfs_store::Store;
use projfs_store::TreeStore;
use projfs_testkit::store_contract;
use tempfile::TempDir;

struct DiskRoot(TempDir);

impl store_contract::Root for DiskRoot {
    fn open(&self) -> Box<dyn Store> {
        Box::new(TreeStore::open(self.0.path()).expect("nobody else uses the root"))
    }
}

#[test]
fn the_store_on_disk_keeps_its_promises() {
    store_contract::check(|| {
        let root = tempfile::tempdir().expect("there is a directory for temporary files");
        TreeStore::mark(root.path(), Existing::Refuse).expect("its file system has what a store needs");
        DiskRoot(root)
    });
}
