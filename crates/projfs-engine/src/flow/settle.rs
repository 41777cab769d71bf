//! `settle`: brings an item to the state in which an event has no further effect, then acts on it.

use projfs_store::Item;
use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::NewItem;
use projfs_store::NewKind;
use projfs_store::StoreFile;
use projfs_sync::Arc;
use projfs_types::FileState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPathBuf;
use projfs_types::What;

use super::ranges::RangeFile;
use super::resolve::Under;
use super::resolve::found;
use super::resolve::origin_path;
use crate::Engine;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::port::Context;
use crate::transition::Beneath;
use crate::transition::Change;
use crate::transition::Event;
use crate::transition::Fetch;
use crate::transition::Refusal;
use crate::transition::step;

/// Content that was fetched, and for what.
pub(crate) struct Fetched {
    pub(crate) file: Arc<dyn StoreFile>,
    pub(crate) info: PlaceholderInfo,
    pub(crate) number: Number,
    /// The parts in which it came.
    pub(crate) ranges: Option<Arc<RangeFile>>,
}

/// What is to be done, without locks, before looking again.
enum Need {
    Exclusive,
    Describe(DirView),
    Prepare(Prepared),
    PrepareItem(NodeId),
    Data { origin: RelPathBuf, info: PlaceholderInfo, number: Number },
    Existence(DirView),
}

impl Engine {
    /// Brings the item under a name to the state in which `event` has no further effect, then calls `act`
    /// while it cannot change.
    pub(crate) fn settle<T>(
        &self,
        context: &Context<'_>,
        parent: NodeId,
        name: &ItemName,
        event: Event,
        mut act: impl FnMut(&DirView, &Under) -> Result<T>,
    ) -> Result<T> {
        let mut fetched: Option<Fetched> = None;
        let mut known = None;
        let mut exclusive = false;
        loop {
            let need = {
                let _held = if exclusive { self.locks.change(&[parent]) } else { self.locks.look(parent) };
                let dir = self.nodes.view(parent)?;
                let under = self.under(&dir, name)?;
                let state = under.state();
                let beneath = match known {
                    Some(known) => known,
                    None if event == Event::Discard => self.beneath(&dir, name, &under),
                    None => Beneath::Unknown,
                };
                let step = step(found(&under, &state), beneath, event)
                    .map_err(|refusal| refused(refusal, &dir, name))?;
                match (step.fetch, step.change) {
                    (Fetch::Nothing, Change::Nothing) => return act(&dir, &under),
                    (Fetch::Placeholder, _) => Need::Describe(dir),
                    (Fetch::Existence, _) => Need::Existence(dir),
                    (Fetch::Data, _) if !fits(fetched.as_ref(), &under) => data_needed(&dir, name, &under)?,
                    _ if !exclusive => Need::Exclusive,
                    (_, Change::Dirty) if under.kind() == Some(ItemKind::Directory) => {
                        match self.enter(&dir, name, &under) {
                            Some(entry) => Need::PrepareItem(entry.node),
                            None => return Err(ErrorKind::NotFound.into()),
                        }
                    }
                    _ if dir.prepared < Prepared::OnDisk => Need::Prepare(Prepared::OnDisk),
                    (_, change) => {
                        self.apply(context, &dir, name, &under, change, fetched.take())?;
                        continue;
                    }
                }
            };
            match need {
                Need::Exclusive => exclusive = true,
                Need::Describe(dir) => match self.describe(context, &dir, name)? {
                    Some(info) => self.pin(context, parent, name, &info)?,
                    None => return Err(Error::new(ErrorKind::NotFound, &dir.path.join(name))),
                },
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
        change: Change,
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
            (Change::Convert, _) if under.kind() == Some(ItemKind::Symlink) => {
                self.record(context, path(), ItemKind::Symlink, What::Converted)?;
                self.convert_symlink(dir, name, under)?;
                self.kernel.entry_changed(dir.node, name);
            }
            (Change::Convert, _) => {
                self.record(context, path(), ItemKind::File, What::Converted)?;
                let content = match fetched {
                    Some(fetched) => fetched,
                    None => self.no_content(dir, name, under)?,
                };
                self.publish(dir, name, &content, &FileState::Full)?;
            }
            (Change::Dirty, Under::Noted { origin, info }) => {
                let projected = Projected { metadata: Metadata::Dirty, ..projected_of(under)? };
                self.store.put_stand_in(&dir.path, name, info, &projected)?;
                self.store.forget(origin)?;
            }
            (Change::Dirty, _) => {
                let projected = Projected { metadata: Metadata::Dirty, ..projected_of(under)? };
                self.store.set_projected(&dir.path, name, &projected)?;
            }
            (Change::Forget, _) => self.drop_local(context, dir, name, under)?,
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
        let Fetched { file, info, number, .. } = fetched;
        self.store.publish(&dir.path, name, file, info, state, *number)?;
        self.settled(fetched);
        self.flights.published(*number);
        if let Some(projection) = &dir.projection {
            self.store.forget(&projection.join(name))?;
        }
        Ok(())
    }

    /// The file that comes in parts, of a placeholder that does.
    pub(crate) fn parts_of(
        &self,
        dir: &DirView,
        name: &ItemName,
        under: &Under,
    ) -> Result<Option<Arc<RangeFile>>> {
        let Need::Data { origin, info, number } = data_needed(dir, name, under)? else { return Ok(None) };
        if !self.comes_in_parts(&info) {
            return Ok(None);
        }
        self.range_file(&origin, &info, number).map(Some)
    }

    /// What a placeholder that is truncated becomes.
    fn no_content(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<Fetched> {
        let Need::Data { info, number, .. } = data_needed(dir, name, under)? else {
            return Err(ErrorKind::Invalid.into());
        };
        Ok(Fetched { file: self.store.begin_content(0)?, info, number, ranges: None })
    }

    fn convert_symlink(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<()> {
        let Under::Noted { origin, info } = under else { return Err(ErrorKind::Invalid.into()) };
        let PlaceholderKind::Symlink { target } = &info.kind else { return Err(ErrorKind::Invalid.into()) };
        let kind = NewKind::Symlink { target: target.clone() };
        let (uid, gid) = self.options.owner;
        self.store.create(&dir.path, name, &NewItem { kind, permissions: 0o777, uid, gid })?;
        self.store.forget(origin)?;
        Ok(())
    }

    /// What is local of an item goes. At home it is virtual again; elsewhere it is a placeholder.
    fn drop_local(&self, context: &Context<'_>, dir: &DirView, name: &ItemName, under: &Under) -> Result<()> {
        let node = self.node_under(dir, name, under);
        self.drop_parts(under)?;
        let item = match under {
            Under::Noted { origin, .. } => {
                self.store.forget(origin)?;
                return self.listings_differ(dir, name);
            }
            Under::OnDisk(item) => item,
            Under::Nothing | Under::Unknown { .. } => return Ok(()),
        };
        let kind = item.state.kind().unwrap_or(ItemKind::File);
        self.record(context, dir.path.join(name), kind, What::Updated)?;
        let moved = item.state.projected().filter(|projected| matches!(projected.origin, Origin::At(_)));
        match (moved, &item.info) {
            (Some(projected), Some(info)) => self.store.put_stand_in(&dir.path, name, info, projected)?,
            _ => {
                let open = node.is_some_and(|node| self.nodes.is_open(node));
                let keep = if open { Keep::Trash } else { Keep::Nothing };
                let trash = self.store.remove(&dir.path, name, Leave::Nothing, keep)?;
                if let Some(node) = node {
                    self.files.remove(node);
                    self.nodes.removed(node, dir.node, name, trash);
                }
            }
        }
        if let Some(node) = node {
            self.files.remove(node);
            self.kernel.content_changed(node);
        }
        self.listings_differ(dir, name)
    }

    fn listings_differ(&self, dir: &DirView, name: &ItemName) -> Result<()> {
        self.kernel.entry_changed(dir.node, name);
        Ok(())
    }
}

/// Whether what was fetched is still what is wanted.
fn fits(fetched: Option<&Fetched>, under: &Under) -> bool {
    match (fetched, info_of(under)) {
        (Some(fetched), Some(info)) => {
            fetched.info.version == info.version
                && fetched.info.size() == info.size()
                && fetched.ranges.as_ref().is_none_or(|file| file.is_open())
        }
        _ => false,
    }
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

fn data_needed(dir: &DirView, name: &ItemName, under: &Under) -> Result<Need> {
    let info = info_of(under).ok_or(ErrorKind::Invalid)?.clone();
    let origin = origin_path(dir, name, &projected_of(under)?.origin).ok_or(ErrorKind::Invalid)?;
    let number = match under {
        Under::OnDisk(item) => Item::clone(item).stat.number,
        Under::Noted { .. } | Under::Nothing | Under::Unknown { .. } => Number::of_origin(&origin),
    };
    Ok(Need::Data { origin, info, number })
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
