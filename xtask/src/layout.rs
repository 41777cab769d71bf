//! The rules of docs/architecture.md, checked.

mod arrows;
mod documents;
mod imports;
mod lengths;
mod modules;
mod semantics;
mod source;
mod unsafe_rooms;
mod words;

use std::path::Path;

use anyhow::Result;
use anyhow::bail;

use crate::finding::Severity;
use crate::metadata;
use crate::tree::Tree;

/// Checks everything and tells what does not hold. Warnings do not fail.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let packages = metadata::workspace(root)?;
    let mut findings = Vec::new();
    findings.extend(arrows::check(&tree, &packages));
    findings.extend(lengths::check(&tree));
    findings.extend(modules::check(&tree));
    findings.extend(imports::check(&tree));
    findings.extend(unsafe_rooms::check(&tree));
    findings.extend(documents::check(&tree));
    findings.extend(semantics::check(&tree, &packages));
    findings.extend(words::check(&tree));
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        bail!("layout: {errors} places where a rule of docs/architecture.md does not hold");
    }
    println!(
        "layout: {} packages, {} files, {} warnings",
        packages.len(),
        tree.files().count(),
        findings.len()
    );
    Ok(())
}
