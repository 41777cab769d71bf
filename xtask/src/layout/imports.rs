//! What rooms must not touch, where no arrow between crates can forbid it.

use super::source;
use crate::finding::Finding;
use crate::tree::Tree;

/// A room that is kept pure.
struct Pure {
    /// A file, or the beginning of a path.
    room: &'static str,
    /// What does not appear in it.
    without: &'static [&'static str],
    why: &'static str,
}

/// The world outside of a function.
const WORLD: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
    "rustix::fs",
    "rustix::process",
];

const ROOMS: &[Pure] = &[
    Pure {
        room: "crates/projfs-types/src/",
        without: WORLD,
        why: "projfs-types has values and pure functions only",
    },
    Pure {
        room: "crates/projfs-engine/src/transition.rs",
        without: &["projfs_store", "projfs_provider", "projfs_sync"],
        why: "the state machine is pure",
    },
    Pure {
        room: "crates/projfs-engine/src/",
        without: &["std::fs", "std::net", "std::process", "rustix::fs", "rustix::mount"],
        why: "the engine reaches files through its store only",
    },
    Pure {
        room: "crates/projfs-fuse/src/wire/",
        without: WORLD,
        why: "the protocol is bytes and values, without any input or output",
    },
];

/// Checks the pure rooms, tests apart.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources().filter(|file| !file.is_test()) {
        let rooms: Vec<&Pure> = ROOMS.iter().filter(|pure| file.path.starts_with(pure.room)).collect();
        if rooms.is_empty() {
            continue;
        }
        for (index, line) in source::code(&file.text).lines().enumerate() {
            for pure in &rooms {
                if let Some(word) = pure.without.iter().find(|word| source::has_word(line, word)) {
                    let message = format!("`{word}`: {}", pure.why);
                    findings.push(Finding::error(&file.path, index + 1, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
