//! What a program does while daemons come and go: everything that is answered must be as if nothing had happened.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use projfs_testkit::model::Random;
use rustix::fs::FlockOperation;

/// Directories come and go under these names, and are renamed.
const DIRECTORIES: [&str; 4] = ["d0", "d1", "d2", "d3"];

/// What is in one directory, and what it must look like.
pub(crate) struct Worker {
    root: PathBuf,
    random: Random,
    /// Files by name, as numbers of contents.
    names: BTreeMap<String, usize>,
    directories: Vec<String>,
    contents: Vec<Vec<u8>>,
    open: Vec<(File, usize)>,
    /// A directory that was removed, and is still open.
    removed: Option<File>,
    locked: File,
    mode: u32,
}

impl Worker {
    /// Works in `root`, in which there is what the sample has for a worker.
    pub(crate) fn new(root: PathBuf, seed: u64) -> Self {
        let text = b"projected\n".to_vec();
        let mut names = BTreeMap::new();
        let mut contents = Vec::new();
        for name in ["f0", "f1", "f2", "d0/f0", "d0/f1", "d1/f0"] {
            names.insert(name.to_owned(), contents.len());
            contents.push(text.clone());
        }
        let locked = File::create_new(root.join("locked")).unwrap();
        rustix::fs::flock(&locked, FlockOperation::LockExclusive).unwrap();
        let directories = vec!["d0".to_owned(), "d1".to_owned()];
        let random = Random::new(seed);
        Self {
            root,
            random,
            names,
            directories,
            contents,
            open: Vec::new(),
            removed: None,
            locked,
            mode: 0o644,
        }
    }

    /// Does something, and looks whether all is right.
    pub(crate) fn step(&mut self) {
        match self.random.below(16) {
            0 | 1 => self.create(),
            2 => self.append(),
            3 => self.read(),
            4 | 5 => self.rename(),
            6 => self.unlink(),
            7 => self.rename_directory(),
            8 => self.list(""),
            9 => self.truncate(),
            10 | 11 => self.use_open(),
            12 => self.directory(),
            13 => self.link(),
            14 => self.exchange(),
            _ => self.odds_and_ends(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn some_name(&mut self) -> Option<String> {
        let at = self.random.below(self.names.len().max(1));
        self.names.keys().nth(at).cloned()
    }

    fn new_name(&mut self) -> String {
        let number = self.random.below(8);
        let at = self.random.below(self.directories.len() + 1);
        match self.directories.get(at) {
            Some(directory) => format!("{directory}/n{number}"),
            None => format!("n{number}"),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.random.below(9000);
        (0..length).map(|_| self.random.number() as u8).collect()
    }

    fn create(&mut self) {
        let (name, bytes) = (self.new_name(), self.bytes());
        let created = OpenOptions::new().read(true).write(true).create_new(true).open(self.path(&name));
        if self.names.contains_key(&name) {
            assert_eq!(
                created.err().map(|error| error.kind()),
                Some(std::io::ErrorKind::AlreadyExists),
                "{name}"
            );
            return;
        }
        let file = created.unwrap_or_else(|error| panic!("create {name}: {error}"));
        let half = bytes.len() / 2;
        file.write_all_at(&bytes[..half], 0).unwrap();
        file.write_all_at(&bytes[half..], half as u64).unwrap();
        let content = self.contents.len();
        self.contents.push(bytes);
        self.names.insert(name, content);
        if self.random.chance(50) {
            self.keep(file, content);
        }
    }

    fn keep(&mut self, file: File, content: usize) {
        if self.open.len() >= 6 {
            let at = self.random.below(6);
            self.open.swap_remove(at);
        }
        self.open.push((file, content));
    }

    fn append(&mut self) {
        let Some(name) = self.some_name() else { return };
        let bytes = self.bytes();
        let file = OpenOptions::new().read(true).append(true).open(self.path(&name)).unwrap();
        std::io::Write::write_all(&mut &file, &bytes).unwrap();
        let content = self.names[&name];
        self.contents[content].extend(bytes);
        if self.random.chance(50) {
            self.keep(file, content);
        }
    }

    fn read(&mut self) {
        let Some(name) = self.some_name() else { return };
        let read = fs::read(self.path(&name)).unwrap_or_else(|error| panic!("read {name}: {error}"));
        assert!(read == self.contents[self.names[&name]], "{name} reads otherwise");
    }

    fn rename(&mut self) {
        let (Some(from), to) = (self.some_name(), self.new_name()) else { return };
        fs::rename(self.path(&from), self.path(&to))
            .unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        let (moved, replaced) = (self.names[&from], self.names.get(&to));
        // Two names of one file: nothing happens.
        if replaced != Some(&moved) {
            self.names.remove(&from);
            self.names.insert(to, moved);
        }
    }

    fn unlink(&mut self) {
        let Some(name) = self.some_name() else { return };
        fs::remove_file(self.path(&name)).unwrap_or_else(|error| panic!("unlink {name}: {error}"));
        self.names.remove(&name);
    }

    fn rename_directory(&mut self) {
        if self.directories.is_empty() {
            return;
        }
        let at = self.random.below(self.directories.len());
        let to = DIRECTORIES[self.random.below(DIRECTORIES.len())];
        if self.directories.iter().any(|name| name == to) {
            return;
        }
        let from = std::mem::replace(&mut self.directories[at], to.to_owned());
        fs::rename(self.path(&from), self.path(to)).unwrap_or_else(|error| panic!("{from} to {to}: {error}"));
        let names = std::mem::take(&mut self.names);
        let moved = |name: String| match name.strip_prefix(&format!("{from}/")) {
            Some(rest) => format!("{to}/{rest}"),
            None => name,
        };
        self.names = names.into_iter().map(|(name, content)| (moved(name), content)).collect();
    }

    fn list(&self, directory: &str) {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let mut expected: Vec<String> = self
            .names
            .keys()
            .filter_map(|name| name.strip_prefix(&prefix))
            .filter(|name| !name.contains('/'))
            .map(ToOwned::to_owned)
            .collect();
        if directory.is_empty() {
            expected.extend(self.directories.iter().cloned());
            expected.extend(["locked", "mapped"].map(ToOwned::to_owned));
        }
        expected.sort();
        let mut listed: Vec<String> = fs::read_dir(self.path(directory))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("tmp"))
            .collect();
        listed.sort();
        assert_eq!(listed, expected, "in {directory:?}");
    }

    fn truncate(&mut self) {
        let Some(name) = self.some_name() else { return };
        let length = self.random.below(5000);
        let file = OpenOptions::new().write(true).open(self.path(&name)).unwrap();
        file.set_len(length as u64).unwrap();
        let content = self.names[&name];
        self.contents[content].resize(length, 0);
    }

    fn use_open(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let at = self.random.below(self.open.len());
        let bytes = self.bytes();
        let (file, content) = &self.open[at];
        let expected = &mut self.contents[*content];
        let mut read = vec![0; expected.len() + 1];
        let length = file.read_at(&mut read, 0).unwrap();
        assert!(read[..length] == expected[..], "an open file reads otherwise");
        assert_eq!(file.metadata().unwrap().len(), expected.len() as u64);
        // Whether it is at the end or not, this appends: some are open for appending.
        file.write_all_at(&bytes, expected.len() as u64).unwrap();
        expected.extend(bytes);
        if self.random.chance(20) {
            self.open.swap_remove(at);
        }
    }

    fn directory(&mut self) {
        let path = self.path("tmp");
        if let Some(removed) = self.removed.take() {
            // It is there for who has it open, and nothing can be made in it.
            let made = rustix::fs::mkdirat(&removed, "new", rustix::fs::Mode::RWXU);
            assert_eq!(made, Err(rustix::io::Errno::NOENT));
        }
        fs::create_dir(&path).unwrap_or_else(|error| panic!("mkdir: {error}"));
        let open = File::open(&path).unwrap();
        fs::remove_dir(&path).unwrap_or_else(|error| panic!("rmdir: {error}"));
        self.removed = Some(open);
    }

    fn link(&mut self) {
        let (Some(from), to) = (self.some_name(), self.new_name()) else { return };
        let linked = fs::hard_link(self.path(&from), self.path(&to));
        if self.names.contains_key(&to) {
            assert_eq!(linked.err().map(|error| error.kind()), Some(std::io::ErrorKind::AlreadyExists));
        } else {
            linked.unwrap_or_else(|error| panic!("link {from} {to}: {error}"));
            self.names.insert(to, self.names[&from]);
        }
    }

    fn exchange(&mut self) {
        let (Some(one), Some(other)) = (self.some_name(), self.some_name()) else { return };
        if one == other {
            return;
        }
        let (old, new) = (self.path(&one), self.path(&other));
        let flags = rustix::fs::RenameFlags::EXCHANGE;
        let cwd = rustix::fs::CWD;
        rustix::fs::renameat_with(cwd, old, cwd, new, flags)
            .unwrap_or_else(|error| panic!("exchange: {error}"));
        let (one_content, other_content) = (self.names[&one], self.names[&other]);
        self.names.insert(one, other_content);
        self.names.insert(other, one_content);
    }

    fn odds_and_ends(&mut self) {
        let other = File::open(self.path("locked")).unwrap();
        let locked = rustix::fs::flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(locked, Err(rustix::io::Errno::WOULDBLOCK), "the lock is gone");
        assert_eq!(self.locked.metadata().unwrap().mode() & 0o777, self.mode);
        self.mode = [0o644, 0o600, 0o640][self.random.below(3)];
        fs::set_permissions(self.path("locked"), fs::Permissions::from_mode(self.mode)).unwrap();
        let link = self.path("tmp-link");
        std::os::unix::fs::symlink("target", &link).unwrap_or_else(|error| panic!("symlink: {error}"));
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("target"));
        fs::remove_file(&link).unwrap();
        let nameless =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_TMPFILE).open(&self.root);
        let nameless = nameless.unwrap_or_else(|error| panic!("O_TMPFILE: {error}"));
        let bytes = self.bytes();
        nameless.write_all_at(&bytes, 0).unwrap();
        let content = self.contents.len();
        self.contents.push(bytes);
        self.keep(nameless, content);
    }

    /// Lets go of everything that is open, so that the mount can end.
    pub(crate) fn closed(mut self) -> Self {
        self.open.clear();
        self.removed = None;
        self.locked = File::open("/dev/null").unwrap();
        self
    }

    /// Compares everything.
    pub(crate) fn check(&self) {
        self.list("");
        self.directories.iter().for_each(|directory| self.list(directory));
        for (name, content) in &self.names {
            let read = fs::read(self.path(name)).unwrap_or_else(|error| panic!("read {name}: {error}"));
            assert!(read == self.contents[*content], "{name} reads otherwise");
        }
    }
}
