//! The classic transport: threads that read requests from `/dev/fuse` and write the answers back.
//!
//! With io_uring one such thread stays, the control reader: `FORGET`, `INTERRUPT` and what was sent before the rings were
//! there come this way.

use std::io;

use projfs_sync::Arc;
use rustix::io::Errno;

use super::device::Device;
use super::placement::Placement;
use super::token::Token;
use crate::connection::Connection;
use crate::connection::Outcome;
use crate::session::census::Present;
use crate::wire::request::RawRequest;

/// Starts a thread that serves `device` until the mount is gone.
///
/// # Errors
/// Those of making a thread.
pub fn spawn(
    connection: Arc<Connection>,
    device: Arc<Device>,
    name: String,
    present: Present,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name);
    thread.spawn(move || {
        run(&connection, &device);
        drop(present);
    })?;
    Ok(())
}

fn run(connection: &Arc<Connection>, device: &Arc<Device>) {
    let negotiated = connection.negotiated();
    let mut buffer = vec![0; negotiated.request_size()];
    let mut body = vec![0; negotiated.reply_size()];
    let mut placement = Placement::new();
    loop {
        match device.read(&mut buffer) {
            Ok(length) => serve(connection, device, &buffer[..length], &mut body, &mut placement),
            // A signal; or the caller of a request was killed before it was read.
            Err(Errno::INTR | Errno::AGAIN | Errno::NOENT) => {}
            Err(Errno::NODEV | Errno::CONNABORTED) => return,
            Err(errno) => {
                tracing::error!(%errno, "reading requests failed");
                return;
            }
        }
    }
}

fn serve(
    connection: &Arc<Connection>,
    device: &Arc<Device>,
    bytes: &[u8],
    body: &mut [u8],
    placement: &mut Placement,
) {
    let raw = match RawRequest::contiguous(bytes) {
        Ok(raw) => raw,
        Err(error) => {
            tracing::error!(?error, length = bytes.len(), "what was read is not a request");
            return;
        }
    };
    let unique = raw.header().unique;
    let home = || Token::new(Arc::clone(device) as Arc<_>, 0, unique);
    match connection.handle(&raw, body, home) {
        Outcome::Reply(length) => device.reply(unique, 0, &body[..length]),
        Outcome::Error(errno) => device.reply(unique, -errno.raw_os_error(), &[]),
        Outcome::Later | Outcome::Nothing => {}
    }
    placement.answered(raw.header().pid, raw.header().opcode);
}
