//! Marking and opening roots, and who may.

use super::*;
use crate::StoreErrorKind;

fn kind<T>(result: Result<T>) -> StoreErrorKind {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.kind,
    }
}

#[test]
fn a_directory_is_marked_once() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path();
    assert_eq!(kind(TreeStore::open(root)), StoreErrorKind::NotARoot);
    let id = TreeStore::mark(root, Existing::Refuse).unwrap();
    assert_eq!(TreeStore::mark(root, Existing::Refuse).unwrap(), id);
    let store = TreeStore::open(root).unwrap();
    assert_eq!(store.instance(), id);
    assert!(std::fs::read_to_string(root.join(".projfs/instance")).unwrap().contains(&id.to_string()));
    let mut own: Vec<_> = std::fs::read_dir(root.join(".projfs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    own.sort();
    assert_eq!(own, ["instance", "journal", "new", "partial", "placeholders", "trash"]);
}

#[test]
fn what_cannot_be_a_root_is_refused_and_left_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let missing = temporary.path().join("missing");
    assert_eq!(errno(TreeStore::mark(&missing, Existing::Refuse)), Errno::NOENT);
    let file = temporary.path().join("file");
    std::fs::write(&file, "text").unwrap();
    assert_eq!(errno(TreeStore::mark(&file, Existing::Adopt)), Errno::NOTDIR);
    assert_eq!(kind(TreeStore::mark(temporary.path(), Existing::Refuse)), StoreErrorKind::NotARoot);
    assert!(!temporary.path().join(".projfs").exists());
}

#[test]
fn what_is_adopted_is_full() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::write(temporary.path().join("file"), "text").unwrap();
    TreeStore::mark(temporary.path(), Existing::Adopt).unwrap();
    let store = TreeStore::open(temporary.path()).unwrap();
    let (dir, name) = split("file");
    let item = store.look(&dir, &name).unwrap().unwrap();
    assert_eq!(item.state, ItemState::File(FileState::Full));
}

#[test]
fn roots_are_not_nested() {
    let temporary = tempfile::tempdir().unwrap();
    let outer = temporary.path().canonicalize().unwrap();
    let inner = outer.join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    TreeStore::mark(&inner, Existing::Refuse).unwrap();
    let nested = StoreErrorKind::Nested(inner.clone());
    assert_eq!(kind(TreeStore::mark(&outer, Existing::Adopt)), nested);
    assert!(!outer.join(".projfs").exists());
    std::fs::remove_dir_all(outer.join("a")).unwrap();
    TreeStore::mark(&outer, Existing::Refuse).unwrap();
    std::fs::create_dir_all(&inner).unwrap();
    let nested = StoreErrorKind::Nested(outer.clone());
    assert_eq!(kind(TreeStore::mark(&inner, Existing::Refuse)), nested);
}

#[test]
fn a_crash_while_marking_can_be_made_good() {
    let temporary = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(temporary.path().join(".projfs/new")).unwrap();
    assert_eq!(kind(TreeStore::open(temporary.path())), StoreErrorKind::NotARoot);
    TreeStore::mark(temporary.path(), Existing::Refuse).unwrap();
    TreeStore::open(temporary.path()).unwrap();
}

#[test]
fn a_second_instance_is_refused() {
    let mut world = World::new();
    assert_eq!(kind(TreeStore::open(world.temporary.path())), StoreErrorKind::InUse);
    // Another process asks the same lock.
    let instance = world.disk(".projfs/instance");
    let other =
        || std::process::Command::new("flock").arg("--nonblock").arg(&instance).arg("true").status().unwrap();
    assert!(!other().success());
    world.stop();
    assert!(other().success());
    world.restart();
}

#[test]
fn a_damaged_instance_file_is_named() {
    let mut world = World::new();
    world.stop();
    std::fs::write(world.disk(".projfs/instance"), "projfs root 1\nnot an id\n").unwrap();
    let result = TreeStore::open(world.temporary.path());
    assert!(matches!(kind(result), StoreErrorKind::Corrupt(_)));
}

#[test]
fn leftovers_and_a_lost_log_do_no_harm() {
    let mut world = World::new();
    world.store().note(&path("f").into(), &file(1)).unwrap();
    world.stop();
    let deep = world.disk(".projfs/new/1/2/3/4");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("file"), "text").unwrap();
    std::fs::write(world.disk(".projfs/trash/7"), "text").unwrap();
    std::fs::remove_dir(world.disk(".projfs/partial")).unwrap();
    let log = std::fs::OpenOptions::new().write(true).open(world.disk(".projfs/placeholders")).unwrap();
    log.set_len(20).unwrap();
    world.restart();
    for part in ["new", "trash", "partial"] {
        assert_eq!(std::fs::read_dir(world.disk(".projfs").join(part)).unwrap().count(), 0);
    }
    assert_eq!(world.store().notes(), 0);
}

#[test]
fn the_root_is_reached_when_its_path_is_not() {
    let world = World::new();
    let elsewhere = world.temporary.path().with_extension("elsewhere");
    std::fs::rename(world.temporary.path(), &elsewhere).unwrap();
    std::fs::create_dir(world.temporary.path()).unwrap();
    world.write("f", "text");
    assert_eq!(world.read("f").unwrap(), "text");
    assert!(!world.disk("f").exists());
    std::fs::remove_dir(world.temporary.path()).unwrap();
    std::fs::rename(&elsewhere, world.temporary.path()).unwrap();
}
