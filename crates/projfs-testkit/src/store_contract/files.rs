//! Open files.

use projfs_store::Access;
use projfs_store::NewKind;
use projfs_store::Seek;
use projfs_store::Store;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use rustix::io::Errno;

use super::Place;
use super::Root;
use super::Shell;
use super::done;
use super::path;
use super::place;
use super::promises;
use super::read;
use super::refused;
use super::symlink;

promises![
    bytes_are_read_where_they_were_written,
    a_file_is_cut_and_extended,
    space_is_allocated_as_fallocate_does,
    data_and_holes_are_found,
    ranges_are_copied,
    a_file_opened_for_reading_is_not_written_to,
    only_regular_files_are_opened,
    an_open_file_outlives_its_name,
    syncing_always_works,
];

const FIFO: u32 = 0o010_000;

const KEEP_SIZE: u32 = 1;
const PUNCH_HOLE: u32 = 2;
const ZERO_RANGE: u32 = 16;

fn make(store: &dyn Store, path: &str, bytes: &[u8]) -> Arc<dyn StoreFile> {
    let file = done(store.make(path, NewKind::File)).file.expect("a regular file was made");
    done(file.write_at(0, bytes));
    file
}

fn bytes_are_read_where_they_were_written(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"");
    assert!(done(file.is_empty()));
    done(file.write_at(4, b"abc"));
    assert_eq!(read(&*file), b"\0\0\0\0abc");
    done(file.write_at(2, b"xyz"));
    done(file.write_at(90, b""));
    assert_eq!(read(&*file), b"\0\0xyzbc");
    assert_eq!(done(file.read_at(7, &mut [0; 4])), 0);
    assert_eq!(done(file.read_at(1 << 40, &mut [0; 4])), 0);
    let mut buffer = [0; 4];
    assert_eq!(done(file.read_at(5, &mut buffer)), 2);
    assert_eq!(&buffer[..2], b"bc");
    assert_eq!(store.there("file").stat.size, 7);
    drop((file, store));
    assert_eq!(root.open().read(place("file")), b"\0\0xyzbc");
}

fn a_file_is_cut_and_extended(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"abcdef");
    done(file.set_len(2));
    done(file.set_len(4));
    assert_eq!(read(&*file), b"ab\0\0");
}

fn space_is_allocated_as_fallocate_does(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"abcdef");
    done(file.allocate(0, 4, 4));
    assert_eq!(read(&*file), b"abcdef\0\0");
    done(file.allocate(KEEP_SIZE, 4, 100));
    assert_eq!(done(file.len()), 8);
    done(file.allocate(PUNCH_HOLE | KEEP_SIZE, 1, 2));
    assert_eq!(read(&*file), b"a\0\0def\0\0");
    refused(file.allocate(PUNCH_HOLE, 0, 1), Errno::OPNOTSUPP);
    refused(file.allocate(0, 0, 0), Errno::INVAL);
    // Not every file system has this one.
    match file.allocate(ZERO_RANGE, 5, 5) {
        Ok(()) => assert_eq!(read(&*file), b"a\0\0de\0\0\0\0\0"),
        Err(error) => assert_eq!(error.errno(), Errno::OPNOTSUPP),
    }
}

fn data_and_holes_are_found(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"abcdef");
    assert_eq!(done(file.seek(2, Seek::Data)), 2);
    assert_eq!(done(file.seek(2, Seek::Hole)), 6);
    refused(file.seek(6, Seek::Data), Errno::NXIO);
    refused(file.seek(7, Seek::Hole), Errno::NXIO);
}

fn ranges_are_copied(root: &dyn Root) {
    let store = root.open();
    let from = make(&*store, "from", b"abcdef");
    let to = make(&*store, "to", b"123456");
    assert_eq!(done(from.copy_to(1, &*to, 4, 3)), 3);
    assert_eq!(read(&*to), b"1234bcd");
    assert_eq!(done(from.copy_to(4, &*to, 0, 100)), 2);
    assert_eq!(read(&*to), b"ef34bcd");
    assert_eq!(done(from.copy_to(6, &*to, 0, 1)), 0);
    assert_eq!(done(from.copy_to(0, &*from, 6, 3)), 3);
    assert_eq!(read(&*from), b"abcdefabc");
    refused(from.copy_to(0, &*from, 2, 4), Errno::INVAL);
    let long = vec![7; 3 << 20];
    let long_file = make(&*store, "long", &long);
    let mut copied = 0;
    while let more @ 1.. = done(long_file.copy_to(copied, &*to, copied, u64::from(u32::MAX) >> 4)) {
        copied += more;
    }
    assert!(read(&*to) == long);
}

fn a_file_opened_for_reading_is_not_written_to(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    let file = done(store.open(place("file"), Access::Read));
    refused(file.write_at(0, b"x"), Errno::BADF);
    assert!(file.set_len(0).is_err());
    assert!(file.allocate(0, 0, 10).is_err());
    assert_eq!(read(&*file), b"abc");
}

fn only_regular_files_are_opened(root: &dyn Root) {
    let store = root.open();
    done(store.make("dir", NewKind::Directory));
    done(store.make("link", symlink("dir")));
    done(store.make("fifo", NewKind::Special { type_bits: FIFO, device: (0, 0) }));
    for access in [Access::Read, Access::ReadWrite] {
        refused(store.open(place("dir"), access), Errno::ISDIR);
        refused(store.open(Place::Root, access), Errno::ISDIR);
        refused(store.open(place("link"), access), Errno::LOOP);
        refused(store.open(place("fifo"), access), Errno::INVAL);
        refused(store.open(place("missing"), access), Errno::NOENT);
        refused(store.open(place("missing/file"), access), Errno::NOENT);
    }
}

fn an_open_file_outlives_its_name(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"abc");
    let (dir, name) = super::at("file");
    done(store.remove(dir, name, super::Leave::Nothing, super::Keep::Nothing));
    done(file.write_at(3, b"def"));
    assert_eq!(read(&*file), b"abcdef");
}

fn syncing_always_works(root: &dyn Root) {
    let store = root.open();
    let file = make(&*store, "file", b"abc");
    done(file.sync(true));
    done(file.sync(false));
    done(store.make("dir", NewKind::Directory));
    done(store.sync_directory(path("")));
    done(store.sync_directory(path("dir")));
    refused(store.sync_directory(path("missing")), Errno::NOENT);
    refused(store.sync_directory(path("file")), Errno::NOTDIR);
    done(store.sync_all());
    let space = done(store.space());
    assert!(space.block_size > 0 && space.free <= space.blocks && space.name_length > 0);
}
