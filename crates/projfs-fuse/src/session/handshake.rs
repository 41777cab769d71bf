//! The first request, INIT, and its answer.

use std::io;
use std::time::Duration;
use std::time::Instant;

use projfs_sync::Arc;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::event::poll;
use rustix::io::Errno;
use zerocopy::IntoBytes;

use super::SessionError;
use crate::transport::Device;
use crate::transport::uring::Queues;
use crate::wire::abi::InitIn;
use crate::wire::abi::InitOut;
use crate::wire::abi::MAJOR;
use crate::wire::abi::MINOR;
use crate::wire::init::Negotiated;
use crate::wire::init::Refused;
use crate::wire::init::Wishes;
use crate::wire::init::negotiate;
use crate::wire::request::RawRequest;
use crate::wire::request::Request;

/// The kernel sends INIT as soon as it has made the file system.
const PATIENCE: Duration = Duration::from_secs(10);

/// What INIT came to.
pub(super) struct Agreed {
    /// What is in force.
    pub(super) negotiated: Negotiated,
    /// The rings, if requests come by them.
    pub(super) queues: Option<Queues>,
    /// Why there are no rings although the kernel offered them.
    pub(super) rings_refused: Option<io::Error>,
}

/// Answers INIT. Where io_uring is agreed on, the rings are there already when the kernel learns of it.
pub(super) fn handshake(device: &Arc<Device>, wishes: &Wishes, depth: usize) -> Result<Agreed, SessionError> {
    let (unique, offer) = read_init(device)?;
    answer(device, unique, &offer, wishes, depth)
}

fn answer(
    device: &Arc<Device>,
    unique: u64,
    offer: &InitIn,
    wishes: &Wishes,
    depth: usize,
) -> Result<Agreed, SessionError> {
    let refused = |refused: Refused| {
        device.reply(unique, -Errno::PROTO.raw_os_error(), &[]);
        SessionError::Refused(refused)
    };
    let (negotiated, out) = negotiate(offer, wishes).map_err(refused)?;
    let mut rings_refused = None;
    if negotiated.uring {
        match Queues::prepare(device, depth, negotiated.reply_size()) {
            Ok(queues) => {
                device.reply(unique, 0, out.as_bytes());
                queues.register();
                return Ok(Agreed { negotiated, queues: Some(queues), rings_refused });
            }
            Err(error) => {
                tracing::warn!(%error, "no rings; requests come by /dev/fuse");
                rings_refused = Some(error);
            }
        }
    }
    let wishes = Wishes { uring: false, ..wishes.clone() };
    let (negotiated, out) = negotiate(offer, &wishes).map_err(refused)?;
    device.reply(unique, 0, out.as_bytes());
    Ok(Agreed { negotiated, queues: None, rings_refused })
}

fn read_init(device: &Device) -> Result<(u64, InitIn), SessionError> {
    let end = Instant::now() + PATIENCE;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        wait_readable(device, end)?;
        let length = match device.read(&mut buffer) {
            Ok(length) => length,
            Err(Errno::INTR | Errno::AGAIN | Errno::NOENT) => continue,
            Err(errno) => return Err(SessionError::Device(errno)),
        };
        let raw =
            RawRequest::contiguous(&buffer[..length]).map_err(|_| SessionError::Device(Errno::PROTO))?;
        let unique = raw.header().unique;
        match raw.decode() {
            Ok((_, Request::Init(offer))) if offer.major > MAJOR => {
                // The kernel asks again in our version.
                let out = InitOut { major: MAJOR, minor: MINOR, ..InitOut::default() };
                device.reply(unique, 0, out.as_bytes());
            }
            Ok((_, Request::Init(offer))) => return Ok((unique, offer)),
            Ok(_) | Err(_) => device.reply(unique, -Errno::IO.raw_os_error(), &[]),
        }
    }
}

fn wait_readable(device: &Device, end: Instant) -> Result<(), SessionError> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(device, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(SessionError::Device(Errno::TIMEDOUT)),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(SessionError::Device(errno)),
        }
    }
}

#[cfg(test)]
mod tests;
