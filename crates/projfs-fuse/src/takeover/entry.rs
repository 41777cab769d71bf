//! `Entry`: one thing to remember, as bytes.
//!
//! An entry is its length and a checksum, four bytes each, little-endian as everything here, then what it says. It is
//! written by one call; a process that is killed meanwhile leaves half of the last one, which its checksum gives away.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use projfs_engine::Access;
use projfs_engine::DirectoryRecord;
use projfs_engine::HandleId;
use projfs_engine::HandleRecord;
use projfs_engine::NodeRecord;
use projfs_engine::TrashId;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::OriginBuf;

use crate::io::BackingId;
use crate::wire::init::Negotiated;
use crate::wire::notify::Notification;

/// How the kernel reads a file, as it is remembered. How often it is open follows from the open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoRecord {
    /// It is open, and the kernel reads and writes it by itself.
    pub passes_through: bool,
    /// The file that the kernel has for it.
    pub backing: Option<BackingId>,
    /// The file below is another by now.
    pub stale: bool,
}

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Begin { negotiated: Negotiated, since: Option<Cursor>, path: PathBuf, source: String },
    Node(NodeId, Option<NodeRecord>),
    Handle(HandleId, Option<HandleRecord>),
    Exchanged(u64),
    Io(NodeId, Option<IoRecord>),
    Pending(std::borrow::Cow<'a, Notification>),
    Told,
}

/// Length and checksum.
const HEADER: usize = 8;

/// Longer ones are not written: a node with thousands of names is looked up again.
const LONGEST: usize = 1 << 20;

impl Entry<'_> {
    /// Appends it to `bytes`.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend([0; HEADER]);
        self.write(&mut Writer(bytes));
        let length = bytes.len() - start - HEADER;
        if length > LONGEST {
            bytes.truncate(start);
            return;
        }
        let check = checksum(&bytes[start + HEADER..]);
        bytes[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
        bytes[start + 4..start + HEADER].copy_from_slice(&check.to_le_bytes());
    }

    /// The first entry in `bytes`, and how long it is; nothing if there is no whole one.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut header = Reader(bytes);
        let (length, check) = (header.u32()? as usize, header.u32()?);
        let body = bytes.get(HEADER..HEADER + length.min(LONGEST + 1))?;
        if length == 0 || checksum(body) != check {
            return None;
        }
        let mut reader = Reader(body);
        Self::read(&mut reader).map(|entry| (entry, HEADER + length))
    }

    fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Begin { negotiated, since, path, source } => {
                to.u8(1);
                let Negotiated { minor, flags, max_write, .. } = negotiated;
                to.u32(*minor);
                to.u64(*flags);
                to.u32(*max_write);
                to.option(since.as_ref(), |to, cursor| {
                    to.u64(cursor.epoch);
                    to.u64(cursor.sequence);
                });
                to.bytes(path.as_os_str().as_bytes());
                to.bytes(source.as_bytes());
            }
            Self::Node(id, record) => {
                to.u8(2);
                to.u64(id.0);
                to.option(record.as_ref(), Writer::node);
            }
            Self::Handle(id, record) => {
                to.u8(3);
                to.u64(id.0);
                to.option(record.as_ref(), |to, record| {
                    to.u64(record.node.0);
                    to.u64(record.request);
                    to.u8(u8::from(record.access == Access::ReadWrite) | u8::from(record.in_parts) << 1);
                });
            }
            Self::Exchanged(request) => {
                to.u8(4);
                to.u64(*request);
            }
            Self::Io(node, record) => {
                to.u8(5);
                to.u64(node.0);
                to.option(record.as_ref(), |to, record| {
                    to.u8(u8::from(record.passes_through) | u8::from(record.stale) << 1);
                    to.option(record.backing.as_ref(), |to, id| to.u32(id.0 as u32));
                });
            }
            Self::Pending(notification) => {
                to.u8(6);
                to.notification(notification);
            }
            Self::Told => to.u8(7),
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.u8()? {
            1 => {
                let (minor, flags, max_write) = (from.u32()?, from.u64()?, from.u32()?);
                let negotiated = Negotiated::of(minor, flags, max_write);
                let since = from.option(|from| Some(Cursor { epoch: from.u64()?, sequence: from.u64()? }))?;
                let path = PathBuf::from(std::ffi::OsStr::from_bytes(from.bytes()?));
                let source = String::from_utf8(from.bytes()?.to_vec()).ok()?;
                Self::Begin { negotiated, since, path, source }
            }
            2 => Self::Node(NodeId(from.u64()?), from.option(Reader::node)?),
            3 => {
                let id = HandleId(from.u64()?);
                let record = from.option(|from| {
                    let (node, request, bits) = (NodeId(from.u64()?), from.u64()?, from.u8()?);
                    let access = if bits & 1 != 0 { Access::ReadWrite } else { Access::Read };
                    Some(HandleRecord { node, access, in_parts: bits & 2 != 0, request })
                })?;
                Self::Handle(id, record)
            }
            4 => Self::Exchanged(from.u64()?),
            5 => {
                let node = NodeId(from.u64()?);
                let record = from.option(|from| {
                    let bits = from.u8()?;
                    let backing = from.option(|from| Some(BackingId(from.u32()? as i32)))?;
                    Some(IoRecord { passes_through: bits & 1 != 0, backing, stale: bits & 2 != 0 })
                })?;
                Self::Io(node, record)
            }
            6 => Self::Pending(std::borrow::Cow::Owned(from.notification()?)),
            7 => Self::Told,
            _ => return None,
        })
    }
}

/// FNV-1a, which half an entry does not survive.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend(bytes);
    }

    fn option<T>(&mut self, value: Option<&T>, some: impl FnOnce(&mut Self, &T)) {
        self.u8(value.is_some().into());
        if let Some(value) = value {
            some(self, value);
        }
    }

    fn node(&mut self, record: &NodeRecord) {
        self.u64(record.number.0);
        self.u64(record.lookups);
        self.u8(kind_to(record.kind) | u8::from(record.several) << 3);
        self.option(record.trash.as_ref(), |to, trash| to.u64(trash.0));
        self.option(record.directory.as_ref(), |to, directory| {
            to.u8(directory.prepared);
            to.option(directory.projection.as_ref(), |to, origin| to.bytes(&origin.to_bytes()));
        });
        self.u32(record.names.len() as u32);
        for (parent, name) in &record.names {
            self.u64(parent.0);
            self.bytes(name.as_bytes());
        }
    }

    fn notification(&mut self, notification: &Notification) {
        match notification {
            Notification::InvalidateInode { node, offset, length } => {
                self.u8(1);
                self.u64(node.0);
                self.u64(*offset as u64);
                self.u64(*length as u64);
            }
            Notification::InvalidateEntry { parent, name } => {
                self.u8(2);
                self.u64(parent.0);
                self.bytes(name.as_bytes());
            }
            Notification::IncrementEpoch => self.u8(3),
            Notification::Delete { parent, child, name } => {
                self.u8(4);
                self.u64(parent.0);
                self.u64(child.0);
                self.bytes(name.as_bytes());
            }
            // Nothing that is queued.
            Notification::Resend => self.u8(0),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    #[expect(clippy::option_option, reason = "what cannot be read is not what is absent")]
    fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            _ => some(self).map(Some),
        }
    }

    fn node(&mut self) -> Option<NodeRecord> {
        let (number, lookups, bits) = (Number(self.u64()?), self.u64()?, self.u8()?);
        let kind = kind_from(bits & 7)?;
        let trash = self.option(|from| from.u64().map(TrashId))?;
        let directory = self.option(|from| {
            let prepared = from.u8()?;
            let projection = from.option(|from| OriginBuf::from_bytes(from.bytes()?))?;
            Some(DirectoryRecord { projection, prepared })
        })?;
        let mut names = Vec::new();
        for _ in 0..self.u32()? {
            let parent = NodeId(self.u64()?);
            names.push((parent, ItemName::new(self.bytes()?).ok()?.to_owned()));
        }
        Some(NodeRecord { number, kind, names, trash, several: bits & 8 != 0, lookups, directory })
    }

    fn notification(&mut self) -> Option<Notification> {
        Some(match self.u8()? {
            1 => {
                let node = NodeId(self.u64()?);
                let (offset, length) = (self.u64()? as i64, self.u64()? as i64);
                Notification::InvalidateInode { node, offset, length }
            }
            2 => {
                let (parent, name) = (NodeId(self.u64()?), ItemName::new(self.bytes()?).ok()?.to_owned());
                Notification::InvalidateEntry { parent, name }
            }
            3 => Notification::IncrementEpoch,
            4 => {
                let (parent, child) = (NodeId(self.u64()?), NodeId(self.u64()?));
                let name = ItemName::new(self.bytes()?).ok()?.to_owned();
                Notification::Delete { parent, child, name }
            }
            _ => return None,
        })
    }
}

fn kind_to(kind: ItemKind) -> u8 {
    match kind {
        ItemKind::File => 0,
        ItemKind::Directory => 1,
        ItemKind::Symlink => 2,
        ItemKind::Special => 3,
    }
}

fn kind_from(bits: u8) -> Option<ItemKind> {
    [ItemKind::File, ItemKind::Directory, ItemKind::Symlink, ItemKind::Special]
        .get(usize::from(bits))
        .copied()
}

#[cfg(test)]
pub(crate) mod tests;
