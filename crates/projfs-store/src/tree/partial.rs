//! Partial content: a sparse file in `.projfs/partial`, and beside it a log of the ranges that are there.
//!
//! A range is written down after its bytes were written, and neither is synced: both survive the death of the
//! process, in this order. A power cut can keep the one and lose the other, so a log is believed only in the
//! boot that wrote it. The log goes first when both go, and comes last when both come: where there are two,
//! they belong together.

mod check;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::Weak;
use projfs_sync::mutex;
use projfs_types::Number;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::RangeSet;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use tracing::debug;
use tracing::warn;

use super::At;
use super::Done;
use super::TreeStore;
use super::fault::about;
use super::room::names_in;
use crate::PartialFile;
use crate::Result;
use crate::StoreFile;
use crate::codec::Decoded;
use crate::codec::Reader;
use crate::codec::put_bytes;
use crate::codec::put_integer;
use crate::journal::Boot;
use crate::log::Log;
pub(crate) use check::OddWhat;
pub(crate) use check::odd_parts;

const MAP: &str = ".map";

/// The partial content that somebody has.
pub(crate) struct Partials {
    boot: Boot,
    open: Mutex<HashMap<Number, Weak<TreePartial>>>,
}

/// Partial content, open.
pub(crate) struct TreePartial {
    number: Number,
    file: Arc<dyn StoreFile>,
    inode: u64,
    size: u64,
    version: VersionInfo,
    map: Mutex<Map>,
}

struct Map {
    there: RangeSet,
    /// Nothing once the content was dropped, or published.
    log: Option<Log>,
    complete: bool,
}

impl Partials {
    /// Clears away what an earlier boot left: nothing of it can be believed.
    pub(crate) fn open(dir: &Arc<OwnedFd>) -> Done<Self> {
        let boot = Boot::current();
        let names = names_in(dir)?;
        let mut good = BTreeSet::new();
        for name in &names {
            let Some(content) = name.strip_suffix(MAP.as_bytes()) else { continue };
            let Ok(text) = std::str::from_utf8(name) else { continue };
            let mut first = None;
            Log::open(dir, text, &mut |entry| {
                first.get_or_insert_with(|| entry.to_vec());
            })?;
            if first.is_some_and(|head| written_in(&head).is_some_and(|then| then.is(boot))) {
                good.extend([content.to_vec(), name.clone()]);
            }
        }
        for name in names.into_iter().filter(|name| !good.contains(name)) {
            if let Err(errno) = At::new(dir, name).unlink() {
                debug!(%errno, "parts of a file cannot be cleared away");
            }
        }
        Ok(Self { boot, open: mutex(Rank::Store, HashMap::new()) })
    }
}

impl TreeStore {
    fn partial_places(&self, number: Number) -> (At, String) {
        let name = format!("{:016x}", number.0);
        let map = format!("{name}{MAP}");
        (At::new(&self.room.partial, name), map)
    }

    /// The partial content of an item.
    pub(crate) fn partial_of(&self, number: Number, info: &PlaceholderInfo) -> Done<Arc<dyn PartialFile>> {
        let PlaceholderKind::File { size } = info.kind else { return Err(Errno::INVAL.into()) };
        let mut open = self.partials.open.lock();
        if let Some(partial) = open.get(&number).and_then(Weak::upgrade)
            && (partial.size, &partial.version) == (size, &info.version)
        {
            return Ok(partial);
        }
        let partial = match self.kept_partial(number, size, &info.version)? {
            Some(kept) => kept,
            None => {
                self.end_partial(&mut open, number)?;
                self.begin_partial(number, size, &info.version)?
            }
        };
        let partial = Arc::new(partial);
        open.retain(|_, known| known.strong_count() != 0);
        open.insert(number, Arc::downgrade(&partial));
        Ok(partial)
    }

    /// What an earlier process, or an earlier user, left of the content.
    fn kept_partial(&self, number: Number, size: u64, version: &VersionInfo) -> Done<Option<TreePartial>> {
        let (at, map) = self.partial_places(number);
        let file = match at.open(OFlags::RDWR) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        let expected = head(self.partials.boot, number, stat.st_ino, size, version);
        let (mut first, mut there) = (true, RangeSet::default());
        let mut good = false;
        let (log, _) = Log::open(&*self.room.partial, &map, &mut |entry| {
            if std::mem::take(&mut first) {
                good = entry == expected;
            } else if let Ok(range) = range_in(entry) {
                there.insert(range);
            }
        })?;
        let known = self.partials.boot.is(self.partials.boot);
        if !(good && known && u64::try_from(stat.st_size) == Ok(size)) {
            return Ok(None);
        }
        let file = Arc::new(self.file(file, RelPathBuf::root()));
        Ok(Some(TreePartial::new(number, file, stat.st_ino, size, version, Map::new(there, log))))
    }

    fn begin_partial(&self, number: Number, size: u64, version: &VersionInfo) -> Done<TreePartial> {
        let (at, map) = self.partial_places(number);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&*at.dir, at.name.as_slice(), flags, Mode::from_raw_mode(0o600))?;
        let begun = (|| {
            rustix::fs::ftruncate(&file, size)?;
            let inode = rustix::fs::fstat(&file)?.st_ino;
            let (mut log, _) = Log::open(&*self.room.partial, &map, &mut |_| {})?;
            log.append(&head(self.partials.boot, number, inode, size, version))?;
            Ok((inode, log))
        })();
        match begun {
            Ok((inode, log)) => {
                let map = Map::new(RangeSet::default(), log);
                let file = Arc::new(self.file(file, RelPathBuf::root()));
                Ok(TreePartial::new(number, file, inode, size, version, map))
            }
            Err(errno) => {
                let _ = At::new(&self.room.partial, map).unlink();
                let _ = at.unlink();
                Err(Errno::into(errno))
            }
        }
    }

    /// Drops partial content.
    pub(crate) fn drop_partial_of(&self, number: Number) -> Done<()> {
        self.end_partial(&mut self.partials.open.lock(), number)
    }

    fn end_partial(&self, open: &mut HashMap<Number, Weak<TreePartial>>, number: Number) -> Done<()> {
        if let Some(partial) = open.remove(&number).and_then(|known| known.upgrade()) {
            partial.map.lock().log = None;
        }
        let (at, map) = self.partial_places(number);
        for at in [At::new(&self.room.partial, map), at] {
            match at.unlink() {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// The partial content that `file` is; nothing if it never had a name.
    pub(crate) fn partial_to_publish(
        &self,
        file: BorrowedFd<'_>,
        number: Number,
    ) -> Done<Option<Arc<TreePartial>>> {
        let stat = rustix::fs::fstat(file)?;
        if stat.st_nlink == 0 {
            return Ok(None);
        }
        let known = self.partials.open.lock().get(&number).and_then(Weak::upgrade);
        let known = known.filter(|partial| partial.inode == stat.st_ino && partial.map.lock().complete);
        Ok(Some(known.ok_or(Errno::INVAL)?))
    }

    /// Gives partial content its name in the tree, for that in `partial`.
    pub(crate) fn name_partial(&self, partial: &TreePartial, to: &At, over: bool) -> Done<()> {
        let (at, map) = self.partial_places(partial.number);
        at.rename(to, if over { RenameFlags::empty() } else { RenameFlags::NOREPLACE })?;
        self.partials.open.lock().remove(&partial.number);
        partial.map.lock().log = None;
        // A log without content is nothing to anyone.
        if let Err(errno) = At::new(&self.room.partial, map).unlink() {
            debug!(%errno, "the ranges of a file that is whole cannot be cleared away");
        }
        Ok(())
    }
}

impl Map {
    fn new(there: RangeSet, log: Log) -> Self {
        Self { there, log: Some(log), complete: false }
    }
}

impl TreePartial {
    fn new(
        number: Number,
        file: Arc<dyn StoreFile>,
        inode: u64,
        size: u64,
        version: &VersionInfo,
        map: Map,
    ) -> Self {
        Self { number, file, inode, size, version: version.clone(), map: mutex(Rank::Store, map) }
    }
}

impl PartialFile for TreePartial {
    fn missing(&self, range: Range<u64>) -> Vec<Range<u64>> {
        self.map.lock().there.missing(range.start..range.end.min(self.size))
    }

    fn mark(&self, range: Range<u64>) -> Result<()> {
        let mut map = self.map.lock();
        let range = range.start..range.end.min(self.size);
        if map.there.covers(&range) {
            return Ok(());
        }
        if let Some(log) = &mut map.log {
            let mut entry = Vec::new();
            put_integer(&mut entry, range.start);
            put_integer(&mut entry, range.end);
            log.append(&entry)
                .map_err(|errno| about("note a part of a file", RelPathBuf::root)(errno.into()))?;
        }
        map.there.insert(range);
        Ok(())
    }

    fn complete(&self) -> Result<()> {
        if !self.missing(0..self.size).is_empty() {
            return Err(about("complete a file", RelPathBuf::root)(Errno::INVAL.into()));
        }
        // Its size was right before its content was, so its size will not tell whether it was cut off.
        let synced = self.file.sync(true);
        let mut map = self.map.lock();
        match synced {
            Ok(()) => map.complete = true,
            Err(_) => {
                // What was to be written is dropped by the kernel, and the next sync would not say so: none of it counts.
                map.there = RangeSet::default();
                if let Some(Err(errno)) = map.log.take().map(Log::erase) {
                    warn!(%errno, "parts of a file that could not be written are still noted");
                }
            }
        }
        synced
    }

    fn file(&self) -> Arc<dyn StoreFile> {
        Arc::clone(&self.file)
    }
}

/// The first entry of a log: what the ranges are ranges of, and until when they are believed.
fn head(boot: Boot, number: Number, inode: u64, size: u64, version: &VersionInfo) -> Vec<u8> {
    let mut entry = boot.0.to_vec();
    for integer in [number.0, inode, size] {
        put_integer(&mut entry, integer);
    }
    put_bytes(&mut entry, version.content.as_bytes());
    put_bytes(&mut entry, version.provider.as_bytes());
    entry
}

fn written_in(head: &[u8]) -> Option<Boot> {
    head.first_chunk().map(|boot| Boot(*boot))
}

fn range_in(entry: &[u8]) -> Decoded<Range<u64>> {
    let mut reader = Reader::new(entry);
    let range = reader.integer()?..reader.integer()?;
    reader.end()?;
    Ok(range)
}

#[cfg(test)]
mod tests;
