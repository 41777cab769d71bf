//! Large files, which come as they are read.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

use projectedfs::*;
use projfs_dir::DirProvider;

use super::support::mounted;

const MIB: u64 = 1 << 20;

/// A source directory, and a root in which it is projected.
struct Places {
    source: PathBuf,
    root: PathBuf,
}

impl Places {
    fn new(dir: &Path) -> Self {
        let places = Self { source: dir.join("source"), root: dir.join("root") };
        fs::create_dir(&places.source).unwrap();
        fs::create_dir(&places.root).unwrap();
        VirtualizationRoot::mark(&places.root).unwrap();
        places
    }

    fn start(&self) -> VirtualizationInstance {
        let root = VirtualizationRoot::open(&self.root).unwrap();
        let provider = DirProvider::open(&self.source).unwrap();
        VirtualizationInstance::builder(root).control(Control::Off).start(provider).unwrap()
    }

    /// A file of 100 MiB, each word of which says where it is.
    fn fill(&self, name: &str) -> Vec<u8> {
        let words = (0..100 * MIB / 8).map(|word| (word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        fs::write(self.source.join(name), &bytes).unwrap();
        bytes
    }

    fn open(&self, name: &str) -> File {
        File::open(self.root.join(name)).unwrap()
    }
}

fn state(instance: &VirtualizationInstance, name: &str) -> StateWord {
    instance.state(&RelPathBuf::new(name).unwrap()).unwrap().word
}

/// How many bytes were fetched so far.
fn fetched(instance: &VirtualizationInstance) -> u64 {
    instance.statistics().unwrap().hydrated_bytes
}

/// Waits for what the kernel tells us of a close, which is after the close.
fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_byte_of_a_long_file_costs_a_block() {
    mounted("a_byte_of_a_long_file_costs_a_block", |dir| {
        let places = Places::new(dir);
        let size = 10 << 30;
        let source = File::create(places.source.join("long")).unwrap();
        source.set_len(size).unwrap();
        for (offset, byte) in [(0, b"first"), (5 << 30, b"midst"), (size - 5, b"final")] {
            source.write_all_at(byte, offset).unwrap();
        }
        let instance = places.start();
        let file = places.open("long");
        assert_eq!(fetched(&instance), 0);
        let mut byte = [0; 5];
        file.read_exact_at(&mut byte[..1], 0).unwrap();
        assert_eq!((byte[0], fetched(&instance)), (b'f', MIB));
        file.read_exact_at(&mut byte, 5 << 30).unwrap();
        assert_eq!(&byte, b"midst");
        assert!(fetched(&instance) <= 2 * MIB);
        file.read_exact_at(&mut byte, size - 5).unwrap();
        assert_eq!(&byte, b"final");
        assert!(fetched(&instance) <= 3 * MIB);
        assert_eq!(file.read_at(&mut byte, size).unwrap(), 0);
        assert_eq!(state(&instance, "long"), StateWord::Placeholder);
        // What is deleted can be read on.
        fs::remove_file(places.root.join("long")).unwrap();
        file.read_exact_at(&mut byte, 3 << 30).unwrap();
        assert_eq!(byte, [0; 5]);
        let shown = file.metadata().unwrap();
        assert_eq!((shown.nlink(), shown.len()), (0, size));
        drop(file);
        let partial = places.root.join(".projfs/partial");
        drop(instance);
        assert_eq!(fs::read_dir(partial).unwrap().count(), 0);
    });
}

#[test]
fn many_readers_of_a_large_file_read_what_the_source_has() {
    mounted("many_readers_of_a_large_file_read_what_the_source_has", |dir| {
        let places = Places::new(dir);
        let bytes = places.fill("file");
        let instance = places.start();
        std::thread::scope(|scope| {
            for reader in 0..6_u64 {
                let (places, bytes) = (&places, &bytes);
                scope.spawn(move || {
                    let file = places.open("file");
                    let mut buffer = vec![0; 300_000];
                    let mut seed = reader;
                    for turn in 0..300 {
                        seed =
                            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
                        // Half of them read on, half of them here and there.
                        let at = if reader % 2 == 0 { turn * 300_000 } else { (seed >> 20) % (100 * MIB) };
                        let count = file.read_at(&mut buffer, at).unwrap();
                        let at = usize::try_from(at).unwrap();
                        assert!(buffer[..count] == bytes[at..at + count], "{count} bytes at {at}");
                    }
                });
            }
        });
        assert!(fetched(&instance) <= 101 * MIB);
        let mut all = Vec::new();
        places.open("file").read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        until("hydrated", || state(&instance, "file") == StateWord::Hydrated);
        let before = fetched(&instance);
        assert!(fs::read(places.root.join("file")).unwrap() == bytes);
        assert_eq!(fetched(&instance), before);
        drop(instance);
        assert!(fs::read(places.root.join("file")).unwrap() == bytes);
    });
}

#[test]
fn parts_survive_the_instance() {
    mounted("parts_survive_the_instance", |dir| {
        let places = Places::new(dir);
        let bytes = places.fill("file");
        let mut buffer = vec![0; 3 << 20];
        let instance = places.start();
        places.open("file").read_exact_at(&mut buffer, 7 * MIB).unwrap();
        let first = fetched(&instance);
        assert!(first < 6 * MIB);
        drop(instance);
        // Stopped, nothing of it is shown as content.
        assert!(!places.root.join("file").exists());
        let instance = places.start();
        places.open("file").read_exact_at(&mut buffer, 7 * MIB).unwrap();
        assert!(buffer[..] == bytes[7 << 20..10 << 20]);
        assert!(fetched(&instance) <= MIB, "no more than what the kernel reads ahead");
        // Opened for writing, it is whole, and full.
        let file = File::options().read(true).write(true).open(places.root.join("file")).unwrap();
        assert_eq!(state(&instance, "file"), StateWord::Full);
        assert!(fetched(&instance) + first <= 101 * MIB);
        file.write_all_at(b"mine", 50 * MIB).unwrap();
        drop(file);
        let mut expected = bytes;
        expected[50 << 20..(50 << 20) + 4].copy_from_slice(b"mine");
        assert!(fs::read(places.root.join("file")).unwrap() == expected);
    });
}

#[test]
fn a_program_runs_from_a_large_file() {
    mounted("a_program_runs_from_a_large_file", |dir| {
        let places = Places::new(dir);
        // What follows the program is nothing to it, and makes it large.
        fs::copy("/bin/sh", places.source.join("sh")).unwrap();
        File::options().write(true).open(places.source.join("sh")).unwrap().set_len(1 << 30).unwrap();
        let instance = places.start();
        let output = Command::new(places.root.join("sh")).args(["-c", "echo runs"]).output().unwrap();
        assert_eq!(output.stdout, b"runs\n");
        assert!(fetched(&instance) < 20 * MIB);
        assert_eq!(state(&instance, "sh"), StateWord::Placeholder);
    });
}

#[test]
fn a_full_disk_is_told_and_nothing_changes() {
    mounted("a_full_disk_is_told_and_nothing_changes", |dir| {
        let (root, source) = (dir.join("small"), dir.join("source"));
        fs::create_dir(&root).unwrap();
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "small"]).arg(&root).status();
        assert!(made.unwrap().success());
        let done = std::panic::catch_unwind(|| {
            fs::create_dir(&source).unwrap();
            fs::create_dir(root.join("root")).unwrap();
            if let Err(error) = VirtualizationRoot::mark(root.join("root")) {
                eprintln!("SKIPPED: no store in memory here: {error}");
                return;
            }
            let places = Places { source, root: root.join("root") };
            let bytes = places.fill("file");
            let instance = places.start();
            let file = places.open("file");
            let mut buffer = vec![0; 1 << 20];
            let read = |buffer: &mut [u8], block: u64| file.read_exact_at(buffer, block * MIB);
            let error = (0..10).find_map(|block| read(&mut buffer, block).err()).unwrap();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert_eq!(state(&instance, "file"), StateWord::Placeholder);
            read(&mut buffer, 0).unwrap();
            assert!(buffer[..] == bytes[..1 << 20]);
            drop(file);
            instance.stop();
        });
        let flags = rustix::mount::UnmountFlags::DETACH;
        rustix::mount::unmount(&root, flags).unwrap();
        done.unwrap();
    });
}
