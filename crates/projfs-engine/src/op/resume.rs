//! Going on with what another process was doing when it died: its nodes, its open files, and the requests that it had
//! not answered, which the kernel sends again.
//!
//! A change is three steps: its entry in the journal, the store, the table of nodes. Between any two of them the process
//! may have died. Whoever was in between held the locks of its change, so its paths in the journal are those of now: a
//! directory is renamed alone. So the last entries are gone through, and where the table says something else than the
//! store, the store is right.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::OnceLock;

use projfs_store::Access;
use projfs_store::Since;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::Cursor;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::JournalEntry;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

use crate::Engine;
use crate::error::Result;
use crate::flow::Under;
use crate::flow::ranges::RangeFile;
use crate::handle::Handle;
use crate::handle::HandleId;
use crate::ledger::HandleRecord;
use crate::ledger::Ledger;
use crate::ledger::Remembered;
use crate::node::table::Location;
use crate::port::Context;

/// How many entries of the journal are looked at: more than changes can be under way.
const WINDOW: u64 = 2048;

/// What an engine takes down, and what it took over.
#[derive(Default)]
pub(crate) struct Kept {
    ledger: OnceLock<Arc<dyn Ledger>>,
    /// What requests had begun, by their number (`unique`).
    begun: Mutex<HashMap<u64, What>>,
    /// Those that had exchanged two names.
    exchanged: Mutex<HashSet<u64>>,
}

impl Kept {
    /// A request has exchanged two names: by looking one could not tell.
    pub(crate) fn exchanged(&self, request: u64) {
        if let Some(ledger) = self.ledger.get() {
            ledger.exchanged(request);
        }
    }
}

type Index = HashMap<(NodeId, ItemNameBuf), Vec<(NodeId, Number)>>;

impl Engine {
    /// From here on, what the kernel refers to is taken down. Before the first operation.
    pub fn keep(&self, ledger: &Arc<dyn Ledger>) {
        let _ = self.kept.ledger.set(Arc::clone(ledger));
        self.nodes.keep(Arc::clone(ledger));
        self.handles.keep(Arc::clone(ledger));
    }

    /// Takes down again all that the kernel refers to now, so that what was taken down before is not needed any more.
    /// Operations may run.
    pub fn note_all(&self) {
        self.nodes.note_all();
        self.handles.note_all();
    }

    /// Goes on with what a process that has died took down, and takes it down from here on. Before the first operation.
    ///
    /// # Errors
    /// The store's; the journal's.
    pub fn resume(&self, remembered: Remembered, ledger: &Arc<dyn Ledger>) -> Result<()> {
        let Remembered { nodes, handles, exchanged, since } = remembered;
        self.nodes.restore(nodes);
        self.keep(ledger);
        for record in handles.values() {
            self.nodes.opened(record.node);
        }
        let entries = self.last_entries(since)?;
        self.kept.exchanged.lock().extend(exchanged);
        let mut index = self.nodes.index();
        // The latest first: of those about one name, that is the one which may be half done.
        for entry in entries.iter().rev() {
            if let Err(error) = self.agree(&mut index, entry) {
                tracing::debug!(%error, "an entry of the journal leads nowhere");
            }
        }
        let begun = entries.into_iter().filter(|entry| entry.request != 0);
        self.kept.begun.lock().extend(begun.map(|entry| (entry.request, entry.what)));
        self.agree_on_directories();
        self.handles.restore(handles.into_iter().map(|(id, record)| (id, self.reopened(record))));
        self.clear_trash()
    }

    /// What a request had begun to change when the process that had it died.
    pub fn begun(&self, request: u64) -> Option<What> {
        self.kept.begun.lock().get(&request).cloned()
    }

    /// Whether a request had exchanged two names when the process that had it died.
    pub fn has_exchanged(&self, request: u64) -> bool {
        self.kept.exchanged.lock().contains(&request)
    }

    /// Whether nothing local is under a name, and what the provider has there, if it has, was not looked up.
    ///
    /// # Errors
    /// `Stale` or `NotDirectory` for the directory; the store's.
    pub fn is_gone(&self, parent: NodeId, name: &ItemName) -> Result<bool> {
        let _held = self.locks.look(parent);
        let dir = self.nodes.view(parent)?;
        Ok(self.under(&dir, name)?.kind().is_none())
    }

    /// Closes what a request had opened whose answer the kernel never got: the file, and what it was open for.
    pub fn close_unanswered(&self, context: &Context<'_>) -> Option<(NodeId, Access)> {
        let (id, handle) = self.handles.opened_by(context.request)?;
        self.release(context, id);
        Some((handle.node, handle.access))
    }

    /// The nodes that are known, but the root.
    pub fn known_nodes(&self) -> Vec<NodeId> {
        self.nodes.all().into_iter().map(|(id, _)| id).filter(|id| *id != NodeId::ROOT).collect()
    }

    /// Whether a file is open under this handle.
    pub fn is_handle(&self, handle: HandleId) -> bool {
        self.handles.get(handle).is_ok()
    }

    fn last_entries(&self, since: Option<Cursor>) -> Result<Vec<JournalEntry>> {
        let end = self.journal.end();
        let first = end.sequence.saturating_sub(WINDOW).max(self.journal.start().sequence);
        let first = match since {
            Some(since) if since.epoch == end.epoch => first.max(since.sequence),
            Some(_) | None => first,
        };
        let cursor = Cursor { sequence: first, ..end };
        Ok(match self.journal.since(cursor, WINDOW as usize)? {
            Since::Entries { entries, .. } => entries,
            Since::Gone { .. } => Vec::new(),
        })
    }

    /// Makes the nodes agree with the store on the names that an entry is about.
    fn agree(&self, index: &mut Index, entry: &JournalEntry) -> Result<()> {
        match &entry.what {
            What::Deleted => self.agree_on(index, &entry.path, None),
            What::Renamed { to } => {
                self.agree_on(index, to, None)?;
                self.agree_on(index, &entry.path, Some(to))
            }
            What::Exchanged { with } => {
                let both = [&entry.path, with];
                // Until it was taken down, the nodes have their old names.
                let moved = self.leads_elsewhere(index, &entry.path)?;
                if moved && entry.request != 0 {
                    self.kept.exchanged.lock().insert(entry.request);
                }
                self.agree_on(index, both[0], Some(both[1]))?;
                self.agree_on(index, both[1], Some(both[0]))
            }
            What::Created
            | What::Modified
            | What::Metadata
            | What::Converted
            | What::Linked { .. }
            | What::Updated => Ok(()),
        }
    }

    /// Whether a node is known under a path where the store has another item by now.
    fn leads_elsewhere(&self, index: &Index, path: &RelPath) -> Result<bool> {
        let Some((parent, name)) = place(index, path) else { return Ok(false) };
        let now = self.number_under(parent, name)?;
        let known = index.get(&(parent, name.to_owned()));
        Ok(known.is_some_and(|known| known.iter().any(|(_, number)| !now.contains(number))))
    }

    fn agree_on(&self, index: &mut Index, path: &RelPath, moved: Option<&RelPathBuf>) -> Result<()> {
        let Some((parent, name)) = place(index, path) else { return Ok(()) };
        let Some(known) = index.get(&(parent, name.to_owned())).cloned() else { return Ok(()) };
        let now = self.number_under(parent, name)?;
        let to = moved.and_then(|to| place(index, to)).map(|(dir, name)| (dir, name.to_owned()));
        for (id, number) in known {
            if now.contains(&number) {
                continue;
            }
            let arrived = match &to {
                Some((dir, name)) => self.number_under(*dir, name)?.contains(&number),
                None => false,
            };
            if let Some(nodes) = index.get_mut(&(parent, name.to_owned())) {
                nodes.retain(|(known, _)| *known != id);
            }
            match &to {
                Some((dir, new)) if arrived => {
                    self.nodes.renamed(id, (parent, name), (*dir, new));
                    index.entry((*dir, new.clone())).or_default().push((id, number));
                }
                Some(_) | None => {
                    self.nodes.removed(id, parent, name, None);
                }
            }
        }
        Ok(())
    }

    /// The numbers that an item under a name may have.
    fn number_under(&self, parent: NodeId, name: &ItemName) -> Result<Vec<Number>> {
        let dir = self.nodes.view(parent)?;
        let under = self.under(&dir, name)?;
        Ok(match &under {
            Under::Unknown { origin } => vec![Number::of_origin(origin)],
            under => self.seen(&dir, name, under).map(|(stat, _)| stat.number).into_iter().collect(),
        })
    }

    /// The store says whose a directory is, and what was done to it.
    fn agree_on_directories(&self) {
        for (id, parent, name) in self.nodes.directories() {
            let Ok(dir) = self.nodes.view(parent) else { continue };
            let Ok(under) = self.under(&dir, &name) else { continue };
            let Some((stat, seen)) = self.seen(&dir, &name, &under) else { continue };
            if seen.kind == ItemKind::Directory
                && self.nodes.number(id).is_ok_and(|number| number == stat.number)
            {
                self.nodes.provide(id, seen.projection, seen.prepared);
            }
        }
    }

    fn reopened(&self, record: HandleRecord) -> Handle {
        let HandleRecord { node, access, in_parts, request } = record;
        let ranges = if in_parts { self.parts_again(node) } else { None };
        Handle { node, access, ranges, visit: None, request, unsynced: None }
    }

    /// The content of a file that came in parts, if it still does. One that is whole by now is read as it is.
    fn parts_again(&self, node: NodeId) -> Option<Arc<RangeFile>> {
        let Ok(Location::Named(parent, name)) = self.nodes.location(node) else { return None };
        let dir = self.nodes.view(parent).ok()?;
        let under = self.under(&dir, &name).ok()?;
        self.parts_of(&dir, &name, &under).ok().flatten()
    }

    /// What is in the trash is an open file's whose removal was not taken down any more, or nobody's.
    fn clear_trash(&self) -> Result<()> {
        for trash in self.nodes.unopened_trash() {
            self.store.discard(trash)?;
        }
        let known: HashSet<u64> = self.nodes.trashed().into_iter().map(|trash| trash.0).collect();
        for trash in self.store.trash()?.into_iter().filter(|trash| !known.contains(&trash.0)) {
            let number = self.store.look_trash(trash).map(|item| item.stat.number);
            if !number.is_ok_and(|number| self.nodes.bury(number, trash)) {
                self.store.discard(trash)?;
            }
        }
        Ok(())
    }
}

/// The directory's node and the name that a path ends with, if the directory is known.
fn place<'a>(index: &Index, path: &'a RelPath) -> Option<(NodeId, &'a ItemName)> {
    let (parent, name) = path.split_last()?;
    let mut at = NodeId::ROOT;
    for name in parent.components() {
        at = index.get(&(at, name.to_owned()))?.first()?.0;
    }
    Some((at, name))
}
