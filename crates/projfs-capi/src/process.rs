//! The process whose operation led to a callback.

use std::os::unix::ffi::OsStrExt;

use projfs_types::collation;

use crate::wide::Text;
use crate::wide::Width;

/// A process as callbacks name it.
#[derive(Debug)]
pub(crate) struct Process {
    /// Of the process, also where one of its threads asks; 0 if it is not known.
    pub(crate) id: u32,
    /// The path of its program: empty if it cannot be read, nothing if the process is not known.
    pub(crate) image: Option<Text>,
}

impl Process {
    /// The process of a thread. Read at once, because it may be gone soon.
    pub(crate) fn of(thread: u32, width: Width) -> Self {
        if thread == 0 {
            return Self { id: 0, image: None };
        }
        let image = std::fs::read_link(format!("/proc/{thread}/exe")).unwrap_or_default();
        let units: Vec<u16> = collation::units(image.as_os_str().as_bytes()).collect();
        Self { id: group(thread).unwrap_or(thread), image: Some(Text::new(&units, width)) }
    }
}

/// The thread group of a thread, which is what others call the process id.
fn group(thread: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests;
