//! What is held against what.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use projfs_store::Store;
use projfs_store::TreeStore;
use projfs_testkit::replay::Replay;
use projfs_types::Cursor;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemState;
use projfs_types::JournalEntry;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

use super::Log;
use super::kind_of;
use super::own::Own;
use super::shared;

/// What there is after a round.
pub(super) struct Found {
    /// Every name, what is under it, and its inode number.
    pub(super) tree: BTreeMap<RelPathBuf, (ItemKind, u64)>,
    /// Files that are not the provider's.
    pub(super) full: BTreeSet<RelPathBuf>,
    /// What the journal says of the round.
    pub(super) entries: Vec<JournalEntry>,
    /// Where the next round begins.
    pub(super) end: Cursor,
}

/// What was seen in all rounds.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) rounds: usize,
    pub(super) done: usize,
    entries: usize,
    in_flight: usize,
    recorded: usize,
    undone: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, done, entries, in_flight, recorded, undone } = self;
        write!(
            f,
            "{rounds} kills: {done} deeds done, each in the journal ({entries} entries) in its order; {in_flight} deeds in \
             flight, of which {recorded} had changed a name or were about to, and {undone} of these had not"
        )
    }
}

/// Everything below a root, as its mount shows it.
pub(super) fn walk(root: &Path) -> BTreeMap<RelPathBuf, (ItemKind, u64)> {
    let mut tree = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let kind = kind_of(&path);
            if kind == ItemKind::Directory {
                left.push(path.clone());
            }
            let number = fs::symlink_metadata(&path).unwrap().ino();
            let below = path.strip_prefix(root).unwrap();
            tree.insert(RelPathBuf::new(below.as_os_str().as_bytes()).unwrap(), (kind, number));
        }
    }
    tree
}

/// The files of a tree that are not the provider's.
pub(super) fn full(root: &Path, tree: &BTreeMap<RelPathBuf, (ItemKind, u64)>) -> BTreeSet<RelPathBuf> {
    let store = TreeStore::open(root).unwrap();
    let is_full = |path: &RelPath| {
        let (parent, name) = path.split_last().unwrap();
        let state = store.look(parent, name).unwrap().map(|item| item.state);
        state == Some(ItemState::File(FileState::Full))
    };
    tree.keys().filter(|path| is_full(path)).cloned().collect()
}

/// Checks a round.
pub(super) fn round(
    logs: &[Log],
    before: &Found,
    after: &Found,
    figures: &mut Figures,
) -> Result<(), String> {
    let of = |dir: &str| -> Vec<(usize, &JournalEntry)> {
        let below = |entry: &JournalEntry| {
            entry.path.components().next().is_some_and(|name| name.as_bytes() == dir.as_bytes())
        };
        after.entries.iter().enumerate().filter(|(_, entry)| below(entry)).collect()
    };
    // Entries that may have come to nothing: at most one of them changes a name, for each worker.
    let mut in_doubt = Vec::new();
    let mut known = 0;
    for (number, log) in logs.iter().enumerate() {
        let dir = format!("w{number}");
        let entries = of(&dir);
        known += entries.len();
        let own = Own::new(&dir, before);
        in_doubt.extend(own.check(log, &entries).map_err(|why| format!("worker {number}: {why}"))?);
    }
    let entries = of("shared");
    known += entries.len();
    in_doubt.extend(shared::check(logs, &entries)?);
    if known != after.entries.len() {
        return Err(format!("{} entries are about nothing that was done", after.entries.len() - known));
    }

    let undone = replay(before, after, &in_doubt)?;
    figures.rounds += 1;
    figures.done += logs.iter().map(|log| log.done.len()).sum::<usize>();
    figures.entries += after.entries.len();
    figures.in_flight += logs.iter().filter(|log| log.in_flight.is_some()).count();
    figures.recorded += in_doubt.len();
    figures.undone += undone;
    Ok(())
}

/// Whether an entry changes a name.
pub(super) fn names(entry: &JournalEntry) -> bool {
    match entry.what {
        What::Created
        | What::Deleted
        | What::Renamed { .. }
        | What::Exchanged { .. }
        | What::Linked { .. } => true,
        What::Modified | What::Metadata | What::Converted | What::Updated => false,
    }
}

/// The entries lead from the one tree to the other, without some of those in doubt; without how many.
fn replay(before: &Found, after: &Found, in_doubt: &[usize]) -> Result<usize, String> {
    let kinds = |tree: &BTreeMap<RelPathBuf, (ItemKind, u64)>| -> BTreeMap<RelPathBuf, ItemKind> {
        tree.iter().map(|(path, (kind, _))| (path.clone(), *kind)).collect()
    };
    let expected = kinds(&after.tree);
    let mut reasons = Vec::new();
    for without in 0..1_usize << in_doubt.len() {
        let left_out = |at: usize| {
            in_doubt.iter().position(|doubt| *doubt == at).is_some_and(|bit| without >> bit & 1 == 1)
        };
        let mut replay = Replay { tree: kinds(&before.tree) };
        let mut entries = after.entries.iter().enumerate().filter(|(at, _)| !left_out(*at));
        match entries
            .try_for_each(|(at, entry)| replay.apply(entry).map_err(|why| format!("entry {at}: {why}")))
        {
            Ok(()) if replay.tree == expected => return Ok(without.count_ones() as usize),
            Ok(()) => {
                let differs = |(path, kind): &(&RelPathBuf, &ItemKind)| expected.get(*path) != Some(*kind);
                let extra: Vec<_> = replay.tree.iter().filter(differs).collect();
                let missing: Vec<_> =
                    expected.keys().filter(|path| !replay.tree.contains_key(*path)).collect();
                reasons.push(format!("there are not: {extra:?}; there are too: {missing:?}"));
            }
            Err(why) => reasons.push(why),
        }
    }
    Err(format!("the journal does not lead to the tree, without {in_doubt:?} or with: {reasons:#?}"))
}
