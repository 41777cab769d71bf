//! Many files, by a daemon that may have few open.

use std::fs;
use std::path::Path;
use std::time::Instant;

use projfs_testkit::say;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;
use projfs_tests::generated;
use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::PROGRAM;
use crate::shell;

/// Descriptors that the daemon may have more than before, for what it keeps at hand.
const SLACK: usize = 400;

/// Whether the whole is done, not a sample.
fn long() -> bool {
    std::env::var_os("PROJFS_LONG").is_some()
}

fn open(root: &Path, number: usize) -> fs::File {
    fs::File::open(root.join(format!("many/{number}"))).unwrap_or_else(|error| panic!("{number}: {error}"))
}

fn of_few_descriptors(options: Options) -> Option<Mounted> {
    Mounted::new(PROGRAM, Options { descriptors: Some(1024), ..options })
}

/// Lets this process have as many open files as it may; how many that is.
fn raise_own_limit() -> Option<u64> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(Resource::Nofile, raised).unwrap();
    limit.maximum
}

#[test]
fn many_files_open_at_once() {
    let count: u64 = if long() { 15_000 } else { 3_000 };
    let count = raise_own_limit().map_or(count, |maximum| count.min(maximum.saturating_sub(2000)));
    for options in Options::every(Tree::Many) {
        let Some(mounted) = of_few_descriptors(options) else { return };
        let files: Vec<_> = (0..count as usize).map(|number| open(&mounted.root(), number)).collect();
        assert!(mounted.descriptors() < 1024);
        for file in &files {
            let mut bytes = [0; 17];
            assert_eq!(std::os::unix::fs::FileExt::read_at(file, &mut bytes, 0).unwrap(), 16);
            assert!(
                bytes.iter().take(16).zip(0..).all(|(&byte, offset)| byte == projfs_tests::pattern(offset))
            );
        }
    }
}

#[test]
fn many_files_in_turn() {
    let count = if long() { 100_000 } else { 5_000 };
    for options in Options::every(Tree::Many) {
        let Some(mounted) = of_few_descriptors(options) else { return };
        let mut after_the_first = 0;
        for number in 0..count {
            let bytes = std::io::Read::bytes(open(&mounted.root(), number)).count();
            assert_eq!(bytes, 16);
            if number == 1000 {
                after_the_first = mounted.descriptors();
            }
        }
        let descriptors = mounted.descriptors();
        assert!(descriptors < after_the_first + SLACK, "{after_the_first}, then {descriptors}");
        assert!(descriptors < 1024);
    }
}

/// What the daemon may take of memory for a tree of a hundred thousand files, in bytes.
const MEMORY: u64 = 64 << 20;

/// How much memory the daemon has in use, in bytes.
fn memory(mounted: &Mounted) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", mounted.daemon())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn generated_tree(tree: Tree, passthrough: bool) -> Option<Mounted> {
    Mounted::new(PROGRAM, Options { tree, passthrough, ..Options::default() })
}

#[test]
fn a_few_descriptors_are_enough() {
    raise_own_limit();
    for options in Options::every(Tree::Small) {
        let Some(mounted) = Mounted::new(PROGRAM, Options { descriptors: Some(256), ..options }) else {
            return;
        };
        for round in 0..if long() { 10 } else { 1 } {
            let dir = mounted.path(&format!("full-{round}"));
            fs::create_dir(&dir).unwrap();
            let files: Vec<_> = (0..400)
                .map(|number| {
                    let path = dir.join(format!("{number}"));
                    fs::write(&path, number.to_string()).unwrap();
                    fs::File::options().read(true).append(true).open(path).unwrap()
                })
                .collect();
            for (number, mut file) in files.iter().enumerate() {
                std::io::Write::write_all(&mut file, b"!").unwrap();
                fs::rename(dir.join(number.to_string()), dir.join(format!("moved-{number}"))).unwrap();
            }
            for (number, file) in files.iter().enumerate() {
                let mut bytes = [0; 10];
                let length = std::os::unix::fs::FileExt::read_at(file, &mut bytes, 0).unwrap();
                assert_eq!(&bytes[..length], format!("{number}!").as_bytes());
            }
            for number in 0..100 {
                fs::create_dir_all(dir.join(format!("d{number}/e/f"))).unwrap();
                fs::write(dir.join(format!("d{number}/e/f/g")), "x").unwrap();
            }
            assert!(mounted.descriptors() <= 256);
            drop(files);
            fs::remove_dir_all(&dir).unwrap();
        }
    }
}

#[test]
fn a_directory_of_many_entries_is_listed_whole_and_found_by_name() {
    let (tree, count) =
        if long() { (Tree::MillionInOne, 1_000_000) } else { (Tree::HundredThousandInOne, 100_000) };
    let Some(mounted) = generated_tree(tree, true) else { return };
    let begin = Instant::now();
    let dir = mounted.path("00000000");
    let mut next = 0;
    let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    for name in names {
        assert_eq!(name.to_str().unwrap(), format!("{next:08}"));
        next += 1;
    }
    assert_eq!(next, count);
    let listed = begin.elapsed();
    for number in (0..count).step_by(count as usize / 100) {
        assert_eq!(fs::read(dir.join(format!("{number:08}"))).unwrap(), generated(0, number));
    }
    assert!(!dir.join(format!("{count:08}")).exists());
    let held = memory(&mounted);
    say(format!(
        "{count} entries in {listed:?}; {} MiB, {} bytes an entry",
        held >> 20,
        held / u64::from(count)
    ));
    // As many again as the kernel remembers.
    assert!(held < MEMORY + u64::from(count) * 700, "{held}");
}

#[test]
fn a_tree_of_a_hundred_thousand_files_fits_into_little_memory() {
    let Some(mounted) = generated_tree(Tree::HundredThousand, true) else { return };
    let directories = if long() { 1000 } else { 200 };
    let before = memory(&mounted);
    let count = shell(&mounted.root(), "find . | wc -l");
    assert_eq!(count.trim(), "101001");
    let found = memory(&mounted);
    for directory in 0..directories {
        for file in 0..100 {
            let path = mounted.path(&format!("{directory:08}/{file:08}"));
            assert_eq!(fs::read(path).unwrap(), generated(directory, file));
        }
    }
    let read = memory(&mounted);
    let mib = |bytes: u64| bytes >> 20;
    say(format!(
        "100,000 files: {} MiB at the start, {} after find, {} after {} of them were read",
        mib(before),
        mib(found),
        mib(read),
        directories * 100
    ));
    assert!(found <= MEMORY && read <= MEMORY);
}

#[test]
fn ten_million_items_are_found() {
    if !long() {
        return;
    }
    let Some(mounted) = generated_tree(Tree::TenMillion, true) else { return };
    let (before, begin) = (memory(&mounted), Instant::now());
    let count = shell(&mounted.root(), "find . | wc -l");
    assert_eq!(count.trim(), "10010001");
    let held = memory(&mounted);
    say(format!(
        "10,010,000 items in {:?}; {} MiB, {} bytes an item",
        begin.elapsed(),
        held >> 20,
        held.saturating_sub(before) / 10_010_000
    ));
}
