//! The arguments of a request, taken from its bytes one after the other.

use projfs_types::ItemName;
use projfs_types::NAME_MAX;
use projfs_types::NameError;
use projfs_types::NodeId;
use zerocopy::FromBytes;

use super::DecodeError;
use super::Forgets;
use super::Request;
use crate::wire::abi::BatchForgetIn;
use crate::wire::abi::ForgetIn;
use crate::wire::abi::ForgetOne;
use crate::wire::abi::GetxattrIn;
use crate::wire::abi::InterruptIn;
use crate::wire::abi::IoctlIn;
use crate::wire::abi::LinkIn;
use crate::wire::abi::NotifyRetrieveIn;
use crate::wire::abi::Opcode;
use crate::wire::abi::Rename2In;
use crate::wire::abi::RenameIn;
use crate::wire::abi::SetxattrIn;
use crate::wire::abi::WriteIn;

/// What is left to decode. In a ring entry `first` holds exactly the first argument; otherwise all of it.
pub(super) struct Arguments<'a> {
    first: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Arguments<'a> {
    /// The bytes of a request after its header.
    pub(super) fn new(first: &'a [u8], rest: &'a [u8]) -> Self {
        Self { first, rest }
    }

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

    /// Drops what may follow the arguments. We negotiate nothing that is told there.
    pub(super) fn cut_extensions(&mut self, length: usize) -> Result<(), DecodeError> {
        let last = if self.rest.is_empty() { &mut self.first } else { &mut self.rest };
        let left = last.len().checked_sub(length).ok_or(DecodeError::Malformed)?;
        *last = &last[..left];
        Ok(())
    }

    fn setxattr(&mut self) -> Result<Request<'a>, DecodeError> {
        let args: SetxattrIn = self.take()?;
        let name = self.attribute()?;
        let value = self.bytes(args.size as usize)?;
        Ok(Request::Setxattr { name, value, flags: args.flags })
    }

    fn batch_forget(&mut self) -> Result<Request<'a>, DecodeError> {
        let args: BatchForgetIn = self.take()?;
        let length = (args.count as usize).checked_mul(size_of::<ForgetOne>());
        let items = self.bytes(length.ok_or(DecodeError::Malformed)?)?;
        Ok(Request::BatchForget { items: Forgets(items) })
    }

    pub(super) fn request(mut self, opcode: Opcode) -> Result<Request<'a>, DecodeError> {
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
