//! `projfs-test-mount`: mounts a sample tree, so that tests and foreign suites can be run on it.
//!
//! With a command it mounts, runs the command, unmounts and exits as the command did. Without, it says `mounted` and
//! serves until its input ends, as it does when whoever started it is gone.

use std::io::Read;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Context;
use anyhow::Result;
use clap::Parser;
use projectedfs::Keeper;
use projectedfs::Programs;
use projectedfs::give_up_privileges;
use projfs_tests::Options;
use projfs_tests::Tree;
use projfs_tests::keep_one;
use projfs_tests::serve;
use projfs_tests::serve_kept;
use projfs_tests::serve_storm;

/// Mounts a sample tree in the foreground.
#[derive(Parser)]
struct Arguments {
    /// What is projected: empty, small, many, workers, storm, pieces, faults, hundred-thousand, hundred-thousand-in-one,
    /// million-in-one, ten-million
    #[arg(long, default_value = "empty")]
    tree: String,
    /// Requests by io_uring, where the kernel offers it
    #[arg(long)]
    uring: bool,
    /// All content goes through the daemon
    #[arg(long)]
    cached: bool,
    /// Other users may use it, set-id bits and devices work
    #[arg(long)]
    allow_other: bool,
    /// The mount outlives the daemon
    #[arg(long)]
    keep: bool,
    /// Set by the keeper
    #[arg(long, hide = true)]
    kept: bool,
    /// After how many lives of less than a second the keeper gives up
    #[arg(long, default_value = "10")]
    short_lives: u32,
    /// A daemon that is started again dies at once
    #[arg(long)]
    dies_again: bool,
    /// Where to; made a root if it is none
    dir: PathBuf,
    /// What is run in the mounted directory
    #[arg(last = true)]
    command: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    let options = Options {
        tree: Tree::named(&arguments.tree).context("no such tree")?,
        uring: arguments.uring,
        passthrough: !arguments.cached,
        allow_other: arguments.allow_other,
        ..Options::default()
    };
    if arguments.keep {
        return Ok(ExitCode::from(keep_one("--keep", "--kept", arguments.short_lives)?));
    }
    if arguments.kept {
        let keeper = Keeper::attach()?.context("there is no keeper")?;
        if arguments.dies_again && keeper.path().is_some() {
            return Ok(ExitCode::FAILURE);
        }
        let instance = serve_kept(&arguments.dir, &options, keeper)?;
        println!("mounted");
        instance.wait();
        return Ok(ExitCode::SUCCESS);
    }
    if options.tree == Tree::Storm {
        serve_storm(&arguments.dir, &options)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.command.is_empty() {
        give_up_privileges(Programs::Ignored)?;
    }
    let setup = serve(&arguments.dir, &options)?;
    let Some((program, rest)) = arguments.command.split_first() else {
        println!("mounted");
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return Ok(ExitCode::SUCCESS);
    };
    for (feature, state) in setup.describe() {
        eprintln!("{feature}: {state}");
    }
    let status =
        Command::new(program).args(rest).status().with_context(|| format!("cannot run {program}"))?;
    drop(setup);
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}
