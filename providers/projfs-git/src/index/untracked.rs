//! `UNTR`: that nothing untracked is there, and what that was found with.

use std::collections::HashSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use super::Index;
use super::digest;
use super::encode::Owner;
use super::encode::Stat;
use super::ewah;
use crate::objects::Id;

/// What it takes to say that nothing untracked is there. Where anything of it is not as `git` finds it, `git` looks at
/// every directory once.
#[derive(Clone, Debug)]
pub struct Untracked {
    /// The working tree: absolute, without links, and mounted, for its own times are the directory's.
    pub work_tree: PathBuf,
    /// The content of the repository's `info/exclude`; nothing if there is none.
    pub exclude: Option<Vec<u8>>,
    /// The content of the file that `core.excludesFile` names; nothing if there is none.
    pub excludes_file: Option<Vec<u8>>,
    /// Whether every untracked file is shown, as `status.showUntrackedFiles=all` wants, and not just directories.
    pub shows_all: bool,
    /// The paths of those `.gitignore` whose attributes have `git` convert their content.
    pub converted: HashSet<Vec<u8>>,
}

/// `DIR_SHOW_OTHER_DIRECTORIES` and `DIR_HIDE_EMPTY_DIRECTORIES`.
const SHOW_DIRECTORIES: u32 = 2 | 4;

/// The bytes of the extension.
pub(super) fn extension(index: &Index<'_>, owner: Owner, untracked: &Untracked) -> io::Result<Vec<u8>> {
    let length = index.provider.snapshot.id_length;
    let mut ident = b"Location ".to_vec();
    ident.extend_from_slice(untracked.work_tree.as_os_str().as_bytes());
    ident.extend_from_slice(b", system Linux\0");
    let mut bytes = Vec::new();
    varint(ident.len(), &mut bytes);
    bytes.extend_from_slice(&ident);
    // The stat data of the two files: where it is not right the content is hashed.
    bytes.resize(bytes.len() + 2 * 36, 0);
    let flags = if untracked.shows_all { 0 } else { SHOW_DIRECTORIES };
    bytes.extend_from_slice(&flags.to_be_bytes());
    for content in [&untracked.exclude, &untracked.excludes_file] {
        match content {
            Some(content) => bytes.extend_from_slice(patterns(length, content)?.as_bytes()),
            None => bytes.resize(bytes.len() + length, 0),
        }
    }
    bytes.extend_from_slice(b".gitignore\0");

    let mut directories = Directories { index, order: Vec::with_capacity(index.directories.len()) };
    let mut names = Vec::new();
    directories.write(0, &mut names);
    let order = directories.order;
    varint(order.len(), &mut bytes);
    bytes.extend_from_slice(&names);
    let ignores = |place: &usize| index.directories[*place].ignore;
    bytes.extend_from_slice(&ewah::encode(&vec![true; order.len()]));
    bytes.extend_from_slice(&ewah::encode(&[]));
    bytes.extend_from_slice(&ewah::encode(
        &order.iter().map(|place| ignores(place).is_some()).collect::<Vec<_>>(),
    ));
    for &place in &order {
        let stat = match place {
            0 => root(&untracked.work_tree)?,
            _ => Stat::directory(index, &index.directories[place].path, owner),
        };
        stat.write(None, &mut bytes);
    }
    for entry in order.iter().filter_map(ignores) {
        let entry = &index.entries[entry];
        // One that cannot be read is missing in a partial clone: git finds the right hash out when it has it.
        let content = untracked.converted.contains(&*entry.path).then(|| index.checked_out(&entry.path));
        let id = match content {
            Some(Ok(content)) => patterns(length, &content)?,
            Some(Err(_)) | None => entry.id,
        };
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes.push(0);
    Ok(bytes)
}

/// What `git` takes for the id of a file with patterns: it adds the end of a line, unless the file is empty.
fn patterns(length: usize, content: &[u8]) -> io::Result<Id> {
    let end: &[u8] = if content.is_empty() { b"" } else { b"\n" };
    digest::of_blob(length, &[content, end].concat())
}

/// The stat data of the mounted directory itself.
fn root(path: &Path) -> io::Result<Stat> {
    let found = path.symlink_metadata()?;
    Ok(Stat {
        changed: (found.ctime() as u32, found.ctime_nsec() as u32),
        modified: (found.mtime() as u32, found.mtime_nsec() as u32),
        number: found.ino() as u32,
        owner: Owner { uid: found.uid(), gid: found.gid() },
        size: found.size() as u32,
    })
}

/// The directories, each before those in it.
struct Directories<'a> {
    index: &'a Index<'a>,
    order: Vec<usize>,
}

impl Directories<'_> {
    /// No untracked files, so many directories, the name.
    fn write(&mut self, place: usize, bytes: &mut Vec<u8>) {
        self.order.push(place);
        let directory = &self.index.directories[place];
        varint(0, bytes);
        varint(directory.children.len(), bytes);
        bytes.extend_from_slice(directory.name());
        bytes.push(0);
        let mut children = directory.children.clone();
        children.sort_by_key(|child| self.index.directories[*child].name());
        for child in children {
            self.write(child, bytes);
        }
    }
}

/// A number, seven bits a byte, the highest first; each byte but the last adds one to what is above it.
fn varint(mut value: usize, bytes: &mut Vec<u8>) {
    let mut reversed = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value = (value >> 7) - 1;
        reversed.push(0x80 | (value & 0x7f) as u8);
    }
    bytes.extend(reversed.into_iter().rev());
}

#[cfg(test)]
mod tests;
