//! docs/semantics.md: every behavior names the test that shows it.
//!
//! A row of a table names a test in backticks, as `crate::module::name` or `tests/file.rs::name`. In a column
//! headed *Test* or *Tests* nothing else may stand in backticks.

use crate::finding::Finding;
use crate::metadata::Package;
use crate::tree::File;
use crate::tree::Tree;

const DOCUMENT: &str = "docs/semantics.md";

/// Checks that every test that is named exists.
pub(super) fn check(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let Some(document) = tree.file(DOCUMENT) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut column = None;
    let mut in_table = false;
    for (number, line) in document.lines() {
        let Some(cells) = cells(line) else {
            in_table = false;
            continue;
        };
        if !in_table {
            in_table = true;
            column = cells.iter().position(|cell| matches!(*cell, "Test" | "Tests"));
            continue;
        }
        for (index, cell) in cells.iter().enumerate() {
            for name in quoted(cell) {
                let must = column == Some(index);
                if let Some(message) = complaint(tree, packages, name, must) {
                    findings.push(Finding::error(DOCUMENT, number, message));
                }
            }
        }
    }
    findings
}

/// The cells of a row of a table. A bar that is escaped is part of its cell.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?;
    let mut cells = Vec::new();
    let mut start = 0;
    for (at, _) in row.match_indices('|') {
        if !row[..at].ends_with('\\') {
            cells.push(row[start..at].trim());
            start = at + 1;
        }
    }
    Some(cells)
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What is wrong with a name. Names that cannot be a test's are passed over, unless they must be.
fn complaint(tree: &Tree, packages: &[Package], name: &str, must: bool) -> Option<String> {
    let candidates: Option<Vec<&File>> = name.rsplit_once("::").and_then(|(path, _)| {
        let first = path.split("::").next().unwrap_or_default();
        if first.ends_with(".rs") {
            let below = format!("/{first}");
            let found = tree.sources().filter(|file| file.path == first || file.path.ends_with(&below));
            return Some(found.collect());
        }
        let package =
            packages.iter().find(|package| package.name.replace('-', "_") == first.replace('-', "_"))?;
        let below = format!("{}/", package.dir);
        Some(tree.sources().filter(|file| file.path.starts_with(&below)).collect())
    });
    let Some(candidates) = candidates else {
        return must.then(|| format!("`{name}` is neither `crate::module::name` nor `tests/file.rs::name`"));
    };
    let function = name.rsplit("::").next().unwrap_or_default();
    let exists = candidates.iter().any(|file| has_test(&file.text, function));
    (!exists).then(|| format!("there is no test `{name}`"))
}

fn has_test(text: &str, function: &str) -> bool {
    let start = format!("fn {function}");
    text.match_indices(&start).any(|(at, _)| {
        let attributes = text[..at].lines().rev().skip_while(|line| line.trim().is_empty());
        text[at + start.len()..].starts_with(['(', '<', ' '])
            && attributes
                .take_while(|line| line.trim().starts_with("#["))
                .any(|line| line.trim() == "#[test]")
    })
}

#[cfg(test)]
mod tests;
