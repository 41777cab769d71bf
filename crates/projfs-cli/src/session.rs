//! Starting an instance as the command line says, and keeping it until its end.

use std::path::Path;
use std::time::Duration;

use projectedfs::Collation;
use projectedfs::DirectoryRenames;
use projectedfs::ErrorKind;
use projectedfs::Keeper;
use projectedfs::Timeouts;
use projectedfs::Users;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projectedfs::executables_do_not_hydrate;

use crate::cli::Options;
use crate::cli::Passthrough;
use crate::cli::Renames;
use crate::cli::Transport;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::source::Opened;

/// Mounts a source over a directory, or goes on with the mount that a keeper has.
pub(crate) fn start(
    source: Opened,
    dir: &Path,
    options: &Options,
    keeper: Option<Keeper>,
) -> Outcome<VirtualizationInstance> {
    let root = match keeper.as_ref().filter(|keeper| keeper.path().is_some()) {
        // The directory is not looked at: that would wait for who answers for the mount.
        Some(keeper) => VirtualizationRoot::resume(keeper)?,
        None => root(&source, dir)?,
    };
    root.bind(&source.exact).map_err(|error| {
        let kind = error.kind();
        let mut failure = Failure::from(error);
        if kind == ErrorKind::OtherSource {
            failure.message.push_str("; mount that source again, or use another directory");
        }
        failure
    })?;
    let mut builder = VirtualizationInstance::builder(root).source(source.exact);
    if let Some(threads) = options.provider_threads {
        builder = builder.provider_threads(threads.into());
    }
    if let Some(keeper) = keeper {
        builder = builder.keeper(keeper);
    }
    let builder = builder
        .transport(match options.transport {
            Transport::Auto => projectedfs::Transport::Auto,
            Transport::IoUring => projectedfs::Transport::IoUring,
            Transport::Classic => projectedfs::Transport::Classic,
        })
        .passthrough(match options.passthrough {
            Passthrough::Auto => projectedfs::Passthrough::Auto,
            Passthrough::Off => projectedfs::Passthrough::Off,
        })
        .users(if options.allow_other { Users::All } else { Users::Owner })
        .timeouts(timeouts(options))
        .collation(if options.ignore_case { Collation::Insensitive } else { Collation::Sensitive })
        .hydration(executables_do_not_hydrate(options.no_hydrate.clone()))
        .directory_renames(match options.directory_renames {
            Renames::Allow => DirectoryRenames::Allow,
            Renames::Refuse => DirectoryRenames::Refuse,
        });
    Ok(builder.start_handler(source.handler)?)
}

fn root(source: &Opened, dir: &Path) -> Outcome<VirtualizationRoot> {
    refuse_inside(source, dir)?;
    VirtualizationRoot::mark(dir).map_err(|error| match error.kind() {
        // Here it is the directory that is missing, not an item.
        ErrorKind::NotFound => Failure::new(Exit::Root, Failure::from(error).message),
        _ => Failure::from(error),
    })
}

fn timeouts(options: &Options) -> Timeouts {
    let seconds = |seconds: u32| (seconds > 0).then(|| Duration::from_secs(seconds.into()));
    let soon = seconds(options.timeout);
    Timeouts {
        placeholder_info: soon,
        enumeration: soon,
        notification: soon,
        file_data: seconds(options.data_timeout),
    }
}

/// A provider that reads its own mount waits for itself.
fn refuse_inside(source: &Opened, dir: &Path) -> Outcome<()> {
    let Ok(dir) = dir.canonicalize() else { return Ok(()) };
    let refused = |how: &str| {
        let (dir, source) = (dir.display(), source.place.display());
        Err(Failure::new(Exit::Root, format!("cannot mount over {dir}: {how} the source {source}")))
    };
    if dir == source.place {
        refused("it is")
    } else if source.place.starts_with(&dir) {
        refused("it holds")
    } else if source.is_directory && dir.starts_with(&source.place) {
        refused("it is inside")
    } else {
        Ok(())
    }
}
