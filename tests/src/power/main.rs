//! `projfs-test-power`: cuts the power of the file system under a root, again and again, and looks what is left.
//!
//! A program does random things to a projected tree, by an engine or on a mount, some of which it syncs. Then the power
//! is cut, the file system mounted again, and what is there held against what was synced.

mod act;
mod cut;
mod disk;
mod figures;
mod model;
mod program;
mod random;
mod site;
mod sys;
mod volume;

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use clap::ValueEnum;
use projfs_testkit::model::Random;

use figures::Figures;
use site::Site;
use site::Through;
use volume::FileSystem;

/// How the power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    /// The file system is shut down by a request to it.
    Shutdown,
    /// The disk is made anew from what was written to it.
    Replay,
}

impl Arguments {
    /// Whether there is more to do.
    fn goes_on(&self, figures: &Figures) -> bool {
        figures.cuts < self.cuts && !(self.first && figures.lost > 0)
    }
}

/// Cuts the power of the file system under a root, again and again.
#[derive(Debug, Parser)]
struct Arguments {
    /// Under the root
    #[arg(long)]
    filesystem: FileSystem,
    /// How the power is cut
    #[arg(long)]
    way: Way,
    /// What the program goes through; by default an engine, and a mount every fourth time
    #[arg(long)]
    through: Option<Through>,
    /// How often
    #[arg(long, default_value_t = 20)]
    cuts: usize,
    /// What the random numbers follow from
    #[arg(long)]
    seed: u64,
    /// The program pretends to sync: something has to be lost
    #[arg(long)]
    control: bool,
    /// Ends with the first loss
    #[arg(long)]
    first: bool,
    /// Says of each loss what it is
    #[arg(long)]
    verbose: bool,
    /// Set by this program: it has a mount namespace of its own
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> Result<ExitCode> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let [serve, dir, image, log] = &words[..]
        && serve == disk::SERVE
    {
        return disk::serve(dir.as_ref(), image.as_ref(), log.as_ref()).map(|()| ExitCode::SUCCESS);
    }
    let arguments = Arguments::parse();
    if !arguments.inside {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe()?);
        return Err(command.args(words).arg("--inside").exec().into());
    }
    let mut site = Site::new()?;
    let mut random = Random::new(arguments.seed);
    let mut figures = Figures::default();
    match arguments.way {
        Way::Shutdown => cut::shut_down(&arguments, &mut site, &mut random, &mut figures)?,
        Way::Replay => cut::replay(&arguments, &mut site, &mut random, &mut figures)?,
    }
    println!("{} {:?}: {figures}", arguments.filesystem.name(), arguments.way);
    let good = if arguments.control { figures.lost > 0 } else { figures.lost == 0 };
    if let Some(why) = figures.why.filter(|_| !good) {
        println!("PROJFS_SEED={}: {why}", arguments.seed);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
