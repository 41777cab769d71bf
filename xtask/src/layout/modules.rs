//! How a source is written: how it begins, how it imports, in which letters.

use super::source;
use crate::finding::Finding;
use crate::tree::Tree;

/// Endings of files that must be ASCII.
const ASCII: &[&str] = &[".rs", ".toml", ".sh", ".c", ".cc", ".h", ".ci/run"];

/// Every source says first what it holds, and imports one item a line; sources are ASCII.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources().filter(|file| !file.path.ends_with("/tests.rs")) {
        if !file.text.starts_with("//!") {
            findings.push(Finding::error(
                &file.path,
                1,
                "the file does not begin with `//!`: say what it holds",
            ));
        }
    }
    for file in tree.sources() {
        for (index, line) in source::code(&file.text).lines().enumerate() {
            let imports = line.trim_start().split_once("use ");
            let imports = imports.filter(|(before, _)| before.is_empty() || before.starts_with("pub"));
            if imports.is_some_and(|(_, items)| items.contains('{')) {
                findings.push(Finding::error(&file.path, index + 1, "several imports on one line"));
            }
        }
    }
    for file in tree.files().filter(|file| ASCII.iter().any(|ending| file.path.ends_with(ending))) {
        let found =
            file.lines().find_map(|(number, line)| Some((number, line.chars().find(|c| !c.is_ascii())?)));
        if let Some((number, c)) = found {
            findings.push(Finding::error(&file.path, number, format!("{} is not ASCII", c.escape_unicode())));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
