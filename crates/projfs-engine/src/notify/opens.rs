//! Open files and directories, as far as the provider hears of them.

use projfs_provider::Closed;
use projfs_provider::Command;
use projfs_store::Access;
use projfs_sync::Arc;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_types::ItemKind;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::Stat;
use projfs_types::Timestamp;

use super::Visit;
use crate::Engine;
use crate::command::About;
use crate::error::Result;
use crate::handle::HandleId;
use crate::op::OpenHow;
use crate::port::Context;
use crate::port::Patience;

/// An open file of which the provider hears.
#[derive(Clone)]
pub(crate) struct OpenVisit {
    visit: Visit,
    /// It is open for writing.
    written: bool,
    /// What the file was when it was opened for writing: most writes pass us by, and at the close it is compared. Nothing
    /// if the open itself has changed it.
    before: Option<Shape>,
    /// Whether attributes were changed since, which moves the change time, too.
    touched: Arc<AtomicBool>,
}

/// What writing to a file moves.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    size: u64,
    write: Timestamp,
    change: Timestamp,
}

impl Shape {
    fn of(stat: &Stat) -> Self {
        Self { size: stat.size, write: stat.times.write, change: stat.times.change }
    }
}

impl OpenVisit {
    /// Attributes of the file were changed.
    pub(crate) fn touch(&self) {
        self.touched.store(true, Ordering::Relaxed);
    }
}

/// What is sent of an open file after its open.
const AT_CLOSE: NotifyMask =
    NotifyMask::FILE_HANDLE_CLOSED_NO_MODIFICATION.union(NotifyMask::FILE_HANDLE_CLOSED_FILE_MODIFIED);

impl Engine {
    /// The visit of a file goes on until its handle is closed, if there may be something to tell then.
    pub(crate) fn keep_visit(
        &self,
        context: &Context<'_>,
        visit: Option<Visit>,
        handle: HandleId,
        how: OpenHow,
    ) {
        let Some(visit) = visit else { return };
        if !visit.mask.intersects(AT_CLOSE) && !self.notifier.masks.lock().contains_key(&visit.node) {
            return;
        }
        let written = how.access == Access::ReadWrite || how.truncate;
        let before = match how {
            OpenHow { access: Access::ReadWrite, truncate: false } => self.shape(context, visit.node).ok(),
            OpenHow { .. } => None,
        };
        self.handles.keep_visit(handle, OpenVisit { visit, written, before, touched: Arc::default() });
    }

    fn shape(&self, context: &Context<'_>, node: NodeId) -> Result<Shape> {
        let context = Context { patience: Patience::None, ..*context };
        self.attributes(&context, node).map(|stat| Shape::of(&stat))
    }

    /// A file is about to be closed: tells so if that is wanted, without waiting. Called while its content is still there.
    pub(crate) fn end_open_visit(&self, context: &Context<'_>, open: &OpenVisit, node: NodeId) {
        let mut visit = open.visit.clone();
        let how = match open.before {
            None if open.written => Closed::Modified,
            None => Closed::Unmodified,
            Some(before) => match self.shape(context, node) {
                Ok(now) if now == before => Closed::Unmodified,
                Ok(now) if open.touched.load(Ordering::Relaxed) => {
                    let same = now.size == before.size && now.write == before.write;
                    if same { Closed::Unmodified } else { Closed::Modified }
                }
                // Rather once too often than never.
                Ok(_) | Err(_) => Closed::Modified,
            },
        };
        if let Ok(path) = self.nodes.path(node) {
            visit.path = path;
        }
        if let Some(&mask) = self.notifier.masks.lock().get(&node) {
            visit.mask = mask;
        }
        self.tell_closed(&visit, how);
    }

    fn tell_closed(&self, visit: &Visit, how: Closed) {
        let Some(operation) = visit.closed(how) else { return };
        let about = About { path: visit.path.clone(), version: visit.version.clone() };
        let commands = Arc::clone(&self.commands);
        let sent = self.commands.send(visit.caller, about, |request| {
            let id = request.command();
            let reply = projfs_provider::Reply::new(move |_| commands.answered(id));
            Command::Observe { request: request.for_file(visit.file), operation, reply }
        });
        if let Err(error) = sent {
            tracing::debug!(%error, "a close is not told");
        }
    }

    /// Whether the kernel must ask before a directory is opened, because the provider may want to hear of it.
    pub fn wants_directory_opens(&self) -> bool {
        self.notifier.wants_directories()
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// `NotDirectory`, `Stale`; the provider's refusal.
    pub fn open_directory(&self, context: &Context<'_>, node: NodeId) -> Result<HandleId> {
        let kind = self.nodes.kind(node)?;
        if kind != ItemKind::Directory {
            return Err(crate::ErrorKind::NotDirectory.into());
        }
        let mut visit = self.visit(context, node)?;
        let handle = self.handles.reserve();
        self.tell_opened(context, &mut visit)?;
        if let Some(visit) = visit.filter(|visit| visit.mask.intersects(AT_CLOSE)) {
            self.notifier.directories.lock().insert(handle, visit);
        }
        Ok(handle)
    }

    /// Closes a directory. Harmless if it is not open.
    pub fn release_directory(&self, handle: HandleId) {
        let visit = self.notifier.directories.lock().remove(&handle);
        if let Some(mut visit) = visit {
            if let Ok(path) = self.nodes.path(visit.node) {
                visit.path = path;
            }
            self.tell_closed(&visit, Closed::Unmodified);
        }
    }
}
