//! Renaming.

use projfs_provider::Closed;
use projfs_provider::NameChange;
use projfs_store::Leave;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::NotifyMask;
use projfs_types::Origin;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::What;

use super::lookup::missing;
use super::remove::leave_of;
use crate::Engine;
use crate::engine::DirectoryRenames;
use crate::engine::Entry;
use crate::enumerate::Listing;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::notify::Visit;
use crate::port::Context;
use crate::transition::Beneath;
use crate::transition::Event;

/// What a rename does with an item that has the new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenameHow {
    /// Replaces it, if it is of the same sort.
    Replace,
    /// Fails (`RENAME_NOREPLACE`).
    NoReplace,
    /// Gives it the old name (`RENAME_EXCHANGE`).
    Exchange,
}

/// One side of a rename: a directory and a name in it.
type Side<'a> = (NodeId, &'a ItemName);

/// What was asked of the provider so far: what it has beneath the old name.
#[derive(Default)]
struct Known {
    from: Option<Beneath>,
}

/// The items that move, where the provider hears of them, and where they go.
#[derive(Default)]
struct Visits {
    source: (Option<Visit>, Option<RelPathBuf>),
    target: (Option<Visit>, Option<RelPathBuf>),
}

impl Engine {
    /// Renames an item. A projected directory moves in one step, whatever is below it: it remembers where it comes from.
    ///
    /// # Errors
    /// `NotFound`; `Exists` with [`RenameHow::NoReplace`]; `IsDirectory`, `NotDirectory`, `NotEmpty` if the item that has
    /// the new name cannot be replaced; `CrossDevice` for a projected directory where such renames are refused; `Reserved`;
    /// the provider's; the store's.
    pub fn rename(&self, context: &Context<'_>, from: Side<'_>, to: Side<'_>, how: RenameHow) -> Result<()> {
        if Self::is_reserved(from.0, from.1) || Self::is_reserved(to.0, to.1) {
            return Err(ErrorKind::Reserved.into());
        }
        for (dir, _) in [from, to] {
            self.nodes.view(dir)?;
        }
        let (old, new) = (self.spelling(context, from.0, from.1)?, self.spelling(context, to.0, to.1)?);
        let from = (from.0, &*old);
        let spelled = (to.0, &*new);
        let mut known = Known::default();
        let mut visits = Visits::default();
        loop {
            let source = match self.lookup(context, from.0, from.1) {
                Ok(Some(source)) => source,
                gone => {
                    self.end_rename(context, visits, false);
                    return gone.and_then(|_| missing());
                }
            };
            let target = self.lookup(context, to.0, spelled.1);
            // What is there keeps its spelling; what is not there gets the one that was asked for.
            let to = if matches!(target, Ok(Some(_))) { spelled } else { to };
            let result = match &target {
                Ok(target) => {
                    let target = target.as_ref();
                    self.announce_rename(context, from, to, how, (&source, target), &mut visits)
                        .and_then(|()| self.rename_known(context, from, to, how, &source, target, &mut known))
                }
                Err(_) => Ok(Some(())),
            };
            self.nodes.forget(source.node, 1);
            let looked_up = target.map(|target| {
                if let Some(target) = target {
                    self.nodes.forget(target.node, 1);
                }
            });
            let result = looked_up.and(result);
            if !matches!(result, Ok(None)) {
                self.end_rename(context, visits, result.is_ok());
                return result.map(|_| ());
            }
        }
    }

    /// Asks the provider before a rename, of both items if they change places.
    fn announce_rename(
        &self,
        context: &Context<'_>,
        from: Side<'_>,
        to: Side<'_>,
        how: RenameHow,
        (source, target): (&Entry, Option<&Entry>),
        visits: &mut Visits,
    ) -> Result<()> {
        if self.notifier.is_silent() || target.is_some_and(|target| target.node == source.node) {
            return Ok(());
        }
        let target = target.filter(|_| how == RenameHow::Exchange);
        let (from, to) = (self.nodes.path(from.0)?.join(from.1), self.nodes.path(to.0)?.join(to.1));
        self.announce(context, &mut visits.source.0, source.node, Event::Rename, Some(&to))?;
        visits.source.1 = Some(to);
        if let Some(target) = target {
            self.announce(context, &mut visits.target.0, target.node, Event::Rename, Some(&from))?;
            visits.target.1 = Some(from);
        }
        Ok(())
    }

    /// Tells the provider of a rename, if it has happened, and of its end.
    fn end_rename(&self, context: &Context<'_>, visits: Visits, happened: bool) {
        for (mut visit, to) in [visits.source, visits.target] {
            if let (Some(visited), Some(to), true) = (&visit, to, happened) {
                let kind = visited.kind();
                let change = NameChange::Renamed { kind, to: to.clone() };
                self.tell_changed(context, &mut visit, NotifyMask::FILE_RENAMED, change);
                if let Some(visit) = &mut visit {
                    visit.moved(to);
                }
            }
            self.end_visit(context, visit, Closed::Unmodified);
        }
    }

    /// Renames if both names are as they were found; nothing if one must look again.
    #[expect(clippy::too_many_arguments, reason = "the two sides of a rename")]
    fn rename_known(
        &self,
        context: &Context<'_>,
        from: Side<'_>,
        to: Side<'_>,
        how: RenameHow,
        source: &Entry,
        target: Option<&Entry>,
        known: &mut Known,
    ) -> Result<Option<()>> {
        let directories = [Some(source), target].into_iter().flatten().any(is_directory);
        let listing = self.check(context, (from, to), how, source, target)?;
        for moving in [Some(source), target.filter(|_| how == RenameHow::Exchange)].into_iter().flatten() {
            self.refuse_projected(moving.node)?;
        }
        // Two names of one file: POSIX has nothing happen.
        if target.is_some_and(|target| target.node == source.node) {
            return Ok(Some(()));
        }
        self.prepare(context, from.0, Prepared::Dirty)?;
        self.prepare(context, to.0, Prepared::Dirty)?;
        let held = if directories { self.locks.everything() } else { self.locks.change(&[from.0, to.0]) };
        let (from_dir, to_dir) = (self.nodes.view(from.0)?, self.nodes.view(to.0)?);
        let from_under = self.under(&from_dir, from.1)?;
        let to_under = self.under(&to_dir, to.1)?;
        if self.node_under(&from_dir, from.1, &from_under) != Some(source.node)
            || self.node_under(&to_dir, to.1, &to_under) != target.map(|target| target.node)
            // What came there since may have no node, because nobody refers to it.
            || to_under.kind().is_some() != target.is_some()
            || from_dir.prepared.min(to_dir.prepared) < Prepared::Dirty
            || listing.as_ref().is_some_and(|listing| listing.is_stale())
        {
            return Ok(None);
        }
        if how == RenameHow::Replace
            && let Some(target) = target.filter(|target| is_directory(target))
            && !self.is_empty_now(target.node, listing)?
        {
            return Err(Error::new(ErrorKind::NotEmpty, &to_dir.path.join(to.1)));
        }
        let beneath = match known.from.take() {
            // Of what was asked before it became a placeholder of the provider's again, nothing holds.
            Some(known) if !matches!(from_under, Under::Noted { .. }) => known,
            Some(_) | None => self.beneath(&from_dir, from.1, &from_under),
        };
        let leave = match (how, leave_of(&from_under, beneath, Event::Rename)) {
            // Both names stay taken.
            (RenameHow::Exchange, _) => Leave::Nothing,
            (RenameHow::Replace | RenameHow::NoReplace, Some(leave)) => leave,
            (RenameHow::Replace | RenameHow::NoReplace, None) => {
                drop(held);
                known.from = Some(self.ask_existence(context, &from_dir, from.1)?);
                return Ok(None);
            }
        };
        let kind = from_under.kind().ok_or(ErrorKind::NotFound)?;
        let (old, new) = (from_dir.path.join(from.1), to_dir.path.join(to.1));
        // The one may have come below the other since.
        check_places(&old, &new, how, target.is_some())?;
        let what = match how {
            RenameHow::Exchange => What::Exchanged { with: new },
            RenameHow::Replace | RenameHow::NoReplace => What::Renamed { to: new },
        };
        self.record(context, old, kind, what)?;
        self.detach(&from_dir, from.1, &from_under)?;
        self.nodes.changed(from.0);
        match (how, target) {
            (RenameHow::Exchange, Some(target)) => {
                self.detach(&to_dir, to.1, &to_under)?;
                self.nodes.changed(to.0);
                self.leave_home(&from_dir, from.1, &from_under)?;
                self.leave_home(&to_dir, to.1, &to_under)?;
                self.store.exchange((&from_dir.path, from.1), (&to_dir.path, to.1))?;
                self.kept.exchanged(context.request);
                self.nodes.renamed(target.node, to, from);
            }
            (RenameHow::Exchange | RenameHow::Replace | RenameHow::NoReplace, target) => {
                self.leave_home(&from_dir, from.1, &from_under)?;
                self.replace(&from_dir, from, &to_dir, to, leave, target, &to_under)?;
            }
        }
        self.nodes.renamed(source.node, from, to);
        self.appeared(&to_dir, to.1);
        self.nodes.changed(from.0);
        self.nodes.changed(to.0);
        Ok(Some(()))
    }

    /// What can be refused before anything is asked or changed for the rename's sake.
    fn check(
        &self,
        context: &Context<'_>,
        (from, to): (Side<'_>, Side<'_>),
        how: RenameHow,
        source: &Entry,
        target: Option<&Entry>,
    ) -> Result<Option<Arc<Listing>>> {
        let from_path = self.nodes.path(from.0)?.join(from.1);
        let to_path = self.nodes.path(to.0)?.join(to.1);
        let refuse = |kind| Err(Error::new(kind, &to_path));
        check_places(&from_path, &to_path, how, target.is_some())?;
        match (how, target) {
            (RenameHow::Replace, Some(target)) if target.node != source.node => {
                match (is_directory(source), is_directory(target)) {
                    (true, false) => refuse(ErrorKind::NotDirectory),
                    (false, true) => refuse(ErrorKind::IsDirectory),
                    (true, true) => self.check_empty(context, target.node),
                    (false, false) => Ok(None),
                }
            }
            (RenameHow::Replace | RenameHow::Exchange | RenameHow::NoReplace, _) => Ok(None),
        }
    }

    fn refuse_projected(&self, node: NodeId) -> Result<()> {
        match self.options.directory_renames {
            DirectoryRenames::Allow => Ok(()),
            DirectoryRenames::Refuse => match self.nodes.view(node) {
                Ok(view) if view.projection.is_some() => Err(Error::new(ErrorKind::CrossDevice, &view.path)),
                _ => Ok(()),
            },
        }
    }

    /// Makes an item that is still the provider's say where it comes from, which it no longer does by its place. What it
    /// says is true before the rename as well.
    pub(crate) fn detach(&self, dir: &DirView, name: &ItemName, under: &Under) -> Result<()> {
        match under {
            Under::Noted { origin, info } => {
                let projected = Projected {
                    origin: Origin::At(origin.clone()),
                    ..Projected::clean(info.version.clone())
                };
                match info.item_kind() {
                    ItemKind::Directory => self.store.put_directory(&dir.path, name, info, &projected)?,
                    ItemKind::File | ItemKind::Symlink | ItemKind::Special => {
                        self.store.put_stand_in(&dir.path, name, info, &projected)?;
                    }
                }
                self.forget_hidden(origin);
            }
            Under::OnDisk(item) => {
                if let (Some(projected), Some(home)) = (item.state.projected(), self.home(dir, name))
                    && projected.origin == Origin::Here
                {
                    let projected = Projected { origin: Origin::At(home), ..projected.clone() };
                    self.store.set_projected(&dir.path, name, &projected)?;
                }
            }
            Under::Nothing | Under::Unknown { .. } => {}
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the two sides of a rename")]
    fn replace(
        &self,
        from_dir: &DirView,
        from: Side<'_>,
        to_dir: &DirView,
        to: Side<'_>,
        leave: Leave,
        target: Option<&Entry>,
        to_under: &Under,
    ) -> Result<()> {
        let keep = self.keep_of(target.map(|target| target.node));
        self.drop_parts(to_under)?;
        self.leave_to_others(to_dir, to.1, to_under)?;
        self.forget_before(from_dir, from.1, leave)?;
        let trash = self.store.rename((&from_dir.path, from.1), (&to_dir.path, to.1), leave, keep)?;
        if let Under::Noted { origin, .. } = to_under {
            self.forget_hidden(origin);
        }
        self.end_directory(to_dir, to.1, to_under);
        if let Some(target) = target {
            self.drop_name(target.node, to.0, to.1, trash)?;
        }
        Ok(())
    }
}

/// Refuses a new name that must be free, or taken, and is not; and to move an item below itself, or over what it is in.
fn check_places(from: &RelPath, to: &RelPath, how: RenameHow, is_taken: bool) -> Result<()> {
    let below = |path: &RelPath, other: &RelPath| path != other && path.starts_with(other);
    let kind = match how {
        RenameHow::NoReplace if is_taken => ErrorKind::Exists,
        RenameHow::Exchange if !is_taken => ErrorKind::NotFound,
        _ if below(to, from) => ErrorKind::Invalid,
        RenameHow::Exchange if below(from, to) => ErrorKind::Invalid,
        RenameHow::Replace if is_taken && below(from, to) => ErrorKind::NotEmpty,
        RenameHow::Replace | RenameHow::NoReplace | RenameHow::Exchange => return Ok(()),
    };
    Err(Error::new(kind, to))
}

fn is_directory(entry: &Entry) -> bool {
    entry.stat.kind() == ItemKind::Directory
}
