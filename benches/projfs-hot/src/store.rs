//! The placeholder log and the journal, on disk.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use projfs_store::Journal;
use projfs_store::JournalOptions;
use projfs_store::PlaceholderLog;
use projfs_store::Since;
use projfs_store::TreeJournal;
use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::What;

/// What is read again.
const ENTRIES: u32 = 1000;

fn path(number: u32) -> Result<RelPathBuf> {
    Ok(RelPathBuf::new(format!("directory_{}/file_{number:06}.c", number / 100))?)
}

fn log(dir: &Path) -> Result<PlaceholderLog> {
    Ok(PlaceholderLog::open(File::open(dir)?.into())?)
}

fn note(log: &PlaceholderLog, number: u32) -> Result<()> {
    let info = PlaceholderInfo::file(u64::from(number)).with_time(Timestamp::from_seconds(1_000_000));
    Ok(log.note(&path(number)?.into(), &info)?)
}

/// Once is a placeholder that is noted.
pub(crate) fn log_append(count: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let log = log(dir.path())?;
    (0..count).try_for_each(|number| note(&log, number))
}

/// Once is a log of so many placeholders that is opened.
pub(crate) fn log_replay(count: u32) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let first = log(dir.path())?;
    (0..ENTRIES).try_for_each(|number| note(&first, number))?;
    drop(first);
    for _ in 0..count {
        let notes = log(dir.path())?.notes();
        anyhow::ensure!(notes == u64::from(ENTRIES), "{notes} notes");
    }
    Ok(())
}

fn journal(root: &Path) -> Result<TreeJournal> {
    Ok(TreeJournal::open(File::open(root)?.into(), JournalOptions::default())?)
}

fn append(journal: &TreeJournal, number: u32) -> Result<()> {
    let entry = JournalEntry { path: path(number)?, kind: ItemKind::File, what: What::Modified, request: 0 };
    journal.append(&entry)?;
    Ok(())
}

/// Once is an entry that is written.
pub(crate) fn journal_append(count: u32) -> Result<()> {
    let root = tempfile::tempdir()?;
    let journal = journal(root.path())?;
    (0..count).try_for_each(|number| append(&journal, number))
}

/// Once is so many entries that are read.
pub(crate) fn journal_replay(count: u32) -> Result<()> {
    let root = tempfile::tempdir()?;
    let journal = journal(root.path())?;
    (0..ENTRIES).try_for_each(|number| append(&journal, number))?;
    for _ in 0..count {
        match journal.since(journal.start(), ENTRIES as usize)? {
            Since::Entries { entries, .. } => anyhow::ensure!(entries.len() == ENTRIES as usize),
            Since::Gone { .. } => anyhow::bail!("entries are gone"),
        }
    }
    Ok(())
}
