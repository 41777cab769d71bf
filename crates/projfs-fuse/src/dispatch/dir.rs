//! Directories: listing them.

use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_types::ItemName;

use super::Call;
use crate::policy::Listings;
use crate::wire::abi::Dirent;
use crate::wire::abi::EntryOut;
use crate::wire::abi::ReadIn;
use crate::wire::abi::ReleaseIn;
use crate::wire::abi::fopen;
use crate::wire::reply::Entry;
use crate::wire::reply::Listing;
use crate::wire::reply::Opened;
use crate::wire::reply::Packed;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;

/// Packs entries into a reply while there is room.
struct Packer<'a, 'b> {
    call: &'a Call<'a>,
    listing: Listing<'b>,
    plus: bool,
    room: usize,
}

impl Packer<'_, '_> {
    fn size(&self, name_length: usize) -> usize {
        let entry = if self.plus { size_of::<EntryOut>() } else { 0 };
        (entry + size_of::<Dirent>() + name_length).next_multiple_of(8)
    }
}

impl DirSink for Packer<'_, '_> {
    fn fits(&self, name_length: usize) -> bool {
        self.size(name_length) <= self.room
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        let DirEntry { name, number, kind, cookie, entry } = entry;
        self.room = self.room.saturating_sub(self.size(name.len()));
        let item = entry.map(|entry| self.call.entry(entry));
        let packed = match (item, ItemName::new(name)) {
            (Some(item), Ok(name)) => self.item(&item, cookie, name),
            _ if self.plus => self.listing.bare_item(number, cookie, kind, name),
            _ => self.listing.name(number, cookie, kind.mode_bits(), name),
        };
        if packed == Packed::Full {
            tracing::error!("an entry that fits does not fit");
        }
    }
}

impl Packer<'_, '_> {
    fn item(&mut self, item: &Entry, cookie: u64, name: &ItemName) -> Packed {
        let packed = self.listing.item(item, cookie, name);
        if packed == Packed::Full {
            self.call.engine.forget(item.node, 1);
        }
        packed
    }
}

impl Call<'_> {
    pub(super) fn opendir(&self, reply: &mut Reply<'_>) -> Served {
        // What the kernel does by itself where it does not ask.
        let flags = match self.kernel.policy.listings {
            Listings::Stable => fopen::KEEP_CACHE | fopen::CACHE_DIR,
            Listings::Changing => 0,
        };
        let handle = self.engine.open_directory(&self.context, self.node())?;
        reply.opened(&Opened { handle: handle.0, flags, passthrough: None })
    }

    pub(super) fn releasedir(&self, args: &ReleaseIn, reply: &mut Reply<'_>) -> Served {
        self.engine.release_directory(Self::handle(args.fh));
        reply.empty()
    }

    pub(super) fn readdir(&self, args: &ReadIn, reply: &mut Reply<'_>) -> Served {
        self.list(args, false, reply)
    }

    pub(super) fn readdirplus(&self, args: &ReadIn, reply: &mut Reply<'_>) -> Served {
        self.list(args, true, reply)
    }

    fn list(&self, args: &ReadIn, plus: bool, reply: &mut Reply<'_>) -> Served {
        let listing = reply.listing(args.size)?;
        let mut packer = Packer { call: self, listing, plus, room: args.size as usize };
        self.engine.read_dir(&self.context, self.node(), args.offset, plus, &mut packer)?;
        packer.listing.finish()
    }

    pub(super) fn fsyncdir(&self, reply: &mut Reply<'_>) -> Served {
        self.engine.sync_directory(&self.context, self.node())?;
        reply.empty()
    }
}
