//! The command `projfs`: projects a tree into a directory, and looks after what it has projected.

mod cli;
mod clone;
mod daemon;
mod dehydrate;
mod fsck;
mod hydrate;
mod list;
mod locate;
mod logging;
mod mount;
mod outcome;
mod output;
mod remove;
mod run;
mod session;
mod signals;
mod source;
mod state;
mod status;
mod unmount;
mod upgrade;
mod watch;
mod worktree;

use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use cli::Verb;
use outcome::Outcome;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = logging::start(&cli.log, cli.log_format).and_then(|()| carry_out(&cli));
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if cli.daemonized || cli.keeping {
                daemon::failed(&failure);
            } else {
                eprintln!("projfs: {failure}");
            }
            ExitCode::from(failure.exit.code())
        }
    }
}

fn carry_out(cli: &Cli) -> Outcome<u8> {
    match &cli.verb {
        Verb::Mount(mount) if cli.keeping => mount::keep(mount),
        Verb::Mount(mount) if cli.daemonized => mount::in_background(mount),
        Verb::Mount(mount) => mount::run(mount),
        Verb::Unmount { dir, force } => unmount::run(dir, *force),
        Verb::Upgrade { dir } => upgrade::run(dir),
        Verb::MemoryFormat => upgrade::print_format(),
        Verb::Run(run) => run::run(run),
        Verb::Worktree(worktree) => worktree::run(worktree),
        Verb::Clone(clone) => clone::run(clone),
        Verb::Remove { dir, force } => remove::run(dir, *force),
        Verb::GitFsmonitor { version, token } => worktree::fsmonitor::run(version, token),
        Verb::List { json } => list::run(*json),
        Verb::Status { dir, json } => status::run(dir.as_deref(), *json),
        Verb::State { paths, verbose, json } => state::run(paths, *verbose, *json),
        Verb::Hydrate { paths, json } => hydrate::run(paths, *json),
        Verb::Dehydrate { paths, discard, json } => dehydrate::run(paths, *discard, *json),
        Verb::Watch(watch) => watch::run(watch),
        Verb::Fsck { dir, check, json } => fsck::run(dir, *check, *json),
    }
}
