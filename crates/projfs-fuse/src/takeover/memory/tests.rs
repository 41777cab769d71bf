//! What is remembered is found by who comes next.

use projfs_engine::Access;
use projfs_sync::Arc;

use super::*;

fn handle(request: u64) -> HandleRecord {
    HandleRecord { node: NodeId(5), access: Access::Read, in_parts: false, request }
}

fn begun() -> Memory {
    let memory = Memory::new().expect("a file in memory");
    let negotiated = Negotiated::of(45, 0, 1 << 18);
    memory.begin(&negotiated, None, "/mnt".into(), "dir:/x".into());
    memory
}

fn next(memory: &Memory) -> Recollection {
    Memory::read(memory.file.try_clone().expect("a descriptor")).expect("what was written").1
}

#[test]
fn the_last_word_counts() {
    let memory = begun();
    memory.handle(HandleId(1), Some(&handle(1)));
    memory.handle(HandleId(1), Some(&handle(2)));
    memory.handle(HandleId(2), Some(&handle(3)));
    memory.handle(HandleId(2), None);
    memory.pending(&Notification::IncrementEpoch);
    let found = next(&memory);
    assert_eq!(found.engine.handles, HashMap::from([(HandleId(1), handle(2))]));
    assert_eq!(found.pending, [Notification::IncrementEpoch]);
    assert_eq!((found.path, found.source), ("/mnt".into(), "dir:/x".to_owned()));
    memory.told();
    assert!(next(&memory).pending.is_empty());
}

#[test]
fn half_an_entry_at_the_end_is_dropped_and_overwritten() {
    let memory = begun();
    memory.handle(HandleId(1), Some(&handle(1)));
    let end = memory.state.lock().end;
    memory.handle(HandleId(2), Some(&handle(2)));
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&memory.file, hole, end + 11, PAGE).expect("half of it is gone");
    let (second, found) =
        Memory::read(memory.file.try_clone().expect("a descriptor")).expect("what is whole");
    assert_eq!(found.engine.handles.len(), 1);
    second.handle(HandleId(3), Some(&handle(3)));
    assert_eq!(next(&second).engine.handles.len(), 2);
}

#[test]
fn entries_go_over_the_end_of_a_part() {
    let memory = begun();
    let long = "x".repeat(1 << 18);
    let negotiated = Negotiated::of(45, 0, 1 << 18);
    for request in 0..9 {
        memory.begin(&negotiated, None, "/mnt".into(), format!("{request}{long}"));
        memory.handle(HandleId(request), Some(&handle(request)));
    }
    assert!(memory.state.lock().end > 2 << 20);
    let found = next(&memory);
    assert_eq!((found.engine.handles.len(), found.source), (9, format!("8{long}")));
}

#[test]
fn nobody_can_shorten_the_file() {
    let memory = begun();
    assert_eq!(rustix::fs::ftruncate(&memory.file, 0), Err(Errno::PERM));
}

#[test]
fn what_was_said_again_is_not_kept_twice() {
    let memory = Arc::new(begun());
    let again = {
        let memory = Arc::clone(&memory);
        std::thread::spawn(move || memory.tidy(|| memory.handle(HandleId(1), Some(&handle(1)))))
    };
    memory.handle(HandleId(1), Some(&handle(1)));
    while memory.state.lock().start == PAGE {
        memory.io(NodeId(9), None);
    }
    memory.stop();
    again.join().expect("it ends");
    let found = next(&memory);
    assert_eq!(found.engine.handles, HashMap::from([(HandleId(1), handle(1))]));
    let blocks = rustix::fs::fstat(&memory.file).expect("a file").st_blocks;
    assert!(blocks * 512 < LEAST as i64 * 2, "{blocks} blocks");
}

#[test]
fn other_files_are_refused() {
    let file = rustix::fs::memfd_create("other", rustix::fs::MemfdFlags::CLOEXEC).expect("a file");
    assert_eq!(Memory::read(file).err(), Some(MemoryError::Format));
}
