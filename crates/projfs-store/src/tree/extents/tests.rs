//! What was written is told from what was only made room for.

use std::fs::File;

use rustix::fs::FallocateFlags;

use super::*;

fn file() -> File {
    tempfile::tempfile().unwrap()
}

#[test]
fn what_was_written_is_whole_and_nothing_else() {
    const SIZE: u64 = 5 * 4096 + 10;
    let written = file();
    rustix::io::pwrite(&written, &[1; SIZE as usize], 0).unwrap();
    assert_eq!(is_whole(&written, SIZE), Ok(true), "in memory");
    order(&written).unwrap();
    assert_eq!(is_whole(&written, SIZE), Ok(true), "written");
    written.sync_all().unwrap();
    assert_eq!(is_whole(&written, SIZE), Ok(true), "on disk");
    assert_eq!(is_whole(&written, 5 * SIZE), Ok(false), "beyond the end");
    assert_eq!(is_whole(file(), 0), Ok(true), "nothing");

    let hole = file();
    rustix::io::pwrite(&hole, &[1; 4096], 8192).unwrap();
    assert_eq!(is_whole(&hole, 8192 + 4096), Ok(false), "a hole at the start");
    hole.set_len(SIZE).unwrap();
    assert_eq!(is_whole(&hole, SIZE), Ok(false), "a hole at the end");
}

#[test]
fn space_that_was_set_aside_is_not_content_even_if_it_was_read() {
    let file = file();
    if rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 8192).is_err() {
        return projfs_testkit::skipped("the file system sets no space aside");
    }
    assert_eq!(is_whole(&file, 8192), Ok(false));
    rustix::io::pread(&file, &mut [0; 8192][..], 0).unwrap();
    assert_eq!(is_whole(&file, 8192), Ok(false));
}
