//! `Git`: fetches with the `git` program.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use parking_lot::Mutex;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::poll;
use rustix::fs::MemfdFlags;
use rustix::fs::memfd_create;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use rustix::process::pidfd_open;

use super::Attention;
use super::Transport;
use crate::objects::Id;

/// How often a fetch is looked at, and how long it goes on when nobody waits for it.
const LOOK: Duration = Duration::from_secs(1);
const ALONE: Duration = Duration::from_secs(10);

/// How much of what `git` says is told, in bytes.
const WORDS: u64 = 4096;

/// What would lead `git` to another repository.
const MISLEADING: [&str; 7] = [
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// The `git` program in a repository.
pub(crate) struct Git {
    directory: PathBuf,
    remotes: Vec<String>,
    running: Mutex<Running>,
}

/// The process that fetches.
enum Running {
    None,
    /// It was not waited for, so the number is its own.
    Process(Pid),
    GivenUp,
}

impl Git {
    /// Fetches from these remotes, the next one if one fails.
    pub(crate) fn new(directory: PathBuf, remotes: Vec<String>) -> Self {
        Self { directory, remotes, running: Mutex::new(Running::None) }
    }

    fn command(&self, remote: &str) -> Command {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(&self.directory);
        // As git itself does it: what is here already is not told.
        command.args(["-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet"]);
        command.args([
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--recurse-submodules=no",
        ]);
        command.args(["--filter=blob:none", "--stdin", "--", remote]);
        command.current_dir(&self.directory);
        for name in MISLEADING {
            command.env_remove(name);
        }
        command.envs([("GIT_TERMINAL_PROMPT", "0"), ("GIT_NO_LAZY_FETCH", "1")]);
        command.env("SSH_ASKPASS_REQUIRE", "never");
        // A group of its own, to be ended with all that it starts; not for a terminal.
        command.process_group(0);
        command
    }

    fn run(&self, remote: &str, ids: &[Id], attention: &Attention) -> io::Result<Result<(), String>> {
        let mut input = File::from(memfd_create("ids", MemfdFlags::CLOEXEC)?);
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        input.write_all(lines.as_bytes())?;
        input.rewind()?;
        // Not a pipe: what it starts may outlive it and keep that open.
        let mut said = File::from(memfd_create("said", MemfdFlags::CLOEXEC)?);
        let mut command = self.command(remote);
        command.stdin(Stdio::from(input)).stdout(Stdio::null()).stderr(Stdio::from(said.try_clone()?));
        let mut child = {
            let mut running = self.running.lock();
            if matches!(*running, Running::GivenUp) {
                return Ok(Err("the projection has ended".into()));
            }
            let child = spawn(&mut command)?;
            *running = Running::Process(Pid::from_child(&child));
            child
        };
        let waited = self.wait(&child, attention);
        let mut running = self.running.lock();
        if waited.is_err() {
            end(&child);
        }
        let status = child.wait();
        if matches!(*running, Running::Process(_)) {
            *running = Running::None;
        }
        drop(running);
        waited?;
        let status = status?;
        if status.success() {
            return Ok(Ok(()));
        }
        let length = said.seek(io::SeekFrom::End(0))?;
        said.seek(io::SeekFrom::Start(length.saturating_sub(WORDS)))?;
        let mut words = Vec::new();
        said.read_to_end(&mut words)?;
        let words = String::from_utf8_lossy(&words);
        let lines: Vec<_> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Ok(Err(if lines.is_empty() { format!("git fetch: {status}") } else { lines.join("; ") }))
    }

    /// Waits until the process has ended, without taking its number from it.
    fn wait(&self, child: &Child, attention: &Attention) -> io::Result<()> {
        let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        let mut heard = Instant::now();
        loop {
            let timeout = LOOK.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
            match poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if attention.is_there() {
                heard = Instant::now();
            } else if heard.elapsed() >= ALONE {
                end(child);
            }
        }
    }
}

impl Transport for Git {
    fn fetch(&self, ids: &[Id], attention: &Attention) -> Result<(), String> {
        let mut words = Vec::new();
        for remote in &self.remotes {
            match self.run(remote, ids, attention) {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(said)) => words.push(format!("{remote}: {said}")),
                Err(error) => words.push(format!("cannot run git: {error}")),
            }
        }
        Err(words.join("; "))
    }

    fn give_up(&self) {
        let mut running = self.running.lock();
        if let Running::Process(group) = std::mem::replace(&mut *running, Running::GivenUp) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}

/// Ends a process that was not waited for yet, and what it has started.
fn end(child: &Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::TERM);
}

/// Starts it; it ends when this thread does, which waits for it.
#[allow(unsafe_code, reason = "nothing else runs code in the child")]
fn spawn(command: &mut Command) -> io::Result<Child> {
    let ends_with_parent = || Ok(rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?);
    // SAFETY: the child makes one system call, which allocates nothing and takes no lock.
    unsafe { command.pre_exec(ends_with_parent) };
    command.spawn()
}

#[cfg(test)]
mod tests;
