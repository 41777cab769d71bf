//! `projfs mount`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::mpsc;

use clap::Parser;
use projectedfs::Keeper;
use projectedfs::Programs;
use projectedfs::VirtualizationInstance;
use projectedfs::give_up_privileges;
use projectedfs::unescape;

use crate::cli::Cli;
use crate::cli::KeeperChoice;
use crate::cli::Mount;
use crate::cli::Transport;
use crate::cli::Verb;
use crate::daemon;
use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;
use crate::session;
use crate::signals;
use crate::source::Disk;
use crate::source::Source;

/// Why a mount comes to its end.
enum End {
    Signal(i32),
    Unmounted,
}

pub(crate) fn run(mount: &Mount) -> Outcome<u8> {
    if mount.foreground {
        serve(mount, None, |instance| {
            eprintln!("projfs: mounted at {}; Ctrl-C unmounts", instance.path().display());
        })
    } else {
        daemon::start(mount, std::env::args_os().skip(1))
    }
}

/// Mounts a source in the background, as `projfs mount SOURCE DIR` does.
pub(crate) fn start(source: OsString, dir: &Path) -> Outcome<u8> {
    let arguments = ["projfs".into(), "mount".into(), "--".into(), source, dir.into()];
    let cli = Cli::try_parse_from(&arguments);
    match cli.map(|cli| cli.verb) {
        Ok(Verb::Mount(mount)) => daemon::start(&mount, arguments.into_iter().skip(1)),
        Ok(_) | Err(_) => Err(Failure::new(Exit::Usage, "these are no arguments for a mount")),
    }
}

/// What the process in the background does.
pub(crate) fn in_background(mount: &Mount) -> Outcome<u8> {
    daemon::detach();
    let keeper = if is_kept(mount) { Keeper::attach()? } else { None };
    let resumed = keeper.as_ref().is_some_and(|keeper| keeper.path().is_some());
    serve(mount, keeper, |_| daemon::ready()).inspect_err(|failure| {
        if resumed {
            // Nobody waits for a word; the log is all there is.
            tracing::error!(%failure, "cannot go on with the mount");
        }
    })
}

/// Whether the mount is to outlive its daemon. A kernel that cannot send requests again is known by its version: it says
/// so itself only once the mount is there.
pub(crate) fn is_kept(mount: &Mount) -> bool {
    match mount.keeper {
        KeeperChoice::On => true,
        KeeperChoice::Off => false,
        KeeperChoice::Auto => {
            !matches!(mount.options.transport, Transport::IoUring) && kernel() >= Some(RESENDS)
        }
    }
}

/// The first version of Linux that can keep a mount without a daemon going.
const RESENDS: (u32, u32) = (6, 9);

fn kernel() -> Option<(u32, u32)> {
    let system = rustix::system::uname();
    version(system.release().to_str().ok()?)
}

/// The first two numbers of `6.18.5-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// What the process does that keeps the one in the background.
pub(crate) fn keep(mount: &Mount) -> Outcome<u8> {
    give_up(mount)?;
    daemon::detach();
    daemon::keep_one(mount.short_lives)
}

/// Gives up what root may and no mount needs. Before there are other threads, each of which would keep its own.
fn give_up(mount: &Mount) -> Outcome<()> {
    let looked_at = !mount.options.no_hydrate.is_empty();
    Ok(give_up_privileges(if looked_at { Programs::LookedAt } else { Programs::Ignored })?)
}

fn serve(
    mount: &Mount,
    keeper: Option<Keeper>,
    mounted: impl FnOnce(&VirtualizationInstance),
) -> Outcome<u8> {
    give_up(mount)?;
    let (sender, ends) = mpsc::channel();
    // Before mounting: a signal that comes meanwhile must not leave a mount behind.
    signals::forward(sender.clone(), End::Signal)?;
    // What was mounted then, not what the words may mean by now.
    let exact = keeper.as_ref().and_then(Keeper::source).and_then(unescape).map(OsString::from_vec);
    let source = Source::parse(exact.as_deref().unwrap_or(&mount.source), &Disk)?.open()?;
    let instance = session::start(source, &mount.dir, &mount.options, keeper)?;
    mounted(&instance);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            instance.wait();
            let _ = sender.send(End::Unmounted);
        });
        match ends.recv() {
            Ok(End::Signal(signal)) => tracing::info!(signal, "unmounting"),
            Ok(End::Unmounted) | Err(_) => tracing::info!("unmounted"),
        }
        instance.stop();
    });
    Ok(0)
}

/// The real path of a directory, or the path as it is if there is none.
pub(crate) fn real(dir: &Path) -> std::path::PathBuf {
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned())
}

#[cfg(test)]
mod tests {
    //! Releases are told apart.

    use super::*;

    #[test]
    fn releases_have_versions() {
        assert_eq!(version("6.18.5-1-amd64"), Some((6, 18)));
        assert_eq!(version("6.9-rc1"), Some((6, 9)));
        assert!(version("6.9") >= Some(RESENDS) && version("10.0.1") >= Some(RESENDS));
        assert!(version("6.8.12") < Some(RESENDS) && version("odd") < Some(RESENDS));
    }
}
