//! What one of the processes of a storm does.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

use projfs_testkit::model::Random;
use rustix::fs::CWD;
use rustix::fs::RenameFlags;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::content::Content;
use super::content::OWNERS;
use super::content::owner;

/// Names of directories, which no file has.
const DIRECTORIES: [&str; 4] = ["a", "b", "c", "d"];

/// How deep a directory may be that something is put into.
const DEPTH: usize = 6;

/// How many paths that were listed are remembered.
const SEEN: usize = 64;

/// Files of each sort that an owner may have in a directory.
const NAMES: usize = 2;

/// What a call may be refused with when others do things at the same time.
const USUAL: [Errno; 8] = [
    Errno::NOENT,
    Errno::EXIST,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::NOTEMPTY,
    // A directory is to be moved below itself.
    Errno::INVAL,
    Errno::NODATA,
    // A name was removed while a second one was made for its file.
    Errno::MLINK,
];

/// Whether a file may be replaced by a rename. The answer does not say whether there was one, so that it is not known
/// how many names there are afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// It is not done.
    Counted,
    /// It is done.
    Replacing,
}

/// What a process has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls that succeeded, and those that did not.
    pub done: u64,
    /// As it could not be otherwise with others at work.
    pub refused: u64,
    /// Names of files that were made.
    pub made: u64,
    /// Names of files that were removed.
    pub removed: u64,
    /// Renames that may have replaced a file.
    pub replacing: u64,
    /// The last content that was written.
    pub sequence: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, refused, made, removed, replacing, sequence } = self;
        write!(f, "{done} {refused} {made} {removed} {replacing} {sequence}")
    }
}

impl FromStr for Tally {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers: Vec<u64> = text.split(' ').map_while(|word| word.parse().ok()).collect();
        let [done, refused, made, removed, replacing, sequence] = numbers[..] else { return Err(()) };
        Ok(Self { done, refused, made, removed, replacing, sequence })
    }
}

struct Worker<'a> {
    root: &'a Path,
    number: usize,
    random: Random,
    strictness: Strictness,
    tally: Tally,
    /// What was written last into the file of a number.
    wrote: BTreeMap<u64, u64>,
    /// What was listed lately: what is there is worth more than what might be.
    seen: Vec<PathBuf>,
}

/// Does `operations` random things to a tree. `progress` is called now and then. Says what was done, and which content was
/// written last into the file of which number.
///
/// # Errors
/// What must not be, in words.
pub fn work(
    root: &Path,
    number: usize,
    random: Random,
    strictness: Strictness,
    sequence: u64,
    operations: usize,
    mut progress: impl FnMut(),
) -> Result<(Tally, BTreeMap<u64, u64>), String> {
    let tally = Tally { sequence, ..Tally::default() };
    let mut worker =
        Worker { root, number, random, strictness, tally, wrote: BTreeMap::new(), seen: Vec::new() };
    for operation in 0..operations {
        worker.one().map_err(|why| format!("process {number}, operation {operation}: {why}"))?;
        if operation % 16 == 0 {
            progress();
        }
    }
    Ok((worker.tally, worker.wrote))
}

impl Worker<'_> {
    fn one(&mut self) -> Result<(), String> {
        let choice = self.random.below(100);
        let (what, done) = match choice {
            0..22 => ("read", self.read()?),
            22..30 => ("list", self.list()),
            30..38 => ("look", self.look()),
            38..50 => ("create", self.create()),
            50..58 => ("rewrite", self.rewrite()),
            58..65 => ("unlink", self.unlink()),
            65..75 => ("move", self.rename(RenameFlags::NOREPLACE)),
            75..79 => ("exchange", self.rename(RenameFlags::EXCHANGE)),
            79..83 => ("replace", self.replace()),
            83..86 => ("link", self.link()),
            86..89 => ("mkdir", fs::create_dir(self.directory()).map_err(errno)),
            89..91 => ("rmdir", fs::remove_dir(self.directory()).map_err(errno)),
            91..97 => ("move a directory", self.rename_directory()),
            _ => ("attributes", self.attributes()),
        };
        match done {
            Ok(()) => self.tally.done += 1,
            Err(errno) if USUAL.contains(&errno) => self.tally.refused += 1,
            Err(errno) => return Err(format!("{what}: {errno}")),
        }
        Ok(())
    }

    /// One of the files, or of the directories, that were there.
    fn seen(&mut self, fits: impl Fn(Option<usize>, &str) -> bool) -> Option<PathBuf> {
        let fits = |path: &&PathBuf| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            fits(owner(name), name)
        };
        let seen: Vec<_> = self.seen.iter().filter(fits).collect();
        if seen.is_empty() {
            return None;
        }
        Some(seen[self.random.below(seen.len())].clone())
    }

    /// A path in a few levels of directories, which may be there.
    fn directory(&mut self) -> PathBuf {
        if self.random.chance(40)
            && let Some(path) = self.seen(|owner, _| owner.is_none())
            && path.components().count() < self.root.components().count() + DEPTH
        {
            return path;
        }
        let mut path = self.root.to_owned();
        let depth = [1, 1, 2, 2, 2, 3][self.random.below(6)];
        for _ in 0..depth {
            path.push(DIRECTORIES[self.random.below(DIRECTORIES.len())]);
        }
        path
    }

    /// A file of an owner, of the sort that the provider has or of the one that it has not.
    fn file(&mut self, owner: usize) -> PathBuf {
        let sort = if self.random.chance(50) { 'p' } else { 'w' };
        self.sorted(sort, owner)
    }

    fn sorted(&mut self, sort: char, owner: usize) -> PathBuf {
        if self.random.chance(60)
            && let Some(path) = self.seen(|one, name| one == Some(owner) && name.starts_with(sort))
        {
            return path;
        }
        let directory = self.directory();
        directory.join(format!("{sort}{owner}-{}", self.random.below(NAMES)))
    }

    /// Two files of one owner and sort.
    fn pair(&mut self) -> (PathBuf, PathBuf) {
        let owner = self.anybody();
        let sort = if self.random.chance(50) { 'p' } else { 'w' };
        (self.sorted(sort, owner), self.sorted(sort, owner))
    }

    fn anybody(&mut self) -> usize {
        self.random.below(OWNERS)
    }

    /// Nobody else writes what is ours, so what is read of it is whole at any time.
    fn read(&mut self) -> Result<Result<(), Errno>, String> {
        let owner = if self.random.chance(50) { self.number } else { self.anybody() };
        let path = self.file(owner);
        match fs::read(&path).map_err(errno) {
            Ok(bytes) if owner == self.number => {
                let content = Content::of(&bytes).map_err(|why| format!("{} has {why}", path.display()))?;
                match content {
                    Content::Written { owner, .. } if owner != self.number => {
                        Err(format!("{} has what another wrote: {content}", path.display()))
                    }
                    Content::Written { .. } | Content::Projected { .. } => Ok(Ok(())),
                }
            }
            read => Ok(read.map(drop)),
        }
    }

    fn list(&mut self) -> Result<(), Errno> {
        let entries = fs::read_dir(self.directory()).map_err(errno)?;
        for entry in entries {
            let path = entry.map_err(errno)?.path();
            if self.seen.len() < SEEN {
                self.seen.push(path);
            } else {
                let place = self.random.below(SEEN);
                self.seen[place] = path;
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Result<(), Errno> {
        let owner = self.anybody();
        fs::symlink_metadata(self.file(owner)).map(drop).map_err(errno)
    }

    fn next(&mut self) -> Vec<u8> {
        self.tally.sequence += 1;
        Content::Written { owner: self.number, sequence: self.tally.sequence }.bytes()
    }

    fn create(&mut self) -> Result<(), Errno> {
        let path = self.sorted('w', self.number);
        let mut file = File::options().write(true).create_new(true).open(path).map_err(errno)?;
        self.tally.made += 1;
        let bytes = self.next();
        file.write_all(&bytes).map_err(errno)?;
        self.written(&file)
    }

    fn written(&mut self, file: &File) -> Result<(), Errno> {
        let number = file.metadata().map_err(errno)?.ino();
        self.wrote.insert(number, self.tally.sequence);
        Ok(())
    }

    /// In two halves, and what is left of the old content is cut off.
    fn rewrite(&mut self) -> Result<(), Errno> {
        let path = self.file(self.number);
        let truncate = self.random.chance(30);
        let file = File::options().write(true).truncate(truncate).open(path).map_err(errno)?;
        let bytes = self.next();
        let half = self.random.below(bytes.len());
        file.write_all_at(&bytes[half..], half as u64).map_err(errno)?;
        file.write_all_at(&bytes[..half], 0).map_err(errno)?;
        file.set_len(bytes.len() as u64).map_err(errno)?;
        self.written(&file)?;
        if self.random.chance(5) { file.sync_all().map_err(errno) } else { Ok(()) }
    }

    fn unlink(&mut self) -> Result<(), Errno> {
        let owner = self.anybody();
        fs::remove_file(self.file(owner)).map_err(errno)?;
        self.tally.removed += 1;
        Ok(())
    }

    fn rename(&mut self, flags: RenameFlags) -> Result<(), Errno> {
        let (from, to) = self.pair();
        rustix::fs::renameat_with(CWD, from, CWD, to, flags)
    }

    fn replace(&mut self) -> Result<(), Errno> {
        if self.strictness == Strictness::Counted {
            return self.rename(RenameFlags::NOREPLACE);
        }
        let (from, to) = self.pair();
        fs::rename(from, to).map_err(errno)?;
        self.tally.replacing += 1;
        Ok(())
    }

    /// Of what was made here. An update of one name of the provider's is none of the other.
    fn link(&mut self) -> Result<(), Errno> {
        let owner = self.anybody();
        let (from, to) = (self.sorted('w', owner), self.sorted('w', owner));
        fs::hard_link(from, to).map_err(errno)?;
        self.tally.made += 1;
        Ok(())
    }

    fn rename_directory(&mut self) -> Result<(), Errno> {
        let flags = match self.random.below(3) {
            0 => RenameFlags::NOREPLACE,
            1 => RenameFlags::EXCHANGE,
            // Over one that is empty.
            _ => RenameFlags::empty(),
        };
        let (from, to) = (self.directory(), self.directory());
        rustix::fs::renameat_with(CWD, from, CWD, to, flags)
    }

    fn attributes(&mut self) -> Result<(), Errno> {
        let owner = self.anybody();
        let path = if self.random.chance(70) { self.file(owner) } else { self.directory() };
        if self.random.chance(50) {
            let mode = [0o700, 0o755, 0o750][self.random.below(3)];
            return fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(errno);
        }
        rustix::fs::setxattr(path, "user.storm", b"value", XattrFlags::empty())
    }
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
