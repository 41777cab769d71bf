//! Names: looking them up, making, removing and moving what they lead to.

use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::RemoveKind;
use projfs_engine::RenameHow;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::mode;
use rustix::io::Errno;

use super::Call;
use crate::wire::abi::MkdirIn;
use crate::wire::abi::MknodIn;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::reply::decode_device;

const NOREPLACE: u32 = 1 << 0;
pub(super) const EXCHANGE: u32 = 1 << 1;

impl Call<'_> {
    pub(super) fn lookup(&self, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        match self.engine.lookup(&self.context, self.node(), name)? {
            Some(entry) => reply.entry(&self.entry(entry)),
            None => reply.negative_entry(self.kernel.policy.negatives),
        }
    }

    pub(super) fn new_item(&self, kind: NewKind, mode: u32) -> NewItem {
        let caller = self.request.caller;
        NewItem { kind, permissions: mode & mode::PERMISSIONS, uid: caller.uid, gid: caller.gid }
    }

    fn make(&self, name: &ItemName, kind: NewKind, mode: u32, reply: &mut Reply<'_>) -> Served {
        let new = self.new_item(kind, mode);
        let entry = self.engine.make(&self.context, self.node(), name, &new)?;
        reply.entry(&self.entry(entry))
    }

    pub(super) fn symlink(&self, name: &ItemName, target: &[u8], reply: &mut Reply<'_>) -> Served {
        self.make(name, NewKind::Symlink { target: target.into() }, 0o777, reply)
    }

    pub(super) fn mkdir(&self, args: &MkdirIn, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        self.make(name, NewKind::Directory, args.mode, reply)
    }

    pub(super) fn mknod(&self, args: &MknodIn, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        let kind = match args.mode & mode::TYPE {
            mode::FILE | 0 => NewKind::File,
            type_bits => NewKind::Special { type_bits, device: decode_device(args.rdev) },
        };
        self.make(name, kind, args.mode, reply)
    }

    pub(super) fn unlink(&self, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        self.engine.remove(&self.context, self.node(), name, RemoveKind::NotDirectory)?;
        reply.empty()
    }

    pub(super) fn rmdir(&self, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        self.engine.remove(&self.context, self.node(), name, RemoveKind::Directory)?;
        reply.empty()
    }

    pub(super) fn rename(
        &self,
        name: &ItemName,
        to: (NodeId, &ItemName),
        flags: u32,
        reply: &mut Reply<'_>,
    ) -> Served {
        let how = match flags {
            0 => RenameHow::Replace,
            NOREPLACE => RenameHow::NoReplace,
            EXCHANGE => RenameHow::Exchange,
            _ => return Err(Errno::INVAL.into()),
        };
        self.engine.rename(&self.context, (self.node(), name), to, how)?;
        reply.empty()
    }

    pub(super) fn link(&self, source: NodeId, name: &ItemName, reply: &mut Reply<'_>) -> Served {
        let entry = self.engine.link(&self.context, source, self.node(), name)?;
        reply.entry(&self.entry(entry))
    }
}
