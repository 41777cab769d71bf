//! Signals that ask for an end, as messages.

use std::sync::mpsc::Sender;

use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

use crate::outcome::Failure;
use crate::outcome::Outcome;

/// Sends `message` of every SIGINT, SIGTERM and SIGHUP from now on.
pub(crate) fn forward<T: Send + 'static>(
    sender: Sender<T>,
    message: impl Fn(i32) -> T + Send + 'static,
) -> Outcome<()> {
    let failed = |error: std::io::Error| Failure::system("listen for signals", &error);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let forward = move || {
        for signal in signals.forever() {
            if sender.send(message(signal)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("projfs-signals".into()).spawn(forward).map_err(failed)?;
    Ok(())
}
