//! Names and paths at their limits.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::everywhere;
use crate::names;
use crate::refused;

#[test]
fn names_are_bytes() {
    everywhere(|dir| {
        let dir = dir.join("bytes");
        fs::create_dir(&dir).unwrap();
        let long = [b'n'; 255];
        let odd: [&[u8]; 10] = [
            b"\xff\xfe",
            b"new\nline",
            b"..a",
            b"a..",
            b"Case",
            b"case",
            b"\xc3\xa4",
            b"a\xcc\x88",
            b" ",
            &long,
        ];
        for name in odd {
            fs::write(dir.join(OsStr::from_bytes(name)), name).unwrap();
        }
        let mut expected: Vec<_> =
            odd.iter().map(|name| std::path::PathBuf::from(OsStr::from_bytes(name))).collect();
        expected.sort();
        assert_eq!(names(&dir), expected);
        for name in odd {
            assert_eq!(fs::read(dir.join(OsStr::from_bytes(name))).unwrap(), name);
            fs::rename(dir.join(OsStr::from_bytes(name)), dir.join("x")).unwrap();
            fs::rename(dir.join("x"), dir.join(OsStr::from_bytes(name))).unwrap();
        }
        let longer = OsStr::from_bytes(&[b'n'; 256]);
        refused(fs::write(dir.join(longer), ""), Errno::NAMETOOLONG);
        refused(fs::create_dir(dir.join(longer)), Errno::NAMETOOLONG);
        refused(fs::metadata(dir.join(longer)), Errno::NAMETOOLONG);
        refused(fs::rename(dir.join("Case"), dir.join(longer)), Errno::NAMETOOLONG);
        std::os::unix::fs::symlink(OsStr::from_bytes(&[b't'; 4095]), dir.join("long-target")).unwrap();
        assert_eq!(fs::read_link(dir.join("long-target")).unwrap().as_os_str().len(), 4095);
    });
}

#[test]
fn paths_deeper_than_path_max() {
    const LEVELS: usize = 40;
    everywhere(|dir| {
        let name = OsStr::from_bytes(&[b'd'; 200]);
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let mut levels = vec![rustix::fs::open(dir, flags, Mode::empty()).unwrap()];
        for _ in 0..LEVELS {
            let last = levels.last().unwrap();
            rustix::fs::mkdirat(last, name, Mode::from_raw_mode(0o755)).unwrap();
            levels.push(rustix::fs::openat(last, name, flags, Mode::empty()).unwrap());
        }
        let deepest = levels.last().unwrap();
        let made = OFlags::CREATE | OFlags::RDWR | OFlags::EXCL;
        let file = rustix::fs::openat(deepest, "file", made, Mode::from_raw_mode(0o644)).unwrap();
        rustix::io::write(&file, b"deep").unwrap();
        rustix::fs::renameat(deepest, "file", deepest, "other").unwrap();
        assert_eq!(rustix::fs::statat(deepest, "other", AtFlags::empty()).unwrap().st_size, 4);
        rustix::fs::unlinkat(deepest, "other", AtFlags::empty()).unwrap();
        while let Some(last) = levels.pop() {
            drop(last);
            if let Some(above) = levels.last() {
                rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR).unwrap();
            }
        }
    });
}
