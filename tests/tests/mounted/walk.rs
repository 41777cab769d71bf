//! Walking trees: what is listed is what is there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::os::unix::fs::MetadataExt;

use projfs_tests::MANY;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;

use crate::PROGRAM;
use crate::everywhere;
use crate::names;
use crate::shell;

#[test]
fn listings_and_lookups_agree() {
    everywhere(|dir| {
        fs::create_dir_all(dir.join("sub/sub")).unwrap();
        fs::write(dir.join("sub/file"), "x").unwrap();
        std::os::unix::fs::symlink("file", dir.join("sub/link")).unwrap();
        for entry in fs::read_dir(dir.join("sub")).unwrap() {
            let entry = entry.unwrap();
            let metadata = fs::symlink_metadata(entry.path()).unwrap();
            assert_eq!(entry.ino(), metadata.ino());
            assert_eq!(entry.file_type().unwrap(), metadata.file_type());
        }
        assert_eq!(shell(dir, "find sub | LC_ALL=C sort"), "sub\nsub/file\nsub/link\nsub/sub\n");
    });
}

#[test]
fn numbers_stay_from_first_sight() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let dir = mounted.path("projected");
        let listed: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.map(|entry| (entry.file_name(), entry.ino())).unwrap())
            .collect();
        let unique: BTreeSet<_> = listed.iter().map(|entry| entry.1).collect();
        assert_eq!(unique.len(), 7);
        let number = |name: &std::ffi::OsStr| fs::symlink_metadata(dir.join(name)).unwrap().ino();
        let same = |what: &str| {
            for (name, first) in &listed {
                assert_eq!(number(name), *first, "{what}: {}", name.display());
            }
        };
        same("looked up");
        for name in ["hello", "script", "large", "empty"] {
            fs::read(dir.join(name)).unwrap();
        }
        same("hydrated");
        for name in ["hello", "script", "large", "empty"] {
            fs::write(dir.join(name), "full").unwrap();
        }
        same("full");
        fs::rename(dir.join("hello"), dir.join("moved")).unwrap();
        fs::rename(dir.join("moved"), dir.join("hello")).unwrap();
        same("renamed");
    });
}

#[test]
fn a_listing_of_many_is_whole() {
    let Some(mounted) = Mounted::new(PROGRAM, Options::every(Tree::Many)[0]) else { return };
    assert_eq!(names(&mounted.path("many")).len(), MANY);
    fs::remove_file(mounted.path("many/5")).unwrap();
    fs::write(mounted.path("many/new"), "x").unwrap();
    let listed: BTreeSet<_> = names(&mounted.path("many")).into_iter().collect();
    assert_eq!(listed.len(), MANY);
    assert!(listed.contains(std::path::Path::new("new")) && !listed.contains(std::path::Path::new("5")));
}

#[test]
fn a_listing_starts_again() {
    everywhere(|dir| {
        let many = dir.join("listed");
        fs::create_dir(&many).unwrap();
        for number in 0..500 {
            fs::write(many.join(format!("{number}")), "").unwrap();
        }
        let handle = fs::File::open(&many).unwrap();
        let mut stream = rustix::fs::Dir::read_from(&handle).unwrap();
        let first: Vec<_> =
            stream.by_ref().take(100).map(|entry| entry.unwrap().file_name().to_owned()).collect();
        stream.rewind();
        let again: Vec<_> =
            stream.by_ref().take(100).map(|entry| entry.unwrap().file_name().to_owned()).collect();
        assert_eq!(first, again);
        assert_eq!(stream.count(), 402);
        fs::write(many.join("late"), "").unwrap();
        assert_eq!(names(&many).len(), 501);
    });
}
