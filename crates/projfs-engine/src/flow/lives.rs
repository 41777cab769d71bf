//! Lives: an item that leaves its name takes its origin with it, and what is projected there from then on is another.
//!
//! It is said before the name goes, and after the item says by itself where it comes from. A crash in between leaves an item
//! where it was, as if it had been away and had come back: that harms nobody. The other way round two items would be one.

use projfs_store::Item;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;

use super::resolve::Under;
use crate::Engine;
use crate::error::Result;
use crate::node::table::DirView;
use crate::node::table::Links;

impl Engine {
    /// An item is about to lose a name, and goes on under another. What comes from elsewhere leaves nothing behind.
    pub(crate) fn leave_home(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<()> {
        if let Some(directory) = &dir.projection
            && self.is_what_is_projected(&self.store.origin(directory, name), under)
        {
            self.store.leave(directory, name)?;
        }
        Ok(())
    }

    /// A name is about to go. The item goes on if it has others.
    pub(crate) fn leave_to_others(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<()> {
        match under {
            Under::OnDisk(item) if has_others(item) => self.leave_home(dir, name, under),
            Under::OnDisk(_) | Under::Noted { .. } | Under::Nothing | Under::Unknown { .. } => Ok(()),
        }
    }

    /// Whether an item is the one that has this origin. What was changed here has its number alone.
    fn is_what_is_projected(&self, home: &OriginBuf, under: &Under) -> bool {
        match under {
            Under::Noted { .. } => true,
            Under::OnDisk(item) => {
                item.state.kind().is_some()
                    && (item.stat.number == Number::of_origin(home)
                        || item.state.projected().is_some_and(|projected| match &projected.origin {
                            Origin::Here => true,
                            Origin::At(origin) => origin == home,
                        }))
            }
            Under::Nothing | Under::Unknown { .. } => false,
        }
    }

    /// A directory has gone for good. That of a name that it had left long ago, nobody asks for what was in it again.
    pub(crate) fn end_directory(&self, dir: &DirView, name: &ItemName, under: &Under) {
        if let Under::OnDisk(item) = under
            && item.state.kind() == Some(ItemKind::Directory)
            && let Some(Origin::At(origin)) = item.state.projected().map(|projected| &projected.origin)
            && self.home(dir, name).as_ref() != Some(origin)
            && let Err(error) = self.store.end_origin(origin)
        {
            tracing::warn!(%error, "what is not needed any more stays noted");
        }
    }
}

/// Whether an item has more names than one.
pub(crate) fn has_others(item: &Item) -> bool {
    item.state.kind().is_some_and(|kind| Links::of(kind, item.stat.links) == Links::Several)
}
