//! `settle`: brings an item to the state in which an event has no further effect, then acts on it.

use projfs_store::Item;
use projfs_store::Leave;
use projfs_store::Place;
use projfs_store::StoreFile;
use projfs_store::TrashId;
use projfs_sync::Arc;
use projfs_sync::atomic::AtomicBool;
use projfs_sync::atomic::Ordering;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::What;

use super::ranges::RangeFile;
use super::resolve::Under;
use super::resolve::found;
use crate::Engine;
use crate::engine::Entry;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::node::table::DirView;
use crate::node::table::Location;
use crate::node::table::Prepared;
use crate::port::Context;
use crate::transition::Beneath;
use crate::transition::Change;
use crate::transition::Event;
use crate::transition::Fetch;
use crate::transition::Refusal;
use crate::transition::ask;
use crate::transition::step;

/// Content that was fetched, and for what.
pub(crate) struct Fetched {
    pub(crate) file: Arc<dyn StoreFile>,
    pub(crate) info: PlaceholderInfo,
    pub(crate) number: Number,
    /// Set once the file has a name: then it is somebody's, and nobody else's.
    pub(crate) taken: Arc<AtomicBool>,
    /// The parts in which it came.
    pub(crate) ranges: Option<Arc<RangeFile>>,
}

/// Where a node was found, while it cannot change.
pub(crate) enum Settled<'a> {
    Root,
    Trash(TrashId),
    Named(&'a DirView, &'a ItemName, &'a Under),
}

impl<'a> Settled<'a> {
    /// The same for the store.
    pub(crate) fn place(&self) -> Place<'a> {
        match self {
            Self::Root => Place::Root,
            Self::Trash(trash) => Place::Trash(*trash),
            Self::Named(dir, name, _) => Place::Named(&dir.path, name),
        }
    }
}

/// What is to be done, without locks, before looking again.
enum Need {
    Notice,
    Exclusive,
    Describe(DirView),
    Prepare(Prepared),
    PrepareItem(NodeId),
    Data { origin: OriginBuf, info: PlaceholderInfo, number: Number },
    Existence(DirView),
}

impl Engine {
    /// Brings a node's item to the state in which `event` has no further effect, then calls `act` while it cannot
    /// change. What has no name any more is the state machine's no longer.
    pub(crate) fn settle_node<T>(
        &self,
        context: &Context<'_>,
        node: NodeId,
        event: Event,
        mut act: impl FnMut(&Settled<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut tries = 0;
        loop {
            let (parent, name) = match self.nodes.location(node)? {
                Location::Root => return act(&Settled::Root),
                Location::Trash(trash) => return act(&Settled::Trash(trash)),
                Location::Named(parent, name) => (parent, name),
            };
            let settled = self.settle(context, parent, &name, Some(node), event, |dir, under| {
                act(&Settled::Named(dir, &name, under))
            })?;
            if let Some(done) = settled {
                return Ok(done);
            }
            self.moved_on(node, &mut tries)?;
        }
    }

    /// Brings the item under a name to the state in which `event` has no further effect, then calls `act`
    /// while it cannot change. Nothing is done if the name does not lead to `expected`.
    pub(crate) fn settle<T>(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        expected: Option<NodeId>,
        event: Event,
        mut act: impl FnMut(&DirView, &Under) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut fetched: Option<Fetched> = None;
        let mut known = None;
        let mut exclusive = false;
        let mut notice = self.notice(expected);
        loop {
            let need = {
                let _held = if exclusive { self.locks.change(&[parent]) } else { self.locks.look(parent) };
                let dir = match self.nodes.view(parent) {
                    // It may have been moved, and the directory it was in removed.
                    Err(_) if expected.is_some() => return Ok(None),
                    view => view?,
                };
                let under = self.under(&dir, name)?;
                if expected.is_some_and(|node| !self.leads_to(&dir, name, &under, node)) {
                    return Ok(None);
                }
                let state = state_for(event, &dir, name, &under);
                let beneath = match known {
                    Some(known) => known,
                    None if event == Event::Discard => self.beneath(&dir, name, &under),
                    None => Beneath::Unknown,
                };
                let step = step(found(&under, &state), beneath, event)
                    .map_err(|refusal| refused(refusal, &dir, name))?;
                match (step.fetch, step.change) {
                    (Fetch::Nothing, Change::Nothing) => return act(&dir, &under).map(Some),
                    _ if notice.is_due(ask(found(&under, &state), event)) => Need::Notice,
                    (Fetch::Placeholder, _) => Need::Describe(dir),
                    (Fetch::Existence, _) => Need::Existence(dir),
                    (Fetch::Data, _) if !self.fits(fetched.as_ref(), &dir, name, &under) => {
                        self.data_needed(&dir, name, &under)?
                    }
                    _ if !exclusive => Need::Exclusive,
                    (_, Change::Dirty) if under.kind() == Some(ItemKind::Directory) => {
                        match self.enter(&dir, name, &under) {
                            Some(entry) => Need::PrepareItem(entry.node),
                            None => return Err(ErrorKind::NotFound.into()),
                        }
                    }
                    (_, Change::Forget) if matches!(under, Under::Noted { .. }) => {
                        self.drop_local(context, &dir, name, &under, event)?;
                        continue;
                    }
                    _ if dir.prepared < Prepared::OnDisk => Need::Prepare(Prepared::OnDisk),
                    (_, change) => {
                        self.apply(context, &dir, name, &under, (event, change), fetched.take())?;
                        continue;
                    }
                }
            };
            match need {
                Need::Notice => notice = self.give_notice(context, expected, notice)?,
                Need::Exclusive => exclusive = true,
                Need::Describe(dir) => {
                    if !self.discover(context, &dir, name)? {
                        return Err(Error::new(ErrorKind::NotFound, &dir.path.join(name)));
                    }
                }
                Need::Existence(dir) => known = Some(self.ask_existence(context, &dir, name)?),
                Need::Prepare(level) => self.prepare(context, parent, level)?,
                Need::PrepareItem(node) => {
                    let prepared = self.prepare(context, node, Prepared::Dirty);
                    self.nodes.forget(node, 1);
                    prepared?;
                }
                Need::Data { origin, info, number } => {
                    fetched = Some(self.hydrate(context, &origin, info, number)?);
                }
            }
        }
    }

    /// Carries out one change of the state machine that does not move a name. The directory is on disk and its lock
    /// held exclusively.
    fn apply(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
        under: &Under,
        (event, change): (Event, Change),
        fetched: Option<Fetched>,
    ) -> Result<()> {
        let path = || dir.path.join(name);
        let node = self.node_under(dir, name, under);
        match (change, under) {
            (Change::Hydrate, _) => {
                let fetched = fetched.ok_or(ErrorKind::Invalid)?;
                let state = FileState::Hydrated(projected_of(under)?);
                self.publish(dir, name, &fetched, &state)?;
            }
            (Change::Convert, Under::OnDisk(item))
                if matches!(item.state, ItemState::File(FileState::Hydrated(_))) =>
            {
                self.record(context, path(), ItemKind::File, What::Converted)?;
                self.store.convert(&dir.path, name)?;
            }
            (Change::Convert, _) => {
                self.record(context, path(), ItemKind::File, What::Converted)?;
                match fetched {
                    // In two steps, each of which leaves the file as it is shown: opening it changes no time of it.
                    Some(fetched) => {
                        self.publish(dir, name, &fetched, &FileState::Hydrated(projected_of(under)?))?;
                        self.store.convert(&dir.path, name)?;
                    }
                    None => self.publish(dir, name, &self.no_content(dir, name, under)?, &FileState::Full)?,
                }
            }
            (Change::Dirty, Under::Noted { origin, info }) => {
                let projected = Projected { metadata: Metadata::Dirty, ..projected_of(under)? };
                self.store.put_stand_in(&dir.path, name, info, &projected)?;
                self.forget_hidden(origin);
            }
            (Change::Dirty, _) => {
                let projected = Projected { metadata: Metadata::Dirty, ..projected_of(under)? };
                self.store.set_projected(&dir.path, name, &projected)?;
            }
            (Change::Detach, _) => self.detach(dir, name, under)?,
            (Change::Forget, _) => self.drop_local(context, dir, name, under, event)?,
            (
                Change::Nothing
                | Change::Note
                | Change::RemoveLeavingTombstone
                | Change::Remove
                | Change::MoveLeavingTombstone
                | Change::Move,
                _,
            ) => return Err(ErrorKind::Invalid.into()),
        }
        self.nodes.changed(dir.node);
        if let Some(node) = node {
            self.kernel.attributes_changed(node);
        }
        Ok(())
    }

    fn publish(&self, dir: &DirView, name: &ItemName, fetched: &Fetched, state: &FileState) -> Result<()> {
        let Fetched { file, info, number, taken, .. } = fetched;
        taken.store(true, Ordering::Release);
        self.store.publish(&dir.path, name, file, info, state, *number)?;
        self.settled(fetched);
        self.flights.published(*number);
        if let Some(home) = self.home(dir, name) {
            self.forget_hidden(&home);
        }
        Ok(())
    }

    /// Forgets a note in whose place there is something on disk now. That has happened, so nobody is told of an error: a
    /// note that stays is hidden, and is forgotten before what hides it goes.
    pub(crate) fn forget_hidden(&self, origin: &OriginBuf) {
        if let Err(error) = self.store.forget(origin) {
            tracing::warn!(%error, "a placeholder stays noted");
        }
    }

    /// Ends a file that nobody has open any more. If that fails, the next start does it.
    pub(crate) fn end_trash(&self, trash: TrashId) {
        if let Err(error) = self.store.discard(trash) {
            tracing::error!(%error, "cannot empty the trash");
        }
    }

    /// The file that comes in parts, of a placeholder that does.
    pub(crate) fn parts_of(
        &self,
        dir: &DirView,
        name: &ItemName,
        under: &Under,
    ) -> Result<Option<Arc<RangeFile>>> {
        let Need::Data { origin, info, number } = self.data_needed(dir, name, under)? else {
            return Ok(None);
        };
        if !self.comes_in_parts(&info) {
            return Ok(None);
        }
        self.range_file(&origin, &info, number).map(Some)
    }

    /// What a placeholder that is truncated becomes.
    fn no_content(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<Fetched> {
        let Need::Data { info, number, .. } = self.data_needed(dir, name, under)? else {
            return Err(ErrorKind::Invalid.into());
        };
        let file = self.store.begin_content(0)?;
        Ok(Fetched { file, info, number, taken: Arc::default(), ranges: None })
    }

    /// What is local of an item goes, and it is virtual again.
    fn drop_local(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
        under: &Under,
        event: Event,
    ) -> Result<()> {
        self.drop_parts(under)?;
        let item = match under {
            Under::Noted { origin, info } => {
                self.record(context, dir.path.join(name), info.item_kind(), What::Updated)?;
                self.store.forget(origin)?;
                // Who has it open reads on in what came of it; the name leads to another node from now on.
                if let Some(node) = self.node_under(dir, name, under).filter(|&node| self.nodes.is_open(node))
                {
                    self.drop_name(node, dir.node, name, None)?;
                }
                self.nodes.changed(dir.node);
                self.kernel.entry_changed(dir.node, name);
                return Ok(());
            }
            Under::OnDisk(item) => item,
            Under::Nothing | Under::Unknown { .. } => return Ok(()),
        };
        // Its other names would lead to another file than this one.
        if event == Event::Dehydrate && item.stat.links > 1 {
            return Err(Error::new(ErrorKind::NotClean, &dir.path.join(name)));
        }
        let kind = item.state.kind().unwrap_or(ItemKind::File);
        self.record(context, dir.path.join(name), kind, What::Updated)?;
        // Also if nobody refers to its node: its file may still be kept open under the node's id.
        let Some(Entry { node, .. }) = self.enter(dir, name, under) else { return Ok(()) };
        let dropped =
            self.leave_to_others(dir, name, under).and_then(|()| self.drop_file(dir, name, item, node));
        self.nodes.forget(node, 1);
        dropped?;
        self.kernel.content_changed(node);
        // The number may be another now, which listings show too.
        self.kernel.content_changed(dir.node);
        self.kernel.entry_changed(dir.node, name);
        Ok(())
    }

    fn drop_file(&self, dir: &DirView, name: &ItemName, item: &Item, node: NodeId) -> Result<()> {
        let trash = self.store.remove(&dir.path, name, Leave::Nothing, self.keep_of(Some(node)))?;
        // Who has it open keeps what it had; otherwise the item is the same, without content.
        let same = self.home(dir, name).map(|home| Number::of_origin(&home));
        if self.nodes.is_open(node) || same != Some(item.stat.number) || item.stat.links > 1 {
            return self.drop_name(node, dir.node, name, trash);
        }
        self.files.remove(node);
        Ok(())
    }

    /// Whether what was fetched is still what is wanted.
    fn fits(&self, fetched: Option<&Fetched>, dir: &DirView, name: &ItemName, under: &Under) -> bool {
        let (Some(fetched), Ok(Need::Data { info, number, .. })) =
            (fetched, self.data_needed(dir, name, under))
        else {
            return false;
        };
        !fetched.taken.load(Ordering::Acquire)
            && fetched.ranges.as_ref().is_none_or(|file| file.is_open())
            && fetched.number == number
            && fetched.info.version == info.version
            && fetched.info.size() == info.size()
    }

    fn data_needed(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<Need> {
        let info = info_of(under).ok_or(ErrorKind::Invalid)?.clone();
        let origin = self.origin_path(dir, name, &projected_of(under)?.origin).ok_or(ErrorKind::Invalid)?;
        let number = match under {
            Under::OnDisk(item) => item.stat.number,
            Under::Noted { .. } | Under::Nothing | Under::Unknown { .. } => Number::of_origin(&origin),
        };
        Ok(Need::Data { origin, info, number })
    }
}

/// The state for the state machine. To be dehydrated, an item that is where it comes from is at home, even if its
/// record names the place.
fn state_for(event: Event, dir: &DirView, name: &ItemName, under: &Under) -> Option<ItemState> {
    let mut state = under.state();
    if event == Event::Dehydrate
        && let Some(projection) = &dir.projection
        && let Some(projected) = state.as_mut().and_then(ItemState::projected_mut)
        && matches!(&projected.origin, Origin::At(origin) if *origin.path() == projection.join(name))
    {
        projected.origin = Origin::Here;
    }
    state
}

fn info_of(under: &Under) -> Option<&PlaceholderInfo> {
    match under {
        Under::Noted { info, .. } => Some(info),
        Under::OnDisk(item) => item.info.as_ref(),
        Under::Nothing | Under::Unknown { .. } => None,
    }
}

fn projected_of(under: &Under) -> Result<Projected> {
    let state = under.state();
    let projected = state.as_ref().and_then(ItemState::projected);
    Ok(projected.ok_or(ErrorKind::Invalid)?.clone())
}

pub(crate) fn refused(refusal: Refusal, dir: &DirView, name: &ItemName) -> Error {
    let kind = match refusal {
        Refusal::NotFound => ErrorKind::NotFound,
        Refusal::IsDirectory => ErrorKind::IsDirectory,
        Refusal::Unsupported => ErrorKind::Invalid,
        Refusal::NotClean => ErrorKind::NotClean,
    };
    Error::new(kind, &dir.path.join(name))
}
