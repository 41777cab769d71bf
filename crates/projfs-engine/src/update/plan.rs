//! `Plan`: what has to change so that everything clean on disk is as another view of the provider has it.

use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::NodeId;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderId;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;
use projfs_types::UpdateFailureCauses;
use projfs_types::VersionInfo;
use projfs_types::collation;

use super::shown::Shown;
use super::shown::Unasked;
use crate::Engine;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::DirView;
use crate::node::table::Prepared;

/// An item that was kept as it is although the provider has another one there, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The item, as users see it.
    pub path: RelPathBuf,
    /// What was changed here.
    pub causes: UpdateFailureCauses,
}

/// What has to change.
#[derive(Default)]
pub(super) struct Plan {
    /// In this order: what is in a directory comes before it.
    pub(super) changes: Vec<Change>,
    pub(super) conflicts: Vec<Conflict>,
}

/// One change.
pub(super) struct Change {
    pub(super) dir: Arc<DirView>,
    pub(super) name: ItemNameBuf,
    pub(super) under: Under,
    pub(super) what: What,
}

/// What changes.
pub(super) enum What {
    /// The item is a clean placeholder of this version from now on.
    Replace(PlaceholderInfo),
    /// A directory has other metadata.
    Provide(PlaceholderInfo, Origin),
    /// A directory whose metadata was changed here stands for another version.
    Version(VersionInfo),
    /// What is local goes; the provider has another sort of item there.
    Forget,
    /// The item goes, and the provider has nothing there.
    Drop,
    /// The item's directory is about to be the provider's no more: its own record says where it comes from.
    Detach,
    /// A directory is full from now on: the provider has it no more, and something in it was kept.
    Convert,
}

/// Makes a plan.
pub(super) struct Planner<'a> {
    engine: &'a Engine,
    /// The view that is to be.
    new: &'a mut Shown,
    /// The view that was; nothing if it cannot be asked any more.
    old: Option<&'a mut Shown>,
    plan: Plan,
}

/// A name, and what is there.
struct Place<'a> {
    dir: &'a Arc<DirView>,
    name: &'a ItemName,
    under: Under,
    state: ItemState,
    /// What the provider will have under the name.
    beneath: Option<PlaceholderInfo>,
}

/// Whether anything of an item stays.
type Stays = bool;

impl<'a> Planner<'a> {
    pub(super) fn new(engine: &'a Engine, new: &'a mut Shown, old: Option<&'a mut Shown>) -> Self {
        Self { engine, new, old, plan: Plan::default() }
    }

    /// The plan, which is complete if everything that was looked for was asked before.
    pub(super) fn make(mut self) -> Result<Plan> {
        let root = Arc::new(self.engine.nodes.view(NodeId::ROOT)?);
        self.directory(&root)?;
        self.plan.conflicts.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(self.plan)
    }

    /// Goes through what is local in a directory.
    fn directory(&mut self, dir: &Arc<DirView>) -> Result<Stays> {
        let listing = match &dir.projection {
            Some(projection) => match self.new.listing(projection) {
                Ok(listing) => listing,
                Err(Unasked) => return Ok(true),
            },
            None => None,
        };
        let mut stays = false;
        let on_disk = match dir.prepared {
            Prepared::Virtual | Prepared::Pinned => Vec::new(),
            Prepared::OnDisk | Prepared::Dirty => self.engine.store.list(&dir.path)?,
        };
        let collation = self.engine.options.collation;
        let new = |name: &ItemName| listing.as_ref()?.find(name, collation).map(|item| &item.info);
        if let Some(projection) = &dir.projection {
            for ProjectedItem { name, info } in self.engine.store.noted_below(projection) {
                let found = on_disk.binary_search_by(|item| collation::compare(&item.name, &name));
                if found.is_err() {
                    let origin = self.engine.store.origin(projection, &name);
                    let new = new(&name);
                    // Most are of this sort, and most of them as they should be.
                    if info.item_kind() != ItemKind::Directory && new.is_some_and(|new| !differ(&info, new)) {
                        stays = true;
                        continue;
                    }
                    stays |= self.item(dir, &name, Under::Noted { origin, info }, new)?;
                }
            }
        }
        for local in &on_disk {
            if !Engine::is_reserved(dir.node, &local.name) {
                let under = self.engine.under(dir, &local.name)?;
                stays |= self.item(dir, &local.name, under, new(&local.name))?;
            }
        }
        Ok(stays)
    }

    fn item(
        &mut self,
        dir: &Arc<DirView>,
        name: &ItemName,
        under: Under,
        beneath: Option<&PlaceholderInfo>,
    ) -> Result<Stays> {
        let Some(state) = under.state() else { return Ok(false) };
        let place = Place { dir, name, under, state, beneath: beneath.cloned() };
        match place.state.projected().cloned() {
            Some(projected) => self.projected(place, &projected),
            None => self.local(&place),
        }
    }

    /// An item that was made, changed or deleted here: it stays as it is.
    fn local(&mut self, place: &Place<'_>) -> Result<Stays> {
        let causes = match place.state {
            ItemState::Tombstone => UpdateFailureCauses::TOMBSTONE,
            _ => UpdateFailureCauses::DIRTY_DATA,
        };
        if self.hides_a_change(place) {
            self.conflict(place, causes);
        }
        if place.state.kind() == Some(ItemKind::Directory) {
            let view = self.view(place, None);
            self.directory(&view)?;
        }
        Ok(place.state != ItemState::Tombstone)
    }

    /// Whether what the provider has beneath an item is another than it was.
    fn hides_a_change(&mut self, place: &Place<'_>) -> bool {
        let Some(projection) = &place.dir.projection else { return false };
        let before = match &mut self.old {
            None => None,
            Some(old) => match old.item(&projection.join(place.name)) {
                Ok(before) => Some(before),
                Err(Unasked) => return false,
            },
        };
        match (before, &place.beneath) {
            (None, now) => now.is_some(),
            (Some(None), None) => false,
            // Both have deleted it.
            (Some(Some(_)), None) => place.state != ItemState::Tombstone,
            (Some(None), Some(_)) => true,
            (Some(Some(before)), Some(now)) => differ(&before, now),
        }
    }

    /// An item that is the provider's.
    fn projected(&mut self, place: Place<'_>, projected: &Projected) -> Result<Stays> {
        let Some(origin) = self.engine.origin_path(place.dir, place.name, &projected.origin) else {
            return Ok(true);
        };
        let home = place.dir.projection.as_ref().map(|projection| projection.join(place.name));
        let new = if home.as_ref() == Some(origin.path()) {
            place.beneath.clone()
        } else {
            match self.new.item(&origin) {
                Ok(new) => new,
                Err(Unasked) => return Ok(true),
            }
        };
        if place.state.kind() == Some(ItemKind::Directory) {
            return self.projected_directory(place, projected, origin, new);
        }
        let now = info_of(&place.under);
        let new = match new {
            Some(new) if now.as_ref().is_some_and(|now| !differ(now, &new)) => return Ok(true),
            new => new,
        };
        if projected.metadata == Metadata::Dirty {
            self.conflict(&place, UpdateFailureCauses::DIRTY_METADATA);
            if !self.has(place.dir) {
                self.change(place, What::Detach);
            }
            return Ok(true);
        }
        match new {
            Some(new) if new.item_kind() != ItemKind::Directory => {
                self.change(place, What::Replace(new));
                Ok(true)
            }
            Some(_) => {
                self.change(place, What::Forget);
                Ok(false)
            }
            None => {
                self.change(place, What::Drop);
                Ok(false)
            }
        }
    }

    fn projected_directory(
        &mut self,
        place: Place<'_>,
        projected: &Projected,
        origin: OriginBuf,
        new: Option<PlaceholderInfo>,
    ) -> Result<Stays> {
        let view = self.view(&place, Some(origin));
        let stays = self.directory(&view)?;
        match new {
            Some(new) if new.item_kind() == ItemKind::Directory => {
                let now = info_of(&place.under);
                if now.is_none_or(|now| differ(&now, &new)) {
                    // Its names and its metadata were changed here, and stay; the rest of it is the provider's.
                    let what = match projected.metadata {
                        Metadata::Dirty => What::Version(new.version),
                        Metadata::Clean => What::Provide(new, projected.origin.clone()),
                    };
                    if !matches!(&what, What::Version(version) if *version == projected.version) {
                        self.change(place, what);
                    }
                }
                Ok(true)
            }
            new if stays => {
                if new.is_some() {
                    self.conflict(&place, UpdateFailureCauses::DIRTY_DATA);
                }
                self.change(place, What::Convert);
                Ok(true)
            }
            Some(_) => {
                self.change(place, What::Forget);
                Ok(false)
            }
            None => {
                self.change(place, What::Drop);
                Ok(false)
            }
        }
    }

    /// Whether the new view has a directory.
    fn has(&mut self, dir: &DirView) -> bool {
        match &dir.projection {
            Some(projection) => !matches!(self.new.listing(projection), Ok(None)),
            // Nothing in it depends on the view.
            None => true,
        }
    }

    fn view(&self, place: &Place<'_>, projection: Option<OriginBuf>) -> Arc<DirView> {
        let node = self.engine.node_under(place.dir, place.name, &place.under);
        let prepared = match &place.under {
            Under::OnDisk(_) => Prepared::Dirty,
            Under::Nothing | Under::Unknown { .. } | Under::Noted { .. } => Prepared::Pinned,
        };
        // One that nobody knows has no nodes in it either.
        let node = node.unwrap_or(NodeId(0));
        Arc::new(DirView { node, path: place.dir.path.join(place.name), projection, prepared })
    }

    fn conflict(&mut self, place: &Place<'_>, causes: UpdateFailureCauses) {
        self.plan.conflicts.push(Conflict { path: place.dir.path.join(place.name), causes });
    }

    fn change(&mut self, place: Place<'_>, what: What) {
        let Place { dir, name, under, .. } = place;
        self.plan.changes.push(Change { dir: Arc::clone(dir), name: name.to_owned(), under, what });
    }
}

fn info_of(under: &Under) -> Option<PlaceholderInfo> {
    match under {
        Under::Noted { info, .. } => Some(info.clone()),
        Under::OnDisk(item) => item.info.clone(),
        Under::Nothing | Under::Unknown { .. } => None,
    }
}

/// Whether two descriptions are of different versions. A provider without content ids is compared by everything else.
fn differ(one: &PlaceholderInfo, other: &PlaceholderInfo) -> bool {
    let none = PlaceholderId::default();
    let versions = (&one.version.content, &other.version.content);
    if one.item_kind() != other.item_kind() || versions.0 != versions.1 {
        return true;
    }
    let described = |info: &PlaceholderInfo| {
        (info.kind.clone(), info.mode, info.attributes, info.times, info.extended.clone())
    };
    *versions.0 == none && described(one) != described(other)
}
