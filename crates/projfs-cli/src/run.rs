//! `projfs run`: a command in a projection.

use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::time::Instant;

use projectedfs::Statistics;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;

use crate::cli::Run;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::session;
use crate::signals;
use crate::source::Disk;
use crate::source::Source;

/// What happens while the command runs.
enum Event {
    Signal(i32),
    Ended(std::io::Result<ExitStatus>),
}

pub(crate) fn run(run: &Run) -> Outcome<u8> {
    let (sender, events) = mpsc::channel();
    signals::forward(sender.clone(), Event::Signal)?;
    let source = Source::parse(&run.source, &Disk)?.open()?;
    let (root, temporary) = match &run.at {
        Some(dir) => (dir.clone(), None),
        None => {
            let made = tempfile::Builder::new().prefix("projfs-run-").tempdir();
            let made = made.map_err(|error| Failure::system("make a temporary root", &error))?;
            (made.path().to_owned(), Some(made))
        }
    };
    let begin = Instant::now();
    let instance = session::start(source, &root, &run.options, None)?;
    let code = match spawn(run, instance.path()) {
        Ok(child) => follow(child, sender, &events)?,
        Err(error) => {
            eprintln!("projfs: cannot run {}: {error}", run.command[0].display());
            if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 }
        }
    };
    let statistics = instance.statistics();
    instance.stop();
    drop(instance);
    if let (Ok(statistics), false) = (statistics, run.quiet) {
        eprintln!("projfs: {}", summary(&statistics, begin.elapsed()));
    }
    if let Some(dir) = temporary
        && let Err(error) = dir.close()
    {
        eprintln!("projfs: cannot remove {}: {error}", root.display());
    }
    Ok(code)
}

fn spawn(run: &Run, dir: &Path) -> std::io::Result<Child> {
    Command::new(&run.command[0]).args(&run.command[1..]).current_dir(dir).env("PWD", dir).spawn()
}

/// Waits for the command, and hands it the signals that it did not get by itself.
fn follow(mut child: Child, sender: mpsc::Sender<Event>, events: &Receiver<Event>) -> Outcome<u8> {
    let cannot = |error: &std::io::Error| Failure::system("wait for the command", error);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let wait = move || {
        let _ = sender.send(Event::Ended(child.wait()));
    };
    let waiting = std::thread::Builder::new().name("projfs-command".into()).spawn(wait);
    waiting.map_err(|error| cannot(&error))?;
    loop {
        match events.recv() {
            Ok(Event::Ended(status)) => return Ok(code(status.map_err(|error| cannot(&error))?)),
            Ok(Event::Signal(signal)) => {
                // The terminal sends SIGINT to both of us.
                let has_it = signal == signal_hook::consts::SIGINT && std::io::stdin().is_terminal();
                if let (Some(pid), Some(signal), false) = (pid, Signal::from_named_raw(signal), has_it) {
                    let _ = kill_process(pid, signal);
                }
            }
            Err(_) => return Err(cannot(&std::io::ErrorKind::Other.into())),
        }
    }
}

/// The exit code of a shell.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn summary(statistics: &Statistics, time: Duration) -> String {
    let calls: u64 = statistics.provider_calls.iter().map(|(_, count)| count).sum();
    format!(
        "fetched {}, {}; {}; {:.1} s",
        output::count(statistics.hydrated_files, "file", "files"),
        output::bytes(statistics.hydrated_bytes),
        output::count(calls, "provider call", "provider calls"),
        time.as_secs_f64()
    )
}
