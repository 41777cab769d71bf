//! `Index`: Git's index of a projected commit, made from the objects alone.

mod digest;
mod encode;
mod ewah;
mod untracked;
mod walk;

use std::io;

use crate::GitProvider;
use crate::objects::Id;

pub use encode::Owner;
pub use untracked::Untracked;

/// The index of a commit as `git` would have it after it had looked at every file of the projection.
///
/// `git` compares it with what the mount reports: where both agree no file is opened. So it says of each entry the inode
/// number that the projection derives from the path, the commit's time and the file's size. A size that is not known
/// without the blob (of one that is missing, or that a checkout converts) is 0, which `git` takes for unknown.
///
/// # References
/// <https://git-scm.com/docs/index-format>
pub struct Index<'a> {
    provider: &'a GitProvider,
    /// In the order of the index.
    entries: Vec<Entry>,
    /// Each before those in it; the first is the root.
    directories: Vec<Directory>,
}

/// What `git` is to believe without looking.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// What `core.fsmonitor` will be given when it is asked what has changed since.
    pub token: Vec<u8>,
    /// That nothing but what is in the index is there.
    pub untracked: Untracked,
}

struct Entry {
    path: Box<[u8]>,
    id: Id,
    mode: u32,
    size: u64,
}

struct Directory {
    /// Without a slash at its end; the root's is empty.
    path: Box<[u8]>,
    tree: Id,
    /// How many entries are in it and below.
    entries: usize,
    /// Places in `directories`.
    children: Vec<usize>,
    /// The place of its `.gitignore` in `entries`, if that is a file.
    ignore: Option<usize>,
}

impl Directory {
    fn name(&self) -> &[u8] {
        let slash = self.path.iter().rposition(|&byte| byte == b'/');
        slash.map_or(&self.path[..], |slash| &self.path[slash + 1..])
    }
}

impl Index<'_> {
    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the commit is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The commit's time, in seconds since 1970: that of every file.
    pub fn time(&self) -> i64 {
        self.provider.snapshot.seconds
    }

    /// The paths of the files that say what is ignored.
    pub fn ignore_files(&self) -> impl Iterator<Item = &[u8]> {
        self.directories.iter().filter_map(|dir| dir.ignore).map(|entry| &*self.entries[entry].path)
    }

    /// The paths of the files that say what attributes files have.
    pub fn attribute_files(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().map(|entry| &*entry.path).filter(|path| is_attributes(path))
    }

    /// The content of the file.
    ///
    /// # Errors
    /// The attributes of the working tree cannot be read.
    pub fn encode(&self, owner: Owner, monitor: Option<&Monitor>) -> io::Result<Vec<u8>> {
        let mut bytes = encode::entries(self, owner, |_| true);
        encode::trees(self, &mut bytes);
        if let Some(monitor) = monitor {
            encode::monitor(&monitor.token, &mut bytes);
            let untracked = untracked::extension(self, owner, &monitor.untracked)?;
            encode::extension(*b"UNTR", &untracked, &mut bytes);
        }
        self.close(bytes)
    }

    /// An index that has the files with attributes and nothing else, for who asks `git` about attributes.
    ///
    /// # Errors
    /// None that can be expected.
    pub fn encode_attribute_files(&self, owner: Owner) -> io::Result<Vec<u8>> {
        self.close(encode::entries(self, owner, is_attributes))
    }

    /// Adds the checksum.
    fn close(&self, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let checksum = digest::of(self.provider.snapshot.id_length, &bytes)?;
        bytes.extend_from_slice(checksum.as_bytes());
        Ok(bytes)
    }
}

fn is_attributes(path: &[u8]) -> bool {
    const NAME: &[u8] = b".gitattributes";
    path.strip_suffix(NAME).is_some_and(|above| above.is_empty() || above.ends_with(b"/"))
}

#[cfg(test)]
mod tests;
