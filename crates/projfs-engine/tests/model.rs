//! Random operations on an engine in memory, against the reference model.
//!
//! `PROJFS_SEED` repeats a run; `PROJFS_OPS` sets its length.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use projfs_store::Existing;
use projfs_store::Journal;
use projfs_store::JournalOptions;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_store::Store;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_sync::Arc;
use projfs_testkit::model::EngineSubject;
use projfs_testkit::model::Run;
use projfs_testkit::model::run;
use projfs_testkit::projection::Projection;

fn in_memory(projection: &Projection) -> EngineSubject {
    let (store, journal) = (MemoryStore::new(), MemoryJournal::new());
    let again =
        move || (Arc::new(store.clone()) as Arc<dyn Store>, Arc::new(journal.clone()) as Arc<dyn Journal>);
    EngineSubject::start(Box::new(again), projection).unwrap()
}

/// On disk; each restart closes the store and opens it again.
fn on_disk(projection: &Projection) -> EngineSubject {
    let root = tempfile::tempdir().unwrap();
    TreeStore::mark(root.path(), Existing::Refuse).unwrap();
    let open = move || {
        let store = TreeStore::open(root.path()).unwrap();
        let dir = std::fs::File::open(root.path().join(".projfs/journal")).unwrap();
        let journal = TreeJournal::open(dir.into(), JournalOptions::default()).unwrap();
        (Arc::new(store) as Arc<dyn Store>, Arc::new(journal) as Arc<dyn Journal>)
    };
    EngineSubject::start(Box::new(open), projection).unwrap()
}

#[test]
fn an_engine_on_disk_does_what_the_model_does() {
    run(Run::from_environment(3_000), on_disk);
}

#[test]
fn an_engine_does_what_the_model_does() {
    run(Run::from_environment(20_000), in_memory);
}

#[test]
#[ignore = "takes minutes"]
fn an_engine_does_what_the_model_does_for_long() {
    run(Run::from_environment(1_000_000), in_memory);
}
