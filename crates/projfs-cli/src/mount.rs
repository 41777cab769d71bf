//! `projfs mount`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::mpsc;

use projectedfs::Keeper;
use projectedfs::Programs;
use projectedfs::VirtualizationInstance;
use projectedfs::give_up_privileges;
use projectedfs::unescape;

use crate::cli::KeeperChoice;
use crate::cli::Mount;
use crate::daemon;
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
        daemon::start(&mount.dir, mount.keeper)
    }
}

/// What the process in the background does.
pub(crate) fn in_background(mount: &Mount) -> Outcome<u8> {
    daemon::detach();
    let keeper = match mount.keeper {
        KeeperChoice::On => Keeper::attach()?,
        KeeperChoice::Off => None,
    };
    let resumed = keeper.as_ref().is_some_and(|keeper| keeper.path().is_some());
    serve(mount, keeper, |_| daemon::ready()).inspect_err(|failure| {
        if resumed {
            // Nobody waits for a word; the log is all there is.
            tracing::error!(%failure, "cannot go on with the mount");
        }
    })
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
