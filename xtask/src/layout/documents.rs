//! Documents: those that are generated are there, and links between them lead somewhere.

use crate::finding::Finding;
use crate::tree::File;
use crate::tree::Tree;

/// A document that a test prints, and the source whose existence calls for it. That it is current is the
/// test's to say.
const GENERATED: &[(&str, &str)] = &[("docs/states.md", "crates/projfs-engine/src/transition.rs")];

/// Checks what is generated, and every relative link.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (document, source) in GENERATED {
        if tree.file(source).is_some() && tree.file(document).is_none() {
            findings.push(Finding::error(
                source,
                1,
                format!("{document} is printed from this file, but is missing"),
            ));
        }
    }
    for file in tree.files().filter(|file| file.path.ends_with(".md")) {
        for (number, target) in links(file) {
            if !leads_somewhere(tree, file, target) {
                findings.push(Finding::error(&file.path, number, format!("nothing is at `{target}`")));
            }
        }
    }
    findings
}

/// The targets of links, outside of code, that stay within the repository.
fn links(file: &File) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for (at, _) in line.match_indices("](") {
                let rest = &line[at + 2..];
                let target = rest.split(')').next().unwrap_or_default();
                let path = target.split('#').next().unwrap_or_default();
                if !path.is_empty() && !path.contains(':') {
                    links.push((number, path));
                }
            }
        }
    }
    links
}

fn leads_somewhere(tree: &Tree, from: &File, target: &str) -> bool {
    let mut parts: Vec<&str> = from.path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_some() => {}
            ".." => return false,
            name => parts.push(name),
        }
    }
    let path = parts.join("/");
    let below = format!("{path}/");
    tree.files().any(|file| file.path == path || file.path.starts_with(&below))
}

#[cfg(test)]
mod tests;
