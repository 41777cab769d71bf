//! A file in the memory of another program, in C: it needs no unsafe code here.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;

/// A file, mapped shared and writable.
pub(crate) struct Mapped {
    child: Child,
    answers: BufReader<ChildStdout>,
    _tools: tempfile::TempDir,
}

impl Mapped {
    pub(crate) fn new(file: &Path) -> Self {
        let tools = tempfile::tempdir().unwrap();
        let program = tools.path().join("map");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mounted/map.c");
        assert!(Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(source).status().unwrap().success());
        let mut command = Command::new(program);
        let mut child = command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers, _tools: tools }
    }

    fn does(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// What was stored is found again, and something else is stored.
    pub(crate) fn check(&mut self, round: usize) {
        if round > 0 {
            assert_eq!(self.does("r 100 5"), format!("{:05}", round - 1));
        }
        assert_eq!(self.does(&format!("w 100 {round:05}")), "done");
        assert_eq!(self.does("s"), "done", "msync");
    }

    pub(crate) fn ends(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}
