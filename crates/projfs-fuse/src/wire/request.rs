//! Requests: what the kernel asks for, decoded from its bytes and checked.

mod arguments;

use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::NameError;
use projfs_types::NodeId;
use rustix::io::Errno;
use zerocopy::FromBytes;

use self::arguments::Arguments;
use super::abi::AccessIn;
use super::abi::BmapIn;
use super::abi::CopyFileRangeIn;
use super::abi::CreateIn;
use super::abi::FallocateIn;
use super::abi::FlushIn;
use super::abi::ForgetOne;
use super::abi::FsyncIn;
use super::abi::GetattrIn;
use super::abi::InHeader;
use super::abi::InitIn;
use super::abi::IoctlIn;
use super::abi::LkIn;
use super::abi::LseekIn;
use super::abi::MkdirIn;
use super::abi::MknodIn;
use super::abi::NotifyRetrieveIn;
use super::abi::Opcode;
use super::abi::OpenIn;
use super::abi::PollIn;
use super::abi::ReadIn;
use super::abi::ReleaseIn;
use super::abi::SetattrIn;
use super::abi::StatxIn;
use super::abi::WriteIn;

/// One request, decoded. Data and names are borrowed from the buffer it came in.
///
/// Structures are the kernel's own ([`abi`](super::abi)); names are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Request<'a> {
    Lookup {
        name: &'a ItemName,
    },
    Forget {
        lookups: u64,
    },
    BatchForget {
        items: Forgets<'a>,
    },
    Getattr(GetattrIn),
    Statx(StatxIn),
    Setattr(SetattrIn),
    Readlink,
    Symlink {
        name: &'a ItemName,
        target: &'a [u8],
    },
    Mknod {
        args: MknodIn,
        name: &'a ItemName,
    },
    Mkdir {
        args: MkdirIn,
        name: &'a ItemName,
    },
    Unlink {
        name: &'a ItemName,
    },
    Rmdir {
        name: &'a ItemName,
    },
    /// `RENAME` and `RENAME2`; `flags` are those of `renameat2`.
    Rename {
        name: &'a ItemName,
        new_parent: NodeId,
        new_name: &'a ItemName,
        flags: u32,
    },
    Link {
        source: NodeId,
        new_name: &'a ItemName,
    },
    Open(OpenIn),
    Create {
        args: CreateIn,
        name: &'a ItemName,
    },
    Tmpfile(CreateIn),
    Read(ReadIn),
    Write {
        args: WriteIn,
        data: &'a [u8],
    },
    Statfs,
    Release(ReleaseIn),
    Flush(FlushIn),
    Fsync(FsyncIn),
    Setxattr {
        name: &'a [u8],
        value: &'a [u8],
        flags: u32,
    },
    Getxattr {
        name: &'a [u8],
        size: u32,
    },
    Listxattr {
        size: u32,
    },
    Removexattr {
        name: &'a [u8],
    },
    Init(InitIn),
    Opendir(OpenIn),
    Readdir(ReadIn),
    Readdirplus(ReadIn),
    Releasedir(ReleaseIn),
    Fsyncdir(FsyncIn),
    Getlk(LkIn),
    Setlk(LkIn),
    /// As [`Request::Setlk`], but waits until the lock is free.
    Setlkw(LkIn),
    Access(AccessIn),
    Interrupt {
        unique: u64,
    },
    Bmap(BmapIn),
    Destroy,
    Ioctl {
        args: IoctlIn,
        data: &'a [u8],
    },
    Poll(PollIn),
    NotifyReply {
        args: NotifyRetrieveIn,
        data: &'a [u8],
    },
    Fallocate(FallocateIn),
    Lseek(LseekIn),
    /// `COPY_FILE_RANGE` and `COPY_FILE_RANGE_64`; only the form of the answer differs.
    CopyFileRange {
        args: CopyFileRangeIn,
        wide: bool,
    },
    Syncfs,
}

/// Who asks, about which node; the part that every request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// Identifies the request until it is answered.
    pub unique: u64,
    /// The node the request is about.
    pub node: NodeId,
    /// The process that asks.
    pub caller: Caller,
    /// What is asked.
    pub opcode: Opcode,
}

/// Why some bytes are not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the request does, or its lengths contradict each other.
    Malformed,
    /// The opcode is not known.
    UnknownOpcode(u32),
    /// A name is not a name of one item, or not one of an attribute.
    Name(NameError),
}

impl From<DecodeError> for Errno {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Malformed => Errno::IO,
            DecodeError::UnknownOpcode(_) => Errno::NOSYS,
            DecodeError::Name(NameError::TooLong) => Errno::NAMETOOLONG,
            DecodeError::Name(NameError::Empty) => Errno::NOENT,
            DecodeError::Name(NameError::Dots | NameError::Slash | NameError::Nul) => Errno::INVAL,
        }
    }
}

/// The nodes of a `BATCH_FORGET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgets<'a>(&'a [u8]);

impl Forgets<'_> {
    /// Each node with the number of lookups to take back.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, u64)> {
        let items = self.0.chunks_exact(size_of::<ForgetOne>());
        items
            .filter_map(|item| ForgetOne::read_from_bytes(item).ok())
            .map(|one| (NodeId(one.nodeid), one.nlookup))
    }
}

/// The bytes of one request as a transport has them: in one piece, or in the pieces of a ring entry.
#[derive(Clone, Copy, Debug)]
pub struct RawRequest<'a> {
    header: InHeader,
    first: &'a [u8],
    rest: &'a [u8],
}

impl<'a> RawRequest<'a> {
    /// Takes the bytes that one read of `/dev/fuse` gave.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if they are not as long as they say.
    pub fn contiguous(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, rest) = InHeader::read_from_prefix(bytes).map_err(|_| DecodeError::Malformed)?;
        if header.len as usize != bytes.len() {
            return Err(DecodeError::Malformed);
        }
        Ok(Self { header, first: rest, rest: &[] })
    }

    /// Takes the pieces of a ring entry: the header, the block that starts with the first argument, and the payload.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if the lengths contradict each other.
    pub fn split(header: &[u8], op_in: &'a [u8], payload: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, _) = InHeader::read_from_prefix(header).map_err(|_| DecodeError::Malformed)?;
        // The kernel does not say how long the first argument is; what the header's total leaves over is.
        let first = (header.len as usize)
            .checked_sub(size_of::<InHeader>() + payload.len())
            .and_then(|length| op_in.get(..length))
            .ok_or(DecodeError::Malformed)?;
        Ok(Self { header, first, rest: payload })
    }

    /// The opcode and identification, which are there even when the rest is malformed.
    pub fn header(&self) -> &InHeader {
        &self.header
    }

    /// Decodes the request.
    ///
    /// # Errors
    /// Whatever is wrong with the bytes.
    pub fn decode(&self) -> Result<(RequestContext, Request<'a>), DecodeError> {
        let opcode = Opcode::of(self.header.opcode).ok_or(DecodeError::UnknownOpcode(self.header.opcode))?;
        let mut arguments = Arguments::new(self.first, self.rest);
        arguments.cut_extensions(usize::from(self.header.total_extlen) * 8)?;
        let context = RequestContext {
            unique: self.header.unique,
            node: NodeId(self.header.nodeid),
            caller: Caller { pid: self.header.pid, uid: self.header.uid, gid: self.header.gid },
            opcode,
        };
        Ok((context, arguments.request(opcode)?))
    }
}

/// The bytes of one request, owned, so that it can be run again by another thread.
#[derive(Clone, Debug)]
pub struct RequestBuffer(Box<[u8]>);

impl From<&RawRequest<'_>> for RequestBuffer {
    fn from(raw: &RawRequest<'_>) -> Self {
        let header = zerocopy::IntoBytes::as_bytes(&raw.header);
        Self([header, raw.first, raw.rest].concat().into())
    }
}

impl RequestBuffer {
    /// The request, as it was when it was decoded first.
    ///
    /// # Errors
    /// The same as then.
    pub fn decode(&self) -> Result<(RequestContext, Request<'_>), DecodeError> {
        RawRequest::contiguous(&self.0)?.decode()
    }
}

#[cfg(test)]
mod tests;
