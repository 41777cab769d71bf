//! The handshake: which features of the protocol are in force, each with its fallback.

use std::fmt;

use super::abi::InitIn;
use super::abi::InitOut;
use super::abi::MAJOR;
use super::abi::MINOR;
use super::abi::MINOR_MIN;
use super::abi::init;

const PAGE: u32 = 4096;

/// What the daemon would like to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// The longest write, in bytes; between 4 KiB and 1 MiB, a multiple of 4 KiB.
    pub max_write: u32,
    /// Requests by io_uring.
    pub uring: bool,
    /// Files that the kernel reads and writes by itself.
    pub passthrough: bool,
    /// To have requests sent again that another process has read and not answered.
    pub resend: bool,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { max_write: 256 * 1024, uring: true, passthrough: true, resend: false }
    }
}

/// What is in force on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The minor version both sides speak.
    pub minor: u32,
    /// Bits of [`init`] that are on.
    pub flags: u64,
    /// The longest write, in bytes. Reads and listings are no longer.
    pub max_write: u32,
    /// Requests come by io_uring.
    pub uring: bool,
    /// Files may be opened in passthrough mode.
    pub passthrough: bool,
    /// `FUSE_NOTIFY_RESEND` is understood, and was wished for.
    pub resend: bool,
    /// `FUSE_NOTIFY_INC_EPOCH` is understood.
    pub epoch: bool,
    /// The kernel accepts `ENOSYS` for `OPENDIR`.
    pub no_opendir: bool,
}

/// Why the kernel's offer cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A newer major version: answer with ours, and the kernel asks again.
    Newer,
    /// An older version than is supported.
    Older {
        /// The version the kernel has.
        major: u32,
        /// Its minor version.
        minor: u32,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer => write!(f, "the kernel has a newer major version of FUSE"),
            Self::Older { major, minor } => {
                write!(f, "the kernel has FUSE {major}.{minor}; {MAJOR}.{MINOR_MIN} (Linux 5.15) is needed")
            }
        }
    }
}

/// Features that are on whenever the kernel offers them. `INIT_EXT` says that `flags2` is meant.
///
/// Not `ASYNC_DIO`: with it a reader with `O_DIRECT` waits where not even SIGKILL reaches it, and no `INTERRUPT` is sent.
/// `ASYNC_READ` reads ahead of the reader, several at a time. The kernel sends no `INTERRUPT` for such reads: a killed
/// reader is gone at once, but we do not learn of it.
const ALWAYS: u64 = init::ASYNC_READ
    | init::ATOMIC_O_TRUNC
    | init::BIG_WRITES
    | init::AUTO_INVAL_DATA
    | init::DO_READDIRPLUS
    | init::PARALLEL_DIROPS
    | init::HANDLE_KILLPRIV_V2
    | init::ABORT_ERROR
    | init::MAX_PAGES
    | init::CACHE_SYMLINKS
    | init::NO_OPENDIR_SUPPORT
    | init::INIT_EXT
    | init::DIRECT_IO_ALLOW_MMAP
    | init::NO_EXPORT_SUPPORT;

/// How many requests the kernel may send on its own account at a time.
const MAX_BACKGROUND: u16 = 64;

/// How many file systems may be stacked below, counting this one: the store is not itself stacked.
const STACK_DEPTH: u32 = 1;

/// Compares the kernel's offer with the wishes.
///
/// # Errors
/// [`Refused`] if the versions have nothing in common.
pub fn negotiate(offer: &InitIn, wishes: &Wishes) -> Result<(Negotiated, InitOut), Refused> {
    if offer.major > MAJOR {
        return Err(Refused::Newer);
    }
    if offer.major < MAJOR || offer.minor < MINOR_MIN {
        return Err(Refused::Older { major: offer.major, minor: offer.minor });
    }
    let minor = offer.minor.min(MINOR);
    let offered = u64::from(offer.flags) | if_set(offer.flags, init::INIT_EXT, u64::from(offer.flags2) << 32);
    let wanted = ALWAYS
        | when(wishes.uring, init::OVER_IO_URING)
        | when(wishes.passthrough, init::PASSTHROUGH)
        | when(wishes.resend, init::HAS_RESEND);
    let flags = offered & wanted;
    let max_write = (wishes.max_write / PAGE * PAGE).clamp(PAGE, 256 * PAGE);
    let negotiated = Negotiated::of(minor, flags, max_write);
    let out = InitOut {
        major: MAJOR,
        minor: MINOR,
        max_readahead: offer.max_readahead,
        flags: flags as u32,
        max_background: MAX_BACKGROUND,
        congestion_threshold: MAX_BACKGROUND / 4 * 3,
        max_write,
        time_gran: 1,
        max_pages: (max_write / PAGE) as u16,
        map_alignment: 0,
        flags2: (flags >> 32) as u32,
        max_stack_depth: if negotiated.passthrough { STACK_DEPTH } else { 0 },
        request_timeout: 0,
        unused: [0; 11],
    };
    Ok((negotiated, out))
}

fn when(condition: bool, flags: u64) -> u64 {
    if condition { flags } else { 0 }
}

fn if_set(flags: u32, bit: u64, value: u64) -> u64 {
    when(u64::from(flags) & bit != 0, value)
}

impl Negotiated {
    /// What these numbers mean: the minor version, the bits that are on, and the longest write, in bytes.
    pub fn of(minor: u32, flags: u64, max_write: u32) -> Self {
        Self {
            minor,
            flags,
            max_write,
            uring: flags & init::OVER_IO_URING != 0,
            passthrough: flags & init::PASSTHROUGH != 0,
            resend: flags & init::HAS_RESEND != 0,
            epoch: minor >= 44,
            no_opendir: flags & init::NO_OPENDIR_SUPPORT != 0,
        }
    }

    /// Does without passthrough, although the kernel offers it.
    pub fn forgo_passthrough(&mut self) {
        self.passthrough = false;
        self.flags &= !init::PASSTHROUGH;
    }

    /// How large a buffer for requests must be, with the header and the arguments in front of the data.
    pub fn request_size(&self) -> usize {
        self.max_write as usize + PAGE as usize
    }

    /// How large the body of a reply may become.
    pub fn reply_size(&self) -> usize {
        // 64 KiB is the longest extended attribute.
        (self.max_write as usize).max(64 * 1024)
    }

    /// Each feature that matters to a person, with whether it is in force or what stands in for it.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let flag = |bit, on: &str, off: &str| if self.flags & bit != 0 { on.into() } else { off.to_string() };
        vec![
            ("protocol", format!("{MAJOR}.{}", self.minor)),
            ("transport", flag(init::OVER_IO_URING, "io_uring", "/dev/fuse")),
            ("data path", flag(init::PASSTHROUGH, "passthrough", "through the daemon")),
            ("longest write", format!("{} KiB", self.max_write / 1024)),
            ("listings with attributes", flag(init::DO_READDIRPLUS, "yes", "no")),
            ("opening directories", flag(init::NO_OPENDIR_SUPPORT, "by the kernel alone", "asked for")),
            (
                "set-id bits on write",
                flag(init::HANDLE_KILLPRIV_V2, "by the daemon", "by the kernel, each write"),
            ),
            ("forgetting all names", if self.epoch { "by epoch" } else { "one by one" }.into()),
        ]
    }
}

#[cfg(test)]
mod tests;
