//! Making items.

use projfs_provider::Closed;
use projfs_provider::NameChange;
use projfs_store::Access;
use projfs_store::Created;
use projfs_store::NewItem;
use projfs_store::NewKind;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::What;

use super::open::OpenHow;
use super::open::Opened;
use crate::Engine;
use crate::engine::Entry;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Links;
use crate::node::table::Prepared;
use crate::node::table::Seen;
use crate::notify::Visit;
use crate::port::Context;
use crate::transition::Beneath;

impl Engine {
    /// Makes a directory, symbolic link, FIFO, socket, device or empty file.
    ///
    /// # Errors
    /// `Exists` also if only the provider has the name; `Reserved`; the provider's, when asked whether it has the name: it
    /// can refuse the name that way; the store's.
    pub fn make(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        new: &NewItem,
    ) -> Result<Entry> {
        let mut visit = self.visit_new(context, parent, name, kind_of(new))?;
        let entry = self.create_with(context, parent, name, new, |entry, _| entry)?;
        self.tell_created(context, &mut visit, &entry);
        self.end_visit(context, visit, Closed::Unmodified);
        Ok(entry)
    }

    /// Makes a file and opens it. If it exists and `exclusive` is not asked for, it is opened.
    ///
    /// # Errors
    /// Those of [`make`](Self::make) and [`open`](Self::open).
    pub fn create(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        new: &NewItem,
        how: OpenHow,
        exclusive: bool,
    ) -> Result<(Entry, Opened)> {
        let mut visit = self.visit_new(context, parent, name, ItemKind::File)?;
        loop {
            let made = self.create_with(context, parent, name, new, |entry, created| {
                let opened = self.opened(context, entry.node, how.access, entry.stat.mode);
                if let Some(file) = created.file {
                    self.files.insert(entry.node, file, Access::ReadWrite);
                }
                (entry, opened)
            });
            match made {
                Err(error) if error.kind == ErrorKind::Exists && !exclusive => {}
                made => {
                    let (entry, opened) = made?;
                    self.tell_created(context, &mut visit, &entry);
                    let how = OpenHow { truncate: false, ..how };
                    self.keep_visit(context, visit, opened.handle, how);
                    return Ok((entry, opened));
                }
            }
            // It may be gone again by now: then it is made after all.
            if let Some(entry) = self.lookup(context, parent, name)? {
                let opened = self.open(context, entry.node, how);
                if opened.is_err() {
                    self.forget(entry.node, 1);
                }
                return Ok((entry, opened?));
            }
        }
    }

    /// Makes a file without a name and opens it (`O_TMPFILE`).
    ///
    /// # Errors
    /// The store's.
    pub fn create_nameless(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        new: &NewItem,
        access: Access,
    ) -> Result<(Entry, Opened)> {
        self.nodes.view(parent)?;
        let (trash, created) = self.store.create_nameless(new)?;
        let stat = created.item.stat;
        let node = self.nodes.insert_nameless(stat.number, trash, 1);
        let opened = self.opened(context, node, access, stat.mode);
        if let Some(file) = created.file {
            self.files.insert(node, file, Access::ReadWrite);
        }
        Ok((Entry { node, stat }, opened))
    }

    /// Tells that an item was made.
    pub(super) fn tell_created(&self, context: &Context<'_>, visit: &mut Option<Visit>, entry: &Entry) {
        let Some(visited) = visit else { return };
        visited.node = entry.node;
        let kind = entry.stat.kind();
        self.tell_changed(context, visit, NotifyMask::NEW_FILE_CREATED, NameChange::Created { kind });
    }

    fn create_with<T>(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        new: &NewItem,
        then: impl FnOnce(Entry, Created) -> T,
    ) -> Result<T> {
        let kind = kind_of(new);
        let mut free = None;
        loop {
            self.free_name(context, parent, name, &mut free)?;
            self.prepare(context, parent, Prepared::Dirty)?;
            let _held = self.locks.change(&[parent]);
            let dir = self.nodes.view(parent)?;
            if dir.prepared < Prepared::Dirty || !self.is_free(&dir, name, &mut free)? {
                continue;
            }
            let path = dir.path.join(name);
            self.record(context, path, kind, What::Created)?;
            let created = self.store.create(&dir.path, name, new)?;
            self.appeared(&dir, name);
            self.nodes.changed(parent);
            let stat = created.item.stat.clone();
            let seen = Seen {
                parent,
                name,
                number: stat.number,
                kind,
                links: Links::One,
                projection: None,
                prepared: Prepared::Dirty,
            };
            let node = self.nodes.insert(seen, 1);
            return Ok(then(Entry { node, stat }, created));
        }
    }

    /// Makes sure, asking the provider if need be, that nothing has a name. `free` remembers what it said.
    pub(super) fn free_name(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        free: &mut Option<Beneath>,
    ) -> Result<()> {
        if Self::is_reserved(parent, name) {
            return Err(ErrorKind::Reserved.into());
        }
        let spelled = self.spelling(context, parent, name)?;
        let (dir, under) = {
            let _held = self.locks.look(parent);
            let dir = self.nodes.view(parent)?;
            let under = self.under(&dir, &spelled)?;
            if *spelled != *name && under.kind().is_none() {
                // A tombstone of another spelling: it hides what the provider has.
                *free = Some(Beneath::Nothing);
            }
            (dir, under)
        };
        match under {
            Under::Unknown { .. } if *free != Some(Beneath::Nothing) => {
                match self.describe(context, &dir, name)? {
                    None => *free = Some(Beneath::Nothing),
                    Some(_) => return Err(Error::new(ErrorKind::Exists, &dir.path.join(name))),
                }
                Ok(())
            }
            under if under.kind().is_some() => Err(Error::new(ErrorKind::Exists, &dir.path.join(name))),
            _ => Ok(()),
        }
    }

    /// Whether nothing has a name, as far as is known by now; false if the provider must be asked again.
    pub(super) fn is_free(&self, dir: &DirView, name: &ItemName, free: &mut Option<Beneath>) -> Result<bool> {
        if self.is_taken_otherwise(dir, name)? {
            return Err(Error::new(ErrorKind::Exists, &dir.path.join(name)));
        }
        let under = self.under(dir, name)?;
        match under {
            Under::Unknown { .. } => Ok(free.is_some()),
            under if under.kind().is_some() => Err(Error::new(ErrorKind::Exists, &dir.path.join(name))),
            _ => Ok(true),
        }
    }
}

fn kind_of(new: &NewItem) -> ItemKind {
    match new.kind {
        NewKind::File => ItemKind::File,
        NewKind::Directory => ItemKind::Directory,
        NewKind::Symlink { .. } => ItemKind::Symlink,
        NewKind::Special { .. } => ItemKind::Special,
    }
}
