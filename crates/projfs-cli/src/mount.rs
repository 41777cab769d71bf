//! `projfs mount`.

use std::path::Path;
use std::sync::mpsc;

use projectedfs::VirtualizationInstance;

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
        serve(mount, |instance| {
            eprintln!("projfs: mounted at {}; Ctrl-C unmounts", instance.path().display());
        })
    } else {
        daemon::start(&mount.dir)
    }
}

/// What the process in the background does.
pub(crate) fn in_background(mount: &Mount) -> Outcome<u8> {
    daemon::detach();
    serve(mount, |_| daemon::ready())
}

fn serve(mount: &Mount, mounted: impl FnOnce(&VirtualizationInstance)) -> Outcome<u8> {
    let (sender, ends) = mpsc::channel();
    // Before mounting: a signal that comes meanwhile must not leave a mount behind.
    signals::forward(sender.clone(), End::Signal)?;
    let source = Source::parse(&mount.source, &Disk)?.open()?;
    let instance = session::start(source, &mount.dir, &mount.options)?;
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
