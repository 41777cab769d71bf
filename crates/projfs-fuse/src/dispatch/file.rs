//! Files: opening, reading, writing, closing.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;

use projfs_engine::Access;
use projfs_engine::Coverage;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Opened;
use projfs_engine::Patience;
use projfs_engine::Seek;
use projfs_engine::StoreFile;
use projfs_sync::Arc;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::mode;
use rustix::io::Errno;

use super::Call;
use crate::errno;
use crate::io::OpenedAs;
use crate::wire::abi::CopyFileRangeIn;
use crate::wire::abi::CreateIn;
use crate::wire::abi::FallocateIn;
use crate::wire::abi::FsyncIn;
use crate::wire::abi::LseekIn;
use crate::wire::abi::OpenIn;
use crate::wire::abi::ReadIn;
use crate::wire::abi::ReleaseIn;
use crate::wire::abi::WriteIn;
use crate::wire::abi::flag;
use crate::wire::abi::fopen;
use crate::wire::reply;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::reply::Unserved;

const ACCESS_MODE: u32 = libc::O_ACCMODE as u32;
const READ_ONLY: u32 = libc::O_RDONLY as u32;
const EXCLUSIVE: u32 = libc::O_EXCL as u32;
const TRUNCATE: u32 = libc::O_TRUNC as u32;
const SET_ID: u32 = mode::SET_USER_ID | mode::SET_GROUP_ID;

/// A store's file that certainly has a descriptor.
struct Backing(Arc<dyn StoreFile>);

impl AsFd for Backing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // Made in `opened` below, where this was looked at.
        self.0.descriptor().expect("the file has a descriptor")
    }
}

fn access(flags: u32) -> Access {
    if flags & ACCESS_MODE == READ_ONLY { Access::Read } else { Access::ReadWrite }
}

pub(super) fn how(flags: u32) -> OpenHow {
    OpenHow { access: access(flags), truncate: flags & TRUNCATE != 0 }
}

impl Call<'_> {
    /// How the kernel is to read and write an open file: by itself if it can.
    ///
    /// A write takes set-id bits away, unless its caller has `CAP_FSETID`. By itself the kernel does not do that with
    /// the file below, where all are this process; only a write that comes here says who makes it. So a file with such
    /// bits is read and written through the cache, also by who only reads: a file has one mode for all that have it open.
    pub(super) fn opened(&self, opened: Opened, flags: u32) -> reply::Opened {
        let file = || {
            let file = self.engine.file(&self.context, opened.handle);
            let file = file.map_err(|error| errno::of_kind(error.kind))?;
            if file.descriptor().is_some() { Ok(Backing(file)) } else { Err(Errno::OPNOTSUPP) }
        };
        let coverage = match opened.coverage {
            Coverage::Whole if opened.permissions & SET_ID == 0 => Coverage::Whole,
            Coverage::Whole | Coverage::Partial => Coverage::Partial,
        };
        let as_what = self.kernel.io.open(opened.node, coverage, access(flags), file);
        let (flags, passthrough) = match as_what {
            OpenedAs::Passthrough(id) => (0, Some(id)),
            // Where nothing is passed through, all changes go through the kernel's cache and leave it right.
            OpenedAs::Cached if !self.kernel.negotiated.passthrough => (fopen::KEEP_CACHE, None),
            OpenedAs::Cached => (0, None),
        };
        reply::Opened { handle: opened.handle.0, flags: flags | fopen::NOFLUSH, passthrough }
    }

    pub(super) fn open(&self, args: &OpenIn, reply: &mut Reply<'_>) -> Served {
        let takes_set_id = args.open_flags & flag::OPEN_KILL_SUIDGID != 0 && self.has_set_id(self.node())?;
        if takes_set_id && matches!(self.context.patience, Patience::None) {
            // Two changes in a row: if the second had to wait, the first could not be taken back.
            return Err(Unserved::WouldWait);
        }
        let opened = self.engine.open(&self.context, self.node(), how(args.flags))?;
        if takes_set_id && let Err(error) = self.take_set_id(self.node()) {
            self.engine.release(&self.context, opened.handle);
            return Err(error.into());
        }
        let answer = self.opened(opened, args.flags);
        if answer.passthrough.is_some() && access(args.flags) == Access::ReadWrite {
            // What was told before would hide what a mapping changes from here on.
            self.kernel.invalidator.attributes_changed(opened.node);
        }
        reply.opened(&answer)
    }

    pub(super) fn create(&self, args: &CreateIn, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        let new = self.new_item(NewKind::File, args.mode);
        let exclusive = args.flags & EXCLUSIVE != 0;
        let (entry, opened) =
            self.engine.create(&self.context, self.node(), name, &new, how(args.flags), exclusive)?;
        let opened = self.opened(opened, args.flags);
        reply.created(&self.entry(entry), &opened)
    }

    pub(super) fn tmpfile(&self, args: &CreateIn, reply: &mut Reply<'_>) -> Served {
        let new = self.new_item(NewKind::File, args.mode);
        let (entry, opened) =
            self.engine.create_nameless(&self.context, self.node(), &new, access(args.flags))?;
        let opened = self.opened(opened, args.flags);
        reply.created(&self.entry(entry), &opened)
    }

    pub(super) fn read(&self, args: &ReadIn, reply: &mut Reply<'_>) -> Served {
        let (handle, length) = (Self::handle(args.fh), u64::from(args.size));
        let file = self.engine.readable(&self.context, handle, args.offset, length)?;
        reply.data_with(args.size, |room| file.read_at(args.offset, room).map_err(|error| error.errno()))
    }

    pub(super) fn write(&self, args: &WriteIn, data: &[u8], reply: &mut Reply<'_>) -> Served {
        if args.write_flags & flag::WRITE_KILL_SUIDGID != 0 {
            self.take_set_id(self.node())?;
        }
        // Late writes of a shared mapping come with whatever handle the kernel finds.
        self.engine.write(&self.context, Self::handle(args.fh), args.offset, data)?;
        reply.written(args.size)
    }

    pub(super) fn release(&self, args: &ReleaseIn, reply: &mut Reply<'_>) -> Served {
        let handle = Self::handle(args.fh);
        // The only thing that may wait, and then everything is run again.
        self.engine.finish(&self.context, handle)?;
        // Nothing if the process before this one has closed it, and died before it said so.
        if self.engine.is_handle(handle) {
            self.kernel.io.close(self.node(), access(args.flags));
        }
        self.engine.release(&self.context, handle);
        reply.empty()
    }

    pub(super) fn fsync(&self, args: &FsyncIn, reply: &mut Reply<'_>) -> Served {
        let data_only = args.fsync_flags & flag::FSYNC_FDATASYNC != 0;
        self.engine.sync(&self.context, Self::handle(args.fh), data_only)?;
        reply.empty()
    }

    pub(super) fn fallocate(&self, args: &FallocateIn, reply: &mut Reply<'_>) -> Served {
        let handle = Self::handle(args.fh);
        self.take_set_id_of_stranger(self.node())?;
        self.engine.allocate(&self.context, handle, args.mode, args.offset, args.length)?;
        reply.empty()
    }

    pub(super) fn lseek(&self, args: &LseekIn, reply: &mut Reply<'_>) -> Served {
        let what = match i32::try_from(args.whence) {
            Ok(libc::SEEK_DATA) => Seek::Data,
            Ok(libc::SEEK_HOLE) => Seek::Hole,
            _ => return Err(Errno::INVAL.into()),
        };
        reply.offset(self.engine.seek(&self.context, Self::handle(args.fh), args.offset, what)?)
    }

    pub(super) fn copy_file_range(
        &self,
        args: &CopyFileRangeIn,
        wide: bool,
        reply: &mut Reply<'_>,
    ) -> Served {
        let from = (Self::handle(args.fh_in), args.off_in);
        let to = (Self::handle(args.fh_out), args.off_out);
        self.take_set_id_of_stranger(NodeId(args.nodeid_out))?;
        // The narrow form cannot say more than that; the caller comes again for the rest.
        let length = if wide { args.len } else { args.len.min(u64::from(u32::MAX) & !0xfff) };
        reply.copied(self.engine.copy(&self.context, from, to, length)?, wide)
    }
}
