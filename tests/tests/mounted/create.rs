//! Making items, and the flags of `open`.

use std::fs;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;

use projfs_tests::Mounted;
use projfs_tests::Tree;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::PROGRAM;
use crate::everywhere;
use crate::refused;
use crate::shell;

#[test]
fn open_flags() {
    everywhere(|dir| {
        let path = dir.join("flags");
        refused(fs::File::open(&path), Errno::NOENT);
        let mut file = fs::File::options().write(true).create_new(true).mode(0o640).open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o7777, 0o640);
        file.write_all(b"first").unwrap();
        refused(fs::File::create_new(&path), Errno::EXIST);
        let mut appending = fs::File::options().append(true).open(&path).unwrap();
        file.write_all(b" second").unwrap();
        appending.write_all(b" third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first second third");
        let mut short = fs::File::options().read(true).write(true).truncate(true).open(&path).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        short.write_all(b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
        let directory = |flags: i32| fs::File::options().read(true).custom_flags(flags).open(&path);
        refused(directory(libc::O_DIRECTORY), Errno::NOTDIR);
        refused(fs::File::options().write(true).open(dir), Errno::ISDIR);
        std::os::unix::fs::symlink("flags", dir.join("to-flags")).unwrap();
        let through = |flags| fs::File::options().read(true).custom_flags(flags).open(dir.join("to-flags"));
        refused(through(libc::O_NOFOLLOW), Errno::LOOP);
        assert!(through(libc::O_NOATIME | libc::O_SYNC | libc::O_NONBLOCK).is_ok());
        refused(file.read(&mut [0; 1]), Errno::BADF);
    });
}

#[test]
fn every_kind_of_file() {
    everywhere(|dir| {
        let make = |name: &str, kind, device| {
            rustix::fs::mknodat(CWD, dir.join(name), kind, Mode::from_raw_mode(0o600), device)
        };
        make("node", FileType::RegularFile, 0).unwrap();
        assert!(fs::metadata(dir.join("node")).unwrap().is_file());
        for minor in [0, 7] {
            let device = rustix::fs::makedev(0, minor);
            make(&format!("char{minor}"), FileType::CharacterDevice, device).unwrap();
            let metadata = fs::metadata(dir.join(format!("char{minor}"))).unwrap();
            assert!(metadata.file_type().is_char_device());
            assert_eq!(metadata.rdev(), device);
        }
        make("block", FileType::BlockDevice, rustix::fs::makedev(259, 300)).unwrap();
        assert_eq!(fs::metadata(dir.join("block")).unwrap().rdev(), rustix::fs::makedev(259, 300));

        make("fifo", FileType::Fifo, 0).unwrap();
        assert_eq!(shell(dir, "echo through > fifo & cat fifo; wait"), "through\n");

        let listener = UnixListener::bind(dir.join("socket")).unwrap();
        let mut sender = UnixStream::connect(dir.join("socket")).unwrap();
        sender.write_all(b"x").unwrap();
        drop(sender);
        let mut received = String::new();
        listener.accept().unwrap().0.read_to_string(&mut received).unwrap();
        assert_eq!(received, "x");
        assert!(fs::metadata(dir.join("socket")).unwrap().file_type().is_socket());
        for name in ["char0", "char7", "block", "fifo", "socket"] {
            fs::remove_file(dir.join(name)).unwrap();
            assert!(!dir.join(name).exists());
        }
    });
}

#[test]
fn a_nameless_file_gets_a_name() {
    everywhere(|dir| {
        let open = |flags: OFlags| {
            let flags = OFlags::TMPFILE | OFlags::RDWR | flags;
            rustix::fs::open(dir, flags, Mode::from_raw_mode(0o600)).map(fs::File::from)
        };
        let before = crate::names(dir);
        let mut file = open(OFlags::empty()).unwrap();
        file.write_all(b"nameless").unwrap();
        assert_eq!(file.metadata().unwrap().nlink(), 0);
        assert_eq!(crate::names(dir), before);
        let number = file.metadata().unwrap().ino();
        let by_descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        rustix::fs::linkat(CWD, by_descriptor, CWD, dir.join("named"), AtFlags::SYMLINK_FOLLOW).unwrap();
        assert_eq!(fs::read(dir.join("named")).unwrap(), b"nameless");
        assert_eq!(fs::metadata(dir.join("named")).unwrap().ino(), number);
        assert_eq!(file.metadata().unwrap().nlink(), 1);
        file.write_all(b"!").unwrap();
        assert_eq!(fs::read(dir.join("named")).unwrap(), b"nameless!");

        let file = open(OFlags::EXCL).unwrap();
        let by_descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let to = dir.join("never");
        refused(rustix::fs::linkat(CWD, by_descriptor, CWD, to, AtFlags::SYMLINK_FOLLOW), Errno::NOENT);
        let mut file = open(OFlags::empty()).unwrap();
        file.write_all(b"abc").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abc");
    });
}

#[test]
fn links_share_an_inode() {
    everywhere(|dir| {
        fs::write(dir.join("one"), "one").unwrap();
        fs::hard_link(dir.join("one"), dir.join("two")).unwrap();
        let look = |name: &str| {
            let metadata = fs::metadata(dir.join(name)).unwrap();
            (metadata.ino(), metadata.nlink(), metadata.len())
        };
        assert_eq!((look("one"), look("one").1), (look("two"), 2));
        fs::File::options().append(true).open(dir.join("two")).unwrap().write_all(b" and two").unwrap();
        assert_eq!((look("one"), look("one").2), (look("two"), 11));
        assert_eq!(fs::read(dir.join("one")).unwrap(), b"one and two");
        fs::set_permissions(dir.join("one"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(fs::metadata(dir.join("two")).unwrap().mode() & 0o777, 0o600);
        fs::remove_file(dir.join("one")).unwrap();
        assert_eq!(look("two").1, 1);
        fs::create_dir(dir.join("directory")).unwrap();
        refused(fs::hard_link(dir.join("directory"), dir.join("three")), Errno::PERM);
        refused(fs::hard_link(dir.join("two"), dir.join("directory")), Errno::EXIST);
    });
}

#[test]
fn a_projected_file_can_be_linked() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        fs::hard_link(mounted.path("projected/hello"), mounted.path("second")).unwrap();
        let look = |name: &str| {
            let metadata = fs::metadata(mounted.path(name)).unwrap();
            (metadata.ino(), metadata.nlink(), metadata.len())
        };
        assert_eq!((look("second"), look("second").1), (look("projected/hello"), 2));
        fs::write(mounted.path("second"), "changed").unwrap();
        assert_eq!(fs::read(mounted.path("projected/hello")).unwrap(), b"changed");
        assert_eq!(look("second"), look("projected/hello"));
    });
}

#[test]
fn a_projected_program_runs() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        assert_eq!(shell(&mounted.path("projected"), "./script"), "projected\n");
        fs::copy("/bin/true", mounted.path("true")).unwrap();
        assert_eq!(shell(&mounted.root(), "./true"), "");
    });
}
