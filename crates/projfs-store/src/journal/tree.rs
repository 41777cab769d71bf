//! `TreeJournal`: a journal on disk, in segments.
//!
//! Lock order: the journal's lock is a leaf; it is held for one append, never while entries are read.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::SystemTime;

use projfs_sync::Mutex;
use projfs_sync::Rank;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_sync::mutex;
use projfs_types::Cursor;
use projfs_types::JournalEntry;
use projfs_types::ReaderName;
use projfs_types::RelPathBuf;
use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::io::Errno;

use super::Acknowledged;
use super::Journal;
use super::Since;
use super::epoch::Boot;
use super::epoch::Epoch;
use super::epoch::Left;
use super::frame;
use super::readers::Readers;
use super::segment::Found;
use super::segment::Segment;
use crate::Result;
use crate::StoreError;
use crate::StoreErrorKind;

/// How a journal on disk divides its files, and how much it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalOptions {
    /// The length from which on a segment is closed, in bytes.
    pub segment_size: u64,
    /// The length of all segments together beyond which the oldest are dropped, in bytes. The last one is kept
    /// in any case.
    pub limit: u64,
}

impl JournalOptions {
    /// Keeps up to `limit` bytes, in segments of a sixteenth of that, but not above 1 MiB nor below 4 KiB.
    pub fn with_limit(limit: u64) -> Self {
        Self { segment_size: (limit / 16).clamp(4 << 10, 1 << 20), limit }
    }
}

impl Default for JournalOptions {
    /// Segments of 1 MiB, at most 64 MiB of them.
    fn default() -> Self {
        Self { segment_size: 1 << 20, limit: 64 << 20 }
    }
}

/// A [`Journal`] on disk.
///
/// It survives the death of the process as it is. When it is opened after a reboot that it was not closed
/// before, it begins a new epoch. Dropping it closes it, if it was not closed before.
pub struct TreeJournal {
    dir: OwnedFd,
    options: JournalOptions,
    epoch: Epoch,
    content: Mutex<Content>,
    /// Changed with the content locked. From then on the directory may be another's.
    closed: AtomicBool,
}

struct Content {
    /// In order, without gaps, never empty; entries are appended to the last.
    segments: VecDeque<Segment>,
    readers: Readers,
}

impl TreeJournal {
    /// Opens the journal in `dir`, a directory that is its alone. The caller sees to it that no other process
    /// does the same.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn open(dir: OwnedFd, options: JournalOptions) -> Result<Self> {
        Self::open_in(dir, options, Boot::current())
    }

    pub(super) fn open_in(dir: OwnedFd, options: JournalOptions, boot: Boot) -> Result<Self> {
        let opened = replay(&dir, boot).and_then(|(epoch, segments)| {
            Ok((epoch, Content { segments, readers: Readers::open(dir.as_fd())? }))
        });
        let (epoch, content) = opened.map_err(|errno| failed(errno, "open the journal"))?;
        Ok(Self { dir, options, epoch, content: mutex(Rank::Store, content), closed: AtomicBool::new(false) })
    }

    fn append_to(&self, content: &mut Content, entry: &JournalEntry) -> Answer<u64> {
        self.check_open()?;
        let Content { segments, .. } = content;
        let sequence = end_of(segments);
        let bytes = frame::encode(self.epoch.number, sequence, entry).ok_or(Errno::NAMETOOLONG)?;
        let is_full =
            |last: &Segment| last.count > 0 && last.length + bytes.len() as u64 > self.options.segment_size;
        if segments.back().is_none_or(is_full) {
            sync_last(&self.dir, segments)?;
            segments.push_back(Segment::create(self.dir.as_fd(), self.epoch.number, sequence)?);
            self.trim(content);
        }
        content.segments.back_mut().ok_or(Errno::IO)?.append(&bytes)?;
        Ok(sequence)
    }

    /// Drops the oldest segments while there are too many, or all registered readers have read them. The last one
    /// stays.
    fn trim(&self, content: &mut Content) {
        let Content { segments, readers } = content;
        let needed = readers.needed(self.epoch.number).unwrap_or(0);
        let mut length = segments.iter().map(|segment| segment.length).sum::<u64>();
        let is_done = |oldest: &Segment, length| length > self.options.limit || oldest.end() <= needed;
        while segments.len() > 1 && segments.front().is_some_and(|oldest| is_done(oldest, length)) {
            let Some(oldest) = segments.pop_front() else { return };
            length -= oldest.length;
            let name = Segment::name(oldest.first);
            if let Err(error) = rustix::fs::unlinkat(&self.dir, &name, AtFlags::empty()) {
                // It is dropped at the next opening, if it is still there then.
                tracing::warn!(%error, name, "cannot drop a segment of the journal");
            }
        }
    }

    fn close_once(&self) -> Answer<()> {
        let mut content = self.content.lock();
        if self.closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        content.readers.sync()?;
        sync_last(&self.dir, &mut content.segments)?;
        Epoch { left: Left::Closed, ..self.epoch }.write(self.dir.as_fd())
    }

    fn check_open(&self) -> Answer<()> {
        if self.closed.load(Ordering::Relaxed) { Err(Errno::BADF) } else { Ok(()) }
    }

    fn cursor(&self, sequence: u64) -> Cursor {
        Cursor { epoch: self.epoch.number, sequence }
    }

    /// Whether `cursor` is a place in the segments, so that nothing from there on was dropped.
    fn leads_into(&self, segments: &VecDeque<Segment>, cursor: Cursor) -> bool {
        cursor.epoch == self.epoch.number
            && (start_of(segments)..=end_of(segments)).contains(&cursor.sequence)
    }
}

impl Drop for TreeJournal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Journal for TreeJournal {
    fn append(&self, entry: &JournalEntry) -> Result<Cursor> {
        match self.append_to(&mut self.content.lock(), entry) {
            Ok(sequence) => Ok(self.cursor(sequence)),
            Err(errno) => {
                let kind = StoreErrorKind::Os(errno);
                Err(StoreError::new(kind, "append to the journal the entry of", entry.path.clone()))
            }
        }
    }

    fn start(&self) -> Cursor {
        self.cursor(start_of(&self.content.lock().segments))
    }

    fn end(&self) -> Cursor {
        self.cursor(end_of(&self.content.lock().segments))
    }

    fn register(&self, reader: &ReaderName) -> Result<Cursor> {
        let mut content = self.content.lock();
        let Content { segments, readers } = &mut *content;
        if let Some(cursor) = readers.known().get(reader) {
            return Ok(*cursor);
        }
        let end = self.cursor(end_of(segments));
        let added = self.check_open().and_then(|()| readers.add(self.dir.as_fd(), reader, end));
        added.map_err(|errno| failed(errno, "register a reader of the journal"))?;
        Ok(end)
    }

    fn unregister(&self, reader: &ReaderName) -> Result<bool> {
        let mut content = self.content.lock();
        let removed = self.check_open().and_then(|()| content.readers.remove(reader));
        let removed = removed.map_err(|errno| failed(errno, "unregister a reader of the journal"))?;
        if removed {
            self.trim(&mut content);
        }
        Ok(removed)
    }

    fn readers(&self) -> Vec<(ReaderName, Cursor)> {
        let content = self.content.lock();
        content.readers.known().iter().map(|(name, cursor)| (name.clone(), *cursor)).collect()
    }

    fn acknowledge(&self, reader: &ReaderName, cursor: Cursor) -> Result<Acknowledged> {
        let mut content = self.content.lock();
        let Some(before) = content.readers.known().get(reader).copied() else {
            return Ok(Acknowledged::NotRegistered);
        };
        let Content { segments, .. } = &*content;
        if before.epoch == cursor.epoch
            && cursor.sequence <= before.sequence
            && self.leads_into(segments, before)
        {
            return Ok(Acknowledged::Noted);
        }
        if !self.leads_into(segments, cursor) {
            return Ok(Acknowledged::Gone { next: self.cursor(end_of(segments)) });
        }
        let noted = self.check_open().and_then(|()| content.readers.acknowledge(reader, cursor));
        noted.map_err(|errno| failed(errno, "note what a reader of the journal acknowledges"))?;
        self.trim(&mut content);
        Ok(Acknowledged::Noted)
    }

    fn since(&self, cursor: Cursor, limit: usize) -> Result<Since> {
        let mut stretches = Vec::new();
        {
            let Content { segments, .. } = &*self.content.lock();
            let end = end_of(segments);
            if !self.leads_into(segments, cursor) {
                return Ok(Since::Gone { next: self.cursor(end) });
            }
            let wanted = cursor.sequence.saturating_add(limit as u64).min(end);
            for segment in segments.iter().filter(|segment| segment.end() > cursor.sequence) {
                if segment.first < wanted {
                    stretches.push(segment.stretch(cursor.sequence, wanted));
                }
            }
        }
        let mut entries = Vec::new();
        for stretch in stretches {
            let read = stretch.read(cursor.sequence, limit, &mut entries);
            if read.map_err(|errno| failed(errno, "read the journal"))?.is_none() {
                let kind = StoreErrorKind::Corrupt("an entry changed after it was written".to_owned());
                return Err(StoreError::new(kind, "read the journal", RelPathBuf::root()));
            }
        }
        let next = Cursor { epoch: cursor.epoch, sequence: cursor.sequence + entries.len() as u64 };
        Ok(Since::Entries { entries, next })
    }

    fn close(&self) {
        if let Err(error) = self.close_once() {
            tracing::warn!(%error, "cannot close the journal; after a reboot its entries will be taken for lost");
        }
    }
}

type Answer<T> = std::result::Result<T, Errno>;

fn failed(errno: Errno, operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Os(errno), operation, RelPathBuf::root())
}

fn start_of(segments: &VecDeque<Segment>) -> u64 {
    segments.front().map_or(0, |segment| segment.first)
}

fn end_of(segments: &VecDeque<Segment>) -> u64 {
    segments.back().map_or(0, Segment::end)
}

/// All segments but the last were synced when they were closed.
fn sync_last(dir: &OwnedFd, segments: &mut VecDeque<Segment>) -> Answer<()> {
    segments.back_mut().map_or(Ok(()), Segment::sync)?;
    rustix::fs::fsync(dir)
}

/// Finds out what is there, drops what is of no use, and declares the journal open.
fn replay(dir: &OwnedFd, boot: Boot) -> Answer<(Epoch, VecDeque<Segment>)> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    let last = Epoch::read(dir.as_fd())?;
    let left = last.map_or(Left::Open, |last| last.left);
    let (mut epoch, whole) = Epoch::go_on(last, boot, now);
    let numbers = numbers(dir)?;

    let segments = if whole { chain(dir, epoch.number, left, &numbers)? } else { None };
    let mut segments = segments.unwrap_or_default();
    if segments.is_empty() {
        // Either a new epoch began, or entries that were there are not there any more, which must begin one.
        if whole {
            epoch = epoch.next(now);
        }
        // Declared first: segments that are left behind by a crash are then of another epoch.
        epoch.write(dir.as_fd())?;
        for number in numbers {
            rustix::fs::unlinkat(dir, Segment::name(number), AtFlags::empty())?;
        }
        segments.push_back(Segment::create(dir.as_fd(), epoch.number, 0)?);
    } else {
        if let Some(last) = segments.back_mut() {
            last.mend()?;
        }
        for number in numbers.into_iter().filter(|number| segments.iter().all(|it| it.first != *number)) {
            rustix::fs::unlinkat(dir, Segment::name(number), AtFlags::empty())?;
        }
        epoch.write(dir.as_fd())?;
    }
    Ok((epoch, segments))
}

/// The numbers of the segments that are there, ascending.
fn numbers(dir: &OwnedFd) -> Answer<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in Dir::read_from(dir)? {
        numbers.extend(Segment::number(entry?.file_name().to_bytes()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The segments of an epoch; nothing if entries between them are missing.
fn chain(dir: &OwnedFd, epoch: u64, left: Left, numbers: &[u64]) -> Answer<Option<VecDeque<Segment>>> {
    let mut segments = VecDeque::new();
    for (index, number) in numbers.iter().enumerate() {
        let is_last = index + 1 == numbers.len();
        match Segment::open(dir.as_fd(), epoch, *number)? {
            Found::Whole(segment) => segments.push_back(segment),
            // The process died in its last write. One that closed its journal did not.
            Found::Torn(segment) if is_last && left == Left::Open => segments.push_back(segment),
            // The process died while it made the segment.
            Found::Nothing if is_last => break,
            Found::Torn(_) | Found::Nothing => return Ok(None),
        }
    }
    let is_chain = segments.iter().zip(segments.iter().skip(1)).all(|(one, next)| one.end() == next.first);
    Ok(is_chain.then_some(segments))
}

#[cfg(test)]
mod tests;
