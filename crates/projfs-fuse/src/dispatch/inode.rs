//! Attributes of an inode.

use std::time::Duration;

use projfs_engine::AttributeChange;
use projfs_engine::SetAttributes;
use projfs_engine::Time;
use projfs_types::ItemKind;
use projfs_types::NodeId;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::mode;

use super::Call;
use crate::wire::abi::Kstatfs;
use crate::wire::abi::SetattrIn;
use crate::wire::abi::fattr;
use crate::wire::reply::Lifetime;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;

impl Call<'_> {
    pub(super) fn getattr(&self, reply: &mut Reply<'_>) -> Served {
        let stat = self.engine.attributes(&self.context, self.node())?;
        reply.stat(&stat, self.attribute_lifetime(self.node()))
    }

    pub(super) fn statx(&self, reply: &mut Reply<'_>) -> Served {
        let stat = self.engine.attributes(&self.context, self.node())?;
        reply.statx(&stat, self.attribute_lifetime(self.node()))
    }

    pub(super) fn setattr(&self, args: &SetattrIn, reply: &mut Reply<'_>) -> Served {
        let has = |bit| args.valid & bit != 0;
        let when = |bit, value| if has(bit) { Some(value) } else { None };
        let time = |bit, now, seconds: u64, nanoseconds| {
            let at = Time::At(Timestamp { seconds: seconds as i64, nanoseconds });
            if has(now) { Some(Time::Now) } else { when(bit, 0).map(|_| at) }
        };
        let mut others = AttributeChange {
            permissions: when(fattr::MODE, args.mode & mode::PERMISSIONS),
            uid: when(fattr::UID, args.uid),
            gid: when(fattr::GID, args.gid),
            access: time(fattr::ATIME, fattr::ATIME_NOW, args.atime, args.atimensec),
            write: time(fattr::MTIME, fattr::MTIME_NOW, args.mtime, args.mtimensec),
        };
        let size = if has(fattr::SIZE) { Some(args.size) } else { None };
        // With `HANDLE_KILLPRIV_V2` these bits are ours to take away.
        let loses_bits = has(fattr::KILL_SUIDGID) || has(fattr::UID) || has(fattr::GID);
        if loses_bits && others.permissions.is_none() {
            let stat = self.engine.attributes(&self.context, self.node())?;
            others.permissions = without_set_id(&stat);
        }
        let handle = has(fattr::FH).then(|| Self::handle(args.fh));
        let change = SetAttributes { size, others };
        let stat = self.engine.set_attributes(&self.context, self.node(), handle, &change)?;
        reply.stat(&stat, self.attribute_lifetime(self.node()))
    }

    /// Whether a file has set-id bits that a write takes away.
    pub(super) fn has_set_id(&self, node: NodeId) -> Result<bool, projfs_engine::Error> {
        Ok(without_set_id(&self.engine.attributes(&self.context, node)?).is_some())
    }

    /// Takes set-id bits away, as a write by somebody without `CAP_FSETID` does.
    pub(super) fn take_set_id(&self, node: NodeId) -> Result<(), projfs_engine::Error> {
        let stat = self.engine.attributes(&self.context, node)?;
        if let Some(permissions) = without_set_id(&stat) {
            let others = AttributeChange { permissions: Some(permissions), ..AttributeChange::default() };
            let change = SetAttributes { size: None, others };
            self.engine.set_attributes(&self.context, node, None, &change)?;
            // The answer to a write does not say so, and the kernel would go on to run the file as its owner.
            self.kernel.invalidator.attributes_changed(node);
        }
        Ok(())
    }

    /// The same where the kernel does not say whether the caller has `CAP_FSETID`: root keeps them.
    pub(super) fn take_set_id_of_stranger(&self, node: NodeId) -> Result<(), projfs_engine::Error> {
        if self.request.caller.uid == 0 { Ok(()) } else { self.take_set_id(node) }
    }

    /// How long attributes hold. A file that the kernel writes by itself may be mapped, and a store into the mapping
    /// changes the times of the file below without anybody being told.
    pub(super) fn attribute_lifetime(&self, node: NodeId) -> Lifetime {
        if self.kernel.io.is_written_unseen(node) {
            Lifetime::For(Duration::ZERO)
        } else {
            self.kernel.policy.attributes
        }
    }

    pub(super) fn readlink(&self, reply: &mut Reply<'_>) -> Served {
        reply.data(&self.engine.read_link(&self.context, self.node())?)
    }

    pub(super) fn statfs(&self, reply: &mut Reply<'_>) -> Served {
        let space = self.engine.space()?;
        reply.statfs(&Kstatfs {
            blocks: space.blocks,
            bfree: space.free,
            bavail: space.available,
            files: space.files,
            ffree: space.free_files,
            bsize: space.block_size,
            namelen: space.name_length,
            frsize: space.block_size,
            ..Kstatfs::default()
        })
    }

    pub(super) fn syncfs(&self, reply: &mut Reply<'_>) -> Served {
        self.engine.sync_all()?;
        reply.empty()
    }
}

/// The permission bits without set-id bits, if there were any.
fn without_set_id(stat: &Stat) -> Option<u32> {
    let permissions = stat.mode & mode::PERMISSIONS;
    let left = mode::without_set_id(permissions);
    (stat.kind() == ItemKind::File && left != permissions).then_some(left)
}
