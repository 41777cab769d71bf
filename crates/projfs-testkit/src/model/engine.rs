//! `EngineSubject`: an engine as the subject of a model run.

use std::collections::BTreeMap;
use std::time::Duration;

use projfs_engine::Access;
use projfs_engine::AttributeChange;
use projfs_engine::CancelToken;
use projfs_engine::Context;
use projfs_engine::DirEntry;
use projfs_engine::DirSink;
use projfs_engine::Engine;
use projfs_engine::Entry;
use projfs_engine::Error;
use projfs_engine::HandleId;
use projfs_engine::KernelCache;
use projfs_engine::NewItem;
use projfs_engine::NewKind;
use projfs_engine::OpenHow;
use projfs_engine::Opened;
use projfs_engine::Options;
use projfs_engine::Patience;
use projfs_engine::RemoveKind;
use projfs_engine::SetAttributes;
use projfs_engine::Since;
use projfs_engine::Time;
use projfs_provider::Adapter;
use projfs_provider::CommandHandler;
use projfs_store::Journal;
use projfs_store::MemoryJournal;
use projfs_store::MemoryStore;
use projfs_store::Store;
use projfs_sync::Arc;
use projfs_types::Caller;
use projfs_types::Cursor;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::JournalEntry;
use projfs_types::NodeId;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::io::Errno;

use super::Kind;
use super::Op;
use super::Outcome;
use super::Seen;
use super::Subject;
use super::Word;
use super::errno::errno_of;
use super::version_info;
use crate::projection::Projection;

type Answer<T> = Result<T, Errno>;

/// How a stop waits for the provider.
const GRACE: Duration = Duration::from_secs(5);

/// Opens a store and its journal: each time the same content.
pub type OpenStore = Box<dyn FnMut() -> (Arc<dyn Store>, Arc<dyn Journal>) + Send>;

/// An engine on a store.
pub struct EngineSubject {
    engine: Arc<Engine>,
    /// Nothing if others use the engine too.
    own: Option<(OpenStore, Arc<dyn CommandHandler>)>,
    patience: CancelToken,
    slots: BTreeMap<usize, HandleId>,
    /// What was not yet asked of the journal begins here.
    told: Cursor,
    /// Where contents of new versions go.
    projection: Projection,
}

/// A kernel that keeps nothing.
struct NoCache;

impl KernelCache for NoCache {
    fn entry_changed(&self, _parent: NodeId, _name: &ItemName) {}
    fn attributes_changed(&self, _node: NodeId) {}
    fn content_changed(&self, _node: NodeId) {}
}

impl EngineSubject {
    /// Starts an engine.
    ///
    /// # Errors
    /// The engine's.
    pub fn start(mut store: OpenStore, projection: &Projection) -> Result<Self, Error> {
        let handler: Arc<dyn CommandHandler> = Arc::new(Adapter::new(projection.clone()));
        let engine = begin(&mut store, &handler)?;
        let mut subject = Self::new(engine, projection.clone());
        subject.own = Some((store, handler));
        Ok(subject)
    }

    /// One of several on one engine, which is never started again.
    pub fn sharing(other: &Self) -> Self {
        Self::new(Arc::clone(&other.engine), other.projection.clone())
    }

    /// One on an engine that somebody else started, and projects something of their own.
    pub fn on(engine: Arc<Engine>) -> Self {
        Self::new(engine, Projection::default())
    }

    fn new(engine: Arc<Engine>, projection: Projection) -> Self {
        let told = engine.journal().end();
        Self { engine, own: None, patience: CancelToken::new(), slots: BTreeMap::new(), told, projection }
    }

    /// The engine that runs now.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn context(&self) -> Context<'_> {
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        Context { caller, patience: Patience::Until(&self.patience), request: 0 }
    }

    /// Looks up each name on the way, and forgets all of them again.
    fn with<T>(&self, path: &RelPath, act: impl FnOnce(NodeId, &Context<'_>) -> Answer<T>) -> Answer<T> {
        let context = self.context();
        let mut entered = vec![NodeId::ROOT];
        let mut walk = || {
            for name in path.components() {
                let dir = *entered.last().ok_or(Errno::NOENT)?;
                let entry = self.engine.lookup(&context, dir, name).map_err(|error| errno_of(&error))?;
                entered.push(entry.ok_or(Errno::NOENT)?.node);
            }
            entered.last().copied().ok_or(Errno::NOENT)
        };
        let result = walk().and_then(|node| act(node, &context));
        for node in entered {
            self.engine.forget(node, 1);
        }
        result
    }

    fn in_parent<T>(
        &self,
        path: &RelPath,
        act: impl FnOnce(NodeId, &ItemName, &Context<'_>) -> Result<T, Error>,
    ) -> Answer<T> {
        let (parent, name) = path.split_last().ok_or(Errno::INVAL)?;
        self.with(parent, |dir, context| act(dir, name, context).map_err(|error| errno_of(&error)))
    }

    fn at<T>(&self, path: &RelPath, act: impl FnOnce(NodeId, &Context<'_>) -> Result<T, Error>) -> Answer<T> {
        self.with(path, |node, context| act(node, context).map_err(|error| errno_of(&error)))
    }

    fn make(&self, path: &RelPath, kind: NewKind, permissions: u32) -> Answer<Outcome> {
        let new = NewItem { kind, permissions, uid: 0, gid: 0 };
        let entry = self.in_parent(path, |dir, name, context| self.engine.make(context, dir, name, &new))?;
        self.engine.forget(entry.node, 1);
        Ok(Outcome::Done)
    }

    fn set(&self, path: &RelPath, change: &SetAttributes) -> Answer<Outcome> {
        self.at(path, |node, context| self.engine.set_attributes(context, node, None, change))?;
        Ok(Outcome::Done)
    }

    fn open(&self, path: &RelPath, access: Access) -> Answer<Opened> {
        let how = OpenHow { access, truncate: false };
        self.at(path, |node, context| self.engine.open(context, node, how))
    }

    fn contents(&self, handle: HandleId) -> Answer<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 64];
        loop {
            let read = self.engine.read(&self.context(), handle, bytes.len() as u64, &mut buffer);
            match read.map_err(|error| errno_of(&error))? {
                0 => return Ok(bytes),
                read => bytes.extend_from_slice(&buffer[..read]),
            }
        }
    }

    fn write(&self, handle: HandleId, offset: u64, data: &[u8]) -> Answer<()> {
        self.engine.write(&self.context(), handle, offset, data).map_err(|error| errno_of(&error))
    }

    fn close(&mut self, slot: usize) -> Answer<Outcome> {
        let handle = self.slots.remove(&slot).ok_or(Errno::BADF)?;
        self.engine.release(&self.context(), handle);
        Ok(Outcome::Done)
    }

    fn answer(&mut self, op: &Op) -> Answer<Outcome> {
        match op {
            Op::Create { path, mode } => self.make(path, NewKind::File, *mode),
            Op::Mkdir { path, mode } => self.make(path, NewKind::Directory, *mode),
            Op::Symlink { path, target } => {
                self.make(path, NewKind::Symlink { target: target.clone().into() }, 0o777)
            }
            Op::Mkfifo { path } => {
                self.make(path, NewKind::Special { type_bits: 0o010_000, device: (0, 0) }, 0o644)
            }
            Op::Write { path, offset, data } => {
                let opened = self.open(path, Access::ReadWrite)?;
                let written = self.write(opened.handle, *offset, data);
                self.engine.release(&self.context(), opened.handle);
                written.map(|()| Outcome::Done)
            }
            Op::Truncate { path, size } => {
                self.set(path, &SetAttributes { size: Some(*size), ..SetAttributes::default() })
            }
            Op::Chmod { path, mode } => self.set(path, &permissions(*mode)),
            Op::SetTime { path, seconds } => self.set(path, &write_time(*seconds)),
            Op::SetXattr { path, name, value } => {
                self.at(path, |node, context| self.engine.set_xattr(context, node, name, value, 0))?;
                Ok(Outcome::Done)
            }
            Op::RemoveXattr { path, name } => {
                self.at(path, |node, context| self.engine.remove_xattr(context, node, name))?;
                Ok(Outcome::Done)
            }
            Op::GetXattr { path, name } => {
                self.at(path, |node, context| self.engine.get_xattr(context, node, name)).map(Outcome::Bytes)
            }
            Op::Unlink { path } => self.remove(path, RemoveKind::NotDirectory),
            Op::Rmdir { path } => self.remove(path, RemoveKind::Directory),
            Op::Rename { from, to, how } => {
                let (from_parent, from_name) = from.split_last().ok_or(Errno::INVAL)?;
                self.with(from_parent, |from_dir, context| {
                    // The kernel walks the first path to its end before it begins the second.
                    let stat = self.engine.attributes(context, from_dir).map_err(|error| errno_of(&error))?;
                    if stat.kind() != Kind::Directory {
                        return Err(Errno::NOTDIR);
                    }
                    self.in_parent(to, |dir, name, context| {
                        self.engine.rename(context, (from_dir, from_name), (dir, name), *how)
                    })
                })?;
                Ok(Outcome::Done)
            }
            Op::Link { from, to } => {
                let entry = self.with(from, |node, _| {
                    self.in_parent(to, |dir, name, context| self.engine.link(context, node, dir, name))
                });
                // The kernel does not even ask for a second name of a directory.
                let entry = entry.map_err(|errno| if errno == Errno::ISDIR { Errno::PERM } else { errno })?;
                self.engine.forget(entry.node, 1);
                Ok(Outcome::Done)
            }
            Op::Open { slot, path, write } => {
                let _ = self.close(*slot);
                let opened = self.open(path, if *write { Access::ReadWrite } else { Access::Read })?;
                self.slots.insert(*slot, opened.handle);
                Ok(Outcome::Done)
            }
            Op::ReadSlot { slot } => {
                self.contents(*self.slots.get(slot).ok_or(Errno::BADF)?).map(Outcome::Bytes)
            }
            Op::WriteSlot { slot, offset, data } => {
                self.write(*self.slots.get(slot).ok_or(Errno::BADF)?, *offset, data).map(|()| Outcome::Done)
            }
            Op::Close { slot } => self.close(*slot),
            Op::Hydrate { path } => {
                let hydrated = self.engine.hydrate_path(&self.context(), path, &mut |_| ());
                hydrated.map(|()| Outcome::Done).map_err(|error| errno_of(&error))
            }
            Op::Dehydrate { path } => self.dehydrate(path, false),
            Op::Discard { path } => self.dehydrate(path, true),
            Op::Update { path, flags, version, mode, data } => {
                let info = version_info(*version, *mode, data);
                self.projection.offer(&info.version, data);
                let _ = self.at(path, |_, _| Ok(()));
                let updated = self.engine.update(&self.context(), path, &info, *flags);
                self.engine.clear_negative_path_cache();
                updated.map(|_| Outcome::Done).map_err(|error| errno_of(&error))
            }
            Op::Drop { path, flags } => {
                let _ = self.at(path, |_, _| Ok(()));
                let dropped = self.engine.delete(&self.context(), path, *flags);
                dropped.map(|()| Outcome::Done).map_err(|error| errno_of(&error))
            }
            Op::Restart => {
                for handle in std::mem::take(&mut self.slots).into_values() {
                    self.engine.release(&self.context(), handle);
                }
                if let Some((store, handler)) = &mut self.own {
                    self.engine.stop(GRACE);
                    // The store is closed before it is opened again.
                    let mut nothing: OpenStore =
                        Box::new(|| (Arc::new(MemoryStore::new()), Arc::new(MemoryJournal::new())));
                    self.engine = begin(&mut nothing, handler).map_err(|error| errno_of(&error))?;
                    self.engine = begin(store, handler).map_err(|error| errno_of(&error))?;
                }
                Ok(Outcome::Done)
            }
            Op::Stat { path } => {
                let stat = self.at(path, |node, context| self.engine.attributes(context, node))?;
                Ok(Outcome::Seen(seen(&stat)))
            }
            Op::Read { path } => {
                let opened = self.open(path, Access::Read)?;
                let bytes = self.contents(opened.handle);
                self.engine.release(&self.context(), opened.handle);
                bytes.map(Outcome::Bytes)
            }
            Op::ReadLink { path } => {
                let target = self.at(path, |node, context| self.engine.read_link(context, node))?;
                Ok(Outcome::Bytes(target.into()))
            }
            Op::List { path } => self.list(path).map(Outcome::Listed),
        }
    }

    fn dehydrate(&self, path: &RelPath, discard: bool) -> Answer<Outcome> {
        let mut kept = Vec::new();
        let mut report = |path: &RelPath, result: Result<(), Error>| {
            if result.is_err() {
                kept.push(path.to_owned());
            }
        };
        let done = self.engine.dehydrate_path(&self.context(), path, discard, &mut report);
        kept.sort();
        done.map(|()| Outcome::Kept(kept)).map_err(|error| errno_of(&error))
    }

    fn remove(&self, path: &RelPath, kind: RemoveKind) -> Answer<Outcome> {
        self.in_parent(path, |dir, name, context| self.engine.remove(context, dir, name, kind))?;
        Ok(Outcome::Done)
    }

    /// Lists a few entries at a time, as the kernel does.
    fn list(&self, path: &RelPath) -> Answer<BTreeMap<Vec<u8>, Seen>> {
        self.with(path, |node, context| {
            let mut listed = BTreeMap::new();
            let mut cookie = 0;
            loop {
                let mut page = Page { left: 7, entries: Vec::new() };
                let read = self.engine.read_dir(context, node, cookie, true, &mut page);
                read.map_err(|error| errno_of(&error))?;
                let Some((.., last)) = page.entries.last() else { return Ok(listed) };
                cookie = *last;
                for (name, entry, _) in page.entries {
                    let Some(Entry { node, stat }) = entry else { continue };
                    self.engine.forget(node, 1);
                    assert!(listed.insert(name, seen(&stat)).is_none(), "{path} lists a name twice");
                }
            }
        })
    }
}

impl Subject for EngineSubject {
    fn apply(&mut self, op: &Op) -> Outcome {
        self.answer(op).unwrap_or_else(Outcome::Failed)
    }

    fn word(&mut self, path: &RelPathBuf) -> Option<Word> {
        self.engine.state(&self.context(), path).ok().map(|state| state.word)
    }

    fn entries(&mut self) -> Vec<JournalEntry> {
        match self.engine.changes(self.told, usize::MAX).map(|changes| changes.since) {
            Ok(Since::Entries { entries, next }) => {
                self.told = next;
                entries
            }
            told => panic!("the journal does not go on from {}: {told:?}", self.told),
        }
    }
}

impl Drop for EngineSubject {
    fn drop(&mut self) {
        for handle in std::mem::take(&mut self.slots).into_values() {
            self.engine.release(&self.context(), handle);
        }
        if self.own.is_some() {
            self.engine.stop(GRACE);
        }
    }
}

fn begin(store: &mut OpenStore, handler: &Arc<dyn CommandHandler>) -> Result<Arc<Engine>, Error> {
    let (store, journal) = store();
    let options = Options { provider_threads: 2, open_files: 3, ..Options::default() };
    Ok(Arc::new(Engine::start(store, journal, Arc::clone(handler), Arc::new(NoCache), options)?))
}

fn permissions(mode: u32) -> SetAttributes {
    let others = AttributeChange { permissions: Some(mode), ..AttributeChange::default() };
    SetAttributes { others, ..SetAttributes::default() }
}

fn write_time(seconds: i64) -> SetAttributes {
    let write = Some(Time::At(Timestamp::from_seconds(seconds)));
    SetAttributes {
        others: AttributeChange { write, ..AttributeChange::default() },
        ..SetAttributes::default()
    }
}

fn seen(stat: &Stat) -> Seen {
    let kind = stat.kind();
    Seen {
        kind,
        mode: (kind != Kind::Symlink).then_some(stat.mode & mode::PERMISSIONS),
        size: (kind != Kind::Directory).then_some(stat.size),
        links: (kind != Kind::Directory).then_some(stat.links),
        time: Some(stat.times.write.seconds),
        number: Some(stat.number.0),
    }
}

/// A few entries of a listing.
struct Page {
    left: usize,
    entries: Vec<(Vec<u8>, Option<Entry>, u64)>,
}

impl DirSink for Page {
    fn fits(&self, _name_length: usize) -> bool {
        self.left > 0
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        self.left -= 1;
        debug_assert!(matches!(entry.name, b"." | b"..") || ItemNameBuf::new(entry.name).is_ok());
        self.entries.push((entry.name.to_vec(), entry.entry, entry.cookie));
    }
}
