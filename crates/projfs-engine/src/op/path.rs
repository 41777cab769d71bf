//! Operations by path, for those who stand beside the mount: states, hydration, dehydration.

use std::fmt;

use projfs_provider::CancelToken;
use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::NodeId;
use projfs_types::OriginBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::SymlinkState;
use projfs_types::VersionInfo;

use super::dir::DirEntry;
use super::dir::DirSink;
use crate::Engine;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::port::Context;
use crate::transition::Event;

/// The state of an item, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StateWord {
    /// Only the provider has it.
    Virtual,
    /// Its metadata is known locally.
    Placeholder,
    /// Its content is known locally too, and the provider's.
    Hydrated,
    /// Its metadata was changed locally.
    Dirty,
    /// It is local.
    Full,
    /// It was deleted locally.
    Tombstone,
}

/// The state of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathState {
    /// In a word.
    pub word: StateWord,
    /// Of what is still the provider's: which version it is.
    pub version: Option<VersionInfo>,
    /// Of what is still the provider's: what the provider calls it.
    pub origin: Option<RelPathBuf>,
}

impl Engine {
    /// The state of the item at a path. Nothing changes by asking.
    ///
    /// # Errors
    /// `NotFound`; the provider's, the store's.
    pub fn state(&self, context: &Context<'_>, path: &RelPath) -> Result<PathState> {
        let Some((parent, name)) = path.split_last() else {
            let origin = Some(RelPathBuf::root());
            return Ok(PathState { word: StateWord::Placeholder, version: None, origin });
        };
        let (dir, name, under) = self.under_name(context, parent, name)?;
        let not_found = || Error::new(ErrorKind::NotFound, path);
        if let Under::Unknown { origin } = &under {
            let info = self.describe(context, &dir, &name)?.ok_or_else(not_found)?;
            let (version, origin) = (Some(info.version), Some(origin.path().clone()));
            return Ok(PathState { word: StateWord::Virtual, version, origin });
        }
        let state = under.state().ok_or_else(not_found)?;
        let projected = state.projected();
        Ok(PathState {
            word: StateWord::of(&state),
            version: projected.map(|projected| projected.version.clone()),
            origin: projected
                .and_then(|projected| self.origin_path(&dir, &name, &projected.origin))
                .map(OriginBuf::into_path),
        })
    }

    /// Hydrates the file at a path, or every file below it; `done` hears of each.
    ///
    /// # Errors
    /// `NotFound`; the provider's, the store's. It ends with the first.
    pub fn hydrate_path(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        done: &mut dyn FnMut(&RelPath),
    ) -> Result<()> {
        self.at_path(context, path, |node| self.hydrate_node(context, node, path, done))
    }

    /// Tells the provider that everything at and below these paths is about to be asked for, and waits until it is ready.
    /// What is not the provider's is passed over; what it cannot get ready is found out when it is asked for.
    pub fn prefetch(&self, context: &Context<'_>, paths: &[RelPathBuf], cancel: &CancelToken) {
        let origins: Vec<_> =
            paths.iter().filter_map(|path| self.origin(context, path).ok().flatten()).collect();
        if origins.is_empty() {
            return;
        }
        if let Err(error) = self.commands.handler().prefetch(&origins, cancel) {
            tracing::warn!(%error, "nothing was fetched ahead");
        }
    }

    /// What the provider calls the item at a path, if it has one there. It is asked for the directories on the way only:
    /// to say what an item is may take what is about to be fetched.
    fn origin(&self, context: &Context<'_>, path: &RelPath) -> Result<Option<RelPathBuf>> {
        let Some((parent, name)) = path.split_last() else { return Ok(Some(RelPathBuf::root())) };
        let (dir, name, under) = self.under_name(context, parent, name)?;
        let origin = match under {
            Under::Nothing => None,
            Under::Unknown { origin } | Under::Noted { origin, .. } => Some(origin),
            Under::OnDisk(item) => {
                let projected = item.state.projected();
                projected.and_then(|projected| self.origin_path(&dir, &name, &projected.origin))
            }
        };
        Ok(origin.map(OriginBuf::into_path))
    }

    /// What is under a name of the directory at a path, with the directory, and the name as it is spelled there.
    fn under_name(
        &self,
        context: &Context<'_>,
        parent: &RelPath,
        name: &ItemName,
    ) -> Result<(DirView, ItemNameBuf, Under)> {
        let dir = self.view_of(context, parent)?;
        let name = self.known_spelling_for(&dir, name)?.unwrap_or_else(|| name.to_owned());
        let under = self.under(&dir, &name)?;
        Ok((dir, name, under))
    }

    /// Calls `act` with the node of the item at a path, which is a placeholder at least by then.
    fn at_path<T>(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        act: impl FnOnce(NodeId) -> Result<T>,
    ) -> Result<T> {
        let mut node = NodeId::ROOT;
        let mut entered = Vec::new();
        let result = (|| {
            for name in path.components() {
                let entry = self.lookup(context, node, name)?;
                node = entry.ok_or_else(|| Error::new(ErrorKind::NotFound, path))?.node;
                entered.push(node);
            }
            act(node)
        })();
        for node in entered {
            self.forget(node, 1);
        }
        result
    }

    fn hydrate_node(
        &self,
        context: &Context<'_>,
        node: NodeId,
        path: &RelPath,
        done: &mut dyn FnMut(&RelPath),
    ) -> Result<()> {
        match self.nodes.kind(node)? {
            ItemKind::Symlink | ItemKind::Special => Ok(()),
            ItemKind::File => {
                self.settle_node(context, node, Event::Read, |_| Ok(()))?;
                done(path);
                Ok(())
            }
            ItemKind::Directory => {
                let mut names = Names::default();
                self.read_dir(context, node, 0, false, &mut names)?;
                for name in names.0 {
                    let name = ItemName::new(&name).map_err(|_| ErrorKind::Invalid)?;
                    if let Some(entry) = self.lookup(context, node, name)? {
                        let hydrated = self.hydrate_node(context, entry.node, &path.join(name), done);
                        self.forget(entry.node, 1);
                        hydrated?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Makes the item at a path virtual again, or everything below it that is on disk. `report` hears of each item that was
    /// kept, and why; with `discard`, local changes are no reason to keep one, if the provider has something beneath.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub fn dehydrate_path(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        discard: bool,
        report: &mut dyn FnMut(&RelPath, Result<()>),
    ) -> Result<()> {
        let event = if discard { Event::Discard } else { Event::Dehydrate };
        let Some((parent, name)) = path.split_last() else {
            return self.dehydrate_below(context, path, discard, report);
        };
        self.at_path(context, parent, |node| {
            let dir = self.nodes.view(node)?;
            let kind = match self.under(&dir, name)? {
                Under::Unknown { .. } => self.describe(context, &dir, name)?.map(|info| info.item_kind()),
                under => under.kind(),
            };
            match kind {
                None => Err(Error::new(ErrorKind::NotFound, path)),
                Some(ItemKind::Directory) => self.dehydrate_below(context, path, discard, report),
                Some(ItemKind::File | ItemKind::Symlink | ItemKind::Special) => {
                    report(path, self.settle(context, node, name, None, event, |_, _| Ok(())).map(drop));
                    Ok(())
                }
            }
        })
    }

    fn dehydrate_below(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        discard: bool,
        report: &mut dyn FnMut(&RelPath, Result<()>),
    ) -> Result<()> {
        for item in self.store.list(path)? {
            if item.kind.is_some() {
                self.dehydrate_path(context, &path.join(&item.name), discard, report)?;
            }
        }
        Ok(())
    }

    /// How many items there are in each state, virtual ones apart; `Placeholder` counts those in the log too.
    ///
    /// # Errors
    /// The store's.
    pub fn count_states(&self) -> Result<Vec<(StateWord, u64)>> {
        let mut counts = std::collections::BTreeMap::new();
        counts.insert(StateWord::Placeholder, self.store.notes());
        let mut pending = vec![RelPathBuf::root()];
        while let Some(dir) = pending.pop() {
            for listed in self.store.list(&dir)? {
                if let Some(item) = self.store.look(&dir, &listed.name)? {
                    *counts.entry(StateWord::of(&item.state)).or_default() += 1;
                    if item.state.kind() == Some(ItemKind::Directory) {
                        pending.push(dir.join(&listed.name));
                    }
                }
            }
        }
        Ok(counts.into_iter().collect())
    }

    /// A directory by its path, bringing nothing into being.
    fn view_of(&self, context: &Context<'_>, path: &RelPath) -> Result<DirView> {
        let mut view = self.nodes.view(NodeId::ROOT)?;
        for name in path.components() {
            let known = self.known_spelling_for(&view, name)?;
            let name = known.as_deref().unwrap_or(name);
            let under = self.under(&view, name)?;
            let missing = || Error::new(ErrorKind::NotFound, path);
            let projection = match &under {
                Under::Nothing => return Err(missing()),
                Under::Unknown { origin } => {
                    let info = self.describe(context, &view, name)?.ok_or_else(missing)?;
                    if info.item_kind() != ItemKind::Directory {
                        return Err(Error::new(ErrorKind::NotDirectory, path));
                    }
                    Some(origin.clone())
                }
                Under::Noted { .. } | Under::OnDisk(_) => {
                    let (_, seen) = self.seen(&view, name, &under).ok_or_else(missing)?;
                    if seen.kind != ItemKind::Directory {
                        return Err(Error::new(ErrorKind::NotDirectory, path));
                    }
                    seen.projection
                }
            };
            // No node: only the root has names of its own that are hidden.
            view =
                DirView { node: NodeId(0), path: view.path.join(name), projection, prepared: view.prepared };
        }
        Ok(view)
    }
}

impl StateWord {
    /// The state in a word.
    pub fn of(state: &ItemState) -> Self {
        if state.projected().is_some_and(|projected| projected.metadata == Metadata::Dirty) {
            return Self::Dirty;
        }
        match state {
            ItemState::File(FileState::Placeholder(_))
            | ItemState::Directory(DirectoryState::Placeholder(_))
            | ItemState::Symlink(SymlinkState::Placeholder(_)) => Self::Placeholder,
            ItemState::File(FileState::Hydrated(_)) => Self::Hydrated,
            ItemState::File(FileState::Full)
            | ItemState::Directory(DirectoryState::Full)
            | ItemState::Symlink(SymlinkState::Full)
            | ItemState::Special => Self::Full,
            ItemState::Tombstone => Self::Tombstone,
        }
    }
}

impl fmt::Display for StateWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Virtual => "virtual",
            Self::Placeholder => "placeholder",
            Self::Hydrated => "hydrated",
            Self::Dirty => "dirty",
            Self::Full => "full",
            Self::Tombstone => "tombstone",
        })
    }
}

/// Names only, without `.` and `..`.
#[derive(Default)]
struct Names(Vec<Box<[u8]>>);

impl DirSink for Names {
    fn fits(&self, _name_length: usize) -> bool {
        true
    }

    fn push(&mut self, entry: DirEntry<'_>) {
        if !matches!(entry.name, b"." | b"..") {
            self.0.push(entry.name.into());
        }
    }
}
