//! The length of files.

use super::source;
use crate::finding::Finding;
use crate::tree::Tree;

/// What a file should stay below, in lines of code.
const LONG: usize = 400;
/// What no file may exceed.
const TOO_LONG: usize = 600;

/// Checks every source, tests apart. Blank lines and comments do not count.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources().filter(|file| !file.is_test()) {
        let lines = source::code(&file.text).lines().filter(|line| !line.trim().is_empty()).count();
        if lines > TOO_LONG {
            let message = format!("{lines} lines of code; no file may have more than {TOO_LONG}");
            findings.push(Finding::error(&file.path, 1, message));
        } else if lines > LONG {
            let message = format!("{lines} lines of code; a file should have at most {LONG}");
            findings.push(Finding::warning(&file.path, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
