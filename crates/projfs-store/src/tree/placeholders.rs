//! `Placeholders`: the placeholder log, and what it says, in memory.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use projfs_sync::RwLock;
use projfs_types::PlaceholderInfo;
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
    /// Encoded, as most are never asked for again.
    notes: HashMap<RelPathBuf, Box<[u8]>>,
    /// About how long the log would be with nothing superfluous in it, in bytes.
    live: u64,
    /// A shorter log is not compacted, in bytes.
    worth: u64,
}

impl Placeholders {
    /// Opens the log in `own` and reads it. What cannot be read is forgotten: it is merely virtual again.
    pub(crate) fn open(own: &OwnedFd) -> Done<Self> {
        let mut notes = HashMap::new();
        let (log, replayed) = Log::open(own, PLACEHOLDERS, &mut |entry| {
            if replay(entry, &mut notes).is_err() {
                warn!("an entry of the placeholder log has an unknown form");
            }
        })?;
        if let Replayed::Cut(good) = replayed {
            warn!(good, "the placeholder log was damaged; what followed is virtual again");
        }
        let live = notes.iter().map(|(origin, info)| size(origin, info)).sum();
        let placeholders = Self { state: RwLock::new(State { log, notes, live, worth: SMALL }) };
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
        let mut encoded = Vec::with_capacity(64);
        put_info(&mut encoded, info);
        let mut entry = Vec::with_capacity(encoded.len() + origin.as_bytes().len() + 4);
        entry.push(NOTED);
        put_bytes(&mut entry, origin.as_bytes());
        entry.extend_from_slice(&encoded);

        let mut state = self.state.write();
        if state.notes.get(origin).is_some_and(|noted| **noted == *encoded) {
            return Ok(());
        }
        state.log.append(&entry)?;
        state.live += size(origin, &encoded);
        if let Some(before) = state.notes.insert(origin.to_owned(), encoded.into()) {
            state.live -= size(origin, &before);
        }
        state.compact_if_wasteful(own);
        Ok(())
    }

    /// Forgets a note.
    pub(crate) fn forget(&self, own: &OwnedFd, origin: &RelPath) -> Done<()> {
        let mut state = self.state.write();
        if !state.notes.contains_key(origin) {
            return Ok(());
        }
        let mut entry = vec![FORGOTTEN];
        put_bytes(&mut entry, origin.as_bytes());
        state.log.append(&entry)?;
        if let Some(before) = state.notes.remove(origin) {
            state.live -= size(origin, &before);
        }
        state.compact_if_wasteful(own);
        Ok(())
    }

    /// How many placeholders are noted.
    pub(crate) fn count(&self) -> u64 {
        self.state.read().notes.len() as u64
    }
}

impl State {
    fn compact_if_wasteful(&mut self, own: &OwnedFd) {
        if self.log.length() < self.worth || self.log.length() / 2 < self.live {
            return;
        }
        let entries: Vec<Vec<u8>> = self
            .notes
            .iter()
            .map(|(origin, info)| {
                let mut entry = vec![NOTED];
                put_bytes(&mut entry, origin.as_bytes());
                entry.extend_from_slice(info);
                entry
            })
            .collect();
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

fn size(origin: &RelPath, info: &[u8]) -> u64 {
    (origin.as_bytes().len() + info.len()) as u64 + OVERHEAD
}

fn replay(entry: &[u8], notes: &mut HashMap<RelPathBuf, Box<[u8]>>) -> Result<(), Damage> {
    let mut reader = Reader::new(entry);
    let what = reader.byte()?;
    let origin = RelPathBuf::new(reader.bytes()?).map_err(|_| Damage("no path"))?;
    match what {
        NOTED => {
            let encoded = reader.rest();
            let mut info = Reader::new(encoded);
            info.info()?;
            info.end()?;
            notes.insert(origin, encoded.into());
            Ok(())
        }
        FORGOTTEN => {
            reader.end()?;
            notes.remove(&origin);
            Ok(())
        }
        _ => Err(Damage("unknown")),
    }
}
