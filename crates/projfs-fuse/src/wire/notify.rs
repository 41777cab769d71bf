//! Notifications: what the daemon tells the kernel without having been asked.

use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use zerocopy::IntoBytes;

use super::abi::NotifyDeleteOut;
use super::abi::NotifyInvalEntryOut;
use super::abi::NotifyInvalInodeOut;
use super::abi::OutHeader;
use super::abi::notify;

/// Something the kernel should know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are what the variants speak of")]
pub enum Notification {
    /// Attributes of a node are stale, and its content from `offset` on for `length` bytes.
    /// A negative offset spares the content; a length of 0 means up to the end.
    InvalidateInode { node: NodeId, offset: i64, length: i64 },
    /// What the kernel knows under a name is stale; it is dropped, with what is below if it is a directory.
    InvalidateEntry { parent: NodeId, name: ItemNameBuf },
    /// The item under a name is gone. Unlike an invalidation, this is told to those who watch it.
    Delete { parent: NodeId, child: NodeId, name: ItemNameBuf },
    /// Every name that the kernel knows is stale.
    IncrementEpoch,
    /// Requests that were read and not answered should be sent again, before any other.
    Resend,
}

impl Notification {
    /// The message to be written to `/dev/fuse`.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::InvalidateInode { node, offset, length } => {
                let body = NotifyInvalInodeOut { ino: node.0, off: *offset, len: *length };
                message(notify::INVAL_INODE, body.as_bytes(), None)
            }
            Self::InvalidateEntry { parent, name } => {
                let body = NotifyInvalEntryOut { parent: parent.0, namelen: length(name), flags: 0 };
                message(notify::INVAL_ENTRY, body.as_bytes(), Some(name))
            }
            Self::Delete { parent, child, name } => {
                let (parent, child, namelen) = (parent.0, child.0, length(name));
                let body = NotifyDeleteOut { parent, child, namelen, padding: 0 };
                message(notify::DELETE, body.as_bytes(), Some(name))
            }
            Self::IncrementEpoch => message(notify::INC_EPOCH, &[], None),
            Self::Resend => message(notify::RESEND, &[], None),
        }
    }
}

/// A name is at most 255 bytes, checked when it was made.
fn length(name: &ItemNameBuf) -> u32 {
    name.as_bytes().len() as u32
}

fn message(code: i32, body: &[u8], name: Option<&ItemNameBuf>) -> Vec<u8> {
    let name = name.map_or(&[][..], |name| name.as_bytes());
    let end: &[u8] = if name.is_empty() { &[] } else { &[0] };
    let len = size_of::<OutHeader>() + body.len() + name.len() + end.len();
    let header = OutHeader { len: len as u32, error: code, unique: 0 };
    [header.as_bytes(), body, name, end].concat()
}

#[cfg(test)]
mod tests;
