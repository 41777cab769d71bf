//! `Seen`: all that can be seen of a tree, as a text that is the same for trees that look the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use projfs_engine::Since;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Subject;
use projfs_testkit::model::Word;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::RelPath;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::mode;

use super::Stage;
use super::path;
use super::sample::PATHS;

/// Times from here on are those of the test, and called so.
const NOW: i64 = 1_000_000_000;

/// All that can be seen of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// States, names, attributes, contents.
    pub tree: String,
    /// What the journal tells, a line each.
    pub journal: Vec<String>,
}

impl Seen {
    /// Writes it down for another process.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self, to: &mut impl std::io::Write) -> std::io::Result<()> {
        for part in [&self.tree, &self.journal.join("\n")] {
            to.write_all(&(part.len() as u64).to_le_bytes())?;
            to.write_all(part.as_bytes())?;
        }
        to.flush()
    }

    /// Reads what another process wrote down.
    ///
    /// # Errors
    /// The system's.
    pub fn load(from: &mut impl std::io::Read) -> std::io::Result<Self> {
        let mut part = || {
            let mut length = [0; 8];
            from.read_exact(&mut length)?;
            let mut text = String::new();
            from.by_ref().take(u64::from_le_bytes(length)).read_to_string(&mut text)?;
            std::io::Result::Ok(text)
        };
        let (tree, journal) = (part()?, part()?);
        Ok(Self { tree, journal: journal.lines().map(str::to_owned).collect() })
    }

    /// Whether the trees are the same but for write times of directories and change times.
    pub fn is_alike(&self, other: &Self) -> bool {
        let timeless = |line: &str| {
            let (before, rest) = line.split_once(" written ")?;
            let (written, rest) = rest.split_once(" changed ")?;
            let (_, after) = rest.split_once(' ')?;
            let is_directory = before.contains(": Directory ");
            Some((before.to_owned(), (!is_directory).then(|| written.to_owned()), after.to_owned()))
        };
        let lines = |seen: &Self| -> Vec<_> {
            let line = |line: &str| timeless(line).ok_or_else(|| line.to_owned());
            seen.tree.lines().map(line).collect()
        };
        lines(self) == lines(other)
    }

    /// The same without the states: what looking at everything has fetched makes a difference in them alone.
    #[must_use]
    pub fn without_states(&self) -> Self {
        let has_more = |line: &&str| line.split_once(": ").is_none_or(|(_, rest)| rest.contains(' '));
        let tree = self.tree.lines().filter(has_more).map(|line| format!("{line}\n")).collect();
        Self { tree, journal: self.journal.clone() }
    }

    /// The lines of the tree that differ.
    pub fn difference(&self, other: &Self) -> String {
        let [mine, others] = [self, other].map(|seen| seen.tree.lines().collect::<Vec<_>>());
        let mut text = String::new();
        let lines = |of: &[&str], not_in: &[&str], sign: char, text: &mut String| {
            for line in of.iter().filter(|line| !not_in.contains(line)) {
                let _ = writeln!(text, "    {sign} {line}");
            }
        };
        lines(&others, &mine, '-', &mut text);
        lines(&mine, &others, '+', &mut text);
        text
    }
}

impl Stage {
    /// Looks at everything: first at the states, which looking at the rest changes.
    ///
    /// # Panics
    /// If a listing does not agree with a lookup, or the journal cannot be read.
    pub fn see(&mut self) -> Seen {
        let mut tree = String::new();
        for known in PATHS {
            let known = path(known);
            let word = self.subject.word(&known);
            let kind = self.at(&known, |engine, node| engine.attributes(&self.context(), node));
            // A directory is dirty as soon as something in it may change: what it shows is the same.
            let word = match (word, kind.map(|stat| stat.kind())) {
                (Some(Word::Dirty), Ok(ItemKind::Directory)) => Some(Word::Placeholder),
                (word, _) => word,
            };
            let word = word.map_or_else(|| "-".to_owned(), |word| format!("{word:?}"));
            let _ = writeln!(tree, "{known}: {word}");
        }
        let mut numbers = BTreeMap::new();
        self.walk(RelPath::root(), &mut numbers, &mut tree);
        for (reader, cursor) in self.engine().journal().readers() {
            let _ = writeln!(tree, "reader {}: {}", reader.as_str(), cursor.sequence);
        }
        Seen { tree, journal: self.journal() }
    }

    fn walk(&mut self, dir: &RelPath, numbers: &mut BTreeMap<u64, usize>, tree: &mut String) {
        let listed = match self.act(&Op::List { path: dir.to_owned() }) {
            Ok(Outcome::Listed(listed)) => listed,
            other => {
                let _ = writeln!(tree, "{dir}: cannot be listed: {other:?}");
                return;
            }
        };
        for (name, in_listing) in listed {
            if name == b"." || name == b".." {
                continue;
            }
            let item = dir.join(ItemName::new(&name).expect("a listing has correct names"));
            match self.act(&Op::Stat { path: item.clone() }) {
                Ok(Outcome::Seen(looked_up)) => {
                    assert!(looked_up.agrees(&in_listing), "{item}: {looked_up:?} and {in_listing:?}");
                }
                other => {
                    let _ = writeln!(tree, "{item}: cannot be looked up: {other:?}");
                    continue;
                }
            }
            let line = self.line(&item, numbers);
            let _ = writeln!(tree, "{item}: {line}");
            if in_listing.kind == ItemKind::Directory {
                self.walk(&item, numbers, tree);
            }
        }
    }

    fn line(&mut self, item: &RelPath, numbers: &mut BTreeMap<u64, usize>) -> String {
        let stat = self.at(item, |engine, node| engine.attributes(&self.context(), node));
        let Ok(stat) = stat else { return format!("cannot be looked at: {stat:?}") };
        let content = match stat.kind() {
            ItemKind::File => match self.act(&Op::Read { path: item.to_owned() }) {
                Ok(Outcome::Bytes(bytes)) => short(&bytes),
                other => format!("cannot be read: {other:?}"),
            },
            ItemKind::Symlink => match self.act(&Op::ReadLink { path: item.to_owned() }) {
                Ok(Outcome::Bytes(bytes)) => short(&bytes),
                other => format!("cannot be read: {other:?}"),
            },
            ItemKind::Directory | ItemKind::Special => String::new(),
        };
        let name = b"user.a".to_vec();
        let attribute = match self.act(&Op::GetXattr { path: item.to_owned(), name }) {
            Ok(Outcome::Bytes(value)) => short(&value),
            _ => "-".to_owned(),
        };
        format!("{} {attribute} {content}", attributes(&stat, numbers))
    }

    fn journal(&self) -> Vec<String> {
        let start = self.engine().journal().start();
        let told = self.engine().changes(start, usize::MAX);
        match told.expect("the journal can be read").since {
            Since::Entries { entries, .. } => {
                let line = |entry: &projfs_types::JournalEntry| {
                    format!("{} {:?} {:?}", entry.path, entry.kind, entry.what)
                };
                entries.iter().map(line).collect()
            }
            gone @ Since::Gone { .. } => panic!("the journal does not begin where it says: {gone:?}"),
        }
    }

    /// Reads some bytes of a file that comes in parts.
    ///
    /// # Errors
    /// What it fails with.
    pub fn read_part(&self, file: &str, offset: u64, length: usize) -> super::Answer<()> {
        let opened = self.at(&path(file), |engine, node| {
            let how = projfs_engine::OpenHow { access: projfs_engine::Access::Read, truncate: false };
            engine.open(&self.context(), node, how)
        })?;
        let mut buffer = vec![0; length];
        let read = self.engine().read(&self.context(), opened.handle, offset, &mut buffer);
        let finished = self.engine().finish(&self.context(), opened.handle);
        self.engine().release(&self.context(), opened.handle);
        let read = read.map_err(|error| projfs_testkit::model::errno_of(&error))?;
        finished.map_err(|error| projfs_testkit::model::errno_of(&error))?;
        let expected: Vec<u8> = (offset..).take(read).map(crate::pattern).collect();
        assert_eq!(buffer[..read], expected, "{file} has the wrong bytes");
        Ok(())
    }
}

fn attributes(stat: &Stat, numbers: &mut BTreeMap<u64, usize>) -> String {
    let number = if stat.number.is_projected() {
        format!("{:x}", stat.number.0)
    } else {
        let next = numbers.len();
        format!("local{}", numbers.entry(stat.number.0).or_insert(next))
    };
    let size = if stat.kind() == ItemKind::Directory { 0 } else { stat.size };
    let links = if stat.kind() == ItemKind::Directory { 0 } else { stat.links };
    format!(
        "{:?} {:o} {}:{} {size} x{links} {number} written {} changed {}",
        stat.kind(),
        stat.mode & mode::PERMISSIONS,
        stat.uid,
        stat.gid,
        moment(stat.times.write),
        moment(stat.times.change),
    )
}

fn moment(time: Timestamp) -> String {
    if time.seconds >= NOW { "now".to_owned() } else { format!("{}.{}", time.seconds, time.nanoseconds) }
}

/// Short content as it is, long content by its length and a sum.
fn short(bytes: &[u8]) -> String {
    if bytes.len() <= 64 {
        return format!("{:?}", String::from_utf8_lossy(bytes));
    }
    let sum = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    format!("{} bytes {sum:x}", bytes.len())
}
