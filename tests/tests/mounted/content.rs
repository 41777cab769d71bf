//! Content: lengths, holes, copies, what bypasses the cache, what is synced.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;

use projfs_testkit::skipped;
use projfs_tests::Mounted;
use projfs_tests::Tree;
use projfs_tests::pattern;
use rustix::fs::FallocateFlags;
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use crate::PROGRAM;
use crate::everywhere;
use crate::refused;
use crate::shell;
use crate::truncate;

const MIB: u64 = 1 << 20;

fn open(path: &std::path::Path) -> fs::File {
    fs::File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap()
}

#[test]
fn truncate_both_ways() {
    everywhere(|dir| {
        let path = dir.join("t");
        fs::write(&path, "0123456789").unwrap();
        truncate(&path, 4).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"0123");
        let file = open(&path);
        file.set_len(6).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"0123\0\0");
        assert_eq!(fs::metadata(&path).unwrap().len(), 6);
        file.set_len(0).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        refused(fs::File::open(&path).unwrap().set_len(1), Errno::INVAL);
        refused(truncate(dir, 1), Errno::ISDIR);
    });
}

#[test]
fn a_projected_file_is_cut_and_extended() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        truncate(&mounted.path("projected/hello"), 3).unwrap();
        assert_eq!(fs::read(mounted.path("projected/hello")).unwrap(), b"Hel");
        truncate(&mounted.path("projected/large"), 3 * MIB + 1).unwrap();
        let bytes = fs::read(mounted.path("projected/large")).unwrap();
        assert_eq!(bytes.len() as u64, 3 * MIB + 1);
        assert!(bytes[..3 << 20].iter().zip(0..).all(|(&byte, offset)| byte == pattern(offset)));
        assert_eq!(bytes[3 << 20], 0);
        fs::File::options()
            .append(true)
            .open(mounted.path("projected/empty"))
            .unwrap()
            .write_all(b"x")
            .unwrap();
        assert_eq!(fs::read(mounted.path("projected/empty")).unwrap(), b"x");
    });
}

#[test]
fn fallocate_modes() {
    everywhere(|dir| {
        let path = dir.join("f");
        let file = open(&path);
        let allocate = |mode, offset, length| rustix::fs::fallocate(&file, mode, offset, length);
        allocate(FallocateFlags::empty(), 0, MIB).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), MIB);
        assert!(fs::metadata(&path).unwrap().blocks() >= MIB / 512);
        allocate(FallocateFlags::KEEP_SIZE, MIB, MIB).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), MIB);
        file.write_all_at(&vec![b'x'; 16384], 0).unwrap();
        allocate(FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 4096, 4096).unwrap();
        allocate(FallocateFlags::ZERO_RANGE, 8192, 100).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes[..4096].iter().all(|&byte| byte == b'x'));
        assert!(bytes[4096..8292].iter().all(|&byte| byte == 0));
        assert!(bytes[8292..16384].iter().all(|&byte| byte == b'x'));
        // The kernel's FUSE knows these three alone, before any daemon is asked.
        let shift = allocate(FallocateFlags::COLLAPSE_RANGE, 0, 4096);
        assert!(matches!(shift, Ok(()) | Err(Errno::OPNOTSUPP)), "{shift:?}");
    });
}

#[test]
fn holes_are_found() {
    everywhere(|dir| {
        let path = dir.join("holes");
        let file = open(&path);
        file.set_len(4 * MIB).unwrap();
        file.write_all_at(&[1; 4096], MIB).unwrap();
        file.sync_all().unwrap();
        let seek = |from| rustix::fs::seek(&file, from);
        assert_eq!(seek(SeekFrom::Data(0)), Ok(MIB));
        assert_eq!(seek(SeekFrom::Hole(MIB)), Ok(MIB + 4096));
        assert_eq!(seek(SeekFrom::Hole(0)), Ok(0));
        assert_eq!(seek(SeekFrom::Data(MIB + 4096)), Err(Errno::NXIO));
        assert_eq!(seek(SeekFrom::Data(4 * MIB)), Err(Errno::NXIO));
        assert_eq!(seek(SeekFrom::End(-1)), Ok(4 * MIB - 1));
        assert_eq!(seek(SeekFrom::Start(5 * MIB)), Ok(5 * MIB));
    });
}

#[test]
fn a_range_is_copied() {
    everywhere(|dir| {
        let bytes: Vec<u8> = (0..MIB).map(pattern).collect();
        fs::write(dir.join("from"), &bytes).unwrap();
        let (from, to) = (fs::File::open(dir.join("from")).unwrap(), open(&dir.join("to")));
        let (mut read, mut written) = (100, 50);
        let count =
            rustix::fs::copy_file_range(&from, Some(&mut read), &to, Some(&mut written), 500_000).unwrap();
        assert_eq!((count, read, written), (500_000, 500_100, 500_050));
        let copied = fs::read(dir.join("to")).unwrap();
        assert_eq!(&copied[50..], &bytes[100..500_100]);
        let (mut read, mut written) = (MIB - 10, 0);
        let rest = rustix::fs::copy_file_range(&from, Some(&mut read), &to, Some(&mut written), 100);
        assert_eq!(rest, Ok(10));
        let closed = fs::File::open(dir.join("to")).unwrap();
        assert_eq!(rustix::fs::copy_file_range(&from, None, &closed, None, 1), Err(Errno::BADF));
    });
}

#[test]
fn direct_io() {
    everywhere(|dir| {
        let path = dir.join("direct");
        let direct = |flags| {
            let mut options = fs::File::options();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(flags)
                .open(&path)
                .unwrap()
        };
        let (bypassing, cached) = (direct(libc::O_DIRECT), direct(0));
        let mut block = Aligned([b'd'; 4096]);
        bypassing.write_all_at(&block.0, 0).unwrap();
        let mut read = vec![0; 4096];
        cached.read_exact_at(&mut read, 0).unwrap();
        assert!(read.iter().all(|&byte| byte == b'd'));
        cached.write_all_at(b"cached", 100).unwrap();
        bypassing.read_exact_at(&mut block.0, 0).unwrap();
        assert_eq!(&block.0[99..107], b"dcachedd");
        bypassing.write_all_at(&Aligned([b'e'; 4096]).0, 4096).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 8192);
        cached.read_exact_at(&mut read, 4096).unwrap();
        assert!(read.iter().all(|&byte| byte == b'e'));
    });
}

#[repr(align(4096))]
struct Aligned([u8; 4096]);

#[test]
fn what_is_written_is_synced() {
    everywhere(|dir| {
        let file = open(&dir.join("s"));
        file.write_all_at(b"synced", 0).unwrap();
        file.sync_all().unwrap();
        file.sync_data().unwrap();
        fs::File::open(dir).unwrap().sync_all().unwrap();
        rustix::fs::syncfs(&file).unwrap();
        // Descriptors that cannot write can sync.
        fs::File::open(dir.join("s")).unwrap().sync_all().unwrap();
    });
}

/// The daemon's own calls are what tells whether a sync reaches the disk.
#[test]
fn a_sync_reaches_the_store() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        if std::process::Command::new("strace").arg("-V").output().is_err() {
            return skipped("strace is not installed");
        }
        // Only the provider has it.
        fs::File::open(mounted.path("projected/deep/er")).unwrap().sync_all().unwrap();
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut trace = std::process::Command::new("strace")
            .args(["-f", "-y", "-e", "trace=fsync,fdatasync,syncfs", "-o"])
            .arg(log.path())
            .args(["-p", &mounted.daemon().to_string()])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = std::io::BufReader::new(trace.stderr.take().unwrap());
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert!(line.contains("attached"), "{line}");
        fs::create_dir(mounted.path("projected/new")).unwrap();
        let file = open(&mounted.path("projected/new/file"));
        file.write_all_at(b"synced", 0).unwrap();
        file.sync_all().unwrap();
        let files = fs::read_to_string(log.path()).unwrap();
        fs::rename(mounted.path("projected/new/file"), mounted.path("projected/new/other")).unwrap();
        fs::File::open(mounted.path("projected/new")).unwrap().sync_all().unwrap();
        let all = fs::read_to_string(log.path()).unwrap();
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&trace),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        trace.wait().unwrap();
        assert!(files.contains("projected/new/file>"), "the file was not synced: {files}");
        assert!(all.len() > files.len(), "the directory was not synced: {all}");
        assert!(all[files.len()..].contains("projected/new>"), "not the directory: {all}");
    });
}

#[test]
fn free_space_is_the_stores() {
    Mounted::each(PROGRAM, Tree::Small, |mounted| {
        let of = |path: &std::path::Path| rustix::fs::statvfs(path).unwrap();
        let (ours, below) = (of(&mounted.root()), of(mounted.root().parent().unwrap()));
        assert_eq!((ours.f_blocks, ours.f_files), (below.f_blocks, below.f_files));
        assert_eq!((ours.f_bsize, ours.f_namemax), (below.f_bsize, 255));
    });
}

#[test]
fn sparse_copies_keep_their_bytes() {
    everywhere(|dir| {
        let file = open(&dir.join("sparse"));
        file.set_len(2 * MIB).unwrap();
        file.write_all_at(b"end", 2 * MIB - 3).unwrap();
        shell(dir, "cp --sparse=always sparse copy && cmp sparse copy");
    });
}
