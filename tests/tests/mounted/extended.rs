//! Extended attributes; ours are not seen, not made and not copied.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use projfs_tests::Mounted;
use projfs_tests::Tree;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use crate::PROGRAM;
use crate::everywhere;
use crate::refused;
use crate::shell;

fn get(path: &Path, name: &str) -> Result<Vec<u8>, Errno> {
    let mut value = vec![0; 70_000];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}

fn set(path: &Path, name: impl AsRef<OsStr>, value: &[u8]) -> Result<(), Errno> {
    rustix::fs::lsetxattr(path, name.as_ref(), value, XattrFlags::empty())
}

fn list(path: &Path) -> String {
    let mut names = vec![0; 70_000];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    names.truncate(length);
    String::from_utf8(names).unwrap()
}

#[test]
fn attributes_come_and_go() {
    everywhere(|dir| {
        fs::write(dir.join("file"), "x").unwrap();
        fs::create_dir(dir.join("directory")).unwrap();
        for name in ["file", "directory"] {
            let path = dir.join(name);
            refused(get(&path, "user.a"), Errno::NODATA);
            set(&path, "user.a", b"one").unwrap();
            set(&path, "user.a", b"two\0three").unwrap();
            set(&path, "user.empty", b"").unwrap();
            assert_eq!(get(&path, "user.a").unwrap(), b"two\0three");
            assert_eq!(get(&path, "user.empty").unwrap(), b"");
            assert_eq!(list(&path), "user.a\0user.empty\0");
            let create = rustix::fs::lsetxattr(&path, "user.a", b"", XattrFlags::CREATE);
            refused(create, Errno::EXIST);
            let replace = rustix::fs::lsetxattr(&path, "user.none", b"", XattrFlags::REPLACE);
            refused(replace, Errno::NODATA);
            refused(rustix::fs::lgetxattr(&path, "user.a", &mut [0; 2][..]), Errno::RANGE);
            rustix::fs::lremovexattr(&path, "user.a").unwrap();
            assert_eq!(list(&path), "user.empty\0");
            refused(rustix::fs::lremovexattr(&path, "user.a"), Errno::NODATA);
            set(&path, "trusted.of-root", b"x").unwrap();
            assert_eq!(get(&path, "trusted.of-root").unwrap(), b"x");
        }
        std::os::unix::fs::symlink("file", dir.join("symlink")).unwrap();
        refused(set(&dir.join("symlink"), "user.a", b"x"), Errno::PERM);
    });
}

#[test]
fn ours_are_hidden_and_cannot_be_made() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let path = mounted.path("projected/hello");
        fs::read(&path).unwrap();
        rustix::fs::chmod(&path, 0o600.into()).unwrap();
        rustix::fs::chmod(mounted.path("projected/script"), 0o700.into()).unwrap();
        fs::write(mounted.path("full"), "x").unwrap();
        for name in ["projected", "projected/hello", "projected/script", "projected/empty", "full", ""] {
            let path = mounted.path(name);
            assert_eq!(list(&path), "", "{name}");
            for ours in ["user.projfs", "user.projfs.more"] {
                refused(get(&path, ours), Errno::NODATA);
                refused(set(&path, ours, b"forged"), Errno::PERM);
                refused(rustix::fs::lremovexattr(&path, ours), Errno::PERM);
            }
        }
        assert!(!mounted.path(".projfs").exists());
        refused(fs::create_dir(mounted.path(".projfs")), Errno::PERM);
        refused(fs::rename(mounted.path("full"), mounted.path(".projfs")), Errno::PERM);
    });
}

#[test]
fn a_copy_is_no_placeholder() {
    let Some(mut mounted) = Mounted::new(PROGRAM, projfs_tests::Options::every(Tree::Small)[0]) else {
        return;
    };
    set(&mounted.path("projected/hello"), "user.kept", b"yes").unwrap();
    shell(&mounted.root(), "cp -a projected copy && cmp projected/large copy/large");
    assert_eq!(get(&mounted.path("copy/hello"), "user.kept").unwrap(), b"yes");
    mounted.stop();
    let on_disk = mounted.path("copy/hello");
    assert_eq!(list(&on_disk), "user.kept\0", "nothing of ours is in the copy");
    assert_eq!(fs::read(on_disk).unwrap(), b"Hello!\n");
}

#[test]
fn archives_carry_no_record_out_and_bring_none_in() {
    let Some(mut mounted) = Mounted::new(PROGRAM, projfs_tests::Options::every(Tree::Small)[0]) else {
        return;
    };
    let root = mounted.root();
    fs::read(root.join("projected/hello")).unwrap();
    rustix::fs::chmod(root.join("projected/script"), 0o700.into()).unwrap();
    shell(
        &root,
        "mkdir out; tar -c --xattrs --xattrs-include='*' projected | tar -x --xattrs --xattrs-include='*' -C out",
    );
    let rsync = Path::new("/usr/bin/rsync").exists();
    if rsync {
        shell(&root, "rsync -aX projected synced");
    } else {
        projfs_testkit::say("SKIPPED copies by rsync: there is no rsync");
    }
    mounted.stop();
    for copy in ["out/projected/hello", "out/projected/script", "synced/projected/hello"] {
        if rsync || !copy.starts_with("synced") {
            assert_eq!(list(&root.join(copy)), "", "{copy}");
        }
    }
    // What is below the mount has records. An archive of it that is unpacked in the mount brings none.
    assert_eq!(list(&root.join("projected/hello")), "user.projfs\0");
    assert_eq!(list(&root.join("projected/script")), "user.projfs\0");
    shell(&root, "tar -cf ../below.tar --xattrs --xattrs-include='*' projected");
    mounted.start(PROGRAM);
    // It says that it could not set them, and goes on.
    shell(&root, "mkdir in; tar -xf ../below.tar --xattrs --xattrs-include='*' -C in 2> ../said || true");
    let said = fs::read_to_string(root.with_file_name("said")).unwrap();
    assert!(said.contains("user.projfs"), "{said}");
    assert_eq!(fs::read(root.join("in/projected/hello")).unwrap(), b"Hello!\n");
    mounted.stop();
    for name in ["hello", "script"] {
        assert_eq!(list(&root.join("in/projected").join(name)), "", "{name}");
    }
}
