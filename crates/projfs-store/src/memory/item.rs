//! What an inode holds, and what is shown of it.

use std::collections::BTreeMap;

use projfs_types::DirectoryState;
use projfs_types::ExtendedAttributes;
use projfs_types::FileState;
use projfs_types::FileTimes;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::USER_PREFIX;
use projfs_types::VersionInfo;
use projfs_types::collation;
use projfs_types::mode;
use rustix::io::Errno;

use super::Answer;
use super::tree::Entry;
use super::tree::Tree;
use super::tree::is_reserved;
use crate::Item;
use crate::Listed;

/// What an inode holds.
pub(super) enum Body {
    File(Vec<u8>),
    Directory(BTreeMap<ItemNameBuf, Entry>),
    /// The target of a full symbolic link.
    Symlink(Box<[u8]>),
    /// A stand-in or a special file.
    Nothing,
}

/// One item.
pub(super) struct Inode {
    /// Never a tombstone.
    pub(super) state: ItemState,
    pub(super) number: Number,
    /// Type and permission bits.
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) device: (u32, u32),
    pub(super) times: FileTimes,
    /// Present while the item is the provider's.
    pub(super) info: Option<PlaceholderInfo>,
    pub(super) body: Body,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Names in the tree.
    pub(super) links: u32,
    /// Places in the trash.
    pub(super) trashed: u32,
    /// Open files.
    pub(super) opens: u32,
}

impl Inode {
    /// An item without names, owned by this process, as everything is that the store makes by itself.
    pub(super) fn new(state: ItemState, number: Number, mode: u32, body: Body, now: Timestamp) -> Self {
        Self {
            state,
            number,
            mode,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            device: (0, 0),
            times: FileTimes::all(now),
            info: None,
            body,
            xattrs: BTreeMap::new(),
            links: 0,
            trashed: 0,
            opens: 0,
        }
    }

    pub(super) fn root(now: Timestamp) -> Self {
        let info = PlaceholderInfo { times: FileTimes::all(now), ..PlaceholderInfo::directory() };
        let state =
            ItemState::Directory(DirectoryState::Placeholder(Projected::clean(VersionInfo::default())));
        let mut root = Self::new(
            state,
            Number::of_origin(&OriginBuf::root()),
            mode::DIRECTORY | u32::from(info.mode),
            Body::Directory(BTreeMap::new()),
            now,
        );
        root.info = Some(info);
        root.links = 1;
        root
    }

    /// What the provider said of an item goes into its inode too, the extended attributes there alone.
    pub(super) fn set_info(&mut self, mut info: PlaceholderInfo, version: &VersionInfo) {
        self.set_extended(&std::mem::take(&mut info.extended));
        self.mode = self.mode & mode::TYPE | u32::from(info.mode);
        self.times = info.times;
        self.info = Some(PlaceholderInfo { version: version.clone(), ..info });
    }

    /// The extended attributes that a provider could have given.
    pub(super) fn extended(&self) -> ExtendedAttributes {
        ExtendedAttributes::found(&self.xattrs)
    }

    /// Puts these in their place.
    pub(super) fn set_extended(&mut self, extended: &ExtendedAttributes) {
        self.xattrs.retain(|name, _| !name.starts_with(USER_PREFIX));
        self.xattrs.extend(extended.iter().map(|(name, value)| (name.to_vec(), value.to_vec())));
    }

    /// A file that was written to while its record calls it hydrated is full.
    pub(super) fn settle(&mut self) {
        if self.changed_underneath() {
            self.state = ItemState::File(FileState::Full);
            self.info = None;
        }
    }

    fn changed_underneath(&self) -> bool {
        match (&self.state, &self.info, &self.body) {
            (ItemState::File(FileState::Hydrated(_)), Some(info), Body::File(content)) => {
                self.times.write != info.times.write || content.len() as u64 != info.size()
            }
            _ => false,
        }
    }

    /// Whether this is an empty file in the place of one whose content is not here.
    pub(super) fn is_file_stand_in(&self) -> bool {
        matches!(self.state, ItemState::File(FileState::Placeholder(_)))
    }

    fn size(&self) -> u64 {
        match (&self.body, &self.info) {
            (Body::File(content), _) => content.len() as u64,
            (Body::Symlink(target), _) => target.len() as u64,
            (Body::Directory(_), _) => 4096,
            (Body::Nothing, Some(info)) => info.size(),
            (Body::Nothing, None) => 0,
        }
    }

    /// Space taken, in units of 512 bytes.
    pub(super) fn blocks(&self) -> u64 {
        match &self.body {
            Body::File(content) => content.len().div_ceil(4096) as u64 * 8,
            Body::Directory(_) => 8,
            Body::Symlink(_) | Body::Nothing => 0,
        }
    }

    fn item(&self) -> Item {
        let full = self.changed_underneath();
        let info = if full { None } else { self.info.clone() };
        let info = info.map(|info| PlaceholderInfo { extended: self.extended(), ..info });
        let stat = Stat {
            number: self.number,
            mode: info
                .as_ref()
                .map_or(self.mode, |info| self.mode & mode::TYPE | u32::from(info.mode) & mode::PERMISSIONS),
            links: self.links,
            uid: self.uid,
            gid: self.gid,
            device: self.device,
            size: self.size(),
            blocks: self.blocks(),
            block_size: 4096,
            times: info.as_ref().map_or(self.times, |info| info.times),
        };
        let state = if full { ItemState::File(FileState::Full) } else { self.state.clone() };
        Item { state, stat, info }
    }
}

impl Tree {
    pub(super) fn item(&self, inode: u64) -> Answer<Item> {
        self.inode(inode).map(Inode::item)
    }

    pub(super) fn look(&self, dir: &RelPath, name: &ItemName) -> Answer<Option<Item>> {
        if is_reserved(dir, name) {
            return Ok(None);
        }
        let dir = match self.directory(dir) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        match self.entry(dir, name)? {
            None => Ok(None),
            Some(Entry::Inode(inode)) => self.item(inode).map(Some),
            Some(Entry::Tombstone) => {
                let stat = Stat {
                    number: Number(0),
                    mode: mode::CHARACTER,
                    links: 1,
                    uid: 0,
                    gid: 0,
                    device: (0, 0),
                    size: 0,
                    blocks: 0,
                    block_size: 4096,
                    times: FileTimes::default(),
                };
                Ok(Some(Item { state: ItemState::Tombstone, stat, info: None }))
            }
        }
    }

    pub(super) fn list(&self, dir: &RelPath) -> Answer<Vec<Listed>> {
        let dir = match self.directory(dir) {
            Ok(dir) => dir,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Vec::new()),
            Err(errno) => return Err(errno),
        };
        let mut listed = Vec::new();
        for (name, entry) in self.entries(dir)? {
            let kind = match entry {
                Entry::Inode(inode) => self.inode(*inode)?.state.kind(),
                Entry::Tombstone => None,
            };
            listed.push(Listed { name: name.clone(), kind });
        }
        listed.sort_by(|one, other| collation::compare(&one.name, &other.name));
        Ok(listed)
    }
}
