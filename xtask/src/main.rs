//! `cargo xtask`: the rules of the architecture checked, large inputs made, foreign suites run.

mod bench;
mod conformance;
mod finding;
mod foreign;
mod fuzz;
mod install;
mod instructions;
mod kept;
mod kernel_tree;
mod layout;
mod licenses;
mod metadata;
mod process;
mod schedules;
mod soak;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What the project does to itself", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Checks the rules of docs/architecture.md
    Layout,
    /// Checks that every dependency may be used under a licence the project accepts
    Licenses,
    /// Builds the C library and installs it, with its headers and what pkg-config needs
    Install {
        /// Where to, as programs will see it
        prefix: PathBuf,
        /// The directory below it for libraries
        #[arg(long, default_value = "lib")]
        libdir: String,
        /// Put everything below this directory instead, as for a package
        #[arg(long, env = "DESTDIR")]
        destdir: Option<PathBuf>,
    },
    /// Makes a Git repository of the Linux sources, and a plain copy of them, in DIR
    KernelTree {
        /// Where to; about 4 GB
        dir: PathBuf,
    },
    /// Runs pjdfstest in DIR, as root
    Pjdfstest {
        /// A directory of the file system under test
        dir: PathBuf,
        /// Run only the tests whose names contain one of these
        patterns: Vec<String>,
    },
    /// Runs fsx on a file in DIR, three times: as it is, without mmap, and with more kinds of operations
    Fsx {
        /// A directory of the file system under test
        dir: PathBuf,
        /// Operations of each run
        #[arg(long, default_value_t = 30_000)]
        ops: u64,
        /// Seed of the first run; the others use the next numbers
        #[arg(long, default_value_t = 1)]
        seed: u32,
    },
    /// Runs the conformance suite of the C interface in DIR, as root
    Conformance {
        /// Where its roots are made
        dir: PathBuf,
        /// What watches the suite while it runs
        #[arg(long)]
        checker: Option<conformance::Checker>,
        /// The character type that the header uses
        #[arg(long, default_value = "char16")]
        wchar: conformance::Wchar,
        /// Arguments of the suite, after `--`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Works in a mount below DIR while its daemon is killed again and again, and compares with undisturbed work
    Kept {
        /// A directory for the mount, with some GB of room
        dir: PathBuf,
        /// How often a daemon is killed, in seconds
        #[arg(long, default_value = "2", value_parser = kept::interval)]
        every: std::time::Duration,
        /// Only this work
        #[arg(long)]
        work: Vec<kept::Work>,
    },
    /// Runs the fuzz targets with libFuzzer; needs cargo-fuzz and a C++ compiler
    Fuzz {
        /// How long each
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Take into the corpus as few inputs as reach all that was reached
        #[arg(long)]
        keep: bool,
        /// Only these
        targets: Vec<String>,
    },
    /// Works for hours in a mount below DIR, at a pace, and fails if its daemon has grown
    Soak {
        /// A directory for the mount, with some GB of room
        dir: PathBuf,
        /// How long
        #[arg(long, default_value = "120", value_parser = soak::minutes)]
        minutes: std::time::Duration,
        /// Operations in a second
        #[arg(long, default_value_t = 60.0)]
        rate: f64,
        /// What the random numbers follow from; the time if it is left out
        #[arg(long)]
        seed: Option<u64>,
        /// The program; made from the sources if it is left out
        #[arg(long)]
        projfs: Option<PathBuf>,
    },
    /// Runs the tests of locks and threads under many schedules, simulated
    Schedules,
    /// Counts the instructions of the hot paths, and fails if one has grown
    Instructions {
        /// Write down what they take now
        #[arg(long)]
        write: bool,
    },
    /// Measures projfs below DIR beside the file system there and others of its kind, as root
    Bench {
        /// A directory of ext4 with room for some trees; result.json, table.md and plot.svg are written there
        dir: PathBuf,
        /// What else `projfs-bench run` is told: `cargo xtask bench DIR -- --help` says what
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Layout => layout::run(&tree::root()),
        Task::Licenses => licenses::run(&tree::root()),
        Task::Install { prefix, libdir, destdir } => std::path::absolute(prefix)
            .map_err(anyhow::Error::from)
            .and_then(|prefix| install::run(&tree::root(), &install::Places { prefix, libdir, destdir })),
        Task::KernelTree { dir } => kernel_tree::run(&dir),
        Task::Pjdfstest { dir, patterns } => foreign::pjdfstest(&tree::root(), &dir, &patterns),
        Task::Fsx { dir, ops, seed } => foreign::fsx(&tree::root(), &dir, ops, seed),
        Task::Conformance { dir, checker, wchar, arguments } => {
            conformance::run(&tree::root(), &dir, checker, wchar, &arguments)
        }
        Task::Kept { dir, every, work } => {
            let all = kept::Work::value_variants();
            kept::run(&tree::root(), &dir, every, if work.is_empty() { all } else { &work })
        }
        Task::Fuzz { seconds, keep, targets } => fuzz::run(&tree::root(), seconds, &targets, keep),
        Task::Soak { dir, minutes, rate, seed, projfs } => {
            let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            let plan = soak::Plan { time: minutes, rate, seed: seed.unwrap_or_else(now) };
            soak::run(&tree::root(), &dir, projfs.as_deref(), &plan)
        }
        Task::Schedules => schedules::run(&tree::root()),
        Task::Instructions { write } => {
            let then = if write { instructions::Then::Write } else { instructions::Then::Compare };
            instructions::run(&tree::root(), then)
        }
        Task::Bench { dir, arguments } => bench::run(&tree::root(), &dir, &arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
