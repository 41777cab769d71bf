//! `projfs upgrade`.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use projectedfs::MEMORY_FORMAT;
use projectedfs::RuntimeFiles;
use projectedfs::control::Client;
use projectedfs::control::Question;
use projectedfs::unescape;

use crate::locate::Located;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::status::ask_status;

/// How long the new daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_millis(10);

pub(crate) fn run(dir: &Path) -> Outcome<u8> {
    let mount = Located::find_mounted(dir)?.1;
    let before = ask_status(&mount)?;
    let failed = |message: String| Err(Failure::new(Exit::Failure, message));
    let Some(keeper) = &before.keeper else {
        let dir = mount.path.display();
        return failed(format!("{dir} has no keeper; unmount it and mount it again"));
    };
    let program = PathBuf::from(unescape(&keeper.program).map(OsString::from_vec).unwrap_or_default());
    check(&program, keeper.format)?;
    // Asked once: the daemon may be gone before it has answered.
    let client = Client::connect(&RuntimeFiles::find(&mount.path, mount.owner).socket())?;
    if let Ok(Err(refused)) = client.ask(&Question::Upgrade, &mut |_| ControlFlow::Continue(())) {
        return failed(refused.message);
    }
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        match ask_status(&mount) {
            Ok(now) if now.pid != before.pid => return Ok(0),
            Ok(_) | Err(_) => std::thread::sleep(INTERVAL),
        }
    }
    failed(format!("the new daemon does not answer; the log of {} says why", mount.path.display()))
}

/// Says what [`check`] asks.
pub(crate) fn print_format() -> Outcome<u8> {
    let _ = output::line(MEMORY_FORMAT.to_string());
    Ok(0)
}

/// A program that does not even start, or cannot go on with what it finds, would cost the mount.
fn check(program: &Path, format: u8) -> Outcome<()> {
    let asked =
        Command::new(program).arg("memory-format").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let said = asked.map_err(|error| Failure::system(format!("start {}", program.display()), &error))?;
    let text = String::from_utf8_lossy(&said.stdout);
    if said.status.success() && text.trim().parse() == Ok(format) {
        return Ok(());
    }
    let message = format!(
        "{} cannot go on with this mount: unmount it and mount it again; nothing was done",
        program.display()
    );
    Err(Failure::new(Exit::Failure, message))
}
