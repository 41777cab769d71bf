//! What the tree of a storm must be at rest.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::DirEntryExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use projfs_tests::Content;
use projfs_tests::OWNERS;
use projfs_tests::Tally;
use projfs_tests::owner;

/// What is seen of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    number: u64,
    mode: u32,
    names: u64,
    size: u64,
    /// Of a file: what it is, or why it is nothing.
    content: Option<Result<Content, String>>,
}

/// Everything that can be seen, by its path.
pub(crate) type Tree = BTreeMap<String, Seen>;

/// What follows from what everybody was told.
pub(crate) struct Expected {
    /// The highest that the provider had.
    pub(crate) generation: u64,
    /// How many contents each owner has written.
    pub(crate) sequences: [u64; OWNERS],
    /// The last content that an owner wrote into the file of a number.
    wrote: HashMap<(usize, u64), u64>,
    /// How many names of files there are, but for those that were replaced.
    names: u64,
    /// How many may have been replaced.
    replaced: u64,
}

impl Expected {
    pub(crate) fn new(names: usize) -> Self {
        let names = names as u64;
        Self { generation: 1, sequences: [0; OWNERS], wrote: HashMap::new(), names, replaced: 0 }
    }

    /// What a process did, or wrote.
    pub(crate) fn add(&mut self, number: usize, tally: &Tally, wrote: &[(u64, u64)]) {
        self.names = self.names + tally.made - tally.removed;
        self.replaced += tally.replacing;
        self.sequences[number] = self.sequences[number].max(tally.sequence);
        self.wrote.extend(wrote.iter().map(|&(file, sequence)| ((number, file), sequence)));
    }

    /// Holds a tree at rest against it. From then on the names are those of the tree.
    pub(crate) fn check(&mut self, tree: &Tree) -> Result<(), String> {
        let files: Vec<_> =
            tree.iter().filter_map(|(path, seen)| Some((path, seen, seen.content.as_ref()?))).collect();
        let count = files.len() as u64;
        let least = self.names.saturating_sub(self.replaced);
        if count > self.names || count < least {
            return Err(format!(
                "there are {count} names of files, and there must be {least} to {}",
                self.names
            ));
        }
        (self.names, self.replaced) = (count, 0);
        let mut numbers: HashMap<&Content, u64> = HashMap::new();
        let mut names: HashMap<u64, u64> = HashMap::new();
        for (path, seen, content) in &files {
            let content = content.as_ref().map_err(|why| format!("{path} has {why}"))?;
            self.file(path, seen, content)?;
            let number = *numbers.entry(content).or_insert(seen.number);
            if number != seen.number {
                return Err(format!("{path} has {content}, and so has the file {number:x}"));
            }
            *names.entry(seen.number).or_default() += 1;
        }
        for (path, seen, _) in files {
            if names.get(&seen.number) != Some(&seen.names) {
                let same: Vec<_> = tree.iter().filter(|(_, other)| other.number == seen.number).collect();
                return Err(format!("{path} has {} names, and these are there: {same:?}", seen.names));
            }
        }
        Ok(())
    }

    fn file(&self, path: &str, seen: &Seen, content: &Content) -> Result<(), String> {
        let own = owner(name(path)).ok_or_else(|| format!("{path} is nobody's"))?;
        let last = self.wrote.get(&(own, seen.number));
        match content {
            Content::Projected { origin, generation } => {
                if owner(name(origin)) != Some(own) || *generation > self.generation {
                    return Err(format!("{path} has {content}"));
                }
                match last {
                    None => Ok(()),
                    Some(last) => Err(format!("{path} has {content}, and {last} was written")),
                }
            }
            Content::Written { owner, sequence } => {
                if *owner != own || Some(sequence) != last {
                    return Err(format!("{path} has {content}, and {last:?} of {own} was the last"));
                }
                Ok(())
            }
        }
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether the provider may be told so while others are at work.
pub(crate) fn is_usual(answer: &str) -> bool {
    const USUAL: [&str; 2] = ["no such file or directory", "a directory on the way is not there"];
    answer == "done"
        || USUAL.iter().any(|usual| answer.ends_with(usual))
        || answer.contains("was changed here: ")
}

/// Every name that a file or directory of a storm may have.
fn vocabulary() -> BTreeSet<String> {
    let files = (0..OWNERS).flat_map(|owner| {
        ["p", "w"]
            .into_iter()
            .flat_map(move |sort| (0..2).map(move |number| format!("{sort}{owner}-{number}")))
    });
    files.chain(["a", "b", "c", "d"].map(str::to_owned)).collect()
}

/// Everything that can be seen: what is listed, and looked up, which must be the same.
pub(crate) fn walk(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let vocabulary = vocabulary();
    let mut pending = vec![String::new()];
    while let Some(directory) = pending.pop() {
        let mut listed = BTreeSet::new();
        for entry in fs::read_dir(root.join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            let metadata = fs::symlink_metadata(root.join(&path))
                .unwrap_or_else(|error| panic!("{path} is listed: {error}"));
            assert_eq!(entry.ino(), metadata.ino(), "{path}");
            assert_eq!(entry.file_type().unwrap(), metadata.file_type(), "{path}");
            assert!(vocabulary.contains(&name), "{path} is there");
            assert!(listed.insert(name), "{path} is listed twice");
            let content = metadata.is_file().then(|| {
                let bytes = fs::read(root.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert_eq!(bytes.len() as u64, metadata.len(), "{path}");
                Content::of(&bytes)
            });
            if metadata.is_dir() {
                pending.push(path.clone());
            }
            let names = if metadata.is_file() { metadata.nlink() } else { 1 };
            let (number, mode) = (metadata.ino(), metadata.mode());
            let size = if metadata.is_file() { metadata.len() } else { 0 };
            tree.insert(path, Seen { number, mode, names, size, content });
        }
        for name in vocabulary.difference(&listed) {
            let path = root.join(&directory).join(name);
            let error = fs::symlink_metadata(&path).err().map(|error| error.kind());
            assert_eq!(error, Some(std::io::ErrorKind::NotFound), "{} is not listed", path.display());
        }
    }
    tree
}

/// The first difference of two trees.
pub(crate) fn difference(one: &Tree, other: &Tree) -> Option<String> {
    let paths: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let path = paths.into_iter().find(|path| one.get(*path) != other.get(*path))?;
    Some(format!("{path} was {:?} and is {:?}", one.get(path), other.get(path)))
}

#[cfg(test)]
mod tests;
