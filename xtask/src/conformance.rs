//! The conformance suite of the C interface: built with a checker if one is asked for, run in a mount namespace of its own.

mod library;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;
use anyhow::Result;

use crate::process;

/// What watches the suite, and the library as well where that is possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Checker {
    /// AddressSanitizer, in the suite and in the library
    Address,
    /// `ThreadSanitizer`, in the suite and, where the compiler's sources are installed, in the library
    Thread,
    /// `UndefinedBehaviorSanitizer`, in the suite alone
    Undefined,
    /// valgrind's memcheck, which sees both; slow
    Valgrind,
    /// valgrind's helgrind: the order of locks and races of what POSIX locks guard, which ours are not; very slow
    Helgrind,
    /// valgrind's drd, the same in another way
    Drd,
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
            Self::Valgrind | Self::Helgrind | Self::Drd => None,
        }
    }

    /// What of valgrind runs it.
    fn valgrind(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Address | Self::Thread | Self::Undefined => None,
            Self::Valgrind => {
                Some(&["--tool=memcheck", "--leak-check=full", "--errors-for-leak-kinds=definite"])
            }
            Self::Helgrind => Some(&["--tool=helgrind"]),
            Self::Drd => Some(&["--tool=drd"]),
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
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree.join("target"), PathBuf::from);
    let library = library::build(tree, &target, checker)?;
    let variant = checker.map_or_else(String::new, |checker| format!("-{checker:?}").to_lowercase());
    let built = target.join(format!("conformance-{}{variant}", wchar.name()));
    let lib = built.join("lib");
    fs::create_dir_all(&lib).with_context(|| format!("cannot make {}", lib.display()))?;
    for name in ["libprojectedfs.so.0", "libprojectedfs.so"] {
        let link = lib.join(name);
        let _ = fs::remove_file(&link);
        symlink(&library.file, &link).with_context(|| format!("cannot make {}", link.display()))?;
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
    if let Some(runtime) = &library.runtime {
        make.arg(format!("RUNTIME={}", runtime.display()));
    }
    process::run(&mut make)?;

    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if let Some(tool) = checker.and_then(Checker::valgrind) {
        command.args(["valgrind", "--error-exitcode=99", "--fair-sched=yes"]).args(tool);
    }
    if checker == Some(Checker::Thread) && library.runtime.is_none() {
        let suppressions = suite.join("tsan.supp");
        command.env("TSAN_OPTIONS", format!("suppressions={}", suppressions.display()));
    }
    command.arg(built.join("conformance")).arg("--directory").arg(dir);
    command.arg("--known").arg(suite.join("known_failures.txt")).args(arguments);
    process::run(&mut command)
}
