//! `projfs list`.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use projectedfs::MountEntry;
use projectedfs::MountHealth;
use projectedfs::RuntimeFiles;
use projectedfs::control::Answer;
use projectedfs::control::Question;
use projectedfs::mounts;
use serde::Serialize;

use crate::locate::ask;
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
    /// How much of the disk it takes, in bytes, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk: Option<u64>,
}

pub(crate) fn run(json: bool) -> Outcome<u8> {
    for mount in mounts()? {
        let line = describe(&mount);
        let printed = match json {
            true => output::json(&line),
            false => {
                let pid = if line.pid == 0 { "-".to_owned() } else { line.pid.to_string() };
                let disk = line.disk.map_or_else(|| "-".to_owned(), output::bytes);
                output::line(format_args!(
                    "{:<8} {pid:>8} {disk:>12}  {}  {}",
                    line.health, line.root, line.source
                ))
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
        disk: if health == "mounted" { disk_use(mount) } else { None },
    }
}

/// What is below the mount, and for a working tree of `git` what is kept of it in the repository.
fn disk_use(mount: &MountEntry) -> Option<u64> {
    let mut bytes = None;
    let asked = ask(mount, &Question::DiskUse, &mut |answer| {
        if let Answer::DiskUse { bytes: found } = answer {
            bytes = Some(found);
        }
        ControlFlow::Continue(())
    });
    // Another user's says nothing.
    let (Ok(Ok(())), Some(bytes)) = (asked, bytes) else { return None };
    let link = std::fs::read(mount.path.join(".git")).unwrap_or_default();
    let own = link.strip_prefix(b"gitdir: ").map(<[u8]>::trim_ascii_end);
    let own = own.map(|own| Path::new(OsStr::from_bytes(own))).filter(|own| own.join("commondir").exists());
    Some(bytes + own.and_then(|own| projectedfs::disk_use(own).ok()).unwrap_or(0))
}
