//! The registered readers of a journal on disk: a small file each, in the directory `readers`.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic |
//! | 8 | epoch |
//! | 8 | sequence number |
//! | 8 | checksum of these |
//!
//! The file's name is the reader's. It is written in place with one write of less than a sector, and synced when it is
//! made and when the journal is closed: an acknowledgement that a power cut takes back only has more kept than needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use projfs_types::Cursor;
use projfs_types::ReaderName;
use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::epoch::errno_of;
use super::frame::checksum;
use crate::own_file::open_own;

const NAME: &str = "readers";
/// No reader is called so: a name has no dot at its beginning.
const NEW_NAME: &str = ".new";
const MAGIC: &[u8; 8] = b"PFSJRDR1";
const LENGTH: usize = 32;
/// Of a reader whose file cannot be read: in no epoch, so it is told that everything is gone.
const UNKNOWN: Cursor = Cursor { epoch: 0, sequence: 0 };

/// Who reads the journal, and what each needs no more.
pub(super) struct Readers {
    /// Nothing until the first is registered.
    dir: Option<OwnedFd>,
    known: BTreeMap<ReaderName, Cursor>,
}

impl Readers {
    /// Reads what is in the directory of a journal.
    pub(super) fn open(journal: BorrowedFd<'_>) -> Result<Self, Errno> {
        let dir = match open_dir(journal) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Ok(Self { dir: None, known: BTreeMap::new() }),
            Err(errno) => return Err(errno),
        };
        let mut known = BTreeMap::new();
        for entry in Dir::read_from(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_str().ok().and_then(|name| ReaderName::new(name).ok());
            if let Some(name) = name {
                let cursor = read(&dir, &name)?;
                known.insert(name, cursor);
            }
        }
        Ok(Self { dir: Some(dir), known })
    }

    /// What each has acknowledged.
    pub(super) fn known(&self) -> &BTreeMap<ReaderName, Cursor> {
        &self.known
    }

    /// Registers a reader, durably.
    pub(super) fn add(
        &mut self,
        journal: BorrowedFd<'_>,
        name: &ReaderName,
        cursor: Cursor,
    ) -> Result<(), Errno> {
        if self.dir.is_none() {
            match rustix::fs::mkdirat(journal, NAME, Mode::RWXU) {
                Ok(()) => rustix::fs::fsync(journal)?,
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            self.dir = Some(open_dir(journal)?);
        }
        let Some(dir) = &self.dir else { return Err(Errno::NOENT) };
        // Whole under its name, or not there: one without a cursor would be told that everything is gone.
        let made = (|| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let file = File::from(rustix::fs::openat(dir, NEW_NAME, flags, Mode::RUSR | Mode::WUSR)?);
            write(&file, cursor)?;
            rustix::fs::fsync(&file)?;
            rustix::fs::renameat(dir, NEW_NAME, dir, name.as_str())
        })();
        if let Err(errno) = made.and_then(|()| rustix::fs::fsync(dir)) {
            for name in [NEW_NAME, name.as_str()] {
                let _ = rustix::fs::unlinkat(dir, name, AtFlags::empty());
            }
            return Err(errno);
        }
        self.known.insert(name.clone(), cursor);
        Ok(())
    }

    /// Forgets a reader; whether there was one.
    pub(super) fn remove(&mut self, name: &ReaderName) -> Result<bool, Errno> {
        let Some(dir) = self.dir.as_ref().filter(|_| self.known.contains_key(name)) else { return Ok(false) };
        rustix::fs::unlinkat(dir, name.as_str(), AtFlags::empty())?;
        self.known.remove(name);
        rustix::fs::fsync(dir)?;
        Ok(true)
    }

    /// Notes that a registered reader needs nothing before `cursor`.
    pub(super) fn acknowledge(&mut self, name: &ReaderName, cursor: Cursor) -> Result<(), Errno> {
        let Some(dir) = &self.dir else { return Err(Errno::NOENT) };
        write(&open_file(dir, name, OFlags::WRONLY)?, cursor)?;
        self.known.insert(name.clone(), cursor);
        Ok(())
    }

    /// What was acknowledged survives a power cut.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        let Some(dir) = &self.dir else { return Ok(()) };
        self.known.keys().try_for_each(|name| rustix::fs::fsync(open_file(dir, name, OFlags::RDONLY)?))
    }

    /// The number of the first entry of an epoch that some reader needs; nothing if there are no readers.
    pub(super) fn needed(&self, epoch: u64) -> Option<u64> {
        // Who read in another epoch has yet to say what he needs of this one.
        let needed = |cursor: &Cursor| if cursor.epoch == epoch { cursor.sequence } else { 0 };
        self.known.values().map(needed).min()
    }
}

fn open_dir(journal: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(journal, NAME, flags, Mode::empty())
}

fn open_file(dir: &OwnedFd, name: &ReaderName, flags: OFlags) -> Result<File, Errno> {
    Ok(File::from(open_own(dir, name.as_str(), flags, Mode::RUSR | Mode::WUSR)?))
}

fn write(file: &File, cursor: Cursor) -> Result<(), Errno> {
    file.write_all_at(&encode(cursor), 0).map_err(|error| errno_of(&error))
}

pub(super) fn encode(cursor: Cursor) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&cursor.epoch.to_le_bytes());
    bytes.extend_from_slice(&cursor.sequence.to_le_bytes());
    bytes.extend_from_slice(&checksum(0, &bytes).to_le_bytes());
    bytes
}

fn read(dir: &OwnedFd, name: &ReaderName) -> Result<Cursor, Errno> {
    let mut bytes = Vec::new();
    let read = open_file(dir, name, OFlags::RDONLY)?.read_to_end(&mut bytes);
    read.map_err(|error| errno_of(&error))?;
    Ok(decode(&bytes).unwrap_or_else(|| {
        tracing::warn!(
            reader = name.as_str(),
            "what a reader of the journal acknowledged is not known any more"
        );
        UNKNOWN
    }))
}

pub(super) fn decode(bytes: &[u8]) -> Option<Cursor> {
    let (summed, sum) = bytes.split_last_chunk::<8>()?;
    if bytes.len() != LENGTH || checksum(0, summed) != u64::from_le_bytes(*sum) {
        return None;
    }
    let (epoch, sequence) = summed.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
    Some(Cursor {
        epoch: u64::from_le_bytes(*epoch),
        sequence: u64::from_le_bytes(sequence.try_into().ok()?),
    })
}
