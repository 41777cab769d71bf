//! `Model`: the two trees, and `view`, the definition of what is to be seen.

use std::collections::BTreeMap;

use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Life;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use rustix::io::Errno;

use super::Expected;
use super::Kind;
use super::Seen;
use super::Word;
use crate::projection::Given;
use crate::projection::Projection;

/// An item of the local tree. The root is 0.
pub type Id = usize;

/// The local tree: everything that anybody has looked up, and everything that was made or done here.
#[derive(Clone, Debug)]
pub struct Local {
    pub(super) items: Vec<Item>,
    /// Under names that an item has left, in which of its lives is what is projected there.
    pub(super) lives: BTreeMap<(OriginBuf, ItemNameBuf), Life>,
    /// The last life that was given.
    pub(super) last: Life,
}

impl Local {
    /// What is projected under a name of a directory of this origin.
    pub(super) fn projected_under(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf {
        let left = self.lives.get(&(directory.clone(), name.to_owned()));
        OriginBuf::new(directory.join(name), left.copied().unwrap_or(directory.life()))
    }
}

/// One item of the local tree.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) time: Option<i64>,
    /// A file's content, or a link's target.
    pub(super) bytes: Vec<u8>,
    pub(super) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) links: u32,
    /// It has, or once had, more than one name.
    pub(super) was_linked: bool,
    /// Where it comes from: of a directory, its projected entries too. Nothing if it was made here.
    pub(super) origin: Option<OriginBuf>,
    /// Local: the provider is not asked again.
    pub(super) full: bool,
    pub(super) hydrated: bool,
    pub(super) dirty: bool,
    /// It has moved, or was given a name, so that it has a record of its own.
    pub(super) detached: bool,
    /// A directory's names; nothing for a tombstone.
    pub(super) names: BTreeMap<ItemNameBuf, Option<Id>>,
    pub(super) number: Option<u64>,
}

/// What a name of a directory leads to.
pub enum Shown {
    /// Something local.
    Local(Id),
    /// Something that nobody has looked up: what the provider calls it, and says of it.
    Virtual(OriginBuf, Box<Given>),
}

/// The definition of what is to be seen in a directory: what is local, and what is projected under names that are
/// not local. A tombstone is local, and shows nothing.
pub fn view(projected: &Projection, local: &Local, dir: Id) -> BTreeMap<ItemNameBuf, Shown> {
    let dir = &local.items[dir];
    let mut shown = BTreeMap::new();
    if let (Some(origin), Kind::Directory) = (&dir.origin, dir.kind) {
        for (path, given) in projected.children(origin) {
            if let Some((_, name)) = path.split_last() {
                let origin = local.projected_under(origin, name);
                shown.insert(name.to_owned(), Shown::Virtual(origin, Box::new(given)));
            }
        }
    }
    for (name, id) in &dir.names {
        match id {
            Some(id) => shown.insert(name.clone(), Shown::Local(*id)),
            None => shown.remove(name),
        };
    }
    shown
}

/// One item that is to be seen.
struct Row {
    path: RelPathBuf,
    seen: Seen,
    word: Word,
    /// Nothing if nobody has looked it up.
    id: Option<Id>,
    /// What the provider calls it.
    origin: Option<RelPathBuf>,
}

/// What is expected of a tree.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) projected: Projection,
    pub(super) local: Local,
    pub(super) slots: BTreeMap<usize, (Id, bool)>,
    /// The numbers of what was projected, by origin, as they were first seen.
    pub(super) numbers: BTreeMap<OriginBuf, u64>,
    /// What the journal must have said since it was last asked.
    pub(super) entries: Vec<Expected>,
}

impl Item {
    pub(super) fn made(kind: Kind, mode: u32) -> Self {
        Self {
            kind,
            mode,
            time: None,
            bytes: Vec::new(),
            xattrs: BTreeMap::new(),
            links: 1,
            was_linked: false,
            origin: None,
            full: true,
            hydrated: false,
            dirty: false,
            detached: false,
            names: BTreeMap::new(),
            number: None,
        }
    }

    pub(super) fn given(origin: OriginBuf, given: &Given) -> Self {
        let bytes = match &given.info.kind {
            PlaceholderKind::File { .. } => given.content.clone(),
            PlaceholderKind::Directory => Vec::new(),
            PlaceholderKind::Symlink { target } => target.to_vec(),
        };
        let extended = given.info.extended.iter();
        Self {
            time: Some(given.info.times.write.seconds),
            bytes,
            xattrs: extended.map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            origin: Some(origin),
            full: false,
            ..Self::made(given.info.item_kind(), u32::from(given.info.mode))
        }
    }

    pub(super) fn word(&self) -> Word {
        match (self.full, self.dirty, self.hydrated) {
            (true, ..) => Word::Full,
            (_, true, _) => Word::Dirty,
            (_, _, true) => Word::Hydrated,
            (false, false, false) => Word::Placeholder,
        }
    }

    pub(super) fn seen(&self) -> Seen {
        let (directory, link) = (self.kind == ItemKind::Directory, self.kind == ItemKind::Symlink);
        Seen {
            kind: self.kind,
            mode: (!link).then_some(self.mode),
            size: (!directory).then_some(self.bytes.len() as u64),
            links: (!directory).then_some(self.links),
            time: self.time,
            number: self.number,
        }
    }

    /// Its metadata, or of a directory a name, is changed here.
    pub(super) fn soil(&mut self) {
        self.dirty |= !self.full;
    }
}

impl Model {
    /// Nothing was done to `projected` yet.
    pub fn new(projected: Projection) -> Self {
        let root = Item { origin: Some(OriginBuf::root()), full: false, ..Item::made(Kind::Directory, 0) };
        let local = Local { items: vec![root], lives: BTreeMap::new(), last: Life::FIRST };
        Self { projected, local, slots: BTreeMap::new(), numbers: BTreeMap::new(), entries: Vec::new() }
    }

    pub(super) fn item(&mut self, id: Id) -> &mut Item {
        &mut self.local.items[id]
    }

    /// What is under a name, which becomes a placeholder by that.
    pub(super) fn look(&mut self, dir: Id, name: &ItemName) -> Option<Id> {
        match view(&self.projected, &self.local, dir).remove(name)? {
            Shown::Local(id) => Some(id),
            Shown::Virtual(origin, given) => {
                let mut item = Item::given(origin, &given);
                item.number = item.origin.as_ref().and_then(|origin| self.numbers.get(origin)).copied();
                let id = self.add(item);
                self.item(dir).names.insert(name.to_owned(), Some(id));
                Some(id)
            }
        }
    }

    pub(super) fn add(&mut self, item: Item) -> Id {
        self.local.items.push(item);
        self.local.items.len() - 1
    }

    /// The directory that holds a path, and the name in it.
    pub(super) fn parent<'a>(&mut self, path: &'a RelPath) -> Result<(Id, &'a ItemName), Errno> {
        let (parent, name) = path.split_last().ok_or(Errno::INVAL)?;
        let dir = self.find(parent)?;
        if self.item(dir).kind == Kind::Directory { Ok((dir, name)) } else { Err(Errno::NOTDIR) }
    }

    /// The item at a path, each on the way to it becoming a placeholder.
    pub(super) fn find(&mut self, path: &RelPath) -> Result<Id, Errno> {
        let mut id = 0;
        for name in path.components() {
            if self.item(id).kind != Kind::Directory {
                return Err(Errno::NOTDIR);
            }
            id = self.look(id, name).ok_or(Errno::NOENT)?;
        }
        Ok(id)
    }

    /// Whether the provider has something under a name.
    pub(super) fn beneath(&self, dir: Id, name: &ItemName) -> bool {
        let origin = self.local.items[dir].origin.as_ref();
        origin.is_some_and(|origin| self.projected.get(&origin.join(name)).is_some())
    }

    /// What is projected under a name, if the directory is the provider's.
    pub(super) fn home(&self, dir: Id, name: &ItemName) -> Option<OriginBuf> {
        let origin = self.local.items[dir].origin.as_ref()?;
        Some(self.local.projected_under(origin, name))
    }

    /// An item goes on under another name than this one. If it is what is projected there, that is another from now on.
    pub(super) fn leave_home(&mut self, dir: Id, name: &ItemName, id: Id) {
        let home = self.home(dir, name);
        if let Some(origin) = self.local.items[dir].origin.clone()
            && self.local.items[id].origin == home
        {
            let life = self.next_life();
            self.local.lives.insert((origin, name.to_owned()), life);
        }
    }

    pub(super) fn next_life(&mut self) -> Life {
        self.local.last = Life(self.local.last.0 + 1);
        self.local.last
    }

    /// A name goes: what the provider has under it is hidden.
    pub(super) fn leave(&mut self, dir: Id, name: &ItemName) {
        if self.beneath(dir, name) {
            self.item(dir).names.insert(name.to_owned(), None);
        } else {
            self.item(dir).names.remove(name);
        }
    }

    /// What an item looks like that nobody has looked up.
    pub(super) fn virtual_seen(&self, origin: &OriginBuf, given: &Given) -> Seen {
        let number = self.numbers.get(origin).copied();
        Seen { number, ..Item::given(origin.to_owned(), given).seen() }
    }

    /// Everything that is to be seen, with its state; nothing changes by asking.
    pub fn tree(&self) -> BTreeMap<RelPathBuf, (Seen, Word)> {
        self.rows().into_iter().map(|row| (row.path, (row.seen, row.word))).collect()
    }

    /// Two paths that lead to different items, which have shown one number.
    pub(super) fn twins(&self) -> Option<(RelPathBuf, RelPathBuf)> {
        let mut known: BTreeMap<u64, Row> = BTreeMap::new();
        for row in self.rows() {
            let Some(number) = row.seen.number else { continue };
            match known.get(&number) {
                Some(other) if row.id.is_none() || other.id != row.id => {
                    return Some((other.path.clone(), row.path));
                }
                Some(_) => {}
                None => drop(known.insert(number, row)),
            }
        }
        None
    }

    /// Where what the provider has under a path is to be seen as it is there, and the item if somebody has looked it up.
    pub(super) fn untouched_of(&self, origin: &RelPath) -> Vec<(RelPathBuf, Option<Id>)> {
        let rows = self.rows().into_iter().filter(|row| row.origin.as_deref() == Some(origin));
        let untouched = rows.filter(|row| {
            row.id.is_none_or(|id| {
                let item = &self.local.items[id];
                item.word() == Word::Placeholder && !item.detached && item.links == 1
            })
        });
        untouched.map(|row| (row.path, row.id)).collect()
    }

    /// Where the items are that the provider has under a path, and is still asked for.
    pub(super) fn comes_from(&self, origin: &RelPath) -> impl Iterator<Item = RelPathBuf> {
        let rows = self.rows().into_iter();
        rows.filter(move |row| row.word != Word::Full && row.origin.as_deref() == Some(origin))
            .map(|row| row.path)
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        self.add_rows(&RelPathBuf::root(), &self.local, 0, &mut rows);
        rows
    }

    fn add_rows(&self, path: &RelPath, local: &Local, dir: Id, rows: &mut Vec<Row>) {
        for (name, shown) in view(&self.projected, local, dir) {
            let path = path.join(&name);
            match shown {
                Shown::Local(id) => {
                    let item = &local.items[id];
                    let (seen, word) = (item.seen(), item.word());
                    let from = item.origin.clone().map(OriginBuf::into_path);
                    rows.push(Row { path: path.clone(), seen, word, id: Some(id), origin: from });
                    self.add_rows(&path, local, id, rows);
                }
                Shown::Virtual(origin, given) => {
                    let (seen, word) = (self.virtual_seen(&origin, &given), Word::Virtual);
                    let origin_path = Some(origin.path().clone());
                    rows.push(Row { path: path.clone(), seen, word, id: None, origin: origin_path });
                    let items = vec![Item::given(origin, &given)];
                    let below = Local { items, lives: local.lives.clone(), last: local.last };
                    self.add_rows(&path, &below, 0, rows);
                }
            }
        }
    }

    /// Takes over the number of an item when it is first seen.
    pub(super) fn number(&mut self, path: &RelPath, number: Option<u64>) {
        let mut id = 0;
        let mut origin = Some(OriginBuf::root());
        for name in path.components() {
            let shown = self.local.items.get(id).and_then(|dir| dir.names.get(name).copied());
            match (id, shown) {
                (_, Some(Some(below))) => {
                    id = below;
                    origin = self.local.items[id].origin.clone();
                }
                _ => {
                    id = usize::MAX;
                    origin = origin.map(|origin| self.local.projected_under(&origin, name));
                }
            }
        }
        self.remember(origin, number);
        if let Some(item) = self.local.items.get_mut(id) {
            item.number = item.number.or(number);
        }
    }
}
