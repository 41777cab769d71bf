//! Removing, while others look.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;

use projfs_tests::Mounted;
use projfs_tests::Tree;
use rustix::io::Errno;

use crate::PROGRAM;
use crate::everywhere;
use crate::names;
use crate::refused;
use crate::shell;

#[test]
fn an_open_file_outlives_its_name() {
    everywhere(|dir| {
        let before = names(dir);
        let path = dir.join("gone");
        let mut file = fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        file.write_all(b"still here").unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(names(dir), before, "nothing else has come in its place");
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        file.write_all_at(b"S", 0).unwrap();
        file.set_len(6).unwrap();
        let mut text = [0; 6];
        file.read_exact_at(&mut text, 0).unwrap();
        assert_eq!(&text, b"Still ");
        let again = fs::File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)));
        assert_eq!(std::io::read_to_string(again.unwrap()).unwrap(), "Still ");
        fs::write(&path, "another").unwrap();
        assert_eq!(file.metadata().unwrap().len(), 6);
        assert_eq!(fs::read(&path).unwrap(), b"another");
        // A directory can go while it is somebody's.
        fs::create_dir(dir.join("d")).unwrap();
        let held = fs::File::open(dir.join("d")).unwrap();
        fs::remove_dir(dir.join("d")).unwrap();
        refused(
            fs::File::create(format!("/proc/self/fd/{}/x", std::os::fd::AsRawFd::as_raw_fd(&held))),
            Errno::NOENT,
        );
        fs::remove_file(&path).unwrap();
    });
}

#[test]
fn an_open_projected_file_outlives_its_name() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let file = fs::File::open(mounted.path("projected/hello")).unwrap();
        fs::remove_file(mounted.path("projected/hello")).unwrap();
        assert_eq!(std::io::read_to_string(&file).unwrap(), "Hello!\n");
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        assert!(!mounted.path("projected/hello").exists());
    });
}

#[test]
fn a_tree_is_removed_while_it_is_listed() {
    let count = if std::env::var_os("PROJFS_LONG").is_some() { 20_000 } else { 2_000 };
    everywhere(|dir| {
        let many = dir.join("crowd");
        fs::create_dir(&many).unwrap();
        for number in 0..count {
            fs::File::create(many.join(format!("a name of some length {number}"))).unwrap();
        }
        // Each entry goes as soon as it is seen.
        let mut seen = 0;
        for entry in fs::read_dir(&many).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
            seen += 1;
        }
        assert_eq!(seen, count);
        assert_eq!(names(&many).len(), 0);
        fs::remove_dir(&many).unwrap();
        shell(
            dir,
            "mkdir -p tree/a/b/c && touch tree/a/1 tree/a/b/2 tree/a/b/c/3 && rm -rf tree && test ! -e tree",
        );
    });
}

#[test]
fn a_projected_tree_is_removed() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        refused(fs::remove_dir(mounted.path("projected/deep")), Errno::NOTEMPTY);
        refused(fs::remove_file(mounted.path("projected/deep")), Errno::ISDIR);
        refused(fs::remove_dir(mounted.path("projected/hello")), Errno::NOTDIR);
        shell(&mounted.root(), "rm -rf projected");
        assert!(names(&mounted.root()).is_empty());
        fs::create_dir(mounted.path("projected")).unwrap();
        assert!(names(&mounted.path("projected")).is_empty(), "what was removed does not come back");
    });
}
