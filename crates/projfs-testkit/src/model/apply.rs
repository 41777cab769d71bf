//! What each operation does to the model.

use std::collections::BTreeMap;

use projfs_engine::RenameHow;
use projfs_types::ItemName;
use projfs_types::OriginBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;
use rustix::io::Errno;

use super::Kind;
use super::Model;
use super::Op;
use super::Outcome;
use super::Word;
use super::tree::Id;
use super::tree::Item;
use super::tree::Shown;
use super::tree::view;
use super::version_info;

type Answer<T> = Result<T, Errno>;

impl Model {
    /// Does it, and says what must come of it.
    pub fn apply(&mut self, op: &Op) -> Outcome {
        self.answer(op).unwrap_or_else(Outcome::Failed)
    }

    fn answer(&mut self, op: &Op) -> Answer<Outcome> {
        let done = |()| Outcome::Done;
        match op {
            Op::Create { path, mode } => self.make(path, Item::made(Kind::File, *mode)).map(done),
            Op::Mkdir { path, mode } => self.make(path, Item::made(Kind::Directory, *mode)).map(done),
            Op::Symlink { path, target } => {
                let item = Item { bytes: target.clone(), ..Item::made(Kind::Symlink, 0o777) };
                self.make(path, item).map(done)
            }
            Op::Mkfifo { path } => self.make(path, Item::made(Kind::Special, 0o644)).map(done),
            Op::Write { path, offset, data } => {
                let id = self.convert(path)?;
                self.write(id, *offset, data);
                self.tell_close(id, true);
                Ok(Outcome::Done)
            }
            Op::Truncate { path, size } => {
                let id = self.convert(path)?;
                let item = self.item(id);
                item.bytes.resize(usize::try_from(*size).map_err(|_| Errno::FBIG)?, 0);
                item.time = None;
                Ok(Outcome::Done)
            }
            Op::Chmod { path, mode } => self.soil(path, |item| item.mode = *mode),
            Op::SetTime { path, seconds } => self.soil(path, |item| item.time = Some(*seconds)),
            Op::SetXattr { path, name, value } => {
                self.soil(path, |item| drop(item.xattrs.insert(name.clone(), value.clone())))
            }
            Op::RemoveXattr { path, name } => {
                let id = self.find(path)?;
                if !self.item(id).xattrs.contains_key(name) {
                    return Err(Errno::NODATA);
                }
                self.soil(path, |item| drop(item.xattrs.remove(name)))
            }
            Op::GetXattr { path, name } => {
                let id = self.find(path)?;
                self.item(id).xattrs.get(name).cloned().map(Outcome::Bytes).ok_or(Errno::NODATA)
            }
            Op::ListXattr { path } => {
                let id = self.find(path)?;
                let names = self.item(id).xattrs.keys().flat_map(|name| name.iter().chain(&[0]));
                Ok(Outcome::of_names(&names.copied().collect::<Vec<u8>>()))
            }
            Op::Unlink { path } => self.remove(path, false).map(done),
            Op::Rmdir { path } => self.remove(path, true).map(done),
            Op::Rename { from, to, how } => self.rename(from, to, *how).map(done),
            Op::Link { from, to } => self.link(from, to).map(done),
            Op::Open { slot, path, write } => {
                let _ = self.close(*slot);
                let id = if *write { self.convert(path)? } else { self.hydrate(path)? };
                self.slots.insert(*slot, (id, *write));
                Ok(Outcome::Done)
            }
            Op::ReadSlot { slot } => {
                let (id, _) = *self.slots.get(slot).ok_or(Errno::BADF)?;
                Ok(Outcome::Bytes(self.item(id).bytes.clone()))
            }
            Op::WriteSlot { slot, offset, data } => match self.slots.get(slot) {
                Some(&(id, true)) => {
                    self.write(id, *offset, data);
                    Ok(Outcome::Done)
                }
                Some((_, false)) | None => Err(Errno::BADF),
            },
            Op::Close { slot } => self.close(*slot).map(done),
            Op::Hydrate { path } => self.hydrate_all(path).map(done),
            Op::Dehydrate { path } => self.dehydrate(path, false),
            Op::Discard { path } => self.dehydrate(path, true),
            Op::Update { path, flags, version, mode, data } => {
                self.update(path, *flags, &version_info(*version, *mode, data), data).map(done)
            }
            Op::Drop { path, flags } => self.drop_local(path, *flags).map(done),
            Op::Restart => {
                let open: Vec<_> = self.slots.keys().copied().collect();
                open.into_iter().try_for_each(|slot| self.close(slot)).map(done)
            }
            Op::Stat { path } => {
                let id = self.find(path)?;
                Ok(Outcome::Seen(self.item(id).seen()))
            }
            Op::Read { path } => {
                let id = self.hydrate(path)?;
                Ok(Outcome::Bytes(self.item(id).bytes.clone()))
            }
            Op::ReadLink { path } => {
                let id = self.find(path)?;
                let item = self.item(id);
                let link = item.kind == Kind::Symlink;
                if link { Ok(Outcome::Bytes(item.bytes.clone())) } else { Err(Errno::INVAL) }
            }
            Op::List { path } => self.list(path),
        }
    }

    fn make(&mut self, path: &RelPath, item: Item) -> Answer<()> {
        let (dir, name) = self.parent(path)?;
        if view(&self.projected, &self.local, dir).contains_key(name) {
            return Err(Errno::EXIST);
        }
        self.tell_path(path, item.kind, What::Created);
        let id = self.add(item);
        self.enter(dir, name, id);
        Ok(())
    }

    fn close(&mut self, slot: usize) -> Answer<()> {
        let (id, write) = self.slots.remove(&slot).ok_or(Errno::BADF)?;
        self.tell_close(id, write);
        Ok(())
    }

    /// A name now leads to an item.
    fn enter(&mut self, dir: Id, name: &ItemName, id: Id) {
        self.touch(dir);
        self.item(dir).names.insert(name.to_owned(), Some(id));
    }

    fn touch(&mut self, dir: Id) {
        self.item(dir).soil();
        self.item(dir).time = None;
    }

    fn write(&mut self, id: Id, offset: u64, data: &[u8]) {
        let item = self.item(id);
        let start = usize::try_from(offset).unwrap_or(0);
        let end = start + data.len();
        if item.bytes.len() < end {
            item.bytes.resize(end, 0);
        }
        item.bytes[start..end].copy_from_slice(data);
        item.time = None;
    }

    /// A file's content is about to change.
    fn convert(&mut self, path: &RelPath) -> Answer<Id> {
        let id = self.file(path)?;
        if !self.item(id).full {
            self.tell(id, path, What::Converted);
        }
        self.tell(id, path, What::Modified);
        let item = self.item(id);
        item.full = true;
        item.dirty = false;
        Ok(id)
    }

    fn hydrate(&mut self, path: &RelPath) -> Answer<Id> {
        let id = self.file(path)?;
        let item = self.item(id);
        item.hydrated |= !item.full;
        Ok(id)
    }

    fn file(&mut self, path: &RelPath) -> Answer<Id> {
        let id = self.find(path)?;
        match self.item(id).kind {
            Kind::File => Ok(id),
            Kind::Directory => Err(Errno::ISDIR),
            Kind::Symlink | Kind::Special => Err(Errno::INVAL),
        }
    }

    fn soil(&mut self, path: &RelPath, change: impl FnOnce(&mut Item)) -> Answer<Outcome> {
        let id = self.find(path)?;
        self.tell(id, path, What::Metadata);
        let item = self.item(id);
        item.soil();
        change(item);
        Ok(Outcome::Done)
    }

    fn remove(&mut self, path: &RelPath, directory: bool) -> Answer<()> {
        let (dir, name) = self.parent(path)?;
        let id = self.look(dir, name).ok_or(Errno::NOENT)?;
        match (directory, self.item(id).kind == Kind::Directory) {
            (false, true) => return Err(Errno::ISDIR),
            (true, false) => return Err(Errno::NOTDIR),
            (true, true) if !self.is_empty(id) => return Err(Errno::NOTEMPTY),
            _ => {}
        }
        let kind = self.item(id).kind;
        self.tell_path(path, kind, What::Deleted);
        self.touch(dir);
        self.item(id).links -= 1;
        self.leave_to_others(dir, name, id);
        self.leave(dir, name);
        Ok(())
    }

    fn is_empty(&self, dir: Id) -> bool {
        view(&self.projected, &self.local, dir).is_empty()
    }

    fn rename(&mut self, from: &RelPath, to: &RelPath, how: RenameHow) -> Answer<()> {
        let (from_dir, from_name) = self.parent(from)?;
        let (to_dir, to_name) = self.parent(to)?;
        let source = self.look(from_dir, from_name).ok_or(Errno::NOENT)?;
        let target = self.look(to_dir, to_name);
        let below = |path: &RelPath, other: &RelPath| path != other && path.starts_with(other);
        match (how, target) {
            (RenameHow::NoReplace, Some(_)) => return Err(Errno::EXIST),
            (RenameHow::Exchange, None) => return Err(Errno::NOENT),
            _ if below(to, from) => return Err(Errno::INVAL),
            (RenameHow::Exchange, _) if below(from, to) => return Err(Errno::INVAL),
            (RenameHow::Replace, _) if below(from, to) => return Err(Errno::NOTEMPTY),
            (_, Some(target)) if target == source => return Ok(()),
            (RenameHow::Replace, Some(target)) => {
                let is_directory = |id: Id| self.local.items[id].kind == Kind::Directory;
                match (is_directory(source), is_directory(target)) {
                    (true, false) => return Err(Errno::NOTDIR),
                    (false, true) => return Err(Errno::ISDIR),
                    (true, true) if !self.is_empty(target) => return Err(Errno::NOTEMPTY),
                    _ => self.item(target).links -= 1,
                }
            }
            _ => {}
        }
        let kind = self.item(source).kind;
        let what = match how {
            RenameHow::Exchange => What::Exchanged { with: to.to_owned() },
            RenameHow::Replace | RenameHow::NoReplace => What::Renamed { to: to.to_owned() },
        };
        self.tell_path(from, kind, what);
        self.touch(from_dir);
        self.touch(to_dir);
        self.item(source).detached = true;
        self.leave_home(from_dir, from_name, source);
        match (how, target) {
            (RenameHow::Exchange, Some(target)) => self.leave_home(to_dir, to_name, target),
            (RenameHow::Replace, Some(target)) => self.leave_to_others(to_dir, to_name, target),
            (RenameHow::Exchange | RenameHow::Replace | RenameHow::NoReplace, _) => {}
        }
        self.leave(from_dir, from_name);
        self.enter(to_dir, to_name, source);
        if let (RenameHow::Exchange, Some(target)) = (how, target) {
            self.item(target).detached = true;
            self.enter(from_dir, from_name, target);
        }
        Ok(())
    }

    fn link(&mut self, from: &RelPath, to: &RelPath) -> Answer<()> {
        let source = self.find(from)?;
        let (dir, name) = self.parent(to)?;
        if view(&self.projected, &self.local, dir).contains_key(name) {
            return Err(Errno::EXIST);
        }
        let item = self.item(source);
        match item.kind {
            Kind::Directory => return Err(Errno::PERM),
            Kind::File => item.hydrated |= !item.full,
            Kind::Symlink | Kind::Special => {}
        }
        item.detached = true;
        self.tell(source, from, What::Linked { to: to.to_owned() });
        let item = self.item(source);
        item.links += 1;
        item.was_linked = true;
        self.enter(dir, name, source);
        Ok(())
    }

    fn hydrate_all(&mut self, path: &RelPath) -> Answer<()> {
        let id = self.find(path)?;
        match self.item(id).kind {
            Kind::File => self.hydrate(path).map(drop),
            Kind::Directory => {
                let names: Vec<_> = view(&self.projected, &self.local, id).into_keys().collect();
                names.iter().try_for_each(|name| self.hydrate_all(&path.join(name)))
            }
            Kind::Symlink | Kind::Special => Ok(()),
        }
    }

    fn dehydrate(&mut self, path: &RelPath, discard: bool) -> Answer<Outcome> {
        let mut kept = Vec::new();
        if path.is_root() {
            self.dehydrate_below(0, path, discard, &mut kept);
            kept.sort();
            return Ok(Outcome::Kept(kept));
        }
        let (dir, name) = self.parent(path)?;
        let found = view(&self.projected, &self.local, dir).remove(name).ok_or(Errno::NOENT)?;
        if let Shown::Local(id) = found {
            self.dehydrate_item(dir, name, id, (path, discard), &mut kept);
        }
        kept.sort();
        Ok(Outcome::Kept(kept))
    }

    fn dehydrate_item(
        &mut self,
        dir: Id,
        name: &ItemName,
        id: Id,
        (path, discard): (&RelPath, bool),
        kept: &mut Vec<RelPathBuf>,
    ) {
        let beneath = self.beneath(dir, name);
        let home = self.home(dir, name);
        let item = self.item(id);
        // Whatever has left and come back since.
        let at_home = home.is_some() && item.origin.as_deref() == home.as_deref();
        match item.word() {
            _ if item.kind == Kind::Directory => self.dehydrate_below(id, path, discard, kept),
            _ if discard && (at_home && !item.full || beneath) => {
                self.tell_updated(id, path);
                self.forget(dir, name, id);
            }
            _ if discard => kept.push(path.to_owned()),
            Word::Full | Word::Dirty => kept.push(path.to_owned()),
            Word::Hydrated | Word::Placeholder if at_home && item.links > 1 => kept.push(path.to_owned()),
            Word::Hydrated | Word::Placeholder if at_home => {
                self.tell_updated(id, path);
                self.forget(dir, name, id);
            }
            Word::Hydrated => kept.push(path.to_owned()),
            Word::Placeholder | Word::Virtual | Word::Tombstone => {}
        }
    }

    /// An item has lost a name, and goes on if it has others.
    pub(super) fn leave_to_others(&mut self, dir: Id, name: &ItemName, id: Id) {
        if self.item(id).links > 0 && self.item(id).kind != Kind::Directory {
            self.leave_home(dir, name, id);
        }
    }

    /// What is local under a name goes, and what the provider has there is virtual again.
    pub(super) fn forget(&mut self, dir: Id, name: &ItemName, id: Id) {
        let item = self.item(id);
        item.links -= 1;
        let (origin, number) = (item.origin.clone(), item.number);
        self.remember(origin, number);
        self.leave_to_others(dir, name, id);
        self.item(dir).names.remove(name);
        // Its directory changes on disk.
        self.item(dir).time = None;
    }

    /// What is projected has the number that it had before. An item that was made here and is the provider's by now has
    /// one of its own, without the topmost bit.
    pub(super) fn remember(&mut self, origin: Option<OriginBuf>, number: Option<u64>) {
        if let (Some(origin), Some(number)) = (origin, number.filter(|number| number >> 63 == 1)) {
            self.numbers.entry(origin).or_insert(number);
        }
    }

    /// What is on disk: a placeholder that is clean and was never elsewhere is not.
    fn dehydrate_below(&mut self, dir: Id, path: &RelPath, discard: bool, kept: &mut Vec<RelPathBuf>) {
        for (name, id) in self.local.items[dir].names.clone() {
            let Some(id) = id else { continue };
            let item = self.item(id);
            if item.kind == Kind::Directory || item.word() != Word::Placeholder || item.detached {
                self.dehydrate_item(dir, &name, id, (&path.join(&name), discard), kept);
            }
        }
    }

    fn list(&mut self, path: &RelPath) -> Answer<Outcome> {
        let id = self.find(path)?;
        if self.item(id).kind != Kind::Directory {
            return Err(Errno::NOTDIR);
        }
        let mut listed = BTreeMap::new();
        for (name, shown) in view(&self.projected, &self.local, id) {
            let seen = match shown {
                Shown::Local(id) => self.local.items[id].seen(),
                Shown::Virtual(origin, given) => self.virtual_seen(&origin, &given),
            };
            listed.insert(name.as_bytes().to_vec(), seen);
        }
        Ok(Outcome::Listed(listed))
    }
}
