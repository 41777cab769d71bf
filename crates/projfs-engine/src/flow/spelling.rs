//! Names that differ only in case, where they are the same: the spelling under which an item is known.
//!
//! Every operation that goes by a name takes its spelling first, and goes by that from there on. So an item has one
//! name, however it is called, and the rest of the engine knows nothing of case.

use std::borrow::Cow;
use std::collections::HashMap;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;
use projfs_types::RelPathBuf;
use projfs_types::collation;
use projfs_types::collation::Collation;

use super::resolve::Under;
use crate::Engine;
use crate::error::Result;
use crate::negative::Generation;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::port::Context;

/// How many spellings are kept. Dropping them is always allowed.
const CAPACITY: usize = 100_000;

/// How many directories' names are kept.
const DIRECTORIES: usize = 1_000;

/// A name without regard to case.
type Folded = Box<[u16]>;

/// Spellings that are known. Leaf locks.
#[derive(Default)]
pub(crate) struct Spellings {
    /// How the provider spells what was asked for otherwise, by directory of the projection.
    projected: Mutex<HashMap<(RelPathBuf, Folded), ItemNameBuf>>,
    on_disk: Mutex<HashMap<NodeId, Arc<OnDisk>>>,
}

/// What is on disk in a directory.
struct OnDisk {
    /// The directory's count of changes when this was made.
    changes: u64,
    names: HashMap<Folded, ItemNameBuf>,
}

impl Engine {
    /// Whether two names are the same.
    pub(crate) fn is_same(&self, one: &ItemName, other: &ItemName) -> bool {
        self.options.collation.same(one, other)
    }

    /// The spelling under which a name is known; the name itself if it is not known. What the provider alone has becomes
    /// a placeholder by that, as by looking it up.
    ///
    /// # Errors
    /// `Stale`, `NotDirectory` for the directory; the provider's; the store's.
    pub(crate) fn spelling<'a>(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &'a ItemName,
    ) -> Result<Cow<'a, ItemName>> {
        Ok(self.spelling_and_absence(context, parent, name)?.0)
    }

    /// The same, and whether the provider was asked and has no such item; until when that is true. Who looks a name up need
    /// not ask again.
    pub(crate) fn spelling_and_absence<'a>(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &'a ItemName,
    ) -> Result<(Cow<'a, ItemName>, Option<Generation>)> {
        if self.options.collation == Collation::Sensitive || Self::is_reserved(parent, name) {
            return Ok((Cow::Borrowed(name), None));
        }
        let dir = {
            let _held = self.locks.look(parent);
            let dir = self.nodes.view(parent)?;
            if let Some(known) = self.known_spelling(&dir, name)? {
                return Ok((Cow::Owned(known), None));
            }
            dir
        };
        let asked = self.negative.generation();
        let Some(item) = self.describe_item(context, &dir, name)? else {
            return Ok((Cow::Borrowed(name), Some(asked)));
        };
        self.pin(context, parent, &item.name, &item.info, asked)?;
        if let Some(projection) = dir.projection
            && *item.name != *name
        {
            let mut known = self.spellings.projected.lock();
            if known.len() >= CAPACITY {
                known.clear();
            }
            known.insert((projection.into_path(), collation::fold(name)), item.name.clone());
        }
        Ok((Cow::Owned(item.name), None))
    }

    /// The spelling of a name, as far as it is known without asking the provider, where spelling does not matter. Who goes
    /// by this asks for nothing, so all placeholders of the directory are looked through if need be.
    pub(crate) fn known_spelling_for(&self, dir: &DirView, name: &ItemName) -> Result<Option<ItemNameBuf>> {
        if self.options.collation == Collation::Sensitive {
            return Ok(None);
        }
        if let Some(known) = self.known_spelling(dir, name)? {
            return Ok(Some(known));
        }
        let Some(projection) = &dir.projection else { return Ok(None) };
        Ok(self.store.noted_names(projection).into_iter().find(|noted| self.is_same(noted, name)))
    }

    fn known_spelling(&self, dir: &DirView, name: &ItemName) -> Result<Option<ItemNameBuf>> {
        match self.under(dir, name)? {
            Under::OnDisk(item) if item.state.kind().is_some() => return Ok(Some(name.to_owned())),
            Under::Noted { .. } => return Ok(Some(name.to_owned())),
            Under::OnDisk(_) | Under::Nothing | Under::Unknown { .. } => {}
        }
        if let Some(on_disk) = self.spelling_on_disk(dir, name)? {
            return Ok(Some(on_disk));
        }
        let Some(projection) = &dir.projection else { return Ok(None) };
        if let Some(listing) = self.listings.kept(projection) {
            let listed = listing.find(name, self.options.collation);
            return Ok(listed.map(|item| item.name.clone()));
        }
        let key = (projection.path().clone(), collation::fold(name));
        let known = self.spellings.projected.lock().get(&key).cloned();
        Ok(known.filter(|known| self.store.noted(&self.store.origin(projection, known)).is_some()))
    }

    /// The spelling of a name on disk; a tombstone's, if there is nothing else. Directories are read once per change.
    pub(crate) fn spelling_on_disk(&self, dir: &DirView, name: &ItemName) -> Result<Option<ItemNameBuf>> {
        if dir.prepared < Prepared::OnDisk || self.options.collation == Collation::Sensitive {
            return Ok(None);
        }
        let folded = collation::fold(name);
        let changes = self.nodes.snapshot(dir.node).map(|(changes, _)| changes).ok();
        let kept = self.spellings.on_disk.lock().get(&dir.node).cloned();
        if let Some(kept) = kept.filter(|kept| Some(kept.changes) == changes) {
            return Ok(kept.names.get(&folded).cloned());
        }
        let mut names = HashMap::new();
        for listed in self.store.list(&dir.path)? {
            let folded = collation::fold(&listed.name);
            // An item beside a tombstone of another spelling is what is shown.
            if listed.kind.is_some() || !names.contains_key(&folded) {
                names.insert(folded, listed.name);
            }
        }
        let found = names.get(&folded).cloned();
        if let Some(changes) = changes {
            let mut on_disk = self.spellings.on_disk.lock();
            if on_disk.len() >= DIRECTORIES {
                on_disk.clear();
            }
            on_disk.insert(dir.node, Arc::new(OnDisk { changes, names }));
        }
        Ok(found)
    }

    /// Whether an item on disk has a name that is the same, and spelled otherwise.
    pub(crate) fn is_taken_otherwise(&self, dir: &DirView, name: &ItemName) -> Result<bool> {
        let Some(spelled) = self.spelling_on_disk(dir, name)?.filter(|spelled| **spelled != *name) else {
            return Ok(false);
        };
        Ok(self.under(dir, &spelled)?.kind().is_some())
    }
}
