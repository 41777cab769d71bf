use std::path::Path;

use projfs_types::FileState;
use projfs_types::ItemName;
use projfs_types::PlaceholderId;
use projfs_types::Projected;
use projfs_types::RelPath;
use tempfile::TempDir;

use super::*;
use crate::Existing;
use crate::Store;

const NUMBER: Number = Number(7 | 1 << 63);

fn root() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    TreeStore::mark(dir.path(), Existing::Refuse).unwrap();
    dir
}

fn names(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(".projfs/partial")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Leaves ten bytes with a range in the middle.
fn leave(root: &Path) -> [String; 2] {
    let store = TreeStore::open(root).unwrap();
    let partial = store.partial(NUMBER, &PlaceholderInfo::file(10)).unwrap();
    partial.file().write_at(3, b"345").unwrap();
    partial.mark(3..6).unwrap();
    names(root).try_into().unwrap()
}

fn missing(root: &Path, info: &PlaceholderInfo) -> Vec<Range<u64>> {
    let store = TreeStore::open(root).unwrap();
    store.partial(NUMBER, info).unwrap().missing(0..u64::MAX)
}

#[test]
fn a_log_of_another_boot_is_not_believed() {
    let root = root();
    let [_, map] = leave(root.path());
    let path = root.path().join(".projfs/partial").join(map);
    assert_eq!(missing(root.path(), &PlaceholderInfo::file(10)), [0..3, 6..10]);
    let mut first = Vec::new();
    let dir = std::fs::File::open(root.path().join(".projfs/partial")).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    Log::open(&dir, name, &mut |entry| first.push(entry.to_vec())).unwrap();
    first[0][0] ^= 1;
    Log::compact(&dir, name, first.iter().map(Vec::as_slice)).unwrap();
    drop(TreeStore::open(root.path()).unwrap());
    assert_eq!(names(root.path()), [""; 0]);
    assert_eq!(missing(root.path(), &PlaceholderInfo::file(10)), [0..10; 1]);
}

#[test]
fn what_does_not_belong_together_is_not_believed() {
    for damage in 0..4 {
        let root = root();
        let [content, map] = leave(root.path());
        let dir = root.path().join(".projfs/partial");
        match damage {
            0 => std::fs::remove_file(dir.join(content)).unwrap(),
            1 => std::fs::remove_file(dir.join(map)).unwrap(),
            // Another inode, as in a copy of the root.
            2 => {
                std::fs::copy(dir.join(&content), dir.join("copy")).unwrap();
                std::fs::rename(dir.join("copy"), dir.join(content)).unwrap();
            }
            _ => std::fs::OpenOptions::new()
                .write(true)
                .open(dir.join(content))
                .and_then(|file| file.set_len(9))
                .unwrap(),
        }
        assert_eq!(missing(root.path(), &PlaceholderInfo::file(10)), [0..10; 1], "{damage}");
    }
}

#[test]
fn a_log_that_was_cut_says_less() {
    let root = root();
    let [_, map] = leave(root.path());
    let path = root.path().join(".projfs/partial").join(map);
    let bytes = std::fs::read(&path).unwrap();
    for length in (0..bytes.len()).rev() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert_eq!(missing(root.path(), &PlaceholderInfo::file(10)), [0..10; 1], "{length}");
    }
}

#[test]
fn of_another_version_nothing_is_left() {
    let root = root();
    leave(root.path());
    let mut info = PlaceholderInfo::file(10);
    info.version.content = PlaceholderId::new(b"2").unwrap();
    assert_eq!(missing(root.path(), &info), [0..10; 1]);
    assert_eq!(names(root.path()).len(), 2);
    let bytes = std::fs::read(root.path().join(".projfs/partial").join(&names(root.path())[0])).unwrap();
    assert_eq!(bytes, [0; 10]);
}

#[test]
fn publishing_keeps_the_inode_and_leaves_nothing() {
    use std::os::unix::fs::MetadataExt;
    let root = root();
    leave(root.path());
    let store = TreeStore::open(root.path()).unwrap();
    let info = PlaceholderInfo::file(10);
    let partial = store.partial(NUMBER, &info).unwrap();
    let content = root.path().join(".projfs/partial").join(&names(root.path())[0]);
    let inode = std::fs::metadata(content).unwrap().ino();
    partial.file().write_at(0, b"012").unwrap();
    partial.file().write_at(6, b"6789").unwrap();
    partial.mark(0..3).unwrap();
    partial.mark(6..10).unwrap();
    partial.complete().unwrap();
    let state = FileState::Hydrated(Projected::clean(VersionInfo::default()));
    let name = ItemName::new(b"f").unwrap();
    store.publish(RelPath::root(), name, &partial.file(), &info, &state, NUMBER).unwrap();
    assert_eq!(std::fs::read(root.path().join("f")).unwrap(), b"0123456789");
    assert_eq!(std::fs::metadata(root.path().join("f")).unwrap().ino(), inode);
    assert_eq!(names(root.path()), [""; 0]);
}
