//! Who may do what.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;

use crate::NOBODY;
use crate::PROGRAM;
use crate::for_everybody;
use crate::shell_as_nobody;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    rustix::fs::chmod(path, mode.into()).unwrap();
}

fn fails_for_nobody(dir: &Path, line: &str) -> bool {
    let mut command = Command::new("/bin/sh");
    !command
        .arg("-c")
        .arg(line)
        .current_dir("/")
        .env("D", dir)
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap()
        .status
        .success()
}

#[test]
fn others_are_let_in_by_option_only() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        assert!(fails_for_nobody(&mounted.root(), "cat $D/projected/hello"));
        assert!(fails_for_nobody(&mounted.root(), "ls $D"));
    });
    for options in Options::every(Tree::Small) {
        let Some(mounted) = Mounted::new(PROGRAM, Options { allow_other: true, ..options }) else { return };
        assert_eq!(shell_as_nobody(&mounted.path("projected"), "cat hello; ls | wc -l"), "Hello!\n7\n");
        assert!(fails_for_nobody(&mounted.root(), "cat $D/projected/deep/er/file"), "its mode is 0600");
        assert!(fails_for_nobody(&mounted.root(), "touch $D/projected/hello"));
        assert!(fails_for_nobody(&mounted.root(), "rm -f $D/projected/hello"));
        set_mode(&mounted.path("projected/hello"), 0o600);
        assert!(fails_for_nobody(&mounted.root(), "cat $D/projected/hello"), "not by a cached mode either");
    }
}

#[test]
fn files_belong_to_who_made_them() {
    for_everybody(|dir| {
        set_mode(dir, 0o1777);
        shell_as_nobody(
            dir,
            "umask 027; echo x > theirs; mkdir their-dir; ln -s x their-link; mkfifo their-fifo",
        );
        for (name, mode) in
            [("theirs", 0o640), ("their-dir", 0o750), ("their-link", 0o777), ("their-fifo", 0o640)]
        {
            let metadata = fs::symlink_metadata(dir.join(name)).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (NOBODY, NOBODY), "{name}");
            assert_eq!(metadata.mode() & 0o7777, mode, "{name}");
        }
        fs::write(dir.join("ours"), "x").unwrap();
        assert!(fails_for_nobody(dir, "rm -f $D/ours"), "the sticky bit");
        assert!(fails_for_nobody(dir, "mv $D/ours $D/mine"));
        shell_as_nobody(dir, "rm theirs their-link their-fifo; rmdir their-dir");
        let group = dir.join("group");
        fs::create_dir(&group).unwrap();
        std::os::unix::fs::chown(&group, None, Some(4321)).unwrap();
        set_mode(&group, 0o2777);
        shell_as_nobody(&group, "touch file; mkdir dir");
        assert_eq!(fs::metadata(group.join("file")).unwrap().gid(), 4321);
        assert_eq!(fs::metadata(group.join("dir")).unwrap().gid(), 4321);
        assert_eq!(mode(&group.join("dir")), 0o2755);
    });
}

#[test]
fn a_write_takes_set_id_bits_away() {
    for_everybody(|dir| {
        let path = dir.join("set-id");
        let fresh = || {
            let _ = fs::remove_file(&path);
            fs::write(&path, "x").unwrap();
            set_mode(&path, 0o6777);
        };
        fresh();
        shell_as_nobody(dir, "printf y >> set-id");
        assert_eq!(mode(&path), 0o777, "appended");
        fresh();
        shell_as_nobody(dir, "printf y > set-id");
        assert_eq!(mode(&path), 0o777, "truncated at open");
        fresh();
        shell_as_nobody(dir, "truncate -s 100 set-id");
        assert_eq!(mode(&path), 0o777, "truncated");
        fresh();
        shell_as_nobody(dir, "fallocate -l 8192 set-id");
        assert_eq!(mode(&path), 0o777, "allocated");
        fresh();
        shell_as_nobody(dir, "perl -e 'truncate(q(set-id), 50) or die'");
        assert_eq!(mode(&path), 0o777, "truncated by name");
        fresh();
        fs::File::options().append(true).open(&path).unwrap().write_all(b"y").unwrap();
        assert_eq!(mode(&path), 0o6777, "root may");
        // While somebody reads, too.
        fresh();
        let reader = fs::File::open(&path).unwrap();
        shell_as_nobody(dir, "printf y >> set-id");
        assert_eq!(mode(&path), 0o777, "while it is read");
        drop(reader);
    });
}

#[test]
fn set_id_bits_and_devices_work_by_option_only() {
    for options in Options::every(Tree::Small) {
        for allow_other in [false, true] {
            let Some(mounted) = Mounted::new(PROGRAM, Options { allow_other, ..options }) else { return };
            let root = mounted.root();
            let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
            let line = mounts.lines().find(|line| line.split(' ').nth(4) == root.to_str()).unwrap();
            let shown: Vec<_> = line.split(' ').nth(5).unwrap().split(',').collect();
            for refused in ["nosuid", "nodev"] {
                assert_eq!(shown.contains(&refused), !allow_other, "{refused} in {shown:?}");
            }
        }
    }
}
