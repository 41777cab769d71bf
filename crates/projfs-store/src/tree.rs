//! `TreeStore`: the directory under the mount, as a store.
//!
//! What is in the directory is the truth. Every change of state is one system call that changes a name and
//! what it stands for together; what prepares it happens in `.projfs/new`, which is emptied at every start.

mod alone;
mod at;
mod attributes;
mod believed;
mod content;
mod create;
mod cut_off;
mod dirs;
mod durable;
mod extents;
mod fault;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod instance;
mod list;
mod look;
mod mark;
mod open;
mod partial;
mod placeholders;
mod probe;
mod put;
mod remove;
mod rename;
mod room;
mod trash;
mod view;
mod xattr;

use std::os::fd::OwnedFd;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::FileState;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;

use crate::Access;
use crate::AttributeChange;
use crate::Created;
use crate::Item;
use crate::Keep;
use crate::Leave;
use crate::Listed;
use crate::NewItem;
use crate::PartialFile;
use crate::Place;
use crate::Result;
use crate::Space;
use crate::Store;
use crate::StoreFile;
use crate::TrashId;

pub use alone::PlaceholderLog;
pub(crate) use at::At;
pub(crate) use fault::Done;
pub(crate) use fault::Fault;
pub use instance::Identity;
pub use instance::InstanceId;
pub(crate) use instance::Process;
pub(crate) use look::Seen;
pub use mark::Existing;
pub(crate) use room::Room;

use fault::about;

/// What checking a root shares with opening one.
pub(crate) mod parts {
    pub(crate) use super::at::Inode;
    pub(crate) use super::believed::has_content;
    pub(crate) use super::cut_off::stand_in_for;
    pub(crate) use super::dirs::Dirs;
    pub(crate) use super::fault::about;
    pub(crate) use super::look::kind;
    pub(crate) use super::mark::open_root;
    pub(crate) use super::open::lock;
    pub(crate) use super::partial::OddWhat;
    pub(crate) use super::partial::odd_parts;
    pub(crate) use super::room::OWN;
    pub(crate) use super::room::PLACEHOLDERS;
    pub(crate) use super::room::empty;
    pub(crate) use super::room::names_in;
    pub(crate) use super::room::open_below;
}

/// A root directory, open and locked against every other instance.
pub struct TreeStore {
    root: Arc<OwnedFd>,
    room: Room,
    identity: Identity,
    process: Process,
    owner: (u32, u32),
    dirs: dirs::Dirs,
    notes: placeholders::Placeholders,
    trash: trash::Trash,
    partials: partial::Partials,
    unsynced: durable::Unsynced,
    believed: believed::Believed,
    conversions: Arc<durable::Conversions>,
    /// The mark of a switch under way, locked.
    switching: Mutex<Option<OwnedFd>>,
    /// Held to the end: it keeps a second instance out.
    _lock: OwnedFd,
}

impl TreeStore {
    /// The identity that the root was given when it was marked.
    pub fn instance(&self) -> InstanceId {
        self.identity.id
    }
}

impl Store for TreeStore {
    fn look(&self, dir: &RelPath, name: &ItemName) -> Result<Option<Item>> {
        self.look_name(dir, name).map_err(about("look up", || dir.join(name)))
    }

    fn look_root(&self) -> Result<Item> {
        self.look_at_root().map_err(about("look up the root", RelPathBuf::root))
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<Listed>> {
        self.list_names(dir).map_err(about("list", || dir.to_owned()))
    }

    fn noted(&self, origin: &OriginBuf) -> Option<PlaceholderInfo> {
        self.notes.get(origin)
    }

    fn note(&self, origin: &OriginBuf, info: &PlaceholderInfo) -> Result<()> {
        self.notes.note(&self.room.own, origin, info).map_err(about("note", || origin.path().clone()))
    }

    fn forget(&self, origin: &OriginBuf) -> Result<()> {
        self.notes.forget(&self.room.own, origin).map_err(about("forget", || origin.path().clone()))
    }

    fn notes(&self) -> u64 {
        self.notes.count()
    }

    fn noted_names(&self, origin: &OriginBuf) -> Vec<ItemNameBuf> {
        self.notes.names(origin)
    }

    fn noted_below(&self, origin: &OriginBuf) -> Vec<ProjectedItem> {
        self.notes.items(origin)
    }

    fn note_all(&self, changes: &[(OriginBuf, Option<PlaceholderInfo>)]) -> Result<()> {
        let changes = changes.iter().map(|(origin, info)| (origin, info.as_ref()));
        self.notes.change(&self.room.own, changes).map_err(about("note", RelPathBuf::root))
    }

    fn origin(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf {
        self.notes.origin(directory, name)
    }

    fn leave(&self, directory: &OriginBuf, name: &ItemName) -> Result<()> {
        self.notes.leave(&self.room.own, directory, name).map_err(about("leave", || directory.join(name)))
    }

    fn fresh_origin(&self, path: &RelPath) -> Result<OriginBuf> {
        let life = self.notes.give(&self.room.own).map_err(about("note", || path.to_owned()))?;
        Ok(OriginBuf::new(path.to_owned(), life))
    }

    fn end_origin(&self, directory: &OriginBuf) -> Result<()> {
        self.notes.end(&self.room.own, directory).map_err(about("forget", || directory.path().clone()))
    }

    fn put_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        self.put_directory_at(dir, name, info, projected).map_err(about("put on disk", || dir.join(name)))
    }

    fn put_stand_in(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        self.put_stand_in_at(dir, name, info, projected)
            .map_err(about("put a stand-in on disk for", || dir.join(name)))
    }

    fn set_projected(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Result<()> {
        self.set_projected_at(dir, name, projected).map_err(about("change the record of", || dir.join(name)))
    }

    fn begin_content(&self, _size: u64) -> Result<Arc<dyn StoreFile>> {
        self.begin().map_err(about("begin content", RelPathBuf::root))
    }

    fn partial(&self, number: Number, info: &PlaceholderInfo) -> Result<Arc<dyn PartialFile>> {
        self.partial_of(number, info).map_err(about("keep parts of a file", RelPathBuf::root))
    }

    fn drop_partial(&self, number: Number) -> Result<()> {
        self.drop_partial_of(number).map_err(about("drop parts of a file", RelPathBuf::root))
    }

    fn publish(
        &self,
        dir: &RelPath,
        name: &ItemName,
        content: &Arc<dyn StoreFile>,
        info: &PlaceholderInfo,
        state: &FileState,
        number: Number,
    ) -> Result<()> {
        self.publish_at(dir, name, content, info, state, number).map_err(about("publish", || dir.join(name)))
    }

    fn convert(&self, dir: &RelPath, name: &ItemName) -> Result<()> {
        self.convert_at(dir, name).map_err(about("make full", || dir.join(name)))
    }

    fn create(&self, dir: &RelPath, name: &ItemName, new: &NewItem) -> Result<Created> {
        self.create_at(dir, name, new).map_err(about("create", || dir.join(name)))
    }

    fn create_nameless(&self, new: &NewItem) -> Result<(TrashId, Created)> {
        self.create_in_trash(new).map_err(about("create a nameless file", RelPathBuf::root))
    }

    fn link(&self, from: Place<'_>, dir: &RelPath, name: &ItemName) -> Result<()> {
        self.link_at(from, dir, name).map_err(about("link", || dir.join(name)))
    }

    fn remove(&self, dir: &RelPath, name: &ItemName, leave: Leave, keep: Keep) -> Result<Option<TrashId>> {
        self.remove_at(dir, name, leave, keep).map_err(about("remove", || dir.join(name)))
    }

    fn rename(
        &self,
        from: (&RelPath, &ItemName),
        to: (&RelPath, &ItemName),
        leave: Leave,
        keep: Keep,
    ) -> Result<Option<TrashId>> {
        self.rename_at(from, to, leave, keep).map_err(about("rename", || from.0.join(from.1)))
    }

    fn exchange(&self, one: (&RelPath, &ItemName), other: (&RelPath, &ItemName)) -> Result<()> {
        self.exchange_at(one, other).map_err(about("exchange", || one.0.join(one.1)))
    }

    fn replace(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
        keep: Keep,
    ) -> Result<Option<TrashId>> {
        self.replace_at(dir, name, info, projected, keep).map_err(about("replace", || dir.join(name)))
    }

    fn provide_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        self.provide_directory_at(dir, name, info, projected)
            .map_err(about("make a placeholder of", || dir.join(name)))
    }

    fn convert_directory(&self, dir: &RelPath, name: &ItemName) -> Result<()> {
        self.convert_directory_at(dir, name).map_err(about("make full", || dir.join(name)))
    }

    fn begin_switch(&self) -> Result<()> {
        self.mark_switching().map_err(about("note a switch of", RelPathBuf::root))
    }

    fn end_switch(&self) -> Result<()> {
        self.unmark_switching().map_err(about("end a switch of", RelPathBuf::root))
    }

    fn is_switching(&self) -> Result<bool> {
        self.read_switching().map_err(about("look for a switch of", RelPathBuf::root))
    }

    fn open(&self, place: Place<'_>, access: Access) -> Result<Arc<dyn StoreFile>> {
        self.open_at(place, access).map_err(about("open", || place.path()))
    }

    fn trash(&self) -> Result<Vec<TrashId>> {
        Ok(self.trash.ids())
    }

    fn look_trash(&self, trash: TrashId) -> Result<Item> {
        self.look_at_trash(trash).map_err(about("look into the trash", RelPathBuf::root))
    }

    fn discard(&self, trash: TrashId) -> Result<()> {
        self.discard_trash(trash).map_err(about("empty the trash", RelPathBuf::root))
    }

    fn read_link(&self, dir: &RelPath, name: &ItemName) -> Result<Box<[u8]>> {
        self.read_link_at(dir, name).map_err(about("read the link", || dir.join(name)))
    }

    fn set_attributes(&self, place: Place<'_>, change: &AttributeChange) -> Result<()> {
        self.set_attributes_at(place, change).map_err(about("change attributes of", || place.path()))
    }

    fn get_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<Vec<u8>> {
        self.get_xattr_at(place, name).map_err(about("read an extended attribute of", || place.path()))
    }

    fn list_xattr(&self, place: Place<'_>) -> Result<Vec<u8>> {
        self.list_xattr_at(place).map_err(about("list extended attributes of", || place.path()))
    }

    fn set_xattr(&self, place: Place<'_>, name: &[u8], value: &[u8], flags: u32) -> Result<()> {
        self.set_xattr_at(place, name, value, flags)
            .map_err(about("set an extended attribute of", || place.path()))
    }

    fn remove_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<()> {
        self.remove_xattr_at(place, name).map_err(about("remove an extended attribute of", || place.path()))
    }

    fn sync_directory(&self, dir: &RelPath) -> Result<()> {
        self.sync_directory_at(dir).map_err(about("sync", || dir.to_owned()))
    }

    fn sync_all(&self) -> Result<()> {
        self.sync_everything().map_err(about("sync the store", RelPathBuf::root))
    }

    fn owner(&self) -> (u32, u32) {
        self.owner
    }

    fn space(&self) -> Result<Space> {
        self.space_left().map_err(about("ask the space of the store", RelPathBuf::root))
    }
}

#[cfg(test)]
mod tests;
