//! The `git` program.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// One call of `git`.
pub(crate) struct Git {
    command: Command,
}

impl Git {
    /// `git` in a directory, whatever the environment says about repositories.
    pub(crate) fn new(dir: &Path) -> Self {
        let mut command = Command::new("git");
        command.arg("-C").arg(dir).stdin(Stdio::null());
        command.env("LC_ALL", "C");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
            command.env_remove(name);
        }
        Self { command }
    }

    /// It speaks with who runs us, in their language.
    pub(crate) fn show(mut self) -> Self {
        self.command.stdin(Stdio::inherit()).env_remove("LC_ALL");
        if let Some(language) = std::env::var_os("LC_ALL") {
            self.command.env("LC_ALL", language);
        }
        self
    }

    pub(crate) fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// Has it use another index.
    pub(crate) fn index(&mut self, path: &Path) -> &mut Self {
        self.command.env("GIT_INDEX_FILE", path);
        self
    }

    /// Runs it; its exit code if it refused, which it has said why.
    pub(crate) fn refused(mut self) -> Outcome<Option<u8>> {
        let status = self.command.status().map_err(|error| not_run(&error))?;
        match status.code() {
            Some(0) => Ok(None),
            code => Ok(Some(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(Exit::Failure.code()))),
        }
    }

    /// Runs it, and takes what it prints.
    pub(crate) fn output(&mut self) -> Outcome<Output> {
        self.command.output().map_err(|error| not_run(&error))
    }

    /// Runs it with something to read.
    pub(crate) fn with_input(&mut self, input: &[u8]) -> Outcome<Output> {
        let failed = |error: std::io::Error| not_run(&error);
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().map_err(failed)?;
        let writer = child.stdin.take();
        std::thread::scope(|scope| {
            // Both pipes may fill up.
            scope.spawn(move || writer.map(|mut writer| writer.write_all(input)));
            child.wait_with_output().map_err(failed)
        })
    }

    /// What it prints, without the end of the line. It must succeed.
    pub(crate) fn line(&mut self) -> Outcome<Vec<u8>> {
        let mut output = self.checked()?;
        if output.last() == Some(&b'\n') {
            output.pop();
        }
        Ok(output)
    }

    /// The value of a variable of the configuration, if there is one.
    pub(crate) fn value(&mut self) -> Outcome<Option<Vec<u8>>> {
        let mut output = self.output()?;
        if !output.status.success() {
            return Ok(None);
        }
        if output.stdout.last() == Some(&b'\n') {
            output.stdout.pop();
        }
        Ok(Some(output.stdout))
    }

    /// What it prints. It must succeed.
    pub(crate) fn checked(&mut self) -> Outcome<Vec<u8>> {
        let output = self.output()?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let words = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(Exit::Failure, format!("git failed: {}", words.trim_end())))
    }
}

fn not_run(error: &std::io::Error) -> Failure {
    Failure::system("run git", error)
}
