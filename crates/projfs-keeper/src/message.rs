//! What a keeper and its daemon say to each other: a letter, sometimes with three descriptors.
//!
//! The daemon's end of the socket is its standard input, so that it needs no number that both know.

use std::ffi::OsStr;
use std::io;
use std::io::IoSlice;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::cmsg_space;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;
use rustix::net::SendAncillaryBuffer;
use rustix::net::SendAncillaryMessage;
use rustix::net::SendFlags;

/// In the daemon's environment: the keeper's process id.
pub(crate) const VARIABLE: &str = "PROJFS_KEEPER";

/// The longest message, in bytes: a letter, a number, a path.
pub(crate) const LONGEST: usize = 8192;

/// What a keeper holds for a daemon.
#[derive(Debug)]
pub struct Held {
    /// The connection to the kernel.
    pub device: OwnedFd,
    /// The file in memory.
    pub memory: OwnedFd,
    /// The directory under the mount.
    pub root: OwnedFd,
}

/// What a daemon is told when it is started.
#[derive(Debug)]
pub struct Start {
    /// The way to the keeper.
    pub link: Link,
    /// What another daemon, which has died, had; nothing for the first.
    pub held: Option<Held>,
}

/// A daemon's way to its keeper.
#[derive(Debug)]
pub struct Link {
    socket: OwnedFd,
    keeper: u32,
    restarts: u32,
    program: PathBuf,
}

/// What a daemon says.
#[derive(Debug)]
pub(crate) enum Said {
    Hold(Held),
    Release,
    Replace,
    /// It has closed its end.
    Nothing,
}

impl Link {
    /// The way to the keeper that has started this process; nothing if none has. To be called once: standard input is
    /// `/dev/null` from then on.
    ///
    /// # Errors
    /// The system's; `InvalidData` for what is no keeper.
    pub fn attach() -> io::Result<Option<Start>> {
        let named = std::env::var(VARIABLE).ok().and_then(|text| text.parse::<u32>().ok());
        let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get() as u32);
        let Some(keeper) = named.filter(|named| parent == Some(*named)) else { return Ok(None) };
        let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::stdio::dup2_stdin(&null)?;
        let mut bytes = [0; LONGEST];
        let (length, held) = receive(&socket, &mut bytes)?;
        let unknown =
            || io::Error::new(io::ErrorKind::InvalidData, "what was said is not what a keeper says");
        let (letter, rest) = bytes[..length].split_first().ok_or_else(unknown)?;
        let (restarts, program) = rest.split_first_chunk().ok_or_else(unknown)?;
        if (*letter == b'T') != held.is_some() {
            return Err(unknown());
        }
        let (restarts, program) = (u32::from_le_bytes(*restarts), PathBuf::from(OsStr::from_bytes(program)));
        Ok(Some(Start { link: Self { socket, keeper, restarts, program }, held }))
    }

    /// The keeper's process id.
    pub fn keeper(&self) -> u32 {
        self.keeper
    }

    /// How often a daemon of this mount was started again.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// What is started.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// From here on this process is started again if it ends, and given these.
    ///
    /// # Errors
    /// The system's.
    pub fn hold(
        &self,
        device: BorrowedFd<'_>,
        memory: BorrowedFd<'_>,
        root: BorrowedFd<'_>,
    ) -> io::Result<()> {
        send(&self.socket, b"H", Some([device, memory, root]))
    }

    /// The mount comes to its end: the keeper lets go, and ends with this process.
    ///
    /// # Errors
    /// The system's: the keeper is gone.
    pub fn release(&self) -> io::Result<()> {
        send(&self.socket, b"R", None)
    }

    /// Has this process killed, and the program started that is at its path now. It does not count as a crash.
    ///
    /// # Errors
    /// The system's: the keeper is gone.
    pub fn replace(&self) -> io::Result<()> {
        send(&self.socket, b"U", None)
    }
}

/// Tells a daemon how it starts.
pub(crate) fn start(
    socket: &OwnedFd,
    held: Option<&Held>,
    restarts: u32,
    program: &Path,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    bytes.clear();
    bytes.push(if held.is_some() { b'T' } else { b'F' });
    bytes.extend(restarts.to_le_bytes());
    bytes.extend(program.as_os_str().as_bytes());
    send(socket, bytes, held.map(|held| [held.device.as_fd(), held.memory.as_fd(), held.root.as_fd()]))
}

/// What a daemon says next. Does not wait.
///
/// # Errors
/// `WouldBlock` if it says nothing; the system's.
pub(crate) fn listen(socket: &OwnedFd) -> io::Result<Said> {
    let mut bytes = [0; LONGEST];
    let (length, held) = match receive(socket, &mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(Said::Nothing),
        received => received?,
    };
    match (&bytes[..length], held) {
        ([], _) => Ok(Said::Nothing),
        (b"H", Some(held)) => Ok(Said::Hold(held)),
        (b"R", _) => Ok(Said::Release),
        (b"U", _) => Ok(Said::Replace),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn send(socket: &OwnedFd, bytes: &[u8], descriptors: Option<[BorrowedFd<'_>; 3]>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if let Some(descriptors) = &descriptors {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: &OwnedFd, bytes: &mut [u8]) -> io::Result<(usize, Option<Held>)> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let into = &mut [IoSliceMut::new(bytes)];
        match rustix::net::recvmsg(socket, into, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut descriptors = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut descriptors = descriptors.next().into_iter().flatten();
    let held = match (descriptors.next(), descriptors.next(), descriptors.next()) {
        (Some(device), Some(memory), Some(root)) => Some(Held { device, memory, root }),
        _ => None,
    };
    Ok((received.bytes, held))
}
