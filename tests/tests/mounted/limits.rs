//! Many files, by a daemon that may have few open.

use std::fs;
use std::path::Path;

use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;
use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::PROGRAM;

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

#[test]
fn many_files_open_at_once() {
    let count: u64 = if long() { 15_000 } else { 3_000 };
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(Resource::Nofile, raised).unwrap();
    let count = limit.maximum.map_or(count, |maximum| count.min(maximum.saturating_sub(1000)));
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
