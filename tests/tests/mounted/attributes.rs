//! What `stat` shows, and how it changes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use projfs_tests::Mounted;
use projfs_tests::TIME;
use projfs_tests::Tree;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::StatxFlags;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;

use crate::PROGRAM;
use crate::everywhere;
use crate::tick;
use crate::truncate;

fn stat(path: &Path) -> fs::Metadata {
    fs::symlink_metadata(path).unwrap()
}

fn changed(path: &Path) -> (i64, i64) {
    let stat = stat(path);
    (stat.ctime(), stat.ctime_nsec())
}

fn written(path: &Path) -> (i64, i64) {
    let stat = stat(path);
    (stat.mtime(), stat.mtime_nsec())
}

fn set_times(path: &Path, access: (i64, i64), write: (i64, i64)) {
    let time = |(tv_sec, tv_nsec): (i64, i64)| Timespec { tv_sec, tv_nsec: tv_nsec as _ };
    let times = Timestamps { last_access: time(access), last_modification: time(write) };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

#[test]
fn times_are_exact() {
    everywhere(|dir| {
        fs::write(dir.join("file"), "x").unwrap();
        fs::create_dir(dir.join("directory")).unwrap();
        std::os::unix::fs::symlink("file", dir.join("symlink")).unwrap();
        for name in ["file", "directory", "symlink"] {
            let path = dir.join(name);
            // After 2038 and before 1970 as well.
            for (access, write) in
                [((1, 999_999_999), (1_234_567_890, 123_456_789)), ((5_000_000_000, 1), (-2, 7))]
            {
                set_times(&path, access, write);
                let stat = stat(&path);
                assert_eq!((stat.mtime(), stat.mtime_nsec()), write, "{name}");
                assert_eq!((stat.atime(), stat.atime_nsec()), access, "{name}");
            }
        }
    });
}

#[test]
fn projected_times_are_exact_and_stay() {
    let mut restarts = Vec::new();
    for options in projfs_tests::Options::every(Tree::Small) {
        let Some(mounted) = Mounted::new(PROGRAM, options) else { return };
        restarts.push(mounted);
    }
    for mut mounted in restarts {
        let projected = (TIME.seconds, i64::from(TIME.nanoseconds));
        let of = |mounted: &Mounted, name: &str| written(&mounted.path(name));
        for name in ["projected/hello", "projected/deep", "projected/link", "projected/empty"] {
            assert_eq!(of(&mounted, name), projected, "{name}");
        }
        fs::read(mounted.path("projected/hello")).unwrap();
        set_times(&mounted.path("projected/script"), (1, 1), (2, 2));
        set_times(&mounted.path("projected/deep/er"), (1, 1), (3, 3));
        let number = stat(&mounted.path("projected/script")).ino();
        for _ in 0..2 {
            assert_eq!(of(&mounted, "projected/hello"), projected);
            assert_eq!(of(&mounted, "projected/script"), (2, 2));
            assert_eq!(of(&mounted, "projected/deep/er"), (3, 3));
            assert_eq!(stat(&mounted.path("projected/script")).ino(), number);
            mounted.restart(PROGRAM);
        }
    }
}

#[test]
fn birth_time_is_shown_and_stays() {
    everywhere(|dir| {
        let path = dir.join("born");
        fs::write(&path, "x").unwrap();
        let birth = || rustix::fs::statx(CWD, &path, AtFlags::empty(), StatxFlags::BTIME).unwrap();
        let first = birth();
        assert_ne!(first.stx_mask & StatxFlags::BTIME.bits(), 0);
        assert!(first.stx_btime.tv_sec > 1_600_000_000);
        set_times(&path, (1, 1), (2, 2));
        fs::write(&path, "changed").unwrap();
        assert_eq!(birth().stx_btime.tv_sec, first.stx_btime.tv_sec);
        assert_eq!(birth().stx_btime.tv_nsec, first.stx_btime.tv_nsec);
    });
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let path = mounted.path("projected/hello");
        let stat = rustix::fs::statx(CWD, &path, AtFlags::empty(), StatxFlags::BTIME).unwrap();
        assert_eq!((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec), (TIME.seconds, TIME.nanoseconds));
    });
}

#[test]
fn changes_move_the_times() {
    everywhere(|dir| {
        let (file, other) = (dir.join("file"), dir.join("other"));
        fs::write(&file, "x").unwrap();
        let moves = |what: &str, act: &dyn Fn(), looked: &Path, which: fn(&Path) -> (i64, i64)| {
            let before = which(looked);
            tick();
            act();
            assert!(which(looked) > before, "{what} in {}", dir.display());
        };
        moves("chmod", &|| rustix::fs::chmod(&file, 0o600.into()).unwrap(), &file, changed);
        moves("link", &|| fs::hard_link(&file, &other).unwrap(), &file, changed);
        moves("unlink of a link", &|| fs::remove_file(&other).unwrap(), &file, changed);
        moves("write", &|| fs::write(&file, "y").unwrap(), &file, written);
        moves("write", &|| fs::write(&file, "z").unwrap(), &file, changed);
        moves("truncate", &|| truncate(&file, 0).unwrap(), &file, written);
        moves("rename", &|| fs::rename(&file, &other).unwrap(), dir, written);
        fs::rename(&other, &file).unwrap();
        moves("rename of the item", &|| fs::rename(&file, &other).unwrap(), dir, changed);
        moves("create", &|| fs::write(&file, "").unwrap(), dir, written);
        moves("unlink", &|| fs::remove_file(&file).unwrap(), dir, written);
        moves("mkdir", &|| fs::create_dir(&file).unwrap(), dir, changed);
        moves("rmdir", &|| fs::remove_dir(&file).unwrap(), dir, written);
        let held = fs::File::open(&other).unwrap();
        let before = held.metadata().unwrap();
        tick();
        fs::remove_file(&other).unwrap();
        let after = held.metadata().unwrap();
        assert_eq!(after.nlink(), 0);
        assert!((after.ctime(), after.ctime_nsec()) > (before.ctime(), before.ctime_nsec()));
    });
}

#[test]
fn writes_through_an_open_file_are_seen_by_stat() {
    everywhere(|dir| {
        let path = dir.join("growing");
        let mut file = fs::File::create(&path).unwrap();
        for length in 1..4 {
            let before = written(&path);
            tick();
            std::io::Write::write_all(&mut file, b"x").unwrap();
            assert_eq!(stat(&path).len(), length);
            assert!(written(&path) > before);
            assert!(changed(&path) > before);
        }
    });
}

#[test]
fn modes_and_owners() {
    everywhere(|dir| {
        let path = dir.join("m");
        fs::write(&path, "x").unwrap();
        for mode in [0o000, 0o444, 0o755, 0o1644, 0o4711, 0o2755] {
            rustix::fs::chmod(&path, mode.into()).unwrap();
            assert_eq!(stat(&path).mode() & 0o7777, mode);
            assert_eq!(fs::read(&path).unwrap(), b"x", "root reads what has no mode");
        }
        std::os::unix::fs::chown(&path, Some(1234), Some(5678)).unwrap();
        assert_eq!((stat(&path).uid(), stat(&path).gid()), (1234, 5678));
        assert_eq!(stat(&path).mode() & 0o7777, 0o755, "a new owner takes set-id bits away");
    });
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let path = mounted.path("projected/hello");
        let number = stat(&path).ino();
        std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
        rustix::fs::chmod(&path, 0o4000.into()).unwrap();
        assert_eq!((stat(&path).uid(), stat(&path).mode() & 0o7777), (1234, 0o4000));
        assert_eq!(stat(&path).len(), 7);
        assert_eq!(fs::read(&path).unwrap(), b"Hello!\n");
        assert_eq!((stat(&path).uid(), stat(&path).mode() & 0o7777), (1234, 0o4000));
        assert_eq!(stat(&path).ino(), number);
    });
}
