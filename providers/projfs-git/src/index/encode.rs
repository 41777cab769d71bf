//! The bytes of an index: entries, and the extensions for trees and for the monitor.

use projfs_types::Number;
use projfs_types::RelPath;

use super::Index;
use super::ewah;

/// Who owns every projected file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// What `git` remembers of `stat`, as it is written.
pub(super) struct Stat {
    pub(super) changed: (u32, u32),
    pub(super) modified: (u32, u32),
    pub(super) number: u32,
    pub(super) owner: Owner,
    pub(super) size: u32,
}

/// The longest path whose length an entry says.
const LENGTH_MAX: usize = 0xfff;

/// The size of a projected directory.
const DIRECTORY_SIZE: u32 = 4096;

impl Stat {
    /// What the mount reports of a file at `path`, before anybody has changed it.
    fn projected(index: &Index<'_>, path: &[u8], owner: Owner, size: u32) -> Self {
        let number = RelPath::new(path).map_or(0, |path| Number::of_origin(&path.into()).0);
        // What is compared are the lowest 32 bits of each.
        let seconds = index.provider.snapshot.seconds as u32;
        Self { changed: (seconds, 0), modified: (seconds, 0), number: number as u32, owner, size }
    }

    /// The same of a directory.
    pub(super) fn directory(index: &Index<'_>, path: &[u8], owner: Owner) -> Self {
        Self::projected(index, path, owner, DIRECTORY_SIZE)
    }

    /// Without the mode, which entries have and others have not.
    pub(super) fn write(&self, mode: Option<u32>, bytes: &mut Vec<u8>) {
        // Which device it is on is not compared, and not known: it is another one after each mount.
        let before = [self.changed.0, self.changed.1, self.modified.0, self.modified.1, 0, self.number];
        let after = [self.owner.uid, self.owner.gid, self.size];
        for number in before.into_iter().chain(mode).chain(after) {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// The header, and the entries whose path `take` accepts.
pub(super) fn entries(index: &Index<'_>, owner: Owner, take: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let taken: Vec<_> = index.entries.iter().filter(|entry| take(&entry.path)).collect();
    let mut bytes = Vec::with_capacity(128 * taken.len() + 1024);
    bytes.extend_from_slice(b"DIRC");
    bytes.extend_from_slice(&2_u32.to_be_bytes());
    bytes.extend_from_slice(&(taken.len() as u32).to_be_bytes());
    for entry in taken {
        let begin = bytes.len();
        Stat::projected(index, &entry.path, owner, size(entry.size)).write(Some(entry.mode), &mut bytes);
        bytes.extend_from_slice(entry.id.as_bytes());
        let flags = entry.path.len().min(LENGTH_MAX) as u16;
        bytes.extend_from_slice(&flags.to_be_bytes());
        bytes.extend_from_slice(&entry.path);
        // One NUL at least, and a multiple of eight in all.
        let length = (bytes.len() - begin + 8) & !7;
        bytes.resize(begin + length, 0);
    }
    bytes
}

/// As `git` cuts it: what is 0 after that, and was not, is not empty.
fn size(size: u64) -> u32 {
    match size as u32 {
        0 if size > 0 => 1 << 31,
        size => size,
    }
}

/// `TREE`: the tree of every directory, so that a comparison with a commit need not look at entries.
pub(super) fn trees(index: &Index<'_>, bytes: &mut Vec<u8>) {
    let mut data = Vec::new();
    tree(index, 0, &mut data);
    extension(*b"TREE", &data, bytes);
}

fn tree(index: &Index<'_>, place: usize, data: &mut Vec<u8>) {
    let directory = &index.directories[place];
    data.extend_from_slice(directory.name());
    data.push(0);
    data.extend_from_slice(format!("{} {}\n", directory.entries, directory.children.len()).as_bytes());
    data.extend_from_slice(directory.tree.as_bytes());
    let mut children = directory.children.clone();
    let name = |place: &usize| index.directories[*place].name();
    children.sort_by(|one, other| name(one).len().cmp(&name(other).len()).then(name(one).cmp(name(other))));
    for child in children {
        tree(index, child, data);
    }
}

/// `FSMN`, version 2: no file has changed since the token.
pub(super) fn monitor(token: &[u8], bytes: &mut Vec<u8>) {
    let dirty = ewah::encode(&[]);
    let mut data = Vec::new();
    data.extend_from_slice(&2_u32.to_be_bytes());
    data.extend_from_slice(token);
    data.push(0);
    data.extend_from_slice(&(dirty.len() as u32).to_be_bytes());
    data.extend_from_slice(&dirty);
    extension(*b"FSMN", &data, bytes);
}

/// Adds an extension.
pub(super) fn extension(name: [u8; 4], data: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&name);
    bytes.extend_from_slice(&(data.len() as u32).to_be_bytes());
    bytes.extend_from_slice(data);
}
