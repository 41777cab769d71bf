//! Holding: start a daemon, wait for its end, start it again, and give up in time.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::poll;
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::process::PidfdFlags;

use crate::message::Held;
use crate::message::LONGEST;
use crate::message::Said;
use crate::message::VARIABLE;
use crate::message::listen;
use crate::message::start;

/// A daemon that lives shorter than this has died of its start, or of a request that it was given again.
const SHORT: Duration = Duration::from_secs(1);

/// How long is waited before the second restart after a short life; twice that before the third, and so on.
const PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// When a keeper gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After how many lives in a row that were shorter than a second.
    pub short_lives: u32,
    /// The longest pause before a restart; there is none before the first, and each is twice the last.
    pub longest_pause: Duration,
}

impl Default for Limits {
    /// Ten, with pauses of seven seconds in all.
    fn default() -> Self {
        Self { short_lives: 10, longest_pause: LONGEST_PAUSE }
    }
}

/// How the life of a daemon ended.
enum End {
    /// It had nothing held any more, or never had.
    Free(ExitStatus),
    /// It was to be replaced.
    Replaced,
    /// It died.
    Died(ExitStatus),
}

/// Starts a program and keeps what it gives to hold; starts it again when it dies, until it releases that. The code with
/// which this process should end: that of the program.
///
/// From when something is held, this process is in the root directory and its standard output is `/dev/null`.
///
/// # Errors
/// The system's, while nothing is held; that the program died too often. What was held is let go of then, and whoever
/// waits for the mount gets an error.
pub fn keep(program: &Path, arguments: impl Iterator<Item = OsString>, limits: Limits) -> io::Result<u8> {
    let mut command = Command::new(program);
    command.args(arguments).env(VARIABLE, std::process::id().to_string());
    let mut bytes = Vec::with_capacity(LONGEST);
    let mut held = None;
    let mut restarts = 0_u32;
    let mut short_lives = 0;
    loop {
        let begin = Instant::now();
        let life = live(&mut command, program, &mut held, restarts, &mut bytes);
        restarts = restarts.saturating_add(1);
        let how = match life {
            Ok(End::Free(status)) => return Ok(code(status)),
            Ok(End::Replaced) => continue,
            Ok(End::Died(status)) => status.to_string(),
            Err(error) if held.is_none() => return Err(error),
            Err(error) => format!("it could not be started: {error}"),
        };
        short_lives = if begin.elapsed() < SHORT { short_lives + 1 } else { 0 };
        if short_lives >= limits.short_lives {
            let often =
                format!("the daemon died {short_lives} times in a row within a second ({how}); giving up");
            return Err(io::Error::other(often));
        }
        eprintln!("projfs-keeper: the daemon died ({how}); starting it again");
        std::thread::sleep(pause(short_lives).min(limits.longest_pause));
    }
}

/// The pause after so many short lives in a row.
fn pause(short_lives: u32) -> Duration {
    match short_lives {
        0 | 1 => Duration::ZERO,
        more => PAUSE.saturating_mul(1 << (more - 2).min(16)).min(LONGEST_PAUSE),
    }
}

fn live(
    command: &mut Command,
    program: &Path,
    held: &mut Option<Held>,
    restarts: u32,
    bytes: &mut Vec<u8>,
) -> io::Result<End> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    let mut daemon = command.stdin(Stdio::from(theirs)).spawn()?;
    // So that the daemon's end is the daemon's alone.
    command.stdin(Stdio::null());
    if let Err(error) = start(&ours, held.as_ref(), restarts, program, bytes) {
        // It has died already, or will, for want of it.
        eprintln!("projfs-keeper: the daemon cannot be told how to start: {error}");
    }
    let (mut released, mut replaced) = (false, false);
    let ended = watch(&mut daemon, &ours, |said, daemon| match said {
        Said::Hold(given) => {
            if held.replace(given).is_none() {
                let_go();
            }
        }
        Said::Release => {
            released = true;
            *held = None;
        }
        Said::Replace => {
            replaced = true;
            // It is killed as it may be killed at any time: nothing else has to work.
            let _ = daemon.kill();
        }
        Said::Nothing => {}
    })?;
    Ok(match held {
        None => End::Free(ended),
        Some(_) if replaced => End::Replaced,
        Some(_) => End::Died(ended),
    })
}

/// Hears what a daemon says until its end.
fn watch(
    daemon: &mut Child,
    socket: &OwnedFd,
    mut hear: impl FnMut(Said, &mut Child),
) -> io::Result<ExitStatus> {
    let pid = i32::try_from(daemon.id()).ok().and_then(rustix::process::Pid::from_raw).ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    let mut silent = false;
    loop {
        let mut events = [PollFd::new(&process, PollFlags::IN), PollFd::new(socket, PollFlags::IN)];
        let watched = if silent { &mut events[..1] } else { &mut events[..] };
        match poll(watched, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ended = !watched[0].revents().is_empty();
        // Whatever it said, it said before its end.
        loop {
            match listen(socket) {
                Ok(Said::Nothing) => {
                    silent = true;
                    break;
                }
                Ok(said) => hear(said, daemon),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    eprintln!("projfs-keeper: the daemon cannot be understood: {error}");
                    silent = true;
                    break;
                }
            }
        }
        if ended {
            return daemon.wait();
        }
    }
}

/// Lets go of what belongs to who mounted: a keeper must not keep a file system of others busy, or a pipe open.
fn let_go() {
    let null = std::fs::File::options().write(true).open("/dev/null");
    let done = null.and_then(|null| rustix::stdio::dup2_stdout(&null).map_err(io::Error::from));
    if let Err(error) = done.and_then(|()| std::env::set_current_dir("/")) {
        eprintln!("projfs-keeper: still holds what belongs to who mounted: {error}");
    }
}

/// The exit code of a shell.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    //! Pauses grow, and end.

    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<Duration> = (0..Limits::default().short_lives).map(pause).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses[1], Duration::ZERO);
        assert!(pauses.iter().sum::<Duration>() < Duration::from_secs(10));
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
