//! `Placeholders`: the placeholder log, and what it says, in memory.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use projfs_sync::Rank;
use projfs_sync::RwLock;
use projfs_sync::rw_lock;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use tracing::warn;

use super::Done;
use super::room::PLACEHOLDERS;
use crate::codec::Damage;
use crate::codec::Reader;
use crate::codec::put_bytes;
use crate::codec::put_info;
use crate::log::Log;
use crate::log::Replayed;

const NOTED: u8 = 1;
const FORGOTTEN: u8 = 2;
/// A log that is shorter is not worth compacting, in bytes.
const SMALL: u64 = 1 << 20;
/// What an entry takes beside path and info, about, in bytes.
const OVERHEAD: u64 = 12;

/// The placeholder log.
pub(crate) struct Placeholders {
    state: RwLock<State>,
}

struct State {
    log: Log,
    notes: Notes,
    /// About how long the log would be with nothing superfluous in it, in bytes.
    live: u64,
    /// A shorter log is not compacted, in bytes.
    worth: u64,
}

impl Placeholders {
    /// Opens the log in `own` and reads it. What cannot be read is forgotten: it is merely virtual again.
    pub(crate) fn open(own: &OwnedFd) -> Done<Self> {
        let mut notes = Notes::default();
        let (log, replayed) = Log::open(own, PLACEHOLDERS, &mut |entry| {
            if replay(entry, &mut notes).is_err() {
                warn!("an entry of the placeholder log has an unknown form");
            }
        })?;
        if let Replayed::Cut(good) = replayed {
            warn!(good, "the placeholder log was damaged; what followed is virtual again");
        }
        let mut live = 0;
        notes.each(&mut |origin, info| live += size(origin, info));
        let placeholders = Self { state: rw_lock(Rank::Store, State { log, notes, live, worth: SMALL }) };
        placeholders.state.write().compact_if_wasteful(own);
        Ok(placeholders)
    }

    /// The placeholder that was noted for an origin.
    pub(crate) fn get(&self, origin: &RelPath) -> Option<PlaceholderInfo> {
        let state = self.state.read();
        Reader::new(state.notes.get(origin)?).info().ok()
    }

    /// Notes a placeholder; nothing is written if exactly that was noted before.
    pub(crate) fn note(&self, own: &OwnedFd, origin: &RelPath, info: &PlaceholderInfo) -> Done<()> {
        self.change(own, std::iter::once((origin, Some(info))))
    }

    /// Forgets a note.
    pub(crate) fn forget(&self, own: &OwnedFd, origin: &RelPath) -> Done<()> {
        self.change(own, std::iter::once((origin, None)))
    }

    /// Notes and forgets placeholders, in this order, with as few writes as their number allows. Nothing is written for
    /// what was noted, or not noted, before.
    pub(crate) fn change<'a>(
        &self,
        own: &OwnedFd,
        changes: impl Iterator<Item = (&'a RelPath, Option<&'a PlaceholderInfo>)>,
    ) -> Done<()> {
        let mut state = self.state.write();
        let mut changed = Vec::new();
        for (origin, info) in changes {
            let encoded = info.map(|info| {
                let mut encoded = Vec::with_capacity(64);
                put_info(&mut encoded, info);
                encoded.into_boxed_slice()
            });
            if state.notes.get(origin) != encoded.as_deref() {
                changed.push((origin, encoded));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = changed.iter().map(|(origin, info)| entry(origin, info.as_deref())).collect();
        state.log.append_all(entries.iter().map(Vec::as_slice))?;
        for (origin, info) in changed {
            state.live += info.as_deref().map_or(0, |info| size(origin, info));
            if let Some(before) = state.notes.set(origin, info) {
                state.live -= size(origin, &before);
            }
        }
        state.compact_if_wasteful(own);
        Ok(())
    }

    /// The names of the placeholders that are noted directly below an origin, in no order.
    pub(crate) fn names(&self, origin: &RelPath) -> Vec<ItemNameBuf> {
        let state = self.state.read();
        state.notes.below.get(origin).map_or_else(Vec::new, |names| names.keys().cloned().collect())
    }

    /// The placeholders that are noted directly below an origin, in no order.
    pub(crate) fn items(&self, origin: &RelPath) -> Vec<ProjectedItem> {
        let state = self.state.read();
        let Some(names) = state.notes.below.get(origin) else { return Vec::new() };
        let items = names.iter().filter_map(|(name, info)| {
            Some(ProjectedItem { name: name.clone(), info: Reader::new(info).info().ok()? })
        });
        items.collect()
    }

    /// How many placeholders are noted.
    pub(crate) fn count(&self) -> u64 {
        self.state.read().notes.count
    }
}

impl State {
    fn compact_if_wasteful(&mut self, own: &OwnedFd) {
        if self.log.length() < self.worth || self.log.length() / 2 < self.live {
            return;
        }
        let mut entries = Vec::new();
        self.notes.each(&mut |origin, info| entries.push(entry(origin, Some(info))));
        match Log::compact(own, PLACEHOLDERS, entries.iter().map(Vec::as_slice)) {
            Ok(log) => {
                self.log = log;
                self.worth = SMALL;
            }
            // The long log is as good as before; to try again at every note would be too dear.
            Err(errno) => {
                warn!(%errno, "the placeholder log cannot be compacted");
                self.worth = self.log.length() * 2;
            }
        }
    }
}

/// What is noted, by directory and name, each encoded, as most are never asked for again.
#[derive(Default)]
pub(super) struct Notes {
    below: HashMap<RelPathBuf, HashMap<ItemNameBuf, Box<[u8]>>>,
    count: u64,
}

impl Notes {
    pub(super) fn get(&self, origin: &RelPath) -> Option<&[u8]> {
        let (directory, name) = origin.split_last()?;
        self.below.get(directory)?.get(name).map(AsRef::as_ref)
    }

    /// Puts a note in place of what was there, or takes it away. The root is never noted.
    fn set(&mut self, origin: &RelPath, info: Option<Box<[u8]>>) -> Option<Box<[u8]>> {
        let (directory, name) = origin.split_last()?;
        let Some(info) = info else {
            let names = self.below.get_mut(directory)?;
            let before = names.remove(name)?;
            if names.is_empty() {
                self.below.remove(directory);
            }
            self.count -= 1;
            return Some(before);
        };
        if !self.below.contains_key(directory) {
            self.below.insert(directory.to_owned(), HashMap::new());
        }
        let before = self.below.get_mut(directory)?.insert(name.to_owned(), info);
        self.count += u64::from(before.is_none());
        before
    }

    pub(super) fn each(&self, act: &mut dyn FnMut(&RelPath, &[u8])) {
        for (directory, names) in &self.below {
            for (name, info) in names {
                act(&directory.join(name), info);
            }
        }
    }
}

/// How a note, or the end of one, is written.
pub(super) fn entry(origin: &RelPath, info: Option<&[u8]>) -> Vec<u8> {
    let mut entry = Vec::with_capacity(info.map_or(0, <[u8]>::len) + origin.as_bytes().len() + 4);
    entry.push(if info.is_some() { NOTED } else { FORGOTTEN });
    put_bytes(&mut entry, origin.as_bytes());
    entry.extend_from_slice(info.unwrap_or_default());
    entry
}

fn size(origin: &RelPath, info: &[u8]) -> u64 {
    (origin.as_bytes().len() + info.len()) as u64 + OVERHEAD
}

pub(super) fn replay(entry: &[u8], notes: &mut Notes) -> Result<(), Damage> {
    let mut reader = Reader::new(entry);
    let what = reader.byte()?;
    let origin = RelPathBuf::new(reader.bytes()?).map_err(|_| Damage("no path"))?;
    match what {
        NOTED => {
            let encoded = reader.rest();
            let mut info = Reader::new(encoded);
            info.info()?;
            info.end()?;
            notes.set(&origin, Some(encoded.into()));
            Ok(())
        }
        FORGOTTEN => {
            reader.end()?;
            notes.set(&origin, None);
            Ok(())
        }
        _ => Err(Damage("unknown")),
    }
}
