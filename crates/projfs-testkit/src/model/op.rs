//! What is done to a tree, and what comes of it.

use std::collections::BTreeMap;

use projfs_engine::RenameHow;
pub use projfs_engine::StateWord as Word;
use projfs_types::ExtendedAttributes;
use projfs_types::JournalEntry;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;
use rustix::io::Errno;

use super::Told;

/// One operation. Paths lead to the item itself: symbolic links are not followed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are what the names say")]
pub enum Op {
    /// Makes an empty file that must not exist.
    Create { path: RelPathBuf, mode: u32 },
    /// Makes a directory.
    Mkdir { path: RelPathBuf, mode: u32 },
    /// Makes a symbolic link.
    Symlink { path: RelPathBuf, target: Vec<u8> },
    /// Makes a FIFO.
    Mkfifo { path: RelPathBuf },
    /// Opens for writing, writes, closes.
    Write { path: RelPathBuf, offset: u64, data: Vec<u8> },
    /// Sets the length.
    Truncate { path: RelPathBuf, size: u64 },
    /// Sets the permission bits.
    Chmod { path: RelPathBuf, mode: u32 },
    /// Sets the write time, in seconds.
    SetTime { path: RelPathBuf, seconds: i64 },
    /// Sets an extended attribute.
    SetXattr { path: RelPathBuf, name: Vec<u8>, value: Vec<u8> },
    /// Removes an extended attribute.
    RemoveXattr { path: RelPathBuf, name: Vec<u8> },
    /// Reads an extended attribute.
    GetXattr { path: RelPathBuf, name: Vec<u8> },
    /// Lists the extended attributes that users can have.
    ListXattr { path: RelPathBuf },
    /// Removes what is no directory.
    Unlink { path: RelPathBuf },
    /// Removes an empty directory.
    Rmdir { path: RelPathBuf },
    /// Renames.
    Rename { from: RelPathBuf, to: RelPathBuf, how: RenameHow },
    /// Gives a file one more name.
    Link { from: RelPathBuf, to: RelPathBuf },
    /// Opens a file, and keeps it open; what was open in that slot is closed.
    Open { slot: usize, path: RelPathBuf, write: bool },
    /// Reads all of an open file.
    ReadSlot { slot: usize },
    /// Writes to an open file.
    WriteSlot { slot: usize, offset: u64, data: Vec<u8> },
    /// Closes an open file.
    Close { slot: usize },
    /// Hydrates a file, or all files below a directory.
    Hydrate { path: RelPathBuf },
    /// Dehydrates a file, or what is on disk below a directory.
    Dehydrate { path: RelPathBuf },
    /// The same, and local changes go too, where the provider has something beneath.
    Discard { path: RelPathBuf },
    /// The provider has another version of an item, and says so. What is virtual is looked up before.
    Update { path: RelPathBuf, flags: UpdateFlags, version: u64, mode: u32, data: Vec<u8> },
    /// The provider has what is local of an item dropped. What is virtual is looked up before.
    Drop { path: RelPathBuf, flags: UpdateFlags },
    /// Everything is closed, stopped and started again.
    Restart,
    /// Looks at an item.
    Stat { path: RelPathBuf },
    /// Reads all of a file.
    Read { path: RelPathBuf },
    /// Reads a symbolic link.
    ReadLink { path: RelPathBuf },
    /// Lists a directory, with attributes.
    List { path: RelPathBuf },
}

/// What the provider says of another version of a file. Some have extended attributes.
pub fn version_info(version: u64, mode: u32, data: &[u8]) -> PlaceholderInfo {
    let all: [(&[u8], &[u8]); 3] = [(b"user.one", data), (b"user.two", b"2"), (b"user.three", b"")];
    let some = all.into_iter().enumerate().filter(|(at, _)| version >> at & 1 == 1).map(|(_, one)| one);
    PlaceholderInfo::file(data.len() as u64)
        .with_extended_attributes(ExtendedAttributes::found(some))
        .with_mode(u16::try_from(mode).unwrap_or(0))
        .with_time(Timestamp::from_seconds(3_000_000 + i64::from(version as u16)))
        .with_version(VersionInfo::of_content(&version.to_le_bytes()).unwrap_or_default())
}

/// What an operation comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and there is no more to say.
    Done,
    /// It failed.
    Failed(Errno),
    /// What an item looks like.
    Seen(Seen),
    /// Content, a target, a value.
    Bytes(Vec<u8>),
    /// A listing, without `.` and `..`.
    Listed(BTreeMap<Vec<u8>, Seen>),
    /// Paths that were kept, and are still on disk.
    Kept(Vec<RelPathBuf>),
}

/// What an item looks like. What is not known, or does not matter, is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is.
    pub kind: Kind,
    /// The permission bits; of no symbolic link.
    pub mode: Option<u32>,
    /// The length; of no directory.
    pub size: Option<u64>,
    /// The count of names; of no directory.
    pub links: Option<u32>,
    /// The write time, in seconds.
    pub time: Option<i64>,
    /// The inode number.
    pub number: Option<u64>,
}

/// What an item is.
pub use projfs_types::ItemKind as Kind;

/// Where what was seen is not what was expected.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The number of the operation.
    pub at: usize,
    /// What differs.
    pub what: String,
}

/// Anything that carries out operations on a projected tree.
pub trait Subject {
    /// Carries one out.
    fn apply(&mut self, op: &Op) -> Outcome;
    /// The state of the item at a path; nothing if there is none, or states cannot be seen.
    fn word(&mut self, path: &RelPathBuf) -> Option<Word>;
    /// What the journal says since this was asked last.
    fn entries(&mut self) -> Vec<JournalEntry>;
    /// How close the journal is to what is done.
    fn told(&self) -> Told {
        Told::Exactly
    }
    /// Whether states can be seen.
    fn has_words(&self) -> bool {
        true
    }
    /// Whether an item is a placeholder as soon as it was looked up, and not before.
    fn knows_placeholders(&self) -> bool {
        true
    }
    /// Whether a state is what was expected, as far as this subject can know.
    fn same_word(&self, expected: Word, actual: Word) -> bool {
        expected == actual
    }
}

impl Seen {
    /// Whether what is known on both sides is the same.
    pub fn agrees(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            match (one, other) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            }
        }
        self.kind == other.kind
            && same(self.mode, other.mode)
            && same(self.size, other.size)
            && same(self.links, other.links)
            && same(self.time, other.time)
            && same(self.number, other.number)
    }
}

impl Outcome {
    /// Names of extended attributes, of which only those count that users can have, in one order.
    pub fn of_names(names: &[u8]) -> Self {
        let mut names: Vec<&[u8]> = names.split_inclusive(|&byte| byte == 0).collect();
        names.retain(|name| name.starts_with(b"user."));
        names.sort_unstable();
        Self::Bytes(names.concat())
    }

    /// Whether what is known on both sides is the same.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Seen(one), Self::Seen(other)) => one.agrees(other),
            (Self::Listed(one), Self::Listed(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && one.1.agrees(other.1))
            }
            (one, other) => one == other,
        }
    }
}
