//! Looking: what an inode and its record, together, show.

use projfs_types::DirectoryState;
use projfs_types::ExtendedAttributes;
use projfs_types::FileState;
use projfs_types::FileTimes;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::Stat;
use projfs_types::SymlinkState;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::fs::Statx;
use rustix::fs::StatxTimestamp;
use rustix::io::Errno;

use super::At;
use super::Done;
use super::TreeStore;
use super::at::Inode;
use crate::Item;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;

/// What was found under a name.
pub(crate) struct Found {
    /// The inode.
    pub(crate) stat: Statx,
    /// What it stands for.
    pub(crate) seen: Seen,
}

/// What an inode stands for.
pub(crate) enum Seen {
    /// A whiteout.
    Tombstone,
    /// Nothing: a copy of a stand-in.
    Ghost,
    /// A hydrated file of whose content a power cut took some: it stands in for the item.
    CutOff {
        /// The number that it shows.
        number: Number,
        /// What is recorded of it.
        provided: Provided,
    },
    /// A local item.
    Full {
        /// The number that it shows.
        number: Number,
        /// The permission bits shown, where they are not the inode's.
        mode: Option<u16>,
    },
    /// An item that is the provider's.
    Projected {
        /// The number that it shows.
        number: Number,
        /// What is recorded of it.
        provided: Provided,
    },
}

impl At {
    /// What is under the name, if anything is.
    pub(crate) fn find(&self) -> Done<Option<Found>> {
        let Some(stat) = self.stat()? else { return Ok(None) };
        let seen = self.see(&stat)?;
        Ok(Some(Found { stat, seen }))
    }

    /// What the inode under the name, whose attributes are `stat`, stands for.
    pub(crate) fn see(&self, stat: &Statx) -> Done<Seen> {
        if is_whiteout(stat) {
            return Ok(Seen::Tombstone);
        }
        let record = match kind(stat) {
            ItemKind::File | ItemKind::Directory => Inode::Named(self).record()?,
            ItemKind::Symlink | ItemKind::Special => None,
        };
        Ok(believe(stat, record))
    }
}

/// Whether this is how a tombstone looks on disk.
pub(crate) fn is_whiteout(stat: &Statx) -> bool {
    u32::from(stat.stx_mode) & mode::TYPE == mode::CHARACTER
        && (stat.stx_rdev_major, stat.stx_rdev_minor) == (0, 0)
}

/// What the character device 0/0 is on disk, where 0/0 itself is a tombstone. No driver can have it: the kernel gives
/// out major numbers below 512.
pub(crate) const STAND_IN_DEVICE: (u32, u32) = (0xfff, 0xf_ffff);

/// The device that an inode shows.
fn device(stat: &Statx) -> (u32, u32) {
    let is_character = u32::from(stat.stx_mode) & mode::TYPE == mode::CHARACTER;
    match (stat.stx_rdev_major, stat.stx_rdev_minor) {
        STAND_IN_DEVICE if is_character => (0, 0),
        device => device,
    }
}

/// The kind of an inode.
pub(crate) fn kind(stat: &Statx) -> ItemKind {
    ItemKind::of_mode(stat.stx_mode.into())
}

/// Whether the inode's set-group-id bit is set.
pub(crate) fn gives_its_group(stat: &Statx) -> bool {
    stat.stx_mode & 0o2000 != 0
}

/// A time of an inode.
pub(crate) fn time(time: StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}

/// What an inode stands for, given its record: a record is believed only as far as the inode agrees.
fn believe(stat: &Statx, record: Option<Record>) -> Seen {
    let unrecorded = Seen::Full { number: Number::of_inode(stat.stx_ino), mode: None };
    let Some(Record { inode, number, item }) = record else { return unrecorded };
    let its_own = inode == stat.stx_ino;
    let provided = match item {
        Recorded::Full { mode } if its_own => return Seen::Full { number, mode },
        Recorded::Full { .. } => return unrecorded,
        Recorded::Projected(provided) => provided,
    };
    let full = Seen::Full { number, mode: None };
    match (&provided.info.kind, provided.form, kind(stat)) {
        (PlaceholderKind::Directory, _, ItemKind::Directory) if its_own => {
            Seen::Projected { number, provided }
        }
        // A stand-in that got content is someone's file; an empty one must never pass for a file.
        (_, Form::StandIn, ItemKind::File) if stat.stx_size != 0 => unrecorded,
        (_, Form::StandIn, ItemKind::File) if !its_own => Seen::Ghost,
        (_, Form::StandIn, ItemKind::File) => Seen::Projected { number, provided },
        (PlaceholderKind::File { size }, Form::Whole, ItemKind::File) if its_own => {
            // A new write time is in the record before the inode has it.
            let untouched =
                [provided.stored_write, provided.info.times.write].contains(&time(stat.stx_mtime));
            match (untouched, stat.stx_size == *size) {
                (true, true) => Seen::Projected { number, provided },
                (true, false) => Seen::CutOff { number, provided },
                (false, _) => full,
            }
        }
        _ => unrecorded,
    }
}

impl TreeStore {
    /// What is in the tree under a name.
    pub(crate) fn look_name(&self, dir: &RelPath, name: &ItemName) -> Done<Option<Item>> {
        if self.room.is_reserved(dir, name) {
            return Ok(None);
        }
        let Some(parent) = self.dirs.get(&self.root, dir)? else { return Ok(None) };
        let at = At::new(&parent, name.as_bytes());
        Ok(self.find(&at)?.and_then(|found| self.item(&found)))
    }

    /// The root, which is the provider's and has no record: its attributes are its inode's.
    pub(crate) fn look_at_root(&self) -> Done<Item> {
        let found = At::new(&self.root, ".").find()?.ok_or(Errno::NOENT)?;
        let mut stat = self.full_stat(&found.stat, shown_mode(&found.seen));
        stat.number = Number::of_origin(&OriginBuf::root());
        stat.links = 1;
        let version = self.identity.version.clone();
        let info = PlaceholderInfo {
            kind: PlaceholderKind::Directory,
            mode: permissions(stat.mode),
            attributes: 0,
            times: stat.times,
            version: version.clone(),
            extended: ExtendedAttributes::default(),
        };
        let projected = Projected { origin: Origin::Here, version, metadata: Metadata::Clean };
        let state = ItemState::Directory(DirectoryState::Placeholder(projected));
        Ok(Item { state, stat, info: Some(info) })
    }

    /// What was found, as the engine sees it; nothing for what stands for nothing.
    pub(crate) fn item(&self, found: &Found) -> Option<Item> {
        let stat = &found.stat;
        match &found.seen {
            Seen::Ghost => None,
            Seen::Tombstone => {
                Some(Item { state: ItemState::Tombstone, stat: self.full_stat(stat, None), info: None })
            }
            Seen::Full { number, mode } => {
                let state = match kind(stat) {
                    ItemKind::File => ItemState::File(FileState::Full),
                    ItemKind::Directory => ItemState::Directory(DirectoryState::Full),
                    ItemKind::Symlink => ItemState::Symlink(SymlinkState::Full),
                    ItemKind::Special => ItemState::Special,
                };
                let stat = Stat { number: *number, ..self.full_stat(stat, *mode) };
                Some(Item { state, stat, info: None })
            }
            Seen::Projected { number, provided } => {
                Some(self.projected_item(stat, *number, provided, provided.form))
            }
            Seen::CutOff { number, provided } => {
                Some(self.projected_item(stat, *number, provided, Form::StandIn))
            }
        }
    }

    fn projected_item(&self, inode: &Statx, number: Number, provided: &Provided, form: Form) -> Item {
        let projected = provided.projected();
        let mut info = provided.info.clone();
        let mut stat = self.full_stat(inode, None);
        let state = match (&info.kind, form) {
            (PlaceholderKind::File { .. }, Form::StandIn) => {
                ItemState::File(FileState::Placeholder(projected))
            }
            (PlaceholderKind::File { .. }, Form::Whole) => ItemState::File(FileState::Hydrated(projected)),
            (PlaceholderKind::Directory, _) => {
                // How many directories there are inside, only the provider knows.
                stat.links = 1;
                if provided.metadata == Metadata::Dirty {
                    info.times = directory_times(&info.times, &stat.times);
                }
                ItemState::Directory(DirectoryState::Placeholder(projected))
            }
            (PlaceholderKind::Symlink { .. }, _) => ItemState::Symlink(SymlinkState::Placeholder(projected)),
        };
        stat.number = number;
        stat.mode = info.item_kind().mode_bits() | u32::from(info.mode);
        stat.times = info.times;
        if info.item_kind() != ItemKind::Directory {
            stat.size = info.size();
        }
        Item { state, stat, info: Some(info) }
    }

    /// What an inode shows, with other permission bits if need be.
    pub(crate) fn full_stat(&self, stat: &Statx, shown: Option<u16>) -> Stat {
        let inode_mode = u32::from(stat.stx_mode);
        let permissions = shown.map_or(inode_mode & mode::PERMISSIONS, u32::from);
        Stat {
            number: Number::of_inode(stat.stx_ino),
            mode: inode_mode & mode::TYPE | permissions,
            links: self.trash.links_shown(stat),
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            device: device(stat),
            size: stat.stx_size,
            blocks: stat.stx_blocks,
            block_size: stat.stx_blksize,
            times: FileTimes {
                creation: time(stat.stx_btime),
                access: time(stat.stx_atime),
                write: time(stat.stx_mtime),
                change: time(stat.stx_ctime),
            },
        }
    }
}

/// The times of a directory that was changed here. Names change in the inode alone; what else changes is in
/// the record too, but an inode's change time also moves when nothing changed that anybody sees.
fn directory_times(recorded: &FileTimes, inode: &FileTimes) -> FileTimes {
    let names_changed = inode.write != recorded.write;
    let change = if names_changed { recorded.change.max(inode.change) } else { recorded.change };
    FileTimes { creation: recorded.creation, change, ..*inode }
}

/// The permission bits in a mode.
pub(crate) fn permissions(mode: u32) -> u16 {
    u16::try_from(mode & mode::PERMISSIONS).unwrap_or(0)
}

fn shown_mode(seen: &Seen) -> Option<u16> {
    match seen {
        Seen::Full { mode, .. } => *mode,
        Seen::Tombstone | Seen::Ghost | Seen::CutOff { .. } | Seen::Projected { .. } => None,
    }
}
