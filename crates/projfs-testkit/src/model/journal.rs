//! What the journal must say of each operation.

use std::collections::BTreeSet;

use projfs_types::JournalEntry;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

use super::Kind;
use super::Model;
use super::Op;
use super::Word;
use super::tree::Id;

/// An entry that an operation must have caused.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Any of these: an item with several names is told of by one of them.
    pub paths: BTreeSet<RelPathBuf>,
    /// What the item is.
    pub kind: Kind,
    /// What happened.
    pub what: What,
    /// Whether it must be there.
    pub must: Must,
}

/// Whether an entry must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    /// It must.
    Always,
    /// Not if there is a kernel in between: when it closes, and what it looks up, is its own affair.
    WithoutKernel,
    /// It need not: which names of a linked file are known is not the model's to say.
    Never,
}

/// How close the journal is to what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Each operation has its entries.
    Exactly,
    /// There is a kernel in between, which closes files and looks up names when it likes.
    ByKernel,
}

impl Expected {
    fn is(&self, entry: &JournalEntry) -> bool {
        self.paths.contains(&entry.path) && self.kind == entry.kind && self.what == entry.what
    }
}

impl Model {
    /// The entries that were expected since this was asked last.
    pub fn take_entries(&mut self) -> Vec<Expected> {
        std::mem::take(&mut self.entries)
    }

    /// Something happens to what has this path.
    pub(super) fn tell_path(&mut self, path: &RelPath, kind: Kind, what: What) {
        let paths = BTreeSet::from([path.to_owned()]);
        self.entries.push(Expected { paths, kind, what, must: Must::Always });
    }

    /// Something happens to an item that was found at a path, but is told of by any of its names.
    pub(super) fn tell(&mut self, id: Id, path: &RelPath, what: What) {
        let kind = self.item(id).kind;
        let mut paths = BTreeSet::from([path.to_owned()]);
        if self.item(id).links > 1 {
            paths.extend(self.names_of(id));
        }
        self.entries.push(Expected { paths, kind, what, must: Must::Always });
    }

    /// An item is virtual again, or of another version. A placeholder may be none if there is a kernel in between.
    pub(super) fn tell_updated(&mut self, id: Id, path: &RelPath) {
        let item = self.item(id);
        let (kind, paths) = (item.kind, BTreeSet::from([path.to_owned()]));
        let must = if item.word() == Word::Placeholder { Must::WithoutKernel } else { Must::Always };
        self.entries.push(Expected { paths, kind, what: What::Updated, must });
    }

    /// What was open is closed.
    pub(super) fn tell_close(&mut self, id: Id, write: bool) {
        let paths = self.names_of(id);
        if write && !paths.is_empty() {
            let item = self.item(id);
            let must = if item.was_linked { Must::Never } else { Must::WithoutKernel };
            let kind = item.kind;
            self.entries.push(Expected { paths, kind, what: What::Modified, must });
        }
    }

    fn names_of(&self, wanted: Id) -> BTreeSet<RelPathBuf> {
        let mut paths = BTreeSet::new();
        let mut left = vec![(0, RelPathBuf::root())];
        while let Some((dir, path)) = left.pop() {
            for (name, id) in &self.local.items[dir].names {
                let Some(id) = *id else { continue };
                if id == wanted {
                    paths.insert(path.join(name));
                }
                left.push((id, path.join(name)));
            }
        }
        paths
    }
}

/// Whether the journal says what it must.
pub(super) fn compare(
    op: &Op,
    told: Told,
    mut expected: Vec<Expected>,
    mut actual: Vec<JournalEntry>,
) -> Result<(), String> {
    if matches!(op, Op::Dehydrate { .. }) {
        // The order among items that have nothing to do with each other is not promised.
        expected.sort_by(|one, other| one.paths.cmp(&other.paths));
        actual.sort_by(|one, other| one.path.cmp(&other.path));
    }
    matches(told, &expected, &actual)
        .map_err(|why| format!("{op:?} has {actual:?} in the journal, expected is {expected:?}: {why}"))
}

/// Whether these entries are those that are expected. One that need not be there is taken for it only if the others are
/// there then: a closed file and one that is opened may have the same name.
fn matches(told: Told, expected: &[Expected], actual: &[JournalEntry]) -> Result<(), String> {
    let late =
        |entry: &JournalEntry| told == Told::ByKernel && matches!(entry.what, What::Modified | What::Updated);
    let Some((first, others)) = expected.split_first() else {
        return match actual.iter().find(|entry| !late(entry)) {
            None => Ok(()),
            Some(entry) => Err(format!("{entry:?} is not")),
        };
    };
    if first.must == Must::WithoutKernel && told == Told::ByKernel {
        return matches(told, others, actual);
    }
    let passed = actual.iter().take_while(|entry| !first.is(entry) && late(entry)).count();
    let left = &actual[passed..];
    match left.split_first().filter(|(entry, _)| first.is(entry)) {
        Some((_, left)) if first.must == Must::Never => {
            matches(told, others, left).or_else(|_| matches(told, others, actual))
        }
        Some((_, left)) => matches(told, others, left),
        None if first.must == Must::Never => matches(told, others, left),
        None => Err(format!("{first:?} is missing")),
    }
}
