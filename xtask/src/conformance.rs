//! The conformance suite of the C interface: built with a checker if one is asked for, run in a mount namespace of its own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;

use crate::process;

/// What watches the suite's own side of the interface. The library is Rust, and is not instrumented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Checker {
    /// AddressSanitizer
    Address,
    /// `ThreadSanitizer`
    Thread,
    /// `UndefinedBehaviorSanitizer`
    Undefined,
    /// valgrind's memcheck, which sees the library as well; slow
    Valgrind,
}

/// Which character type the header is to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wchar {
    /// `char16_t`
    #[default]
    Char16,
    /// `wchar_t` as it comes, of four bytes
    Wide,
    /// `wchar_t` of two bytes
    Short,
}

impl Checker {
    /// What `-fsanitize` is given.
    fn sanitizer(self) -> Option<&'static str> {
        match self {
            Self::Address => Some("address"),
            Self::Thread => Some("thread"),
            Self::Undefined => Some("undefined"),
            Self::Valgrind => None,
        }
    }
}

impl Wchar {
    fn name(self) -> &'static str {
        match self {
            Self::Char16 => "char16",
            Self::Wide => "wide",
            Self::Short => "short",
        }
    }
}

/// Builds the library and the suite, and runs it in `dir`. `arguments` are the suite's own.
pub(crate) fn run(
    tree: &Path,
    dir: &Path,
    checker: Option<Checker>,
    wchar: Wchar,
    arguments: &[String],
) -> Result<()> {
    process::run(process::cargo().current_dir(tree).args(["build", "--locked", "--package", "projfs-capi"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree.join("target"), PathBuf::from);
    let variant = checker.map_or_else(String::new, |checker| format!("-{checker:?}").to_lowercase());
    let built = target.join(format!("conformance-{}{variant}", wchar.name()));
    let lib = built.join("lib");
    fs::create_dir_all(&lib).with_context(|| format!("cannot make {}", lib.display()))?;
    for name in ["libprojectedfs.so.0", "libprojectedfs.so"] {
        let link = lib.join(name);
        if !link.exists() {
            symlink(target.join("debug/libprojfs_capi.so"), &link)
                .with_context(|| format!("cannot make {}", link.display()))?;
        }
    }
    let suite = tree.join("conformance");
    let mut make = Command::new("make");
    make.arg("--jobs=2").arg("--directory").arg(&suite).args([
        format!("OUT={}", built.display()),
        format!("LIBRARY={}", lib.display()),
        format!("WCHAR={}", wchar.name()),
    ]);
    if let Some(sanitizer) = checker.and_then(Checker::sanitizer) {
        make.arg(format!("SANITIZE={sanitizer}"));
    }
    process::run(&mut make)?;

    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if checker == Some(Checker::Valgrind) {
        command.args([
            "valgrind",
            "--error-exitcode=99",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ]);
        command.arg("--fair-sched=yes");
    }
    if checker == Some(Checker::Thread) {
        let suppressions = suite.join("tsan.supp");
        command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    }
    command.arg(built.join("conformance")).arg("--directory").arg(dir);
    command.arg("--known").arg(suite.join("known_failures.txt")).args(arguments);
    process::run(&mut command)
}
