//! Finding the place of an item that the provider is to change, bringing nothing into being; and putting items there.

use projfs_store::Place;
use projfs_types::DirectoryState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::NodeId;
use projfs_types::OnDiskState;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::VersionInfo;
use projfs_types::What;
use projfs_types::mode;

use super::Spot;
use crate::Engine;
use crate::check;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::port::Context;

impl Engine {
    /// Calls `act` with the directory of a path and the name in it, if everything on the way is local.
    pub(super) fn in_local_directory<T>(
        &self,
        path: &RelPath,
        act: impl FnOnce(NodeId, &ItemName) -> Result<T>,
    ) -> Result<T> {
        let (parent, name) = path.split_last().ok_or(ErrorKind::Invalid)?;
        let mut at = NodeId::ROOT;
        let mut entered = Vec::new();
        let found = parent.components().try_for_each(|name| {
            let _held = self.locks.look(at);
            let dir = self.local_directory(at)?;
            let known = self.known_spelling_for(&dir, name)?;
            let name = known.as_deref().unwrap_or(name);
            let under = self.under(&dir, name)?;
            let entry = self.enter(&dir, name, &under);
            let entry = entry.ok_or_else(|| Error::new(ErrorKind::PathNotFound, path))?;
            entered.push(entry.node);
            at = entry.node;
            match entry.stat.kind() {
                ItemKind::Directory => Ok(()),
                ItemKind::File | ItemKind::Symlink | ItemKind::Special => {
                    Err(Error::new(ErrorKind::PathNotFound, path))
                }
            }
        });
        let result = found.and_then(|()| act(at, name));
        for node in entered {
            self.nodes.forget(node, 1);
        }
        result
    }

    /// A directory on the way; it may be gone by now.
    fn local_directory(&self, node: NodeId) -> Result<DirView> {
        self.nodes.view(node).map_err(|_| ErrorKind::PathNotFound.into())
    }

    /// Calls `act` for a name of a directory while neither what is there, nor what is in it, can change.
    pub(super) fn at_spot<T>(
        &self,
        parent: NodeId,
        name: &ItemName,
        mut act: impl FnMut(&Spot<'_>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let (known, entry) = {
                let _held = self.locks.look(parent);
                let dir = self.local_directory(parent)?;
                let known = self.known_spelling_for(&dir, name)?;
                let name = known.as_deref().unwrap_or(name);
                let under = self.under(&dir, name)?;
                let entry = self.enter(&dir, name, &under);
                (known, entry)
            };
            let name = known.as_deref().unwrap_or(name);
            let node = entry.map(|entry| entry.node);
            let result = (|| {
                let _held = self.locks.change(&[parent, node.unwrap_or(parent)]);
                let dir = self.local_directory(parent)?;
                let under = self.under(&dir, name)?;
                // What came there since may have no node, because nobody refers to it.
                if self.node_under(&dir, name, &under) != node || under.kind().is_some() != node.is_some() {
                    return Ok(None);
                }
                act(&Spot { dir: &dir, name, under: &under, node }).map(Some)
            })();
            if let Some(node) = node {
                self.nodes.forget(node, 1);
            }
            if let Some(result) = result? {
                return Ok(result);
            }
        }
    }

    /// Makes a placeholder ahead of time, at any path (`PrjWritePlaceholderInfo`). The provider is asked for directories
    /// on the way that are virtual.
    ///
    /// # Errors
    /// `Exists` if anything is local there, a tombstone included; `PathNotFound` if there is no such directory;
    /// `Reserved`, `Invalid`; the provider's, the store's.
    pub fn create_placeholder(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        info: &PlaceholderInfo,
    ) -> Result<()> {
        if let Err(why) = check::info(info) {
            return Err(Error { source: Some(why.into()), ..Error::new(ErrorKind::Invalid, path) });
        }
        let (parent, name) = path.split_last().ok_or(ErrorKind::Invalid)?;
        self.in_directory(context, parent, |node| {
            if Self::is_reserved(node, name) {
                return Err(Error::new(ErrorKind::Reserved, path));
            }
            let level = match self.nodes.view(node)?.projection {
                Some(_) => Prepared::Pinned,
                None => Prepared::OnDisk,
            };
            self.prepare(context, node, level)?;
            self.at_spot(node, name, |spot| self.put_placeholder(context, spot, info))
        })
    }

    fn put_placeholder(&self, context: &Context<'_>, spot: &Spot<'_>, info: &PlaceholderInfo) -> Result<()> {
        let kind = info.item_kind();
        match spot.under {
            Under::Noted { .. } | Under::OnDisk(_) => return Err(spot.error(ErrorKind::Exists)),
            Under::Unknown { origin } => {
                self.record(context, spot.path(), kind, What::Updated)?;
                self.store.note(origin, info)?;
            }
            Under::Nothing => {
                self.record(context, spot.path(), kind, What::Updated)?;
                let projected =
                    Projected { origin: self.home_or(spot)?, ..Projected::clean(info.version.clone()) };
                let (dir, name) = (&spot.dir.path, spot.name);
                match kind {
                    ItemKind::Directory => self.store.put_directory(dir, name, info, &projected)?,
                    _ => self.store.put_stand_in(dir, name, info, &projected)?,
                }
            }
        }
        self.has_changed(spot);
        Ok(())
    }

    /// Makes a full directory a placeholder: what the provider has in it shows from now on, next to what is in it, which
    /// stays as it is and wins (`PrjMarkDirectoryAsPlaceholder`).
    ///
    /// # Errors
    /// `AlreadyPlaceholder`; `NotDirectory`; `NotFound`; `PathNotFound`; the provider's, the store's.
    pub fn mark_directory(&self, context: &Context<'_>, path: &RelPath, version: &VersionInfo) -> Result<()> {
        let Some((parent, name)) = path.split_last() else {
            return Err(Error::new(ErrorKind::AlreadyPlaceholder, path));
        };
        self.in_directory(context, parent, |node| {
            // What is virtual becomes a placeholder by that, and is one already.
            let Some(entry) = self.lookup(context, node, name)? else {
                return Err(Error::new(ErrorKind::NotFound, path));
            };
            self.nodes.forget(entry.node, 1);
            self.at_spot(node, name, |spot| self.mark_spot(context, spot, version))
        })
    }

    fn mark_spot(&self, context: &Context<'_>, spot: &Spot<'_>, version: &VersionInfo) -> Result<()> {
        let (item, node) = match (spot.under, spot.node) {
            (Under::OnDisk(item), Some(node)) => (item, node),
            (Under::Noted { info, .. }, _) if info.item_kind() == ItemKind::Directory => {
                return Err(spot.error(ErrorKind::AlreadyPlaceholder));
            }
            (Under::Noted { .. }, _) => return Err(spot.error(ErrorKind::NotDirectory)),
            _ => return Err(spot.error(ErrorKind::NotFound)),
        };
        match &item.state {
            ItemState::Directory(DirectoryState::Full) => {}
            ItemState::Directory(DirectoryState::Placeholder(_)) => {
                return Err(spot.error(ErrorKind::AlreadyPlaceholder));
            }
            ItemState::File(_) | ItemState::Symlink(_) | ItemState::Special | ItemState::Tombstone => {
                return Err(spot.error(ErrorKind::NotDirectory));
            }
        }
        self.record(context, spot.path(), ItemKind::Directory, What::Updated)?;
        let info = PlaceholderInfo {
            kind: PlaceholderKind::Directory,
            mode: u16::try_from(item.stat.mode & mode::PERMISSIONS).unwrap_or_default(),
            attributes: 0,
            times: item.stat.times,
            version: version.clone(),
            extended: self.extended_on_disk(Place::Named(&spot.dir.path, spot.name))?,
        };
        self.provide(spot, node, &info, self.home_or(spot)?)?;
        self.has_changed(spot);
        Ok(())
    }

    /// Calls `act` with the node of a directory, which the provider is asked for if need be.
    fn in_directory<T>(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        act: impl FnOnce(NodeId) -> Result<T>,
    ) -> Result<T> {
        let mut entered = vec![NodeId::ROOT];
        let found = path.components().try_fold(NodeId::ROOT, |at, name| {
            let entry = match self.lookup(context, at, name) {
                Ok(Some(entry)) => entry,
                Ok(None) => return Err(Error::new(ErrorKind::PathNotFound, path)),
                Err(error) => return Err(error),
            };
            entered.push(entry.node);
            match entry.stat.kind() {
                ItemKind::Directory => Ok(entry.node),
                _ => Err(Error::new(ErrorKind::PathNotFound, path)),
            }
        });
        let result = found.and_then(act);
        for node in entered {
            self.nodes.forget(node, 1);
        }
        result
    }

    /// What is local at a path (`PrjGetOnDiskFileState`). The provider is not asked, and nothing changes.
    ///
    /// # Errors
    /// `NotFound` if nothing is: the item is virtual, or does not exist; `PathNotFound` if a directory on the way is not
    /// local; the store's.
    pub fn on_disk_state(&self, path: &RelPath) -> Result<OnDiskState> {
        if path.is_root() {
            return Ok(OnDiskState::PLACEHOLDER);
        }
        self.in_local_directory(path, |parent, name| {
            let _held = self.locks.look(parent);
            let dir = self.local_directory(parent)?;
            let known = self.known_spelling_for(&dir, name)?;
            let state = self.under(&dir, known.as_deref().unwrap_or(name))?.state();
            state.as_ref().map(OnDiskState::from).ok_or_else(|| Error::new(ErrorKind::NotFound, path))
        })
    }

    /// How content that is written to the store is best aligned, in bytes: the file system's block.
    ///
    /// # Errors
    /// The store's.
    pub fn write_alignment(&self) -> Result<u32> {
        Ok(self.store.space()?.block_size)
    }
}
