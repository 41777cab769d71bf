//! A worker's own directory: every entry, in order.

use std::collections::BTreeMap;

use projfs_tests::Deed;
use projfs_tests::Verb;
use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::RelPathBuf;
use projfs_types::What;

use super::Log;
use super::check::Found;
use super::check::names;

/// What a worker knows its directory to be.
pub(super) struct Own {
    dir: String,
    items: Vec<Item>,
    names: BTreeMap<String, usize>,
}

struct Item {
    kind: ItemKind,
    full: bool,
    /// How often it was open for writing and may not have been closed yet: the kernel tells of that when it likes.
    closing: usize,
}

struct Expected {
    /// Any of them.
    paths: Vec<String>,
    kind: ItemKind,
    what: What,
}

impl Own {
    pub(super) fn new(dir: &str, before: &Found) -> Self {
        let mut own = Self { dir: dir.to_owned(), items: Vec::new(), names: BTreeMap::new() };
        let mut numbers = BTreeMap::new();
        for (path, (kind, number)) in &before.tree {
            let text = path.to_string();
            if !text.starts_with(dir) {
                continue;
            }
            let item = *numbers.entry(number).or_insert_with(|| {
                let full = before.full.contains(path);
                own.items.push(Item { kind: *kind, full, closing: 0 });
                own.items.len() - 1
            });
            own.names.insert(text, item);
        }
        own
    }

    /// Checks the entries; which of them may have come to nothing.
    pub(super) fn check(
        mut self,
        log: &Log,
        entries: &[(usize, &JournalEntry)],
    ) -> Result<Vec<usize>, String> {
        let mut left = entries.iter().copied().peekable();
        let done: Vec<_> = log.done.iter().filter(|deed| self.is_here(deed)).collect();
        for (number, deed) in done.iter().enumerate() {
            for expected in self.expected(deed).map_err(|why| format!("{deed} was done: {why}"))? {
                loop {
                    match left.next() {
                        Some((_, entry)) if expected.is(entry) => break,
                        Some((_, entry)) if self.is_close(entry) => {}
                        other => {
                            let past = &done[number.saturating_sub(5)..number];
                            return Err(format!(
                                "{deed}, after {past:?}, must say {expected}, and there is {other:?}"
                            ));
                        }
                    }
                }
            }
            self.carry_out(deed);
        }
        let in_flight = log.in_flight.as_ref().filter(|deed| self.is_here(deed));
        // Perhaps it would not have been done.
        let expected = in_flight.and_then(|deed| self.expected(deed).ok()).unwrap_or_default();
        let mut expected = expected.into_iter().peekable();
        let mut in_doubt = Vec::new();
        for (at, entry) in left {
            let of_it = |deed: &Deed| entry.what == What::Modified && entry.path.to_string() == deed.path;
            if expected.next_if(|expected| expected.is(entry)).is_some() {
                in_doubt.extend(names(entry).then_some(at));
            } else if !(self.is_close(entry) || in_flight.is_some_and(of_it)) {
                return Err(format!("{in_flight:?} was in flight, and there is {entry:?}"));
            }
        }
        Ok(in_doubt)
    }

    fn is_here(&self, deed: &Deed) -> bool {
        deed.path.strip_prefix(&self.dir).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether an entry is that of a close which is due.
    fn is_close(&mut self, entry: &JournalEntry) -> bool {
        let Some(item) = self.names.get(&entry.path.to_string()) else { return false };
        let item = &mut self.items[*item];
        let is_due = entry.what == What::Modified && item.closing > 0;
        item.closing -= usize::from(is_due);
        is_due
    }

    fn names_of(&self, item: usize) -> Vec<String> {
        self.names.iter().filter(|(_, known)| **known == item).map(|(name, _)| name.clone()).collect()
    }

    fn expected(&self, deed: &Deed) -> Result<Vec<Expected>, String> {
        let Deed { verb, path, other } = deed;
        let item = |path: &String| self.names.get(path).copied().ok_or_else(|| format!("there is no {path}"));
        let to = || RelPathBuf::new(other.as_str()).unwrap();
        let created = |kind| {
            let is_there = self.names.contains_key(path);
            if is_there {
                Err(format!("{path} is there"))
            } else {
                Ok((vec![path.clone()], kind, What::Created))
            }
        };
        let one = match verb {
            Verb::Create | Verb::Nameless => created(ItemKind::File)?,
            Verb::Mkdir => created(ItemKind::Directory)?,
            Verb::Symlink => created(ItemKind::Symlink)?,
            Verb::Mkfifo => created(ItemKind::Special)?,
            Verb::Append | Verb::Truncate | Verb::Allocate | Verb::Copy => {
                let found = item(path)?;
                let expected = |what| Expected { paths: self.names_of(found), kind: ItemKind::File, what };
                let converted = (!self.items[found].full).then(|| expected(What::Converted));
                return Ok(converted.into_iter().chain([expected(What::Modified)]).collect());
            }
            Verb::Chmod | Verb::SetXattr => {
                let found = item(path)?;
                (self.names_of(found), self.items[found].kind, What::Metadata)
            }
            Verb::Unlink | Verb::Rmdir => (vec![path.clone()], self.items[item(path)?].kind, What::Deleted),
            Verb::Rename | Verb::Exchange => {
                let found = item(path)?;
                if self.names.get(other) == Some(&found) {
                    return Ok(Vec::new());
                }
                let exchanged = *verb == Verb::Exchange;
                let what =
                    if exchanged { What::Exchanged { with: to() } } else { What::Renamed { to: to() } };
                (vec![path.clone()], self.items[found].kind, what)
            }
            Verb::Link => {
                let found = item(path)?;
                (self.names_of(found), self.items[found].kind, What::Linked { to: to() })
            }
        };
        let (paths, kind, what) = one;
        Ok(vec![Expected { paths, kind, what }])
    }

    fn carry_out(&mut self, deed: &Deed) {
        let Deed { verb, path, other } = deed;
        let mut make = |kind, closing| {
            self.items.push(Item { kind, full: true, closing });
            self.names.insert(path.clone(), self.items.len() - 1);
        };
        match verb {
            Verb::Create | Verb::Nameless => make(ItemKind::File, 1),
            Verb::Mkdir => make(ItemKind::Directory, 0),
            Verb::Symlink => make(ItemKind::Symlink, 0),
            Verb::Mkfifo => make(ItemKind::Special, 0),
            Verb::Append | Verb::Truncate | Verb::Allocate | Verb::Copy => {
                let item = &mut self.items[self.names[path]];
                item.full = true;
                item.closing += 1;
            }
            Verb::Chmod | Verb::SetXattr => {}
            Verb::Unlink | Verb::Rmdir => drop(self.take(path)),
            Verb::Rename | Verb::Exchange if self.names.get(path) == self.names.get(other) => {}
            Verb::Rename => {
                self.take(other);
                let moved = self.take(path);
                self.put(other, moved);
            }
            Verb::Exchange => {
                let (one, two) = (self.take(path), self.take(other));
                self.put(other, one);
                self.put(path, two);
            }
            Verb::Link => {
                self.names.insert(other.clone(), self.names[path]);
            }
        }
    }

    /// Takes out a name with all below it.
    fn take(&mut self, path: &str) -> Vec<(String, usize)> {
        let below = |name: &str| {
            let rest = name.strip_prefix(path)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.to_owned())
        };
        let found: Vec<_> =
            self.names.iter().filter_map(|(name, item)| Some((below(name)?, *item))).collect();
        self.names.retain(|name, _| below(name).is_none());
        found
    }

    fn put(&mut self, path: &str, names: Vec<(String, usize)>) {
        self.names.extend(names.into_iter().map(|(rest, item)| (format!("{path}{rest}"), item)));
    }
}

impl Expected {
    fn is(&self, entry: &JournalEntry) -> bool {
        self.paths.contains(&entry.path.to_string()) && self.kind == entry.kind && self.what == entry.what
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {:?}, a {:?}", self.what, self.paths, self.kind)
    }
}
