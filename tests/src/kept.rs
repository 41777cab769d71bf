//! `keep_one` and `serve_kept`: a sample on a mount that outlives its daemon, by the library.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use anyhow::Result;
use projectedfs::Control;
use projectedfs::Keeper;
use projectedfs::KeeperLimits;
use projectedfs::Passthrough;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projectedfs::keep;

use crate::Options;
use crate::Sample;

/// Keeps this program: starts it with the same arguments, but `flag`, for which it gets `other`.
///
/// # Errors
/// Those of the start; that it died too often.
pub fn keep_one(flag: &str, other: &str, short_lives: u32) -> Result<u8> {
    let limits = KeeperLimits { short_lives, longest_pause: Duration::ZERO };
    let program = std::env::current_exe()?;
    let arguments = std::env::args_os().skip(1);
    let arguments = arguments.map(|argument| if argument == flag { OsString::from(other) } else { argument });
    Ok(keep(&program, arguments, limits)?)
}

/// Mounts a sample over `root`, or goes on with the mount that the keeper has.
///
/// # Errors
/// The step that failed.
pub fn serve_kept(root: &Path, options: &Options, keeper: Keeper) -> Result<VirtualizationInstance> {
    let root = match keeper.path() {
        Some(_) => VirtualizationRoot::resume(&keeper)?,
        None => VirtualizationRoot::mark(root)?,
    };
    let sample = Sample::new(options.tree).map_err(anyhow::Error::from_boxed)?;
    let passthrough = if options.passthrough { Passthrough::Auto } else { Passthrough::Off };
    let builder = VirtualizationInstance::builder(root).control(Control::Off).passthrough(passthrough);
    builder.keeper(keeper).start(sample).context("cannot mount")
}
