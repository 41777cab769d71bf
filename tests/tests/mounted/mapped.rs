//! Files in memory. The mapping is another program's, in C: it needs no unsafe code here, and its page faults are not
//! those of this process.

use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

use projfs_tests::Mounted;
use projfs_tests::Tree;
use projfs_tests::pattern;

use crate::PROGRAM;
use crate::everywhere;
use crate::tick;

/// A file, mapped shared and writable.
struct Mapped {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Mapped {
    fn new(tools: &Path, file: &Path) -> Self {
        let program = tools.join("map");
        if !program.exists() {
            let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mounted/map.c");
            let status = Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(source).status().unwrap();
            assert!(status.success());
        }
        let mut child =
            Command::new(program).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn does(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    fn ends(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_shared_mapping_and_descriptors_see_each_other() {
    let tools = tempfile::tempdir().unwrap();
    everywhere(|dir| {
        let path = dir.join("mapped");
        fs::write(&path, [b'.'; 8192]).unwrap();
        let (mut one, mut other) = (Mapped::new(tools.path(), &path), Mapped::new(tools.path(), &path));
        let file = fs::File::options().read(true).write(true).open(&path).unwrap();
        assert_eq!(one.does("w 10 stored"), "done");
        assert_eq!(other.does("r 9 8"), ".stored.");
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, 9).unwrap();
        assert_eq!(&bytes, b".stored.");
        file.write_all_at(b"written", 5000).unwrap();
        assert_eq!(one.does("r 4999 9"), ".written.");
        assert_eq!(one.does("s"), "done");
        assert_eq!(one.does("w 100 late"), "done");
        // A new name, and no name at all, change nothing.
        fs::rename(&path, dir.join("renamed")).unwrap();
        assert_eq!(other.does("r 100 4"), "late");
        fs::remove_file(dir.join("renamed")).unwrap();
        assert_eq!(one.does("w 200 nameless"), "done");
        assert_eq!(other.does("r 200 8"), "nameless");
        one.ends();
        other.ends();
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, 200).unwrap();
        assert_eq!(&bytes, b"nameless");
    });
}

#[test]
fn a_store_into_a_mapping_stays() {
    let tools = tempfile::tempdir().unwrap();
    for options in projfs_tests::Options::every(Tree::Small) {
        let Some(mut mounted) = Mounted::new(PROGRAM, options) else { return };
        let path = mounted.path("projected/large");
        let mut mapped = Mapped::new(tools.path(), &path);
        assert_eq!(mapped.does("w 1000000 stored"), "done");
        mapped.ends();
        mounted.restart(PROGRAM);
        let bytes = fs::read(&path).unwrap();
        assert_eq!(&bytes[1_000_000..1_000_006], b"stored");
        assert!(bytes[..1_000_000].iter().zip(0..).all(|(&byte, offset)| byte == pattern(offset)));
    }
}

/// POSIX: the write time moves between a store and the next `msync`.
#[test]
fn a_store_into_a_mapping_moves_the_write_time() {
    let tools = tempfile::tempdir().unwrap();
    everywhere(|dir| {
        let path = dir.join("timed");
        fs::write(&path, [b'.'; 8192]).unwrap();
        let written = || {
            let metadata = fs::metadata(&path).unwrap();
            (metadata.mtime(), metadata.mtime_nsec())
        };
        let mut mapped = Mapped::new(tools.path(), &path);
        let before = written();
        tick();
        assert_eq!(mapped.does("w 10 stored"), "done");
        assert_eq!(mapped.does("s"), "done");
        assert!(written() > before, "after msync in {}", dir.display());
        let before = written();
        tick();
        assert_eq!(mapped.does("w 10 again"), "done");
        mapped.ends();
        assert!(written() > before, "after the mapping in {}", dir.display());
    });
}

/// Nobody is told of a store through a mapping when its file is closed; what is on disk has the right time.
#[test]
fn a_mapping_of_a_closed_file_moves_the_write_time_on_disk() {
    let tools = tempfile::tempdir().unwrap();
    for options in projfs_tests::Options::every(Tree::Small) {
        let Some(mut mounted) = Mounted::new(PROGRAM, options) else { return };
        let path = mounted.path("timed");
        fs::write(&path, [b'.'; 8192]).unwrap();
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        let mut mapped = Mapped::new(tools.path(), &path);
        assert_eq!(mapped.does("c"), "done");
        tick();
        assert_eq!(mapped.does("w 10 stored"), "done");
        mapped.ends();
        mounted.restart(PROGRAM);
        assert!(fs::metadata(&path).unwrap().modified().unwrap() > before);
    }
}
