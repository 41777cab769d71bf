//! `projfs list`.

use std::ops::ControlFlow;

use projectedfs::MountEntry;
use projectedfs::MountHealth;
use projectedfs::RuntimeFiles;
use projectedfs::mounts;
use serde::Serialize;

use crate::outcome::Outcome;
use crate::output;

/// One mount, as it is printed.
#[derive(Serialize)]
struct Line {
    root: String,
    source: String,
    /// 0 if it is not known.
    pid: u32,
    /// `mounted`, `dead` (its daemon is gone) or `hung` (its daemon does not answer).
    health: &'static str,
}

pub(crate) fn run(json: bool) -> Outcome<u8> {
    for mount in mounts()? {
        let line = describe(&mount);
        let printed = match json {
            true => output::json(&line),
            false => {
                let pid = if line.pid == 0 { "-".to_owned() } else { line.pid.to_string() };
                output::line(format_args!("{:<8} {pid:>8}  {}  {}", line.health, line.root, line.source))
            }
        };
        if printed == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(0)
}

fn describe(mount: &MountEntry) -> Line {
    let note = RuntimeFiles::find(&mount.path, mount.owner).read_note();
    let health = match mount.health() {
        MountHealth::Alive | MountHealth::Absent(_) => "mounted",
        MountHealth::Dead => "dead",
        MountHealth::Hung => "hung",
    };
    Line {
        root: output::path(&mount.path),
        source: mount.source.clone(),
        pid: note.map_or(0, |note| note.pid),
        health,
    }
}
