//! `projfs status`.

use std::ops::ControlFlow;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projectedfs::MountEntry;
use projectedfs::RuntimeFiles;
use projectedfs::control::Answer;
use projectedfs::control::Question;
use projectedfs::control::Status;
use projectedfs::mounts;
use serde::Serialize;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;

/// What is printed of one mount.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    status: Status,
    /// The log of the daemon; none of a mount in the foreground.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<PathBuf>,
    /// What could be better, and how.
    notes: Vec<String>,
}

pub(crate) fn run(dir: Option<&Path>, json: bool) -> Outcome<u8> {
    let mounts = match dir {
        Some(dir) => vec![Located::find_mounted(dir)?.1],
        None => {
            let uid = rustix::process::geteuid();
            mounts()?.into_iter().filter(|mount| uid.is_root() || mount.owner == uid.as_raw()).collect()
        }
    };
    let mut code = 0;
    for (number, mount) in mounts.iter().enumerate() {
        let report = match report(mount) {
            Ok(report) => report,
            Err(failure) if dir.is_none() => {
                eprintln!("projfs: {failure}");
                code = failure.exit.code();
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let printed = match json {
            true => output::json(&report),
            false => {
                if number > 0 {
                    let _ = output::line("");
                }
                output::line(text(&report).trim_end())
            }
        };
        if printed == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(code)
}

fn report(mount: &MountEntry) -> Outcome<Report> {
    let status = ask_status(mount)?;
    let log = Some(RuntimeFiles::find(&mount.path, mount.owner).log()).filter(|log| log.exists());
    let notes = notes(&status);
    Ok(Report { status, log, notes })
}

/// How the instance of a mount is.
pub(crate) fn ask_status(mount: &MountEntry) -> Outcome<Status> {
    let mut status = None;
    let asked = ask(mount, &Question::Status, &mut |answer| {
        if let Answer::Status(answer) = answer {
            status = Some(*answer);
        }
        ControlFlow::Continue(())
    });
    asked?.map_err(|failure| Failure::new(Exit::Failure, failure.message))?;
    status.ok_or_else(|| Failure::new(Exit::Failure, "the instance said nothing"))
}

/// What could be better, and how.
fn notes(status: &Status) -> Vec<String> {
    let mut notes = Vec::new();
    let parameter = std::fs::read_to_string("/sys/module/fuse/parameters/enable_uring");
    let off = parameter.is_ok_and(|value| value.trim() == "N");
    if status.transport != "io_uring" && off && status.keeper.is_none() {
        notes.push(
            "io_uring is off in the kernel (parameter enable_uring of the module fuse): requests cross between \
             processors, and fewer are served at a time. As root: \
             echo 1 > /sys/module/fuse/parameters/enable_uring, then mount again"
                .to_owned(),
        );
    }
    if status.data_path != "passthrough" {
        let why = "fetched files are read through the daemon; as root, on Linux 6.9 or later, the kernel reads them \
                   by itself";
        notes.push(why.to_owned());
    }
    notes
}

fn text(report: &Report) -> String {
    let status = &report.status;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| text.push_str(&format!("{name:<12} {value}\n"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    row("root", &status.root);
    row("source", &status.source);
    row("pid", &status.pid.to_string());
    if let Some(keeper) = &status.keeper {
        let restarts = output::count(keeper.restarts.into(), "restart", "restarts");
        row("keeper", &format!("{}, {restarts}", keeper.pid));
    }
    row("instance", &status.instance);
    row("mounted for", &format!("{} s", now.saturating_sub(status.started)));
    row("transport", &status.transport);
    row("data path", &status.data_path);
    if let Some(log) = &report.log {
        row("log", &log.display().to_string());
    }
    let files = output::count(status.hydrated_files, "file", "files");
    row("fetched", &format!("{files}, {}", output::bytes(status.hydrated_bytes)));
    row(
        "in use",
        &format!("{} nodes, {} open files, {} waiting", status.nodes, status.open_files, status.waiting),
    );
    text.push_str("items\n");
    for state in status.states.iter().filter(|state| state.count > 0) {
        text.push_str(&format!("  {:<26} {}\n", state.state, state.count));
    }
    text.push_str("provider calls\n");
    for (name, count) in status.provider_calls.iter().filter(|(_, count)| **count > 0) {
        text.push_str(&format!("  {name:<26} {count}\n"));
    }
    text.push_str("features\n");
    for feature in &status.features {
        text.push_str(&format!("  {:<26} {}\n", feature.name, feature.value));
    }
    for note in &report.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}
