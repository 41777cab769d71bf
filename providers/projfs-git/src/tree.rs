//! `Tree`: one directory of the projection, checked once.

use projfs_types::ItemName;
use projfs_types::ItemNameBuf;

use crate::names;
use crate::names::LeftOut;
use crate::names::Protection;
use crate::objects::Id;

/// One directory: only what is shown, ordered by the bytes of the names.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    entries: Vec<Entry>,
}

/// One entry that is shown.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: ItemNameBuf,
    pub(crate) id: Id,
    pub(crate) kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Executable,
    Directory,
    /// With its target, unless that could not be read.
    Symlink(Option<Box<[u8]>>),
    /// A symbolic link, where those are files.
    LinkAsFile,
    Submodule,
}

/// One entry as the tree object has it.
#[derive(Debug)]
pub(crate) struct RawEntry {
    pub(crate) name: Box<[u8]>,
    pub(crate) id: Id,
    pub(crate) kind: EntryKind,
}

/// The name of an entry that is not shown, and why it is not.
pub(crate) type Omission = (Box<[u8]>, LeftOut);

impl Tree {
    /// Takes what can be shown of a tree object's entries; also gives the names of the others, with the reason.
    pub(crate) fn check(raw: Vec<RawEntry>, protection: Protection) -> (Self, Vec<Omission>) {
        let mut entries = Vec::with_capacity(raw.len());
        let mut left_out = Vec::new();
        for entry in raw {
            match check_entry(&entry, protection) {
                Ok(name) => entries.push(Entry { name: name.to_owned(), id: entry.id, kind: entry.kind }),
                Err(reason) => left_out.push((entry.name, reason)),
            }
        }
        // Stable, so that of two entries with one name the first stays.
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries.dedup_by(|later, first| {
            let twice = later.name == first.name;
            if twice {
                left_out.push((later.name.as_bytes().into(), LeftOut::Twice));
            }
            twice
        });
        (Self { entries }, left_out)
    }

    /// The entry called `name`.
    pub(crate) fn get(&self, name: &ItemName) -> Option<&Entry> {
        let found = self.entries.binary_search_by(|entry| (*entry.name).cmp(name));
        found.ok().map(|index| &self.entries[index])
    }

    /// The entries, ordered by the bytes of the names.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let names: usize = self.entries.iter().map(|entry| entry.name.as_bytes().len() + 16).sum();
        let targets: usize = self.entries.iter().map(|entry| entry.kind.target_length()).sum();
        size_of::<Self>() + self.entries.capacity() * size_of::<Entry>() + names + targets
    }
}

impl EntryKind {
    /// Whether a blob says what it is.
    pub(crate) fn is_blob(&self) -> bool {
        match self {
            Self::File | Self::Executable | Self::Symlink(_) | Self::LinkAsFile => true,
            Self::Directory | Self::Submodule => false,
        }
    }

    fn target_length(&self) -> usize {
        match self {
            Self::Symlink(Some(target)) => target.len() + 16,
            Self::File
            | Self::Executable
            | Self::Directory
            | Self::Symlink(None)
            | Self::LinkAsFile
            | Self::Submodule => 0,
        }
    }
}

fn check_entry(entry: &RawEntry, protection: Protection) -> Result<&ItemName, LeftOut> {
    let name = ItemName::new(&entry.name).map_err(|_| LeftOut::NotAName)?;
    if protection.is_dot_git(&entry.name) {
        return Err(LeftOut::GitItself);
    }
    match &entry.kind {
        EntryKind::Symlink(_) | EntryKind::LinkAsFile if protection.is_dot_gitmodules(&entry.name) => {
            Err(LeftOut::GitItself)
        }
        EntryKind::Symlink(Some(target)) if !names::is_target(target) => Err(LeftOut::Target),
        EntryKind::Symlink(_)
        | EntryKind::LinkAsFile
        | EntryKind::File
        | EntryKind::Executable
        | EntryKind::Directory
        | EntryKind::Submodule => Ok(name),
    }
}

#[cfg(test)]
mod tests;
