//! `projfs unmount`.

use std::ops::ControlFlow;
use std::path::Path;

use projectedfs::control::Question;

use crate::locate::Located;
use crate::locate::ask;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

pub(crate) fn run(dir: &Path, force: bool) -> Outcome<u8> {
    let not_mounted = || Failure::new(Exit::Failure, format!("{} is not mounted", dir.display()));
    let located = Located::find(dir).map_err(|_| not_mounted())?;
    let mount = located.mount.filter(|_| located.path.is_root()).ok_or_else(not_mounted)?;
    if mount.clear_dead()? {
        return Ok(0);
    }
    match ask(&mount, &Question::Unmount { force }, &mut |_| ControlFlow::Continue(())) {
        Ok(asked) => asked.map_err(|failure| {
            let hint = if failure.kind == "busy" { "; --force unmounts all the same" } else { "" };
            Failure::new(Exit::Failure, format!("{}{hint}", failure.message))
        })?,
        // Another program's instance, perhaps without a socket: it notices when its mount is gone.
        Err(_) => mount.unmount()?,
    }
    Ok(0)
}
