//! Installing the C library: what a program links against, compiles with and finds at run time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context;
use anyhow::Result;

use crate::process;

/// The name under which programs look for the library: its soname.
const SONAME: &str = "libprojectedfs.so.0";

/// Other names for it: for the linker, and for programs in .NET, which were written for `ProjectedFSLib.dll`.
const LINKS: &[&str] = &["libprojectedfs.so", "libProjectedFSLib.dll.so"];

/// The crate that it is made of.
const CAPI: &str = "crates/projfs-capi";

/// Where things go.
#[derive(Debug)]
pub(crate) struct Places {
    /// The prefix that programs will see.
    pub(crate) prefix: PathBuf,
    /// The directory below it for libraries.
    pub(crate) libdir: String,
    /// What stands before the prefix while a package is made.
    pub(crate) destdir: Option<PathBuf>,
}

impl Places {
    /// Where something below the prefix is put.
    fn below(&self, path: &str) -> PathBuf {
        match &self.destdir {
            Some(destdir) => {
                let prefix = self.prefix.strip_prefix("/").unwrap_or(&self.prefix);
                destdir.join(prefix).join(path)
            }
            None => self.prefix.join(path),
        }
    }
}

/// Builds the library and installs it.
pub(crate) fn run(tree: &Path, places: &Places) -> Result<()> {
    let mut build = process::cargo();
    process::run(build.current_dir(tree).args([
        "build",
        "--release",
        "--locked",
        "--package",
        "projfs-capi",
    ]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree.join("target"), PathBuf::from);
    for path in place(tree, &target.join("release"), places)? {
        println!("{}", path.display());
    }
    Ok(())
}

/// Puts what was built where it belongs. Says what it put where.
fn place(tree: &Path, built: &Path, places: &Places) -> Result<Vec<PathBuf>> {
    let lib = |name: &str| places.below(&format!("{}/{name}", places.libdir));
    let capi = tree.join(CAPI);
    let mut placed = Vec::new();
    let mut copy = |from: PathBuf, to: PathBuf, mode: u32| -> Result<()> {
        let content = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        write(&to, &content, mode)?;
        placed.push(to);
        Ok(())
    };
    copy(built.join("libprojfs_capi.so"), lib(SONAME), 0o755)?;
    copy(built.join("libprojfs_capi.a"), lib("libprojectedfs.a"), 0o644)?;
    for header in ["projectedfslib.h", "projfs/win32_types.h"] {
        copy(capi.join("include").join(header), places.below(&format!("include/{header}")), 0o644)?;
    }
    let template = capi.join("pkgconfig/projectedfs.pc.in");
    let template =
        fs::read_to_string(&template).with_context(|| format!("cannot read {}", template.display()))?;
    let pc = lib("pkgconfig/projectedfs.pc");
    write(&pc, description(&template, places).as_bytes(), 0o644)?;
    placed.push(pc);
    for name in LINKS {
        let link = lib(name);
        remove(&link)?;
        symlink(SONAME, &link).with_context(|| format!("cannot make {}", link.display()))?;
        placed.push(link);
    }
    Ok(placed)
}

/// What pkg-config is told.
fn description(template: &str, places: &Places) -> String {
    template
        .replace("@PREFIX@", &places.prefix.display().to_string())
        .replace("@LIBDIR@", &places.libdir)
        .replace("@VERSION@", env!("CARGO_PKG_VERSION"))
}

/// Writes a file under its name at once, so that a program that has the old one open keeps it.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let failed = || format!("cannot write {}", path.display());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    remove(path)?;
    fs::write(path, content).with_context(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(failed)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
