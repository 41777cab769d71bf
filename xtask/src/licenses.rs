//! Licences: every dependency may be used under one that the project accepts.

use std::iter::Peekable;
use std::path::Path;
use std::vec::IntoIter;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;

use crate::metadata;

/// Permissive licences, which ask for no more than that their text is passed on.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// Checks every package that the lock file names.
pub(crate) fn run(root: &Path) -> Result<()> {
    let packages = metadata::everything(root)?;
    let mut refused = 0;
    for package in &packages {
        let name = format!("{} {}", package.name, package.version);
        match package.license.as_deref().map(satisfied) {
            Some(Ok(true)) => {}
            Some(Ok(false)) => {
                refused += 1;
                eprintln!(
                    "error: {name}: {} is not accepted",
                    package.license.as_deref().unwrap_or_default()
                );
            }
            Some(Err(error)) => {
                refused += 1;
                eprintln!("error: {name}: {error:#}");
            }
            None => {
                refused += 1;
                eprintln!("error: {name} names no licence");
            }
        }
    }
    if refused > 0 {
        bail!(
            "{refused} of {} packages have no licence that is accepted (xtask/src/licenses.rs)",
            packages.len()
        );
    }
    println!("licenses: {} packages, all accepted", packages.len());
    Ok(())
}

/// Whether an SPDX expression leaves a choice that is accepted. The old `MIT/Apache-2.0` means OR.
fn satisfied(expression: &str) -> Result<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
    let mut words = words.into_iter().peekable();
    let answer = either(&mut words).with_context(|| format!("cannot read the licence `{expression}`"))?;
    match words.next() {
        None => Ok(answer),
        Some(word) => bail!("cannot read the licence `{expression}`: `{word}` is not expected"),
    }
}

type Words = Peekable<IntoIter<String>>;

fn either(words: &mut Words) -> Result<bool> {
    let mut answer = both(words)?;
    while words.next_if_eq("OR").is_some() {
        answer |= both(words)?;
    }
    Ok(answer)
}

fn both(words: &mut Words) -> Result<bool> {
    let mut answer = one(words)?;
    while words.next_if_eq("AND").is_some() {
        answer &= one(words)?;
    }
    Ok(answer)
}

fn one(words: &mut Words) -> Result<bool> {
    match words.next().as_deref() {
        None | Some("OR" | "AND" | "WITH" | ")") => bail!("a licence is missing"),
        Some("(") => {
            let answer = either(words)?;
            if words.next().as_deref() != Some(")") {
                bail!("a parenthesis stays open");
            }
            Ok(answer)
        }
        Some(license) => {
            let mut name = license.to_owned();
            if words.next_if_eq("WITH").is_some() {
                name = format!("{name} WITH {}", words.next().context("an exception is missing")?);
            }
            Ok(ACCEPTED.contains(&name.as_str()))
        }
    }
}

#[cfg(test)]
mod tests;
