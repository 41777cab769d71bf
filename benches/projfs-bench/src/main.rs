//! `projfs-bench`: the same work on the file system below, on projfs and on others of its kind, in turn.

mod confine;
mod contestant;
mod digest;
mod inputs;
mod measure;
mod place;
mod program;
mod report;
mod serve;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::contestant::Contestant;
use crate::workload::Workload;

/// Measures projfs beside the file system below it and others of its kind.
#[derive(Parser)]
#[command(name = "projfs-bench")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs workloads below DIR, as root, and writes result.json, table.md and plot.svg there
    Run(Options),
    /// Says what is measured, and on what
    List,
    /// What `run` does, in a namespace of its own
    #[command(hide = true)]
    Inside(Options),
    /// The first process of that namespace
    #[command(hide = true)]
    Init {
        /// What `enable_uring` is set to if whoever started the run is gone
        restore: String,
        #[command(flatten)]
        options: Options,
    },
    /// Mounts a tree that is made when it is asked for
    #[command(hide = true)]
    Serve(serve::Arguments),
}

/// How a run is to be.
#[derive(Args, Clone)]
struct Options {
    /// A directory of the file system to measure on, ext4 if the goals are to mean something
    dir: PathBuf,
    /// The `projfs` to measure
    #[arg(long)]
    projfs: PathBuf,
    /// A Git repository whose HEAD is the tree; one is made if it is left out
    #[arg(long, value_name = "REPOSITORY")]
    tree: Option<PathBuf>,
    /// Only these workloads
    #[arg(long, value_delimiter = ',', value_name = "WORKLOAD")]
    only: Vec<String>,
    /// Only these besides native: see `list`
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    against: Vec<String>,
    /// How often each workload is run on each
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Small trees and files, to see that everything works
    #[arg(long)]
    quick: bool,
    /// How many seconds one run of one workload may take; then its connection is aborted
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    limit: u64,
    /// Leave what was made in DIR, to look at it
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Run(options) => confine::run(&options),
        Verb::Init { restore, options } => confine::init(&restore, &options),
        Verb::Inside(options) => measure::run(&options).map(|()| ExitCode::SUCCESS),
        Verb::List => list(),
        Verb::Serve(arguments) => serve::run(&arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn list() -> Result<ExitCode> {
    println!("Workloads:");
    for Workload { name, what, .. } in workload::all() {
        println!("  {name:22} {what}");
    }
    println!("On:");
    for Contestant { name, what, .. } in &contestant::ALL {
        println!("  {name:22} {what}");
    }
    Ok(ExitCode::SUCCESS)
}
