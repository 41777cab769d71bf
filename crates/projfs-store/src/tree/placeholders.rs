//! `Placeholders`: the placeholder log, and what it says, in memory.
//!
//! An entry begins with a byte that says what it is:
//!
//! | byte | what follows | what it says |
//! |---|---|---|
//! | 1 | an origin; what the provider said of the item, as the codec has it | the item is a placeholder |
//! | 2 | an origin | it is not |
//! | 3 | the origin of a directory; a name, behind its length; an integer | what is projected under the name is of this life: the item before has left |
//! | 4 | an integer | no life up to this one is given again |
//! | 5 | the origin of a directory | no directory has it any more, nor will: what was said by 3 of names below it is void |
//!
//! An origin is bytes behind their length, as [`OriginBuf::to_bytes`] gives them: of the first life a path alone.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use projfs_sync::Rank;
use projfs_sync::RwLock;
use projfs_sync::rw_lock;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Life;
use projfs_types::OriginBuf;
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
use crate::codec::put_integer;
use crate::lives::Lives;
use crate::log::Log;
use crate::log::Replayed;

const NOTED: u8 = 1;
const FORGOTTEN: u8 = 2;
const LEFT: u8 = 3;
const GIVEN: u8 = 4;
const ENDED: u8 = 5;
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
    lives: Lives,
    /// About how long the log would be with nothing superfluous in it, in bytes.
    live: u64,
    /// A shorter log is not compacted, in bytes.
    worth: u64,
}

impl Placeholders {
    /// Opens the log in `own` and reads it. What cannot be read is forgotten: it is merely virtual again.
    pub(crate) fn open(own: &OwnedFd) -> Done<Self> {
        let (mut notes, mut lives) = (Notes::default(), Lives::default());
        let (log, replayed) = Log::open(own, PLACEHOLDERS, &mut |entry| {
            if replay(entry, &mut notes, &mut lives).is_err() {
                warn!("an entry of the placeholder log has an unknown form");
            }
        })?;
        if let Replayed::Cut(good) = replayed {
            warn!(good, "the placeholder log was damaged; what followed is virtual again");
        }
        let live = live(&notes, &lives);
        let state = State { log, notes, lives, live, worth: SMALL };
        let placeholders = Self { state: rw_lock(Rank::Store, state) };
        placeholders.state.write().compact_if_wasteful(own);
        Ok(placeholders)
    }

    /// The placeholder that was noted for an origin.
    pub(crate) fn get(&self, origin: &OriginBuf) -> Option<PlaceholderInfo> {
        let state = self.state.read();
        Reader::new(state.notes.get(origin)?).info().ok()
    }

    /// Notes a placeholder; nothing is written if exactly that was noted before.
    pub(crate) fn note(&self, own: &OwnedFd, origin: &OriginBuf, info: &PlaceholderInfo) -> Done<()> {
        self.change(own, std::iter::once((origin, Some(info))))
    }

    /// Forgets a note.
    pub(crate) fn forget(&self, own: &OwnedFd, origin: &OriginBuf) -> Done<()> {
        self.change(own, std::iter::once((origin, None)))
    }

    /// Notes and forgets placeholders, in this order, with as few writes as their number allows. Nothing is written for
    /// what was noted, or not noted, before.
    pub(crate) fn change<'a>(
        &self,
        own: &OwnedFd,
        changes: impl Iterator<Item = (&'a OriginBuf, Option<&'a PlaceholderInfo>)>,
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
    pub(crate) fn names(&self, origin: &OriginBuf) -> Vec<ItemNameBuf> {
        self.state.read().below(origin).into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// The placeholders that are noted directly below an origin, in no order.
    pub(crate) fn items(&self, origin: &OriginBuf) -> Vec<ProjectedItem> {
        let state = self.state.read();
        let items = state.below(origin).into_iter().filter_map(|(name, info)| {
            Some(ProjectedItem { name: name.clone(), info: Reader::new(info).info().ok()? })
        });
        items.collect()
    }

    /// What is projected under a name of a directory.
    pub(crate) fn origin(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf {
        self.state.read().lives.origin(directory, name)
    }

    /// What is projected under a name of a directory is of a life of its own from now on.
    pub(crate) fn leave(&self, own: &OwnedFd, directory: &OriginBuf, name: &ItemName) -> Done<()> {
        let mut state = self.state.write();
        let life = state.lives.next()?;
        state.log.append(&left(directory, name, life))?;
        if state.lives.of(directory, name).is_none() {
            state.live += size(directory, name.as_bytes());
        }
        state.lives.set(directory, name, life);
        state.compact_if_wasteful(own);
        Ok(())
    }

    /// A life that nobody has had.
    pub(crate) fn give(&self, own: &OwnedFd) -> Done<Life> {
        let mut state = self.state.write();
        let life = state.lives.next()?;
        state.log.append(&given(life))?;
        state.lives.given(life);
        state.compact_if_wasteful(own);
        Ok(life)
    }

    /// No directory has this origin, and none will.
    pub(crate) fn end(&self, own: &OwnedFd, directory: &OriginBuf) -> Done<()> {
        if !self.state.read().lives.is_needed_by(directory) {
            return Ok(());
        }
        let mut state = self.state.write();
        state.log.append(&ended(directory))?;
        state.lives.end(directory);
        state.live = live(&state.notes, &state.lives);
        state.compact_if_wasteful(own);
        Ok(())
    }

    /// How many placeholders are noted.
    pub(crate) fn count(&self) -> u64 {
        self.state.read().notes.count
    }
}

impl State {
    /// What is noted of what is projected in a directory.
    fn below(&self, directory: &OriginBuf) -> Vec<(&ItemNameBuf, &[u8])> {
        let left: HashMap<_, _> = self.lives.in_directory(directory).collect();
        let here = self.notes.names(directory, directory.life()).filter(|(name, _)| !left.contains_key(name));
        let again = left.iter().filter_map(|(name, life)| {
            let (name, info) = self.notes.below(directory, *life)?.get_key_value(&***name)?;
            Some((name, &**info))
        });
        here.chain(again).collect()
    }

    fn compact_if_wasteful(&mut self, own: &OwnedFd) {
        if self.log.length() < self.worth || self.log.length() / 2 < self.live {
            return;
        }
        let mut entries = Vec::new();
        if self.lives.last() != Life::FIRST {
            entries.push(given(self.lives.last()));
        }
        self.lives.each(&mut |directory, name, life| entries.push(left(directory, name, life)));
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

/// The notes of a directory, each encoded, as most are never asked for again.
type Names = HashMap<ItemNameBuf, Box<[u8]>>;

/// What is noted, by life, directory and name.
#[derive(Default)]
pub(super) struct Notes {
    lives: HashMap<Life, HashMap<RelPathBuf, Names>>,
    count: u64,
}

impl Notes {
    fn below(&self, directory: &RelPath, life: Life) -> Option<&Names> {
        self.lives.get(&life)?.get(directory)
    }

    fn names(&self, directory: &RelPath, life: Life) -> impl Iterator<Item = (&ItemNameBuf, &[u8])> {
        self.below(directory, life).into_iter().flatten().map(|(name, info)| (name, &**info))
    }

    pub(super) fn get(&self, origin: &OriginBuf) -> Option<&[u8]> {
        let (directory, name) = origin.split_last()?;
        self.below(directory, origin.life())?.get(name).map(AsRef::as_ref)
    }

    /// Puts a note in place of what was there, or takes it away. The root is never noted.
    fn set(&mut self, origin: &OriginBuf, info: Option<Box<[u8]>>) -> Option<Box<[u8]>> {
        let (directory, name) = origin.split_last()?;
        let Some(info) = info else {
            let below = self.lives.get_mut(&origin.life())?;
            let names = below.get_mut(directory)?;
            let before = names.remove(name)?;
            if names.is_empty() {
                below.remove(directory);
                if below.is_empty() {
                    self.lives.remove(&origin.life());
                }
            }
            self.count -= 1;
            return Some(before);
        };
        let below = self.lives.entry(origin.life()).or_default();
        if !below.contains_key(directory) {
            below.insert(directory.to_owned(), HashMap::new());
        }
        let before = below.get_mut(directory)?.insert(name.to_owned(), info);
        self.count += u64::from(before.is_none());
        before
    }

    pub(super) fn each(&self, act: &mut dyn FnMut(&OriginBuf, &[u8])) {
        for (life, below) in &self.lives {
            for (directory, names) in below {
                for (name, info) in names {
                    act(&OriginBuf::new(directory.join(name), *life), info);
                }
            }
        }
    }
}

/// How a note, or the end of one, is written.
pub(super) fn entry(origin: &OriginBuf, info: Option<&[u8]>) -> Vec<u8> {
    let mut entry = Vec::with_capacity(info.map_or(0, <[u8]>::len) + origin.as_bytes().len() + 4);
    entry.push(if info.is_some() { NOTED } else { FORGOTTEN });
    put_bytes(&mut entry, &origin.to_bytes());
    entry.extend_from_slice(info.unwrap_or_default());
    entry
}

fn left(directory: &OriginBuf, name: &ItemName, life: Life) -> Vec<u8> {
    let mut entry = vec![LEFT];
    put_bytes(&mut entry, &directory.to_bytes());
    put_bytes(&mut entry, name.as_bytes());
    put_integer(&mut entry, life.0.into());
    entry
}

fn given(life: Life) -> Vec<u8> {
    let mut entry = vec![GIVEN];
    put_integer(&mut entry, life.0.into());
    entry
}

fn ended(directory: &OriginBuf) -> Vec<u8> {
    let mut entry = vec![ENDED];
    put_bytes(&mut entry, &directory.to_bytes());
    entry
}

/// About what a note takes in the log, or a name that was left, in bytes.
fn size(origin: &RelPath, rest: &[u8]) -> u64 {
    (origin.as_bytes().len() + rest.len()) as u64 + OVERHEAD
}

fn live(notes: &Notes, lives: &Lives) -> u64 {
    let mut live = 0;
    notes.each(&mut |origin, info| live += size(origin, info));
    lives.each(&mut |directory, name, _| live += size(directory, name.as_bytes()));
    live
}

pub(super) fn replay(entry: &[u8], notes: &mut Notes, lives: &mut Lives) -> Result<(), Damage> {
    let mut reader = Reader::new(entry);
    let what = reader.byte()?;
    if what == GIVEN {
        lives.given(Life(reader.narrow()?));
        return reader.end();
    }
    let origin = OriginBuf::from_bytes(reader.bytes()?).ok_or(Damage("no origin"))?;
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
        LEFT => {
            let name = ItemName::new(reader.bytes()?).map_err(|_| Damage("no name"))?;
            let life = Life(reader.narrow()?);
            reader.end()?;
            lives.set(&origin, name, life);
            Ok(())
        }
        ENDED => {
            reader.end()?;
            lives.end(&origin);
            Ok(())
        }
        _ => Err(Damage("unknown")),
    }
}
