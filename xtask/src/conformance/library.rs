//! The C library, as it comes or instrumented for a checker.
//!
//! Sanitizers of Rust code are options of the compiler that stable does not offer; `RUSTC_BOOTSTRAP` has it offer them, which
//! is good enough for a check. Program and library have to share one runtime: the compiler's own.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;

use super::Checker;
use crate::process;

/// Where the library is, and what a program that uses it has to be linked with.
pub(super) struct Library {
    pub(super) file: PathBuf,
    /// The sanitizer's runtime, if the library is instrumented.
    pub(super) runtime: Option<PathBuf>,
}

/// How code is instrumented.
struct Instrument {
    sanitizer: &'static str,
    /// What the compiler calls its runtime.
    runtime: &'static str,
    /// The standard library has to be built as well: what it does for locks and threads must be seen.
    with_std: bool,
}

fn instrument(checker: Checker) -> Option<Instrument> {
    match checker {
        Checker::Address => Some(Instrument { sanitizer: "address", runtime: "asan", with_std: false }),
        Checker::Thread => Some(Instrument { sanitizer: "thread", runtime: "tsan", with_std: true }),
        // The first is for C; the others see programs as they are.
        Checker::Undefined | Checker::Valgrind | Checker::Helgrind | Checker::Drd => None,
    }
}

/// Builds the library, for the checker where that is possible, and says where it is not.
pub(super) fn build(tree: &Path, target: &Path, checker: Option<Checker>) -> Result<Library> {
    let Some(instrument) = checker.and_then(instrument) else { return plain(tree, target) };
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = process::output(Command::new(&rustc).args(["--print", "sysroot"]))?;
    let version = process::output(Command::new(&rustc).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc has no host")?;
    let rustlib = Path::new(sysroot.trim()).join("lib/rustlib");
    let Some(runtime) = runtime(&rustlib.join(host).join("lib"), instrument.runtime) else {
        eprintln!("the library is NOT instrumented: the compiler has no {} runtime", instrument.sanitizer);
        return plain(tree, target);
    };
    if instrument.with_std && !rustlib.join("src/rust/library/std").exists() {
        eprintln!("the library is NOT instrumented: `rustup component add rust-src` gives what that needs");
        return plain(tree, target);
    }
    let own = target.join(format!("sanitized-{}", instrument.sanitizer));
    let mut cargo = process::cargo();
    cargo.current_dir(tree).args(["build", "--locked", "--package", "projfs-capi", "--target", host]);
    cargo.arg("--target-dir").arg(&own);
    if instrument.with_std {
        cargo.arg("-Zbuild-std=std");
    }
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTFLAGS", format!("-Zsanitizer={} -Cforce-frame-pointers=yes", instrument.sanitizer));
    process::run(&mut cargo)?;
    println!(
        "the library is instrumented, {} standard library",
        if instrument.with_std { "with its" } else { "but for the" }
    );
    Ok(Library { file: own.join(host).join("debug/libprojfs_capi.so"), runtime: Some(runtime) })
}

fn plain(tree: &Path, target: &Path) -> Result<Library> {
    process::run(process::cargo().current_dir(tree).args(["build", "--locked", "--package", "projfs-capi"]))?;
    Ok(Library { file: target.join("debug/libprojfs_capi.so"), runtime: None })
}

/// The runtime of the release of the compiler that is in use, which is in its name.
fn runtime(libraries: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(libraries).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.starts_with("librustc") && file.ends_with(&format!("_rt.{name}.a"))
    })
}
