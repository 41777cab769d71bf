//! Renaming.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use projfs_tests::Mounted;
use projfs_tests::Tree;
use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use crate::PROGRAM;
use crate::everywhere;
use crate::refused;
use crate::tick;

fn rename(dir: &Path, from: &str, to: &str, flags: RenameFlags) -> Result<(), Errno> {
    rustix::fs::renameat_with(CWD, dir.join(from), CWD, dir.join(to), flags)
}

#[test]
fn noreplace() {
    everywhere(|dir| {
        fs::write(dir.join("a"), "a").unwrap();
        fs::write(dir.join("b"), "b").unwrap();
        refused(rename(dir, "a", "b", RenameFlags::NOREPLACE), Errno::EXIST);
        rename(dir, "a", "c", RenameFlags::NOREPLACE).unwrap();
        assert_eq!(fs::read(dir.join("c")).unwrap(), b"a");
        assert!(!dir.join("a").exists());
        refused(rename(dir, "a", "d", RenameFlags::NOREPLACE), Errno::NOENT);
    });
}

#[test]
fn exchange() {
    everywhere(|dir| {
        fs::write(dir.join("a"), "a").unwrap();
        fs::create_dir_all(dir.join("b/inside")).unwrap();
        rename(dir, "a", "b", RenameFlags::EXCHANGE).unwrap();
        assert!(dir.join("a/inside").is_dir());
        assert_eq!(fs::read(dir.join("b")).unwrap(), b"a");
        refused(rename(dir, "a", "none", RenameFlags::EXCHANGE), Errno::NOENT);
        rename(dir, "b", "a", RenameFlags::EXCHANGE).unwrap();
        assert_eq!(fs::read(dir.join("a")).unwrap(), b"a");
    });
}

#[test]
fn projected_items_are_exchanged() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let dir = mounted.path("projected");
        rename(&dir, "hello", "script", RenameFlags::EXCHANGE).unwrap();
        assert_eq!(fs::read(dir.join("script")).unwrap(), b"Hello!\n");
        assert!(fs::read(dir.join("hello")).unwrap().starts_with(b"#!"));
        rename(&dir, "deep", "large", RenameFlags::EXCHANGE).unwrap();
        assert_eq!(fs::read(dir.join("large/er/file")).unwrap(), b"deep\n");
        refused(rename(&dir, "deep", "empty", RenameFlags::NOREPLACE), Errno::EXIST);
    });
}

#[test]
fn what_is_replaced_is_gone_but_stays_open() {
    everywhere(|dir| {
        fs::write(dir.join("new"), "new").unwrap();
        fs::write(dir.join("old"), "old").unwrap();
        let old = fs::File::open(dir.join("old")).unwrap();
        fs::rename(dir.join("new"), dir.join("old")).unwrap();
        assert_eq!(fs::read(dir.join("old")).unwrap(), b"new");
        assert_eq!(std::io::read_to_string(&old).unwrap(), "old");
        assert_eq!(old.metadata().unwrap().nlink(), 0);
        fs::create_dir(dir.join("empty-target")).unwrap();
        fs::create_dir_all(dir.join("moved/inside")).unwrap();
        fs::rename(dir.join("moved"), dir.join("empty-target")).unwrap();
        assert!(dir.join("empty-target/inside").is_dir());
        fs::create_dir(dir.join("other")).unwrap();
        refused(fs::rename(dir.join("other"), dir.join("empty-target")), Errno::NOTEMPTY);
        refused(fs::rename(dir.join("other"), dir.join("old")), Errno::NOTDIR);
        refused(fs::rename(dir.join("old"), dir.join("other")), Errno::ISDIR);
        refused(fs::rename(dir.join("empty-target"), dir.join("empty-target/inside/x")), Errno::INVAL);
    });
}

#[test]
fn a_moved_directory_has_another_parent() {
    everywhere(|dir| {
        fs::create_dir_all(dir.join("one/child")).unwrap();
        fs::create_dir(dir.join("two")).unwrap();
        let before = fs::metadata(dir.join("two")).unwrap();
        tick();
        fs::rename(dir.join("one/child"), dir.join("two/child")).unwrap();
        let number = |path: &str| fs::metadata(dir.join(path)).unwrap().ino();
        assert_eq!(number("two/child/.."), number("two"));
        let after = fs::metadata(dir.join("two")).unwrap();
        assert!((after.mtime(), after.mtime_nsec()) > (before.mtime(), before.mtime_nsec()));
        assert_eq!(crate::shell(&dir.join("two/child"), "cd .. && ls"), "child\n");
    });
}

#[test]
fn whiteouts_are_refused() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        fs::write(mounted.path("a"), "a").unwrap();
        refused(rename(&mounted.root(), "a", "b", RenameFlags::WHITEOUT), Errno::INVAL);
        assert_eq!(fs::read(mounted.path("a")).unwrap(), b"a");
    });
}
