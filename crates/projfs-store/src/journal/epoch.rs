//! The file `epoch` of a journal: which epoch it is, and whether entries may have been lost in it.
//!
//! Entries are not synced one by one: what a process wrote survives its death, but not a power cut. So the
//! journal is whole if it is opened in the boot that wrote it, or was closed (and synced) in an earlier one.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::os::fd::BorrowedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::frame::checksum;
use crate::own_file::open_own;

const NAME: &str = "epoch";
const NEW_NAME: &str = "epoch.new";
const MAGIC: &[u8; 8] = b"PFSJEPO1";
const LENGTH: usize = 61;

/// Which boot of the machine this is, as the kernel says it; zeros if it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boot(pub(crate) [u8; 36]);

/// How a journal was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// In use, or its process died.
    Open,
    /// Synced, and closed.
    Closed,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    pub(super) number: u64,
    pub(super) left: Left,
    pub(super) boot: Boot,
}

impl Boot {
    /// The boot that we are in.
    pub(crate) fn current() -> Self {
        let mut id = [0; 36];
        match File::open("/proc/sys/kernel/random/boot_id").and_then(|mut file| file.read_exact(&mut id)) {
            Ok(()) => Self(id),
            Err(error) => {
                tracing::warn!(%error, "cannot tell which boot this is, so an unclean close counts as a reboot");
                Self([0; 36])
            }
        }
    }

    /// Whether the two are certainly the same.
    pub(crate) fn is(self, other: Self) -> bool {
        self == other && self.0 != [0; 36]
    }
}

impl Epoch {
    /// The epoch to go on in, and whether the entries of the last one are whole.
    ///
    /// A new epoch gets the time as its number, so that a journal that was deleted and made again does not
    /// take cursors of the old one for its own.
    pub(super) fn go_on(last: Option<Self>, boot: Boot, now: u64) -> (Self, bool) {
        let whole = last.is_some_and(|last| last.left == Left::Closed || last.boot.is(boot));
        let number = match last {
            Some(last) if whole => last.number,
            Some(last) => now.max(last.number.saturating_add(1)),
            None => now,
        };
        (Self { number, left: Left::Open, boot }, whole)
    }

    /// The epoch after this one, in the same boot.
    pub(super) fn next(self, now: u64) -> Self {
        Self { number: now.max(self.number.saturating_add(1)), ..self }
    }

    /// What the file says; nothing if there is none, or none that is whole.
    pub(super) fn read(dir: BorrowedFd<'_>) -> Result<Option<Self>, Errno> {
        let mut file = match open_own(dir, NAME, OFlags::RDONLY, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| errno_of(&error))?;
        Ok(Self::decode(&bytes))
    }

    /// Replaces the file, durably.
    pub(super) fn write(&self, dir: BorrowedFd<'_>) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let mut file = File::from(open_own(dir, NEW_NAME, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(&self.encode()).map_err(|error| errno_of(&error))?;
        rustix::fs::fsync(&file)?;
        rustix::fs::renameat(dir, NEW_NAME, dir, NAME)?;
        rustix::fs::fsync(dir)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.push(match self.left {
            Left::Open => 0,
            Left::Closed => 1,
        });
        bytes.extend_from_slice(&self.boot.0);
        bytes.extend_from_slice(&checksum(0, &bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (summed, sum) = bytes.split_last_chunk::<8>()?;
        if bytes.len() != LENGTH || checksum(0, summed) != u64::from_le_bytes(*sum) {
            return None;
        }
        let rest = summed.strip_prefix(MAGIC)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (left, boot) = match rest {
            [0, boot @ ..] => (Left::Open, boot),
            [1, boot @ ..] => (Left::Closed, boot),
            _ => return None,
        };
        Some(Self { number: u64::from_le_bytes(*number), left, boot: Boot(boot.try_into().ok()?) })
    }
}

/// The error number in an error of the standard library.
pub(super) fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
