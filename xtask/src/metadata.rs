//! What `cargo metadata` says.

use std::path::Path;

use anyhow::Context;
use anyhow::Result;
use serde_json::Value;

use crate::process;

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its directory, with `/`: below the root for those of the workspace.
    pub(crate) dir: String,
    pub(crate) license: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A line under `dependencies`, `dev-dependencies` or `build-dependencies`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// The packages of the workspace.
pub(crate) fn workspace(root: &Path) -> Result<Vec<Package>> {
    read(root, &["--no-deps", "--offline"])
}

/// The packages of the workspace, and all that they need.
pub(crate) fn everything(root: &Path) -> Result<Vec<Package>> {
    read(root, &["--locked"])
}

fn read(root: &Path, arguments: &[&str]) -> Result<Vec<Package>> {
    let text = process::output(
        process::cargo().args(["metadata", "--format-version", "1"]).args(arguments).current_dir(root),
    )?;
    parse(&text).context("cargo metadata printed something unexpected")
}

fn parse(text: &str) -> Result<Vec<Package>> {
    let value: Value = serde_json::from_str(text)?;
    let root = value["workspace_root"].as_str().context("no workspace_root")?;
    let packages = value["packages"].as_array().context("no packages")?;
    packages.iter().map(|package| parse_package(package, root)).collect()
}

fn parse_package(value: &Value, root: &str) -> Result<Package> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let manifest = text("manifest_path").context("no manifest_path")?;
    let dir = manifest.trim_end_matches("/Cargo.toml");
    let dir = dir.strip_prefix(root).map_or(dir, |below| below.trim_start_matches('/'));
    let dependencies = value["dependencies"].as_array().context("no dependencies")?;
    Ok(Package {
        name: text("name").context("no name")?,
        version: text("version").context("no version")?,
        dir: dir.to_owned(),
        license: text("license"),
        dependencies: dependencies.iter().map(parse_dependency).collect::<Result<_>>()?,
    })
}

fn parse_dependency(value: &Value) -> Result<Dependency> {
    let kind = match value["kind"].as_str() {
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        _ => Kind::Normal,
    };
    Ok(Dependency { name: value["name"].as_str().context("a dependency without a name")?.to_owned(), kind })
}

#[cfg(test)]
mod tests;
