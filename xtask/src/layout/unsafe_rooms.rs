//! Where `unsafe` may be written.

use super::source;
use crate::finding::Finding;
use crate::tree::File;
use crate::tree::Tree;

/// The rooms. A name that ends in `/` is everything below it.
const ROOMS: &[&str] = &[
    // The C interface: raw pointers come in and go out.
    "crates/projfs-capi/",
    // Memory that is shared with the kernel.
    "crates/projfs-fuse/src/transport/uring.rs",
    // Memory that is shared with the daemon that comes next.
    "crates/projfs-fuse/src/takeover/window.rs",
    // Requests to the device that no crate wraps.
    "crates/projfs-fuse/src/transport/device.rs",
    // A child that ends with its parent.
    "providers/projfs-git/src/fetch/child.rs",
    // Requests to file systems that no crate wraps.
    "crates/projfs-store/src/tree/extents.rs",
    "tests/src/power/sys.rs",
];

/// `unsafe` appears in the listed rooms only.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources().filter(|file| !is_room(file)) {
        for (index, line) in source::code(&file.text).lines().enumerate() {
            if source::has_word(line, "unsafe") {
                let message = "`unsafe` outside of its rooms (xtask/src/layout/unsafe_rooms.rs)";
                findings.push(Finding::error(&file.path, index + 1, message));
            }
        }
    }
    findings
}

fn is_room(file: &File) -> bool {
    ROOMS
        .iter()
        .any(|room| if room.ends_with('/') { file.path.starts_with(room) } else { file.path == *room })
}

#[cfg(test)]
mod tests;
