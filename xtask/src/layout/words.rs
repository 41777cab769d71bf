//! Words that belong to somebody's machine.

use crate::finding::Finding;
use crate::tree::Tree;

/// Beginnings of absolute paths. They are put together here so that this file does not hold them.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/var/", "tmp/"), concat!("/root", "/.")];

/// Parts of names of hosts.
const HOSTS: &[&str] = &[concat!("arti", "factory"), concat!("index.", "crates.io")];

/// No file of the repository says where it was made.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        for (number, line) in file.lines() {
            let path = PATHS.iter().find(|path| begins_in(line, path));
            let host = HOSTS.iter().find(|host| line.contains(**host));
            if let Some(word) = path.or(host) {
                findings.push(Finding::error(
                    &file.path,
                    number,
                    format!("`{word}` is part of some machine"),
                ));
            }
        }
    }
    findings
}

/// Whether an absolute path in the line begins like this. `a/b/` does not begin with `/b/`.
fn begins_in(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-/}~*>".contains(c))
    })
}

#[cfg(test)]
mod tests;
