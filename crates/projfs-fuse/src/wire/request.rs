//! Requests: what the kernel asks for, decoded from its bytes and checked.

use projfs_types::{Caller, ItemName, NAME_MAX, NameError, NodeId};
use rustix::io::Errno;
use zerocopy::FromBytes;

use super::abi::{
    self, AccessIn, BatchForgetIn, BmapIn, CopyFileRangeIn, CreateIn, ExtHeader, FallocateIn, FlushIn,
    ForgetIn, ForgetOne, FsyncIn, GetattrIn, GetxattrIn, InHeader, InitIn, InterruptIn, IoctlIn, LinkIn,
    LkIn, LseekIn, MkdirIn, MknodIn, NotifyRetrieveIn, Opcode, OpenIn, PollIn, ReadIn, ReleaseIn, Rename2In,
    RenameIn, SetattrIn, SetxattrIn, SetxattrInExt, StatxIn, WriteIn, flag,
};

/// One request, decoded. Data and names are borrowed from the buffer it came in.
///
/// Structures are the kernel's own ([`abi`]); names are checked.
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
        clear_setgid: bool,
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
    /// Identifies the request until it is answered. Without the mark of a second sending.
    pub unique: u64,
    /// Whether the kernel sends this request for a second time, to a new daemon.
    pub resent: bool,
    /// The node the request is about.
    pub node: NodeId,
    /// The process that asks.
    pub caller: Caller,
    /// What is asked.
    pub opcode: Opcode,
    /// The group of the caller's other groups that owns the parent directory, where a new item is asked for.
    pub supplementary_group: Option<u32>,
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
        let mut arguments = Arguments { first: self.first, rest: self.rest };
        let extensions = arguments.take_extensions(usize::from(self.header.total_extlen) * 8)?;
        let context = RequestContext {
            unique: self.header.unique & !abi::UNIQUE_RESEND,
            resent: self.header.unique & abi::UNIQUE_RESEND != 0,
            node: NodeId(self.header.nodeid),
            caller: Caller { pid: self.header.pid, uid: self.header.uid, gid: self.header.gid },
            opcode,
            supplementary_group: supplementary_group(extensions),
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

/// What is left to decode. In a ring entry `first` holds exactly the first argument; otherwise all of it.
struct Arguments<'a> {
    first: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Arguments<'a> {
    fn current(&mut self) -> &mut &'a [u8] {
        if self.first.is_empty() { &mut self.rest } else { &mut self.first }
    }

    fn take<T: FromBytes>(&mut self) -> Result<T, DecodeError> {
        let current = self.current();
        let (value, rest) = T::read_from_prefix(current).map_err(|_| DecodeError::Malformed)?;
        *current = rest;
        Ok(value)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let current = self.current();
        let (taken, rest) = current.split_at_checked(length).ok_or(DecodeError::Malformed)?;
        *current = rest;
        Ok(taken)
    }

    fn string(&mut self) -> Result<&'a [u8], DecodeError> {
        let current = self.current();
        let end = current.iter().position(|byte| *byte == 0).ok_or(DecodeError::Malformed)?;
        let taken = &current[..end];
        *current = &current[end + 1..];
        Ok(taken)
    }

    fn name(&mut self) -> Result<&'a ItemName, DecodeError> {
        ItemName::new(self.string()?).map_err(DecodeError::Name)
    }

    fn attribute(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.string()? {
            [] => Err(DecodeError::Name(NameError::Empty)),
            name if name.len() > NAME_MAX => Err(DecodeError::Name(NameError::TooLong)),
            name => Ok(name),
        }
    }

    fn take_extensions(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let last = if self.rest.is_empty() { &mut self.first } else { &mut self.rest };
        let start = last.len().checked_sub(length).ok_or(DecodeError::Malformed)?;
        let (left, extensions) = last.split_at(start);
        *last = left;
        Ok(extensions)
    }

    fn setxattr(&mut self) -> Result<Request<'a>, DecodeError> {
        // `FUSE_SETXATTR_EXT` is always negotiated; the kernels from `MINOR_MIN` on all have it.
        let args: SetxattrIn = self.take()?;
        let more: SetxattrInExt = self.take()?;
        let name = self.attribute()?;
        let value = self.bytes(args.size as usize)?;
        let clear_setgid = more.setxattr_flags & flag::SETXATTR_ACL_KILL_SGID != 0;
        Ok(Request::Setxattr { name, value, flags: args.flags, clear_setgid })
    }

    fn batch_forget(&mut self) -> Result<Request<'a>, DecodeError> {
        let args: BatchForgetIn = self.take()?;
        let length = (args.count as usize).checked_mul(size_of::<ForgetOne>());
        let items = self.bytes(length.ok_or(DecodeError::Malformed)?)?;
        Ok(Request::BatchForget { items: Forgets(items) })
    }

    fn request(mut self, opcode: Opcode) -> Result<Request<'a>, DecodeError> {
        let this = &mut self;
        Ok(match opcode {
            Opcode::Lookup => Request::Lookup { name: this.name()? },
            Opcode::Forget => Request::Forget { lookups: this.take::<ForgetIn>()?.nlookup },
            Opcode::BatchForget => this.batch_forget()?,
            Opcode::Getattr => Request::Getattr(this.take()?),
            Opcode::Statx => Request::Statx(this.take()?),
            Opcode::Setattr => Request::Setattr(this.take()?),
            Opcode::Readlink => Request::Readlink,
            Opcode::Symlink => Request::Symlink { name: this.name()?, target: this.string()? },
            Opcode::Mknod => Request::Mknod { args: this.take()?, name: this.name()? },
            Opcode::Mkdir => Request::Mkdir { args: this.take()?, name: this.name()? },
            Opcode::Unlink => Request::Unlink { name: this.name()? },
            Opcode::Rmdir => Request::Rmdir { name: this.name()? },
            Opcode::Rename => {
                let args: RenameIn = this.take()?;
                let (name, new_name) = (this.name()?, this.name()?);
                Request::Rename { name, new_parent: NodeId(args.newdir), new_name, flags: 0 }
            }
            Opcode::Rename2 => {
                let args: Rename2In = this.take()?;
                let (name, new_name) = (this.name()?, this.name()?);
                Request::Rename { name, new_parent: NodeId(args.newdir), new_name, flags: args.flags }
            }
            Opcode::Link => {
                let source = NodeId(this.take::<LinkIn>()?.oldnodeid);
                Request::Link { source, new_name: this.name()? }
            }
            Opcode::Open => Request::Open(this.take()?),
            Opcode::Create => Request::Create { args: this.take()?, name: this.name()? },
            // The kernel sends a name along with a nameless file; it means nothing.
            Opcode::Tmpfile => Request::Tmpfile(this.take()?),
            Opcode::Read => Request::Read(this.take()?),
            Opcode::Write => {
                let args: WriteIn = this.take()?;
                Request::Write { args, data: this.bytes(args.size as usize)? }
            }
            Opcode::Statfs => Request::Statfs,
            Opcode::Release => Request::Release(this.take()?),
            Opcode::Flush => Request::Flush(this.take()?),
            Opcode::Fsync => Request::Fsync(this.take()?),
            Opcode::Setxattr => this.setxattr()?,
            Opcode::Getxattr => {
                let args: GetxattrIn = this.take()?;
                Request::Getxattr { name: this.attribute()?, size: args.size }
            }
            Opcode::Listxattr => Request::Listxattr { size: this.take::<GetxattrIn>()?.size },
            Opcode::Removexattr => Request::Removexattr { name: this.attribute()? },
            Opcode::Init => Request::Init(this.take()?),
            Opcode::Opendir => Request::Opendir(this.take()?),
            Opcode::Readdir => Request::Readdir(this.take()?),
            Opcode::Readdirplus => Request::Readdirplus(this.take()?),
            Opcode::Releasedir => Request::Releasedir(this.take()?),
            Opcode::Fsyncdir => Request::Fsyncdir(this.take()?),
            Opcode::Getlk => Request::Getlk(this.take()?),
            Opcode::Setlk => Request::Setlk(this.take()?),
            Opcode::Setlkw => Request::Setlkw(this.take()?),
            Opcode::Access => Request::Access(this.take()?),
            Opcode::Interrupt => Request::Interrupt { unique: this.take::<InterruptIn>()?.unique },
            Opcode::Bmap => Request::Bmap(this.take()?),
            Opcode::Destroy => Request::Destroy,
            Opcode::Ioctl => {
                let args: IoctlIn = this.take()?;
                Request::Ioctl { args, data: this.bytes(args.in_size as usize)? }
            }
            Opcode::Poll => Request::Poll(this.take()?),
            Opcode::NotifyReply => {
                let args: NotifyRetrieveIn = this.take()?;
                Request::NotifyReply { args, data: this.bytes(args.size as usize)? }
            }
            Opcode::Fallocate => Request::Fallocate(this.take()?),
            Opcode::Lseek => Request::Lseek(this.take()?),
            Opcode::CopyFileRange => Request::CopyFileRange { args: this.take()?, wide: false },
            Opcode::CopyFileRange64 => Request::CopyFileRange { args: this.take()?, wide: true },
            Opcode::Syncfs => Request::Syncfs,
        })
    }
}

/// Finds the group in the extensions behind a request that creates something.
fn supplementary_group(mut extensions: &[u8]) -> Option<u32> {
    while let Ok((header, rest)) = ExtHeader::read_from_prefix(extensions) {
        let body = (header.size as usize).checked_sub(size_of::<ExtHeader>())?;
        let (body, next) = rest.split_at_checked(body)?;
        if header.kind == flag::EXT_GROUPS {
            let (count, groups) = u32::read_from_prefix(body).ok()?;
            return u32::read_from_prefix(groups).ok().filter(|_| count > 0).map(|(group, _)| group);
        }
        extensions = next;
    }
    None
}

#[cfg(test)]
mod tests;
