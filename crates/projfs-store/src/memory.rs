//! `MemoryStore` and `MemoryJournal`: the promises of a store and of a journal, kept in memory.
//!
//! They exist so that everything above the store can be tested without a file system. Both are handles: a
//! clone leads to the same content, so a test can stop an engine and start another on what it left.

mod attributes;
mod file;
mod item;
mod journal;
mod name;
mod partial;
mod publish;
mod tree;
mod view;
mod xattr;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::MutexGuard;
use projfs_sync::Rank;
use projfs_sync::mutex;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::Number;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use rustix::io::Errno;

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
use crate::StoreError;
use crate::StoreErrorKind;
use crate::StoreFile;
use crate::TrashId;
use file::MemoryFile;
pub use journal::MemoryJournal;
use tree::Tree;

/// The result of what happens inside: the operation and the path are added once, at the surface.
type Answer<T> = std::result::Result<T, Errno>;

/// A [`Store`] in memory. Its errors are those of ext4; nothing in it survives the process.
///
/// A clone leads to the same content.
#[derive(Clone)]
pub struct MemoryStore {
    tree: Arc<Mutex<Tree>>,
}

impl MemoryStore {
    /// An empty root, with times from the system's clock.
    pub fn new() -> Self {
        Self::with_clock(|| Timestamp::from(std::time::SystemTime::now()))
    }

    /// An empty root, with times from `clock`, which is called with the store's lock held.
    pub fn with_clock(clock: impl Fn() -> Timestamp + Send + 'static) -> Self {
        Self { tree: Arc::new(mutex(Rank::Store, Tree::new(Box::new(clock)))) }
    }

    /// Forgets all noted placeholders and partial content, as a power cut may.
    pub fn lose_notes(&self) {
        let mut tree = self.lock();
        tree.notes.clear();
        tree.partials.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock()
    }

    /// Opens a file under the lock that found it, so that it cannot end in between.
    fn file(&self, tree: &mut Tree, inode: u64, access: Access) -> Arc<dyn StoreFile> {
        let file = Arc::new(MemoryFile::new(Arc::clone(&self.tree), inode, access));
        tree.opened(file.address(), inode);
        file
    }

    fn created(&self, tree: &mut Tree, inode: u64, item: Item) -> Created {
        let file = match item.state.kind() {
            Some(ItemKind::File) => Some(self.file(tree, inode, Access::ReadWrite)),
            Some(ItemKind::Directory | ItemKind::Symlink | ItemKind::Special) | None => None,
        };
        Created { item, file }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Adds to an error what was being done, and to what.
fn tell<T>(answer: Answer<T>, operation: &'static str, path: impl FnOnce() -> RelPathBuf) -> Result<T> {
    answer.map_err(|errno| StoreError::new(StoreErrorKind::Os(errno), operation, path()))
}

impl Store for MemoryStore {
    fn look(&self, dir: &RelPath, name: &ItemName) -> Result<Option<Item>> {
        tell(self.lock().look(dir, name), "look up", || dir.join(name))
    }

    fn look_root(&self) -> Result<Item> {
        tell(self.lock().item(tree::ROOT), "look up", RelPathBuf::root)
    }

    fn list(&self, dir: &RelPath) -> Result<Vec<Listed>> {
        tell(self.lock().list(dir), "list", || dir.to_owned())
    }

    fn noted(&self, origin: &OriginBuf) -> Option<PlaceholderInfo> {
        self.lock().notes.get(origin).cloned()
    }

    fn note(&self, origin: &OriginBuf, info: &PlaceholderInfo) -> Result<()> {
        self.lock().notes.insert(origin.clone(), info.clone());
        Ok(())
    }

    fn forget(&self, origin: &OriginBuf) -> Result<()> {
        self.lock().notes.remove(origin);
        Ok(())
    }

    fn notes(&self) -> u64 {
        self.lock().notes.len() as u64
    }

    fn noted_names(&self, origin: &OriginBuf) -> Vec<ItemNameBuf> {
        self.lock().noted_below(origin).into_iter().map(|item| item.name).collect()
    }

    fn noted_below(&self, origin: &OriginBuf) -> Vec<ProjectedItem> {
        self.lock().noted_below(origin)
    }

    fn note_all(&self, changes: &[(OriginBuf, Option<PlaceholderInfo>)]) -> Result<()> {
        let mut tree = self.lock();
        for (origin, info) in changes {
            match info {
                Some(info) => tree.notes.insert(origin.clone(), info.clone()),
                None => tree.notes.remove(origin),
            };
        }
        Ok(())
    }

    fn origin(&self, directory: &OriginBuf, name: &ItemName) -> OriginBuf {
        self.lock().lives.origin(directory, name)
    }

    fn leave(&self, directory: &OriginBuf, name: &ItemName) -> Result<()> {
        let mut tree = self.lock();
        let life = tell(tree.lives.next(), "leave", || directory.join(name))?;
        tree.lives.set(directory, name, life);
        Ok(())
    }

    fn fresh_origin(&self, path: &RelPath) -> Result<OriginBuf> {
        let mut tree = self.lock();
        let life = tell(tree.lives.next(), "note", || path.to_owned())?;
        tree.lives.given(life);
        Ok(OriginBuf::new(path.to_owned(), life))
    }

    fn end_origin(&self, directory: &OriginBuf) -> Result<()> {
        self.lock().lives.end(directory);
        Ok(())
    }

    fn put_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        tell(self.lock().put_directory(dir, name, info, projected), "make directory", || dir.join(name))
    }

    fn put_stand_in(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        tell(self.lock().put_stand_in(dir, name, info, projected), "make stand-in", || dir.join(name))
    }

    fn set_projected(&self, dir: &RelPath, name: &ItemName, projected: &Projected) -> Result<()> {
        tell(self.lock().set_projected(dir, name, projected), "change the record of", || dir.join(name))
    }

    fn begin_content(&self, _size: u64) -> Result<Arc<dyn StoreFile>> {
        let mut tree = self.lock();
        let inode = tree.begin_content();
        Ok(self.file(&mut tree, inode, Access::ReadWrite))
    }

    fn partial(&self, number: Number, info: &PlaceholderInfo) -> Result<Arc<dyn PartialFile>> {
        let partial = tell(self.lock().partial(number, info), "keep parts of a file", RelPathBuf::root)?;
        Ok(partial)
    }

    fn drop_partial(&self, number: Number) -> Result<()> {
        self.lock().partials.remove(&number);
        Ok(())
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
        let address = Arc::as_ptr(content).cast::<()>().addr();
        let mut tree = self.lock();
        let whole = tell(tree.whole_of_partial(number, address), "publish", || dir.join(name))?;
        let file = whole.map(|inode| MemoryFile::new(Arc::clone(&self.tree), inode, Access::ReadWrite));
        if let (Some(file), Some(inode)) = (&file, whole) {
            tree.opened(file.address(), inode);
        }
        let from = file.as_ref().map_or(address, MemoryFile::address);
        let answer = tree.publish((dir, name), from, info, state, number);
        if whole.is_some() && answer.is_ok() {
            tree.partials.remove(&number);
        }
        // The file closes itself under the lock.
        drop(tree);
        drop(file);
        tell(answer, "publish", || dir.join(name))
    }

    fn convert(&self, dir: &RelPath, name: &ItemName) -> Result<()> {
        tell(self.lock().convert(dir, name), "convert", || dir.join(name))
    }

    fn create(&self, dir: &RelPath, name: &ItemName, new: &NewItem) -> Result<Created> {
        let mut tree = self.lock();
        let answer = tree.create(dir, name, new);
        let (inode, item) = tell(answer, "create", || dir.join(name))?;
        Ok(self.created(&mut tree, inode, item))
    }

    fn create_nameless(&self, new: &NewItem) -> Result<(TrashId, Created)> {
        let mut tree = self.lock();
        let answer = tree.create_nameless(new);
        let (trash, inode, item) = tell(answer, "create a nameless file", RelPathBuf::root)?;
        Ok((trash, self.created(&mut tree, inode, item)))
    }

    fn link(&self, from: Place<'_>, dir: &RelPath, name: &ItemName) -> Result<()> {
        tell(self.lock().link(from, dir, name), "link", || dir.join(name))
    }

    fn remove(&self, dir: &RelPath, name: &ItemName, leave: Leave, keep: Keep) -> Result<Option<TrashId>> {
        tell(self.lock().remove(dir, name, leave, keep), "remove", || dir.join(name))
    }

    fn rename(
        &self,
        from: (&RelPath, &ItemName),
        to: (&RelPath, &ItemName),
        leave: Leave,
        keep: Keep,
    ) -> Result<Option<TrashId>> {
        tell(self.lock().rename(from, to, leave, keep), "rename", || from.0.join(from.1))
    }

    fn exchange(&self, one: (&RelPath, &ItemName), other: (&RelPath, &ItemName)) -> Result<()> {
        tell(self.lock().exchange(one, other), "exchange", || one.0.join(one.1))
    }

    fn replace(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
        keep: Keep,
    ) -> Result<Option<TrashId>> {
        tell(self.lock().replace(dir, name, info, projected, keep), "replace", || dir.join(name))
    }

    fn provide_directory(
        &self,
        dir: &RelPath,
        name: &ItemName,
        info: &PlaceholderInfo,
        projected: &Projected,
    ) -> Result<()> {
        let provided = self.lock().provide_directory(dir, name, info, projected);
        tell(provided, "make a placeholder of", || dir.join(name))
    }

    fn convert_directory(&self, dir: &RelPath, name: &ItemName) -> Result<()> {
        tell(self.lock().convert_directory(dir, name), "make full", || dir.join(name))
    }

    fn begin_switch(&self) -> Result<()> {
        self.lock().switching = true;
        Ok(())
    }

    fn end_switch(&self) -> Result<()> {
        self.lock().switching = false;
        Ok(())
    }

    fn is_switching(&self) -> Result<bool> {
        Ok(self.lock().switching)
    }

    fn open(&self, place: Place<'_>, access: Access) -> Result<Arc<dyn StoreFile>> {
        let mut tree = self.lock();
        let inode = tell(tree.openable(place), "open", || place.path())?;
        Ok(self.file(&mut tree, inode, access))
    }

    fn trash(&self) -> Result<Vec<TrashId>> {
        Ok(self.lock().trash())
    }

    fn look_trash(&self, trash: TrashId) -> Result<Item> {
        let tree = self.lock();
        let answer = tree.locate(Place::Trash(trash)).and_then(|inode| tree.item(inode));
        tell(answer, "look up", RelPathBuf::root)
    }

    fn discard(&self, trash: TrashId) -> Result<()> {
        tell(self.lock().discard(trash), "discard", RelPathBuf::root)
    }

    fn read_link(&self, dir: &RelPath, name: &ItemName) -> Result<Box<[u8]>> {
        tell(self.lock().read_link(dir, name), "read the link", || dir.join(name))
    }

    fn set_attributes(&self, place: Place<'_>, change: &AttributeChange) -> Result<()> {
        tell(self.lock().set_attributes(place, change), "set the attributes of", || place.path())
    }

    fn get_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<Vec<u8>> {
        tell(self.lock().get_xattr(place, name), "get an extended attribute of", || place.path())
    }

    fn list_xattr(&self, place: Place<'_>) -> Result<Vec<u8>> {
        tell(self.lock().list_xattr(place), "list the extended attributes of", || place.path())
    }

    fn set_xattr(&self, place: Place<'_>, name: &[u8], value: &[u8], flags: u32) -> Result<()> {
        let answer = self.lock().set_xattr(place, name, value, flags);
        tell(answer, "set an extended attribute of", || place.path())
    }

    fn remove_xattr(&self, place: Place<'_>, name: &[u8]) -> Result<()> {
        tell(self.lock().remove_xattr(place, name), "remove an extended attribute of", || place.path())
    }

    fn sync_directory(&self, dir: &RelPath) -> Result<()> {
        tell(self.lock().directory(dir).map(drop), "sync", || dir.to_owned())
    }

    fn sync_all(&self) -> Result<()> {
        Ok(())
    }

    fn owner(&self) -> (u32, u32) {
        self.look_root().map_or((0, 0), |root| (root.stat.uid, root.stat.gid))
    }

    fn space(&self) -> Result<Space> {
        Ok(self.lock().space())
    }
}

#[cfg(test)]
mod tests;
