//! Printing: a line for people, or a JSON object. Who stops reading ends the printing.

use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::Serialize;

/// Prints a line.
pub(crate) fn line(text: impl std::fmt::Display) -> ControlFlow<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}

/// Prints a JSON object on a line.
pub(crate) fn json(object: &impl Serialize) -> ControlFlow<()> {
    match serde_json::to_string(object) {
        Ok(text) => line(text),
        Err(_) => ControlFlow::Break(()),
    }
}

/// A path as JSON has it.
pub(crate) fn path(path: &Path) -> String {
    projectedfs::escape(path.as_os_str().as_bytes())
}

/// A number of bytes, for people.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}

/// A number of things.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
