//! What is told of changes: the journal with the files that are being written, and the entries that no operation on
//! names makes.

use projfs_store::Access;
use projfs_store::Since;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::JournalEntry;
use projfs_types::RelPathBuf;
use projfs_types::What;

use crate::Engine;
use crate::error::Result;
use crate::handle::Handle;
use crate::node::table::Location;
use crate::port::Context;

/// What changed, and what may be changing unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The entries, each of whose changes is done, or came to nothing.
    pub since: Since,
    /// The files that are open for writing now, sorted; of a file with several names, one. The kernel may write them by
    /// itself, so their content may change without an entry until they are closed, which is one.
    pub writing: Vec<RelPathBuf>,
}

impl Engine {
    /// What changed from `cursor` on, up to `limit` entries.
    ///
    /// # Errors
    /// The journal's.
    pub fn changes(&self, cursor: Cursor, limit: usize) -> Result<Changes> {
        // First: a file that is closed after this has its entry below.
        let writing = self.writing();
        let since = self.journal.since(cursor, limit)?;
        let is_empty = matches!(&since, Since::Entries { entries, .. } if entries.is_empty());
        if !is_empty {
            // An entry comes before its change, which is made under the same locks. Who is told of it too early looks too
            // early, and never again.
            drop(self.locks.everything());
        }
        Ok(Changes { since, writing })
    }

    fn writing(&self) -> Vec<RelPathBuf> {
        let nodes = self.handles.writing();
        // What has no name is nobody's to look at.
        let mut paths: Vec<_> = nodes.into_iter().filter_map(|node| self.nodes.path(node).ok()).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// The journal hears of the end of writing as long as the file has a name.
    pub(super) fn record_close(&self, context: &Context<'_>, handle: &Handle) -> Result<()> {
        if handle.access != Access::ReadWrite {
            return Ok(());
        }
        while let Ok(Location::Named(parent, name)) = self.nodes.location(handle.node) {
            // It is not renamed while this is held.
            let _held = self.locks.look(parent);
            let now = self.nodes.location(handle.node);
            if !matches!(now, Ok(Location::Named(dir, now)) if (dir, &now) == (parent, &name)) {
                continue;
            }
            let path = self.nodes.path(handle.node)?;
            return self.record(context, path, ItemKind::File, What::Modified);
        }
        Ok(())
    }

    /// What is open for writing at the end is not closed before it.
    pub(crate) fn record_open_files(&self) {
        for path in self.writing() {
            let entry = JournalEntry { path, kind: ItemKind::File, what: What::Modified, request: 0 };
            if let Err(error) = self.journal.append(&entry) {
                tracing::error!(%error, "cannot record what was open for writing");
                return;
            }
        }
    }
}
