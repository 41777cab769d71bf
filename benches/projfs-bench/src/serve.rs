//! The daemon of a generated tree, mounted as `projfs mount` does it.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use anyhow::Result;
use clap::Args;
use projectedfs::Keeper;
use projectedfs::KeeperLimits;
use projectedfs::Passthrough;
use projectedfs::Programs;
use projectedfs::Transport;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projectedfs::give_up_privileges;
use projectedfs::keep;
use projfs_tests::Generated;

/// What is served. The choices are those of `projfs mount`.
#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(long, default_value = "auto")]
    keeper: String,
    #[arg(long, default_value = "auto")]
    transport: String,
    #[arg(long, default_value = "auto")]
    passthrough: String,
    #[arg(long)]
    directories: u32,
    /// In each of them
    #[arg(long)]
    files: u32,
    /// A socket: `switch N` brings the tree to another generation
    #[arg(long)]
    orders: PathBuf,
    /// Set by the keeper
    #[arg(long, hide = true)]
    kept: bool,
    dir: PathBuf,
}

const KEPT: &str = "--kept";

/// Serves until it is unmounted.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    give_up_privileges(Programs::Ignored)?;
    if arguments.keeper != "off" && !arguments.kept {
        let own = std::env::args_os().skip(1);
        let limits = KeeperLimits::default();
        return Ok(ExitCode::from(keep(&std::env::current_exe()?, own.chain([KEPT.into()]), limits)?));
    }
    let keeper = if arguments.kept { Keeper::attach()? } else { None };
    let root = match &keeper {
        Some(keeper) if keeper.path().is_some() => VirtualizationRoot::resume(keeper)?,
        Some(_) | None => VirtualizationRoot::mark(&arguments.dir)?,
    };
    let passthrough = if arguments.passthrough == "off" { Passthrough::Off } else { Passthrough::Auto };
    let transport = match arguments.transport.as_str() {
        "io_uring" => Transport::IoUring,
        "classic" => Transport::Classic,
        _ => Transport::Auto,
    };
    let mut builder = VirtualizationInstance::builder(root)
        .passthrough(passthrough)
        .transport(transport)
        .source("generated");
    if let Some(keeper) = keeper {
        builder = builder.keeper(keeper);
    }
    let tree = || Generated::new(arguments.directories, arguments.files);
    let instance = builder.start(tree()).context("cannot mount")?;
    let orders = UnixListener::bind(&arguments.orders)?;
    println!("mounted");
    // Whoever started this waits for no more.
    rustix::stdio::dup2_stdout(File::open("/dev/null")?)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            for order in orders.incoming().flatten() {
                if let Err(error) = obey(&instance, order, &tree) {
                    eprintln!("error: {error:#}");
                }
            }
        });
        instance.wait();
        instance.stop();
        // The thread waits for orders, and there is nothing to be tidied up.
        std::process::exit(0)
    })
}

fn obey(
    instance: &VirtualizationInstance,
    mut order: UnixStream,
    tree: &dyn Fn() -> Generated,
) -> Result<()> {
    let mut line = String::new();
    BufReader::new(&order).read_line(&mut line)?;
    let generation = line.trim_end().strip_prefix("switch ").context("no such order")?.parse()?;
    instance.switch(tree().generation(generation))?;
    Ok(writeln!(order, "done")?)
}
