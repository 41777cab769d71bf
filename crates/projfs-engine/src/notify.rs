//! Notifications: what the provider is asked before something happens, and told after it.
//!
//! A [`Visit`] stands for one operation on an item, or for one open file. It is made at the beginning, where waiting is
//! still possible, and only where the provider wants to hear of the item: otherwise nothing of this costs anything.

mod conversions;
mod notice;
mod opens;
mod router;
mod visit;

use std::collections::HashMap;

use projfs_sync::Mutex;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation::Collation;

use conversions::Conversions;
pub(crate) use conversions::Converting;

pub(crate) use opens::OpenVisit;
use router::Router;
pub(crate) use visit::Visit;

use crate::handle::HandleId;

/// Which notifications are wanted, and what is under way for their sake.
pub(crate) struct Notifier {
    router: Router,
    /// What the provider answered for items that are open. A leaf lock.
    masks: Mutex<HashMap<NodeId, NotifyMask>>,
    conversions: Conversions,
    /// Open directories that are to be told of at their close. A leaf lock.
    directories: Mutex<HashMap<HandleId, Visit>>,
}

impl Notifier {
    pub(crate) fn new(mappings: &[(RelPathBuf, NotifyMask)], collation: Collation) -> Self {
        Self {
            router: Router::new(mappings, collation),
            masks: Mutex::default(),
            conversions: Conversions::default(),
            directories: Mutex::default(),
        }
    }

    /// Whether no notification is ever sent.
    pub(crate) fn is_silent(&self) -> bool {
        self.router.is_empty()
    }

    /// Whether opening a directory may have to be told.
    pub(crate) fn wants_directories(&self) -> bool {
        self.router.any(NotifyMask::FILE_OPENED | NotifyMask::FILE_HANDLE_CLOSED_NO_MODIFICATION)
    }

    /// What is wanted of a path.
    fn of_path(&self, path: &RelPath) -> NotifyMask {
        self.router.mask(path)
    }

    /// What is wanted of an item at a path: what the provider answered as long as it is open, else what it registered.
    fn of_node(&self, node: NodeId, path: &RelPath) -> NotifyMask {
        let answered = self.masks.lock().get(&node).copied();
        answered.unwrap_or_else(|| self.of_path(path))
    }
}
