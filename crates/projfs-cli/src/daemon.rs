//! Going into the background: the same command again, as a process of its own that says when it is ready.
//!
//! Standard output of the process in the background is a pipe to the one that waits. On it comes one line: a JSON
//! object with the exit code, and the reason if it is not 0.

use std::ffi::OsString;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::process::Stdio;

use projectedfs::KeeperLimits;
use projectedfs::RuntimeFiles;
use projectedfs::keep;
use projectedfs::runtime_dir;
use serde::Deserialize;
use serde::Serialize;

use crate::cli::Mount;
use crate::mount::is_kept;
use crate::mount::real;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

const DAEMONIZED: &str = "--daemonized";
const KEEPING: &str = "--keeping";

/// What the process in the background says, once.
#[derive(Debug, Serialize, Deserialize)]
struct Word {
    exit: u8,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
}

/// Starts this command with the arguments that `mount` was made of in the background, and waits until it is ready, or has
/// failed.
pub(crate) fn start(mount: &Mount, arguments: impl Iterator<Item = OsString>) -> Outcome<u8> {
    let cannot = |error: std::io::Error| Failure::system("start the daemon", &error);
    let files = RuntimeFiles::new(&runtime_dir()?, &real(&mount.dir));
    let mut daemon = Command::new(std::env::current_exe().map_err(cannot)?)
        .arg(if is_kept(mount) { KEEPING } else { DAEMONIZED })
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log(&files)?)
        .spawn()
        .map_err(cannot)?;
    let mut line = String::new();
    if let Some(output) = daemon.stdout.take() {
        BufReader::new(output).read_line(&mut line).map_err(cannot)?;
    }
    match serde_json::from_str::<Word>(&line) {
        Ok(Word { exit: 0, .. }) => Ok(0),
        Ok(Word { exit, reason }) => {
            // With a note it is the log of an instance that runs.
            if !files.note().exists() {
                files.remove_empty_log();
            }
            eprintln!("projfs: {reason}");
            Ok(exit)
        }
        Err(_) => {
            let ended = daemon.wait().map_err(cannot)?;
            let message = format!("the daemon ended, {ended}; its log is {}", files.log().display());
            Err(Failure::new(Exit::Failure, message))
        }
    }
}

/// The log, emptied if no instance writes to it.
fn log(files: &RuntimeFiles) -> Outcome<File> {
    let path = files.log();
    let mut options = OpenOptions::new();
    let log = options.create(true).append(true).mode(0o600).open(&path);
    let log = log.and_then(|log| {
        if !files.note().exists() {
            log.set_len(0)?;
        }
        Ok(log)
    });
    log.map_err(|error| Failure::system(format!("open the log {}", path.display()), &error))
}

/// Keeps a daemon: starts this command as one, and again when it dies.
pub(crate) fn keep_one(short_lives: u32) -> Outcome<u8> {
    let cannot = |error: std::io::Error| Failure::system("keep the daemon", &error);
    let program = std::env::current_exe().map_err(cannot)?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != KEEPING);
    let arguments = std::iter::once(DAEMONIZED.into()).chain(arguments);
    keep(&program, arguments, KeeperLimits { short_lives, ..KeeperLimits::default() }).map_err(cannot)
}

/// Leaves the terminal and the process group of who started us.
pub(crate) fn detach() {
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "no session of its own");
    }
}

/// Tells who waits that the mount is there, and lets go of what belongs to them.
pub(crate) fn ready() {
    say(&Word { exit: 0, reason: String::new() });
    let let_go = File::open("/dev/null").and_then(|null| {
        rustix::stdio::dup2_stdout(&null)?;
        // A daemon must not keep a file system of others busy.
        std::env::set_current_dir("/")
    });
    if let Err(error) = let_go {
        tracing::warn!(%error, "still holds what belongs to who mounted");
    }
}

/// Tells who waits that it failed.
pub(crate) fn failed(failure: &Failure) {
    tracing::debug!(%failure, "not mounted");
    say(&Word { exit: failure.exit.code(), reason: failure.message.clone() });
}

fn say(word: &Word) {
    let mut output = std::io::stdout().lock();
    let said = serde_json::to_writer(&mut output, word).map_err(std::io::Error::from);
    if let Err(error) = said.and_then(|()| writeln!(output)).and_then(|()| output.flush()) {
        tracing::debug!(%error, "nobody waits any more");
    }
}
