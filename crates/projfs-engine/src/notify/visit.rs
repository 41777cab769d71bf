//! `Visit`: an item that somebody operates on, where the provider wants to hear of it.

use projfs_provider::Closed;
use projfs_provider::Command;
use projfs_provider::MaskChange;
use projfs_provider::NameChange;
use projfs_provider::PostOperation;
use projfs_provider::PreOperation;
use projfs_provider::Reply;
use projfs_provider::Request;
use projfs_types::Caller;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::Converting;
use crate::Engine;
use crate::command::About;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::op::Peeked;
use crate::port::Context;
use crate::port::Patience;
use crate::transition::Ask;
use crate::transition::Event;
use crate::transition::Found;
use crate::transition::ask;

/// An item that somebody operates on, from the beginning of the operation, or of an open file, to its end.
#[derive(Clone)]
pub(crate) struct Visit {
    /// Of an item that is about to be made, its directory until then.
    pub(crate) node: NodeId,
    pub(super) path: RelPathBuf,
    pub(super) version: VersionInfo,
    pub(super) kind: ItemKind,
    pub(super) mask: NotifyMask,
    pub(super) caller: Caller,
    /// What all that is sent during this visit has in common.
    pub(super) file: u64,
}

impl Visit {
    fn wants(&self, wanted: NotifyMask) -> bool {
        self.mask.wants(wanted)
    }

    /// What the item is.
    pub(crate) fn kind(&self) -> ItemKind {
        self.kind
    }

    /// The item has another path.
    pub(crate) fn moved(&mut self, to: RelPathBuf) {
        self.path = to;
    }

    /// Whether the provider wants to be asked this.
    pub(super) fn asks(&self, ask: Ask) -> bool {
        wanted_for(ask).is_some_and(|wanted| self.wants(wanted))
    }

    /// The same visit, with what is wanted of the place that the item goes to: a rename or a link concerns both.
    fn with_destination(mut self, there: NotifyMask) -> Self {
        const BOTH: NotifyMask = NotifyMask::PRE_RENAME
            .union(NotifyMask::FILE_RENAMED)
            .union(NotifyMask::PRE_SET_HARDLINK)
            .union(NotifyMask::HARDLINK_CREATED);
        let suppressed = NotifyMask::SUPPRESS_NOTIFICATIONS;
        if !there.contains(suppressed) && there.intersects(BOTH) {
            if self.mask.contains(suppressed) {
                self.mask = NotifyMask::empty();
            }
            self.mask |= there & BOTH;
        }
        self
    }
}

impl Engine {
    /// Begins a visit of a node; nothing if the provider wants to hear of nothing there, or does this itself.
    ///
    /// # Errors
    /// `WouldWait` if it wants to; the provider's, if only it knows the item; the store's.
    pub(crate) fn visit(&self, context: &Context<'_>, node: NodeId) -> Result<Option<Visit>> {
        self.visit_going_to(context, node, None)
    }

    /// The same, of an item that is going to have another path, too.
    pub(crate) fn visit_going_to(
        &self,
        context: &Context<'_>,
        node: NodeId,
        to: Option<&RelPathBuf>,
    ) -> Result<Option<Visit>> {
        if self.notifier.is_silent() {
            return Ok(None);
        }
        // What has no name any more is nobody's business.
        let Ok(path) = self.nodes.path(node) else { return Ok(None) };
        let there = to.map_or(NotifyMask::empty(), |to| self.notifier.of_path(to));
        let mask = self.notifier.of_node(node, &path);
        if !self.is_heard(context, mask | there)? {
            return Ok(None);
        }
        let version = match self.peek(context, node)? {
            Peeked::Root => self.store.look_root()?.state.projected().map(|root| root.version.clone()),
            Peeked::Trash(_) => return Ok(None),
            Peeked::Named { info: Some(info), .. } => Some(info.version),
            Peeked::Named { under, .. } => version_of(&under),
        };
        let kind = self.nodes.kind(node)?;
        let visit = self.new_visit(context, node, path, kind, mask, version);
        Ok(Some(visit.with_destination(there)))
    }

    /// Begins a visit of an item that is about to be made; nothing if the provider wants to hear of nothing there.
    ///
    /// # Errors
    /// `WouldWait` if it wants to.
    pub(crate) fn visit_new(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        kind: ItemKind,
    ) -> Result<Option<Visit>> {
        if self.notifier.is_silent() {
            return Ok(None);
        }
        let path = self.nodes.path(parent)?.join(name);
        let mask = self.notifier.of_path(&path);
        if !self.is_heard(context, mask)? {
            return Ok(None);
        }
        Ok(Some(self.new_visit(context, parent, path, kind, mask, None)))
    }

    fn new_visit(
        &self,
        context: &Context<'_>,
        node: NodeId,
        path: RelPathBuf,
        kind: ItemKind,
        mask: NotifyMask,
        version: Option<VersionInfo>,
    ) -> Visit {
        let (version, caller, file) = (version.unwrap_or_default(), context.caller, self.handles.reserve().0);
        Visit { node, path, version, kind, mask, caller, file }
    }

    /// Whether something of a mask is to be sent for what a caller does: not for what the provider's own process does.
    fn is_heard(&self, context: &Context<'_>, mask: NotifyMask) -> Result<bool> {
        let silent = mask.is_empty() || mask == NotifyMask::SUPPRESS_NOTIFICATIONS;
        if silent || (self.options.is_provider)(context.caller) {
            return Ok(false);
        }
        match context.patience {
            Patience::None => Err(ErrorKind::WouldWait.into()),
            Patience::Until(_) => Ok(true),
        }
    }

    /// Begins a visit of a node for one operation: tells that it was opened, and asks what the state machine wants to be
    /// asked, `to` being where the item is going. Does so again only for another node.
    ///
    /// # Errors
    /// `WouldWait`; the provider's refusal.
    pub(crate) fn announce(
        &self,
        context: &Context<'_>,
        visit: &mut Option<Visit>,
        node: NodeId,
        event: Event,
        to: Option<&RelPathBuf>,
    ) -> Result<()> {
        if visit.as_ref().is_some_and(|visit| visit.node == node) {
            return Ok(());
        }
        self.end_visit(context, visit.take(), Closed::Unmodified);
        *visit = self.visit_going_to(context, node, to)?;
        if visit.is_none() {
            return Ok(());
        }
        self.tell_opened(context, visit)?;
        let state = match self.peek(context, node)? {
            Peeked::Named { under, .. } => under.state(),
            Peeked::Root | Peeked::Trash(_) => None,
        };
        let asked = state.as_ref().map_or(Ask::Nothing, |state| ask(Found::Local(state), event));
        self.authorize_step(context, visit.as_ref(), asked, to)
    }

    /// Asks whether something may happen, if that is wanted.
    ///
    /// # Errors
    /// The provider's refusal.
    pub(crate) fn authorize(
        &self,
        context: &Context<'_>,
        visit: Option<&Visit>,
        wanted: NotifyMask,
        operation: impl FnOnce(&Visit) -> PreOperation,
    ) -> Result<()> {
        let Some(visit) = visit.filter(|visit| visit.wants(wanted)) else { return Ok(()) };
        let operation = operation(visit);
        self.notify(context, visit, |request, reply| Command::Authorize { request, operation, reply })
    }

    /// Asks whether what the state machine wants to be asked may happen, `to` being the new path.
    ///
    /// # Errors
    /// The provider's refusal.
    pub(crate) fn authorize_step(
        &self,
        context: &Context<'_>,
        visit: Option<&Visit>,
        ask: Ask,
        to: Option<&RelPathBuf>,
    ) -> Result<()> {
        let Some(wanted) = wanted_for(ask) else { return Ok(()) };
        self.authorize(context, visit, wanted, |visit| {
            let (kind, to) = (visit.kind, to.cloned().unwrap_or_default());
            match ask {
                Ask::Nothing | Ask::ConvertToFull => PreOperation::ConvertToFull,
                Ask::Delete => PreOperation::Delete { kind },
                Ask::Rename => PreOperation::Rename { kind, to },
                Ask::SetHardlink => PreOperation::SetHardlink { to },
            }
        })
    }

    /// Tells that an existing item was opened, if that is wanted.
    ///
    /// # Errors
    /// The provider's refusal: the open must be undone.
    pub(crate) fn tell_opened(&self, context: &Context<'_>, visit: &mut Option<Visit>) -> Result<()> {
        let Some(visit) = visit.as_mut().filter(|visit| visit.wants(NotifyMask::FILE_OPENED)) else {
            return Ok(());
        };
        let kind = visit.kind;
        let answer =
            self.notify(context, visit, |request, reply| Command::Opened { request, kind, reply })?;
        self.answered(visit, answer);
        Ok(())
    }

    /// Tells what happened to a name, if that is wanted. It stays as it is whatever the provider says, and whoever is
    /// interrupted.
    pub(crate) fn tell_changed(
        &self,
        context: &Context<'_>,
        visit: &mut Option<Visit>,
        wanted: NotifyMask,
        change: NameChange,
    ) {
        let Some(visit) = visit.as_mut().filter(|visit| visit.wants(wanted)) else { return };
        let answer =
            self.notify(context, visit, |request, reply| Command::Changed { request, change, reply });
        match answer {
            Ok(answer) => self.answered(visit, answer),
            Err(error) => tracing::debug!(%error, "a notification was not answered"),
        }
    }

    /// Tells what happened, if that is wanted.
    pub(crate) fn tell_linked(&self, context: &Context<'_>, visit: Option<&Visit>, to: RelPathBuf) {
        let Some(visit) = visit.filter(|visit| visit.wants(NotifyMask::HARDLINK_CREATED)) else { return };
        let operation = PostOperation::HardlinkCreated { to };
        let told =
            self.notify(context, visit, |request, reply| Command::Observe { request, operation, reply });
        if let Err(error) = told {
            tracing::debug!(%error, "a notification was not answered");
        }
    }

    /// Ends a visit that was one operation, and tells so if that is wanted.
    pub(crate) fn end_visit(&self, context: &Context<'_>, visit: Option<Visit>, how: Closed) {
        let Some(visit) = visit else { return };
        if let Some(operation) = visit.closed(how) {
            let told =
                self.notify(context, &visit, |request, reply| Command::Observe { request, operation, reply });
            if let Err(error) = told {
                tracing::debug!(%error, "a notification was not answered");
            }
        }
        self.drop_mask(visit.node);
    }

    /// What the provider answered for an item holds until its last open file is closed.
    pub(crate) fn drop_mask(&self, node: NodeId) {
        if !self.notifier.is_silent() && !self.nodes.is_open(node) {
            self.notifier.masks.lock().remove(&node);
        }
    }

    fn answered(&self, visit: &mut Visit, answer: MaskChange) {
        let MaskChange::Set(mask) = answer else { return };
        if mask.is_empty() {
            return;
        }
        visit.mask = mask;
        if self.nodes.is_open(visit.node) {
            self.notifier.masks.lock().insert(visit.node, mask);
        }
    }

    fn notify<T: Send + 'static>(
        &self,
        context: &Context<'_>,
        visit: &Visit,
        build: impl FnOnce(Request, Reply<T>) -> Command,
    ) -> Result<T> {
        let about = About { path: visit.path.clone(), version: visit.version.clone() };
        self.commands.ask(context, about, |request, reply| build(request.for_file(visit.file), reply))
    }

    /// Waits until nobody else converts a node.
    ///
    /// # Errors
    /// `WouldWait`; `Interrupted`; `Unavailable` at a stop.
    pub(crate) fn convert_alone(&self, context: &Context<'_>, node: NodeId) -> Result<Converting> {
        let Patience::Until(interrupt) = context.patience else { return Err(ErrorKind::WouldWait.into()) };
        let begun = self.notifier.conversions.begin(node, interrupt, self.commands.stopping());
        begun.map_err(Error::from)
    }
}

impl Visit {
    /// How its end is told; nothing if nobody wants to hear that.
    pub(super) fn closed(&self, how: Closed) -> Option<PostOperation> {
        let modified = NotifyMask::FILE_HANDLE_CLOSED_FILE_MODIFIED;
        let (wanted, how) = match how {
            Closed::Unmodified => (NotifyMask::FILE_HANDLE_CLOSED_NO_MODIFICATION, how),
            Closed::Modified => (modified, how),
            Closed::Deleted { modified: changed } => (
                NotifyMask::FILE_HANDLE_CLOSED_FILE_DELETED,
                Closed::Deleted { modified: changed && self.wants(modified) },
            ),
        };
        self.wants(wanted).then_some(PostOperation::Closed { kind: self.kind, how })
    }
}

/// The notification by which the provider is asked.
fn wanted_for(ask: Ask) -> Option<NotifyMask> {
    match ask {
        Ask::Nothing => None,
        Ask::ConvertToFull => Some(NotifyMask::FILE_PRE_CONVERT_TO_FULL),
        Ask::Delete => Some(NotifyMask::PRE_DELETE),
        Ask::Rename => Some(NotifyMask::PRE_RENAME),
        Ask::SetHardlink => Some(NotifyMask::PRE_SET_HARDLINK),
    }
}

/// The version that an item has from the provider, if it is still the provider's.
fn version_of(under: &Under) -> Option<VersionInfo> {
    under.state()?.projected().map(|projected| projected.version.clone())
}
