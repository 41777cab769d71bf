//! The arrows: who may use whom.

use crate::finding::Finding;
use crate::metadata::Kind;
use crate::metadata::Package;
use crate::tree::Tree;

/// A crate of ours, and what it may be built from.
struct Crate {
    name: &'static str,
    /// Every arrow leads to a lower one.
    floor: u8,
    uses: &'static [&'static str],
}

/// The picture in docs/architecture.md.
const CRATES: &[Crate] = &[
    Crate { name: "projfs-types", floor: 1, uses: &[] },
    Crate { name: "projfs-sync", floor: 1, uses: &[] },
    Crate { name: "projfs-keeper", floor: 1, uses: &[] },
    Crate { name: "projfs-provider", floor: 2, uses: &["projfs-types", "projfs-sync"] },
    Crate { name: "projfs-store", floor: 2, uses: &["projfs-types", "projfs-sync"] },
    Crate {
        name: "projfs-engine",
        floor: 3,
        uses: &["projfs-types", "projfs-sync", "projfs-provider", "projfs-store"],
    },
    Crate { name: "projfs-dir", floor: 3, uses: SOURCE },
    Crate { name: "projfs-git", floor: 3, uses: SOURCE },
    Crate { name: "projfs-fuse", floor: 4, uses: &["projfs-types", "projfs-sync", "projfs-engine"] },
    Crate {
        name: "projectedfs",
        floor: 5,
        uses: &[
            "projfs-types",
            "projfs-sync",
            "projfs-provider",
            "projfs-store",
            "projfs-engine",
            "projfs-fuse",
            "projfs-keeper",
        ],
    },
    Crate { name: "projfs-capi", floor: 6, uses: &["projectedfs", "projfs-sync", "projfs-types"] },
    Crate { name: "projfs-cli", floor: 6, uses: &["projectedfs", "projfs-dir", "projfs-git"] },
    Crate {
        name: TESTKIT,
        floor: 4,
        uses: &["projfs-types", "projfs-sync", "projfs-provider", "projfs-store", "projfs-engine"],
    },
    // It holds the tests of the whole, and sees everything.
    Crate { name: "projfs-tests", floor: 7, uses: WHOLE },
    Crate { name: "projfs-hot", floor: 5, uses: HOT },
    // It measures the whole, on trees that the tests project.
    Crate { name: "projfs-bench", floor: 8, uses: &["projectedfs", "projfs-tests"] },
    Crate { name: "xtask", floor: 1, uses: &[] },
];

/// May stand among the dev-dependencies of every crate.
const TESTKIT: &str = "projfs-testkit";

/// What a source of files may use.
const SOURCE: &[&str] = &["projfs-provider", "projfs-types"];

const WHOLE: &[&str] = &[
    "projectedfs",
    "projfs-capi",
    "projfs-cli",
    "projfs-dir",
    "projfs-engine",
    "projfs-fuse",
    "projfs-git",
    "projfs-provider",
    "projfs-store",
    "projfs-sync",
    TESTKIT,
    "projfs-types",
];

/// The engine and what is below it, with what tests have to drive it.
const HOT: &[&str] =
    &["projfs-types", "projfs-sync", "projfs-provider", "projfs-store", "projfs-engine", TESTKIT];

/// Crates of others that belong to one room each. Tests are free to use them.
const OTHERS: &[(&str, &[&str])] = &[
    ("anyhow", &["projfs-cli", "xtask", "projfs-tests", "projfs-bench", "projfs-hot"]),
    ("clap", &["projfs-cli", "xtask", "projfs-tests", "projfs-bench"]),
    ("gix", &["projfs-git"]),
    ("indicatif", &["projfs-cli"]),
    ("io-uring", &["projfs-fuse"]),
    ("memmap2", &["projfs-fuse"]),
    // A source cannot see projfs-sync.
    ("parking_lot", &["projfs-sync", "projfs-git"]),
    ("tracing-subscriber", &["projfs-cli", "projfs-tests"]),
];

/// Checks the dependencies of every crate of the workspace.
pub(crate) fn check(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.dir);
        let Some(krate) = find(&package.name) else {
            let message = "this crate has no floor: say in xtask/src/layout/arrows.rs and docs/architecture.md what it may use";
            findings.push(Finding::error(&manifest, 1, message));
            continue;
        };
        for dependency in &package.dependencies {
            let refused = refusal(krate, &dependency.name, dependency.kind);
            if let Some(message) = refused {
                findings.push(Finding::error(&manifest, line_of(tree, &manifest, &dependency.name), message));
            }
        }
    }
    findings
}

fn find(name: &str) -> Option<&'static Crate> {
    CRATES.iter().find(|krate| krate.name == name)
}

fn refusal(krate: &Crate, dependency: &str, kind: Kind) -> Option<String> {
    let name = krate.name;
    if let Some(other) = find(dependency) {
        let allowed = match kind {
            Kind::Normal | Kind::Build => krate.uses.contains(&dependency),
            Kind::Dev => dependency == TESTKIT || other.floor <= krate.floor,
        };
        let what = if kind == Kind::Dev { "tests of " } else { "" };
        return (!allowed).then(|| format!("{what}{name} must not know {dependency}"));
    }
    let (_, rooms) = OTHERS.iter().find(|(other, _)| *other == dependency)?;
    let allowed = kind == Kind::Dev || rooms.contains(&name);
    (!allowed).then(|| format!("{dependency} is for {} only", rooms.join(", ")))
}

/// The line of a manifest that names a dependency.
fn line_of(tree: &Tree, manifest: &str, dependency: &str) -> usize {
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    tree.file(manifest)
        .and_then(|file| file.lines().find(|(_, line)| names(line)))
        .map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests;
