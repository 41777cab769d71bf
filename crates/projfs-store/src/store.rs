//! `Store`: what is known locally.

use std::ops::Range;
use std::os::fd::BorrowedFd;

use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Stat;
use projfs_types::Timestamp;

use crate::Result;

/// What is known locally of a projected tree.
///
/// Every method that changes something is one atomic step: after a crash it has happened or it has not.
/// The store says nothing about *when* a change is allowed; that is the engine's state machine. Callers
/// keep changes to the names of one directory apart by locks of their own; a store is otherwise safe to
/// use from any number of threads.
///
/// Directories are named by their path *in the store* (where they are now, not where they come from).
/// Placeholders that are clean and in place are not in the tree but in the placeholder log, under their
/// *origin*. The log also says which names were left by an item, so that what is projected there from then on is another.
pub trait Store: Send + Sync + 'static {
    /// What is in the tree under a name; nothing if the name, or the directory, is not on disk.
    ///
    /// A file that changed underneath while nobody watched (its write time or size is not the record's)
    /// is reported as full.
    fn look(&self, dir: &RelPath, name: &ItemName) -> Result<Option<Item>>;

    /// The root directory itself.
    fn look_root(&self) -> Result<Item>;

    /// Every name of a directory that is on disk, tombstones included, in collation order; none if the
    /// directory is not on disk. The store's own directory is not among them.
    fn list(&self, dir: &RelPath) -> Result<Vec<Listed>>;

    // The placeholder log: may be lost in a power cut, is never half-written.

    /// The placeholder that was noted for an origin.
    fn noted(&self, origin: &OriginBuf) -> Option<PlaceholderInfo>;
    /// Notes a placeholder that is clean and in place.
    fn note(&self, origin: &OriginBuf, info: &PlaceholderInfo) -> Result<()>;
    /// Forgets a note; harmless if there is none.
    fn forget(&self, origin: &OriginBuf) -> Result<()>;
    /// How many placeholders are noted.
    fn notes(&self) -> u64;
    /// The names of the placeholders that are noted directly below an origin, in no order.
    fn noted_names(&self, origin: &OriginBuf) -> Vec<ItemNameBuf>;
    /// The placeholders that are noted directly below an origin, in no order.
    fn noted_below(&self, origin: &OriginBuf) -> Vec<ProjectedItem>;
    /// Notes placeholders, or forgets those that come with nothing, in this order. Each is one step; after a crash those
    /// up to one of them have happened.
    fn note_all(&self, changes: &[(OriginBuf, Option<PlaceholderInfo>)]) -> Result<()>;

    // Lives, which are kept in the placeholder log.

    /// What is projected under a name of the directory that has this origin.
    fn origin(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf;
    /// What is projected under a name is another item from now on: that of before has another name. It must say by itself
    /// where it comes from ([`Origin::At`](projfs_types::Origin::At)), if it is still the provider's.
    ///
    /// # Errors
    /// `EOVERFLOW` if this was done four thousand million times.
    fn leave(&self, directory: &OriginBuf, name: &ItemName) -> Result<()>;
    /// An origin of this path that no item has, and none but its caller's will.
    ///
    /// # Errors
    /// Those of [`leave`](Self::leave).
    fn fresh_origin(&self, path: &RelPath) -> Result<OriginBuf>;
    /// No directory has this origin any more, and none will: what is known of the names below it is not needed. Harmless if
    /// nothing is.
    fn end_origin(&self, directory: &OriginBuf) -> Result<()>;

    // The tree. The directory `dir` must be on disk for all that follows.

    /// Puts a placeholder directory on disk, empty, with its record and its extended attributes.
    fn put_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()>;
    /// Puts a placeholder file or symbolic link on disk as a stand-in, which cannot be read as content, with its extended
    /// attributes.
    fn put_stand_in(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()>;
    /// Replaces what the record of a placeholder or hydrated item (stand-in, file or directory) says
    /// beside its metadata.
    fn set_projected(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Result<()>;

    /// A nameless file for the provider's bytes; it leaves no trace unless published.
    fn begin_content(&self, size: u64) -> Result<Arc<dyn StoreFile>>;
    /// The content of an item of which only ranges are there: what was kept of it, if that is of the same version and
    /// size, else a new one without any. There is one per item, whoever asks, until it is published or dropped.
    /// It survives the death of the process, not a power cut.
    fn partial(&self, number: Number, info: &PlaceholderInfo) -> Result<Arc<dyn PartialFile>>;
    /// Drops partial content; harmless if there is none. Those who have it go on with it, by themselves.
    fn drop_partial(&self, number: Number) -> Result<()>;
    /// Gives content its name and its record. What `name` held (nothing, a stand-in, a tombstone) is
    /// replaced; a stand-in's owner, extended attributes and changed metadata go over to the file. Where there was none,
    /// the file has the info's extended attributes.
    ///
    /// The content is one that was begun, or the partial content of `number`, which must be
    /// [complete](PartialFile::complete) and thereby stops to be partial.
    ///
    /// With [`FileState::Hydrated`] the content's length must be the info's size; the file shows the info's
    /// times. With [`FileState::Full`] it keeps `number` and the info's mode, and its times are now.
    fn publish(
        &self,
        dir: &RelPath,
        name: &ItemName,
        content: &Arc<dyn StoreFile>,
        info: &PlaceholderInfo,
        state: &FileState,
        number: Number,
    ) -> Result<()>;
    /// Makes a hydrated file full, in place: its record keeps the number alone.
    fn convert(&self, dir: &RelPath, name: &ItemName) -> Result<()>;

    /// Makes a full item. A tombstone under the name is consumed.
    ///
    /// # Errors
    /// `EEXIST` if anything else has the name.
    fn create(&self, dir: &RelPath, name: &ItemName, new: &NewItem) -> Result<Created>;
    /// Makes a nameless full file, in the trash (`O_TMPFILE`).
    fn create_nameless(&self, new: &NewItem) -> Result<(TrashId, Created)>;
    /// Gives an item that is on disk one more name. A tombstone under the new name is consumed.
    fn link(&self, from: Place<'_>, dir: &RelPath, name: &ItemName) -> Result<()>;
    /// Removes a name. With [`Leave::Tombstone`] nothing need be on disk under it. A directory goes with
    /// the tombstones in it, and must hold nothing else (`ENOTEMPTY`).
    fn remove(&self, dir: &RelPath, name: &ItemName, leave: Leave, keep: Keep) -> Result<Option<TrashId>>;
    /// Moves an item that is on disk onto a name that has nothing, a tombstone, or an item that may be
    /// replaced (a directory only by a directory, and only if it holds no more than tombstones: `ENOTEMPTY`).
    /// `keep` concerns what is replaced.
    fn rename(
        &self,
        from: (&RelPath, &ItemName),
        to: (&RelPath, &ItemName),
        leave: Leave,
        keep: Keep,
    ) -> Result<Option<TrashId>>;
    /// Exchanges two items that are both on disk.
    fn exchange(&self, one: (&RelPath, &ItemName), other: (&RelPath, &ItemName)) -> Result<()>;

    // What is local gives way to what the provider says.

    /// Replaces what is on disk under a name, be it a tombstone or anything but a directory, by a stand-in.
    ///
    /// # Errors
    /// `ENOENT` if nothing is there; `EISDIR` if that, or the placeholder, is a directory.
    fn replace(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
        keep: Keep,
    ) -> Result<Option<TrashId>>;
    /// Makes a directory that is on disk the provider's, with this metadata, whatever it was. What is in it, its number
    /// and its owner stay. Of its extended attributes those that begin with `user.` are the info's from then on.
    ///
    /// # Errors
    /// `ENOTDIR` if it is none; `E2BIG` if it gets other extended attributes than it has, and they take more than
    /// [`EXTENDED_SIZE_MAX`](projfs_types::EXTENDED_SIZE_MAX) bytes.
    fn provide_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()>;
    /// Makes a directory that is on disk full. It looks as before.
    ///
    /// # Errors
    /// `ENOTDIR` if it is none.
    fn convert_directory(&self, dir: &RelPath, name: &ItemName) -> Result<()>;
    /// Says that the store is on its way from one view of the projection to another. Survives a power cut. Waits for the
    /// end of a switch before.
    fn begin_switch(&self) -> Result<()>;
    /// Says that it has arrived. That survives a power cut once all that was changed on the way does, which is not waited
    /// for.
    fn end_switch(&self) -> Result<()>;
    /// Whether the store was left on its way from one view to another.
    fn is_switching(&self) -> Result<bool>;

    // Items on disk, with a name or in the trash.

    /// Opens a regular file.
    fn open(&self, place: Place<'_>, access: Access) -> Result<Arc<dyn StoreFile>>;
    /// What is in the trash. Empty at the start, unless the store was opened for who goes on with what another process
    /// had open.
    fn trash(&self) -> Result<Vec<TrashId>>;
    /// What a file in the trash looks like.
    fn look_trash(&self, trash: TrashId) -> Result<Item>;
    /// Ends a file in the trash.
    fn discard(&self, trash: TrashId) -> Result<()>;
    /// The target of a full symbolic link.
    fn read_link(&self, dir: &RelPath, name: &ItemName) -> Result<Box<[u8]>>;
    /// Changes mode, owner and times of an item on disk, in its inode and, where it has one, its record.
    fn set_attributes(&self, place: Place<'_>, change: &AttributeChange) -> Result<()>;
    /// The value of an extended attribute; `ENODATA` for ours.
    fn get_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<Vec<u8>>;
    /// The names of the extended attributes, each ended by a NUL, without ours.
    fn list_xattr(&self, place: Place<'_>) -> Result<Vec<u8>>;
    /// Sets an extended attribute; `EPERM` for ours. `flags` are those of `setxattr`.
    fn set_xattr(&self, place: Place<'_>, name: &[u8], value: &[u8], flags: u32) -> Result<()>;
    /// Removes an extended attribute; `EPERM` for ours.
    fn remove_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<()>;
    /// What was changed in the directory before this call (names, and what they lead to) survives a power cut.
    fn sync_directory(&self, dir: &RelPath) -> Result<()>;
    /// Everything that was changed before this call survives a power cut.
    fn sync_all(&self) -> Result<()>;
    /// Owner and group of what is the provider's: the root's, if this process can give files to them, else its own.
    fn owner(&self) -> (u32, u32);
    /// Size and use of the file system.
    fn space(&self) -> Result<Space>;
}

/// A regular file of the store, open.
pub trait StoreFile: Send + Sync {
    /// Reads at `offset`; fewer bytes than asked only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize>;
    /// Writes all of `data` at `offset`.
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()>;
    /// The length, in bytes.
    fn len(&self) -> Result<u64>;
    /// Whether the file has no content.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts or extends the file.
    fn set_len(&self, size: u64) -> Result<()>;
    /// `fallocate` with the given mode bits.
    fn allocate(&self, mode: u32, offset: u64, length: u64) -> Result<()>;
    /// The next data (`SEEK_DATA`) or hole (`SEEK_HOLE`) from `offset` on.
    fn seek(&self, offset: u64, what: Seek) -> Result<u64>;
    /// Copies within the store without going through the caller; the number of bytes copied.
    fn copy_to(&self, offset: u64, to: &dyn StoreFile, to_offset: u64, length: u64) -> Result<u64>;
    /// The content survives a power cut once this returns; with `data_only` as `fdatasync`.
    fn sync(&self, data_only: bool) -> Result<()>;
    /// Whether each block of content to come was written at once. If not, a power cut may leave half of one, which nobody
    /// can tell.
    fn is_blockwise(&self) -> bool {
        true
    }
    /// The descriptor, for the kernel to read and write by itself; nothing in memory.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// Content of which only ranges are there. Which ones is written down, and nothing else is believed: a range of
/// zeros may be a hole, and a hole may be content.
pub trait PartialFile: Send + Sync {
    /// The parts of `range` that are not there, in order; none beyond the size that the item has.
    fn missing(&self, range: Range<u64>) -> Vec<Range<u64>>;
    /// All of `range` was written to the file.
    fn mark(&self, range: Range<u64>) -> Result<()>;
    /// Makes all of the content survive a power cut, which is what is promised of content that has its size.
    ///
    /// # Errors
    /// `EINVAL` if anything is missing.
    fn complete(&self) -> Result<()>;
    /// The file, as long as the item from the start.
    fn file(&self) -> Arc<dyn StoreFile>;
}

/// What is in the tree under a name.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its state.
    pub state: ItemState,
    /// What it shows. A tombstone's is meaningless.
    pub stat: Stat,
    /// What the provider said of it, while it is still the provider's; metadata that was changed here is changed
    /// here too, extended attributes among it.
    pub info: Option<PlaceholderInfo>,
}

/// One name of a directory on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: ItemNameBuf,
    /// What is there; nothing for a tombstone.
    pub kind: Option<ItemKind>,
}

/// Where an item on disk is.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// The root itself.
    Root,
    /// Under a name.
    Named(&'a RelPath, &'a ItemName),
    /// Nowhere in the tree any more, or not yet.
    Trash(TrashId),
}

impl Place<'_> {
    /// What errors name.
    pub(crate) fn path(self) -> RelPathBuf {
        match self {
            Self::Root | Self::Trash(_) => RelPathBuf::root(),
            Self::Named(dir, name) => dir.join(name),
        }
    }
}

/// A file without a name, which is still open or has yet to get one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TrashId(pub u64);

/// A full item to be made.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// What it is.
    pub kind: NewKind,
    /// The permission bits, at most 0o7777.
    pub permissions: u32,
    /// The owner.
    pub uid: u32,
    /// The group, unless the directory's set-group-id bit gives its own.
    pub gid: u32,
}

/// The kinds of items that can be made.
#[derive(Clone, Debug)]
pub enum NewKind {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// What it points to.
        target: Box<[u8]>,
    },
    /// A FIFO, socket or device.
    Special {
        /// The type bits of its mode.
        type_bits: u32,
        /// Major and minor number of a device.
        device: (u32, u32),
    },
}

/// A full item that was made.
pub struct Created {
    /// The item.
    pub item: Item,
    /// A regular file, open for reading and writing.
    pub file: Option<Arc<dyn StoreFile>>,
}

/// What stays under a name that an item leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Nothing.
    Nothing,
    /// A tombstone.
    Tombstone,
}

/// Whether an item that loses its name is kept for those who have it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It ends now (unless it has other names).
    Nothing,
    /// It is moved to the trash.
    Trash,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading.
    Read,
    /// For reading and writing.
    ReadWrite,
}

/// What `lseek` looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The next data.
    Data,
    /// The next hole.
    Hole,
}

/// New values for some of an item's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributeChange {
    /// The permission bits.
    pub permissions: Option<u32>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// The access time.
    pub access: Option<Time>,
    /// The write time.
    pub write: Option<Time>,
}

/// A time to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The time of the call.
    Now,
    /// This one.
    At(Timestamp),
}

/// Size and use of a file system, as `statvfs` gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Fundamental block size, in bytes.
    pub block_size: u32,
    /// All blocks.
    pub blocks: u64,
    /// Free blocks.
    pub free: u64,
    /// Free blocks for unprivileged users.
    pub available: u64,
    /// All inodes.
    pub files: u64,
    /// Free inodes.
    pub free_files: u64,
    /// The longest name, in bytes.
    pub name_length: u32,
}

/// The name of the store's own directory in the root. It is not shown.
pub const STORE_DIRECTORY: &[u8] = b".projfs";
