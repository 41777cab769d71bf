//! What updates and deletions by the provider do to the model.

use std::collections::BTreeSet;

use projfs_types::ItemName;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFlags;
use projfs_types::What;
use rustix::io::Errno;

use super::Expected;
use super::Kind;
use super::Model;
use super::Must;
use super::Op;
use super::Word;
use super::tree::Id;
use super::tree::Item;
use super::tree::Shown;
use super::tree::view;
use crate::projection::Given;

type Answer<T> = Result<T, Errno>;

impl Model {
    /// Whether an operation is one that the model says everything about: a file does not take the place of a directory that
    /// the provider still has, nor a directory that of a file which is elsewhere by now.
    pub fn says_all_of(&self, op: &Op) -> bool {
        match op {
            Op::Update { path, .. } => !self.covers(path),
            _ => true,
        }
    }

    /// What an update changes may be shown elsewhere: as it was, if somebody has looked it up there, or as it is then. `word`
    /// says whether somebody has, which the model takes over.
    pub fn settle(&mut self, op: &Op, word: &mut dyn FnMut(&RelPathBuf) -> Option<Word>) {
        let Op::Update { path, .. } = op else { return };
        let changed = self.changed_by_update(path);
        for (other, id) in self.untouched_of(&changed).into_iter().filter(|(other, _)| other != path) {
            match (word(&other), id) {
                (Some(Word::Placeholder), None) => {
                    let _ = self.find(&other);
                }
                (Some(Word::Virtual), Some(id)) => {
                    let (origin, number) = (self.item(id).origin.clone(), self.item(id).number);
                    self.remember(origin, number);
                    if let Ok((dir, name)) = self.parent(&other) {
                        self.item(dir).names.remove(name);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the outcome of an operation does not depend on which items are placeholders and which are virtual: a
    /// directory is empty if it has none of the former.
    pub fn is_sure_of(&self, op: &Op) -> bool {
        let (Op::Update { path, .. } | Op::Drop { path, .. }) = op else { return true };
        let Some(id) = self.local_at(path) else {
            // A directory that is virtual yet, with whatever is in it.
            let given = self.home_of(path).and_then(|home| self.projected.get(&home));
            return given.is_none_or(|given| given.info.item_kind() != Kind::Directory);
        };
        let mut unsure = false;
        for shown in view(&self.projected, &self.local, id).into_values() {
            match shown {
                Shown::Virtual(..) => unsure = true,
                Shown::Local(id) => {
                    let item = &self.local.items[id];
                    if item.word() != Word::Placeholder || item.detached {
                        return true;
                    }
                    unsure = true;
                }
            }
        }
        !unsure
    }

    /// What the provider has another version of after an update.
    fn changed_by_update(&self, path: &RelPath) -> RelPathBuf {
        let own = self.local_at(path).map(|id| &self.local.items[id]).filter(|item| !item.full);
        let own = own.and_then(|item| item.origin.clone()).map(OriginBuf::into_path);
        own.or_else(|| self.home_of(path)).unwrap_or_else(|| path.to_owned())
    }

    /// Whether the provider has an item of the other sort at a path, which cannot go.
    fn covers(&self, path: &RelPath) -> bool {
        let changed = self.changed_by_update(path);
        let is_directory = self.local_at(path).is_some_and(|id| self.local.items[id].kind == Kind::Directory);
        let given = self.projected.get(&changed).map(|given| given.info.item_kind() == Kind::Directory);
        match given {
            Some(true) => !is_directory,
            Some(false) if is_directory => self.comes_from(&changed).any(|other| *other != *path),
            Some(false) | None => false,
        }
    }

    /// Where the provider has what is under a path, if the directory is the provider's.
    fn home_of(&self, path: &RelPath) -> Option<RelPathBuf> {
        let (parent, name) = path.split_last()?;
        let mut origin = Some(RelPathBuf::root());
        let mut at = Some(0);
        for name in parent.components() {
            at = at.and_then(|at: Id| self.local.items[at].names.get(name).copied().flatten());
            origin = match at {
                Some(at) => self.local.items[at].origin.clone().map(OriginBuf::into_path),
                None => origin.map(|origin| origin.join(name)),
            };
        }
        Some(origin?.join(name))
    }

    fn local_at(&self, path: &RelPath) -> Option<Id> {
        path.components().try_fold(0, |at: Id, name| self.local.items[at].names.get(name).copied().flatten())
    }

    /// What an update or a deletion is about: the directory, the name in it, and what is there.
    fn overwritten<'a>(
        &mut self,
        path: &'a RelPath,
        flags: UpdateFlags,
        update: bool,
    ) -> Answer<(Id, &'a ItemName, Option<Id>)> {
        let (dir, name) = self.parent(path).map_err(|errno| match errno {
            Errno::INVAL => Errno::INVAL,
            _ => Errno::NOENT,
        })?;
        self.look(dir, name);
        let found = *self.item(dir).names.get(name).ok_or(Errno::NOENT)?;
        let mut needed = UpdateFlags::empty();
        match found.map(|id| &self.local.items[id]) {
            None => needed |= UpdateFlags::ALLOW_TOMBSTONE,
            Some(item) => {
                if item.full {
                    needed |= UpdateFlags::ALLOW_DIRTY_DATA;
                } else if item.dirty {
                    needed |= UpdateFlags::ALLOW_DIRTY_METADATA;
                }
                if item.kind != Kind::Symlink && item.mode & 0o222 == 0 {
                    needed |= UpdateFlags::ALLOW_READ_ONLY;
                }
                if item.names.values().any(Option::is_some) {
                    return Err(Errno::NOTEMPTY);
                }
                if !item.names.is_empty() {
                    if update && !flags.contains(UpdateFlags::ALLOW_TOMBSTONE) {
                        return Err(Errno::NOTEMPTY);
                    }
                    needed |= UpdateFlags::ALLOW_TOMBSTONE;
                }
            }
        }
        if flags.contains(needed) { Ok((dir, name, found)) } else { Err(Errno::PERM) }
    }

    pub(super) fn update(
        &mut self,
        path: &RelPath,
        flags: UpdateFlags,
        info: &PlaceholderInfo,
        data: &[u8],
    ) -> Answer<()> {
        let was_local = self.local_at(path).is_some();
        let (dir, name, found) = self.overwritten(path, flags, true)?;
        let is_directory = found.is_some_and(|id| self.local.items[id].kind == Kind::Directory);
        if let Some(id) = found {
            self.item(id).links -= 1;
            self.leave_to_others(dir, name, id);
        }
        let home = self.home(dir, name);
        let kept =
            found.and_then(|id| self.local.items[id].origin.clone().filter(|_| !self.local.items[id].full));
        let origin = match kept {
            // A directory stays what it is on disk.
            Some(kept) if is_directory => kept,
            Some(kept) if Some(&*kept) != home.as_deref() => {
                // Its other names lead to what it was.
                let parted = found.is_some_and(|id| self.local.items[id].links > 0);
                if parted { OriginBuf::new(kept.into_path(), self.next_life()) } else { kept }
            }
            Some(_) | None => match &home {
                Some(home) => home.clone(),
                None => OriginBuf::new(path.to_owned(), self.next_life()),
            },
        };
        let mut given = Given { info: info.clone(), content: data.to_vec() };
        if is_directory {
            given = Given {
                info: PlaceholderInfo { kind: PlaceholderKind::Directory, ..given.info },
                content: Vec::new(),
            };
        }
        self.projected.set(origin.path().clone(), given.clone());
        match found {
            Some(id) if was_local => self.tell_updated(id, path),
            // What was virtual is of the new version as soon as it is looked at, unless it was listed before.
            Some(id) => {
                let (paths, kind) = (BTreeSet::from([path.to_owned()]), self.item(id).kind);
                self.entries.push(Expected { paths, kind, what: What::Updated, must: Must::Never });
            }
            None => self.tell_path(path, given.info.item_kind(), What::Updated),
        }
        if let Some(id) = found {
            let item = self.item(id);
            let (origin, number) = (item.origin.clone().filter(|_| !item.full), item.number);
            self.remember(origin, number);
        }
        let detached = home.as_deref() != Some(&*origin);
        let mut item = Item { detached, ..Item::given(origin.clone(), &given) };
        item.number = match found {
            Some(id) if is_directory => self.local.items[id].number,
            Some(_) | None => self.numbers.get(&origin).copied(),
        };
        let id = self.add(item);
        self.item(dir).names.insert(name.to_owned(), Some(id));
        // Its directory changes on disk.
        self.item(dir).time = None;
        Ok(())
    }

    pub(super) fn drop_local(&mut self, path: &RelPath, flags: UpdateFlags) -> Answer<()> {
        let (dir, name, found) = self.overwritten(path, flags, false)?;
        match found {
            Some(id) => {
                self.tell_updated(id, path);
                self.forget(dir, name, id);
            }
            None => {
                // What was there is not known any more.
                self.tell_path(path, Kind::File, What::Updated);
                self.item(dir).names.remove(name);
                self.item(dir).time = None;
            }
        }
        Ok(())
    }
}
