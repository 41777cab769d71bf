//! Unmounting what nobody uses.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::Error;
use crate::ErrorKind;
use crate::Result;

const UNMOUNT: &str = "unmount";

/// How often it is tried: a program that only looks is soon gone.
const ATTEMPTS: u32 = 5;

/// How long is waited between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Unmounts what is at `path`, unless a program uses it.
pub(crate) fn unmount_unused(path: &Path) -> Result<()> {
    let mut attempt = 1;
    loop {
        match unmount_once(path) {
            Err(error) if error.kind() == ErrorKind::Busy && attempt < ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn unmount_once(path: &Path) -> Result<()> {
    let busy = || {
        let detail = "programs have files open in it, or are in one of its directories";
        Error::new(ErrorKind::Busy, UNMOUNT, path).detail(detail)
    };
    match rustix::mount::unmount(path, UnmountFlags::NOFOLLOW) {
        Ok(()) => Ok(()),
        Err(Errno::BUSY) => Err(busy()),
        Err(Errno::PERM) => {
            let mut helper = Command::new("fusermount3");
            let output = helper.arg("-u").arg("--").arg(path).stdin(Stdio::null()).output();
            let output = output.map_err(|error| Error::io(error, "run fusermount3 for", path))?;
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            match output.status.success() {
                true => Ok(()),
                false if message.contains("busy") => Err(busy()),
                false => Err(Error::new(ErrorKind::Io, UNMOUNT, path).detail(message)),
            }
        }
        // Somebody else has unmounted it meanwhile.
        Err(Errno::INVAL | Errno::NOENT) => Ok(()),
        Err(errno) => Err(Error::errno(errno, UNMOUNT, path)),
    }
}
