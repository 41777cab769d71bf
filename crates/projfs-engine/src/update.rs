//! Changes of the view: the provider has other versions of items, or new ones, or no more of them.
//!
//! What a user changed is kept unless the provider says that it may go, one kind of change at a time; the pure function
//! [`overwrite`](crate::overwrite) says which is which. Nobody is asked or told of what happens here, no tombstone stays,
//! and no directory becomes dirty. Descriptors that are open go on with what they have.

mod absent;
mod place;
mod plan;
mod shown;
mod switch;

use projfs_store::AttributeChange;
use projfs_store::Item;
use projfs_store::Leave;
use projfs_store::Place;
use projfs_store::TrashId;
use projfs_types::DirectoryState;
use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemState;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::RelPath;
use projfs_types::USER_PREFIX;
use projfs_types::UpdateFlags;
use projfs_types::What;
use projfs_types::mode;

use crate::Engine;
use crate::check;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::flow::found;
use crate::flow::has_others;
use crate::node::table::DirView;
use crate::node::table::Prepared;
use crate::port::Context;
use crate::transition::ByProvider;
use crate::transition::Inside;
use crate::transition::Meets;
use crate::transition::Obstacle;
use crate::transition::Overwrite;
use crate::transition::SameVersion;
use crate::transition::Writing;
use crate::transition::overwrite;

pub use plan::Conflict;
pub use switch::Switched;

/// What an update came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// The item is a placeholder of the new version.
    Updated,
    /// It had that content id before; nothing was changed.
    Unchanged,
}

/// A name of a directory whose lock is held, or everything's.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'a> {
    pub(crate) dir: &'a DirView,
    pub(crate) name: &'a ItemName,
    pub(crate) under: &'a Under,
    /// The node of what is there.
    pub(crate) node: Option<NodeId>,
}

impl Spot<'_> {
    fn path(&self) -> projfs_types::RelPathBuf {
        self.dir.path.join(self.name)
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, &self.path())
    }

    fn item(&self) -> Option<&Item> {
        match self.under {
            Under::OnDisk(item) => Some(item),
            Under::Nothing | Under::Unknown { .. } | Under::Noted { .. } => None,
        }
    }
}

impl Engine {
    /// Makes what is local at a path a clean placeholder with this metadata, if its content id is another
    /// (`PrjUpdateFileIfNeeded`). The path is the one that users see. An item that was moved stays what it is: its
    /// content is asked for under the path that it came with.
    ///
    /// A directory stays a directory whatever `info` says; nothing else becomes one.
    ///
    /// # Errors
    /// `NotFound` if nothing is local at the path; `PathNotFound` if a directory on the way is not; `NotEmpty` if
    /// anything is in the directory; `Kept` if local changes were not given up by `flags`; `Invalid`; the store's.
    pub fn update(
        &self,
        context: &Context<'_>,
        path: &RelPath,
        info: &PlaceholderInfo,
        flags: UpdateFlags,
    ) -> Result<Updated> {
        if let Err(why) = check::info(info) {
            return Err(Error { source: Some(why.into()), ..Error::new(ErrorKind::Invalid, path) });
        }
        self.in_local_directory(path, |parent, name| {
            self.at_spot(parent, name, |spot| {
                let meets = self.meets(spot, Some(info), flags)?;
                match self.permit(spot, ByProvider::Update, meets)? {
                    Overwrite::Nothing => Ok(Updated::Unchanged),
                    Overwrite::Replace | Overwrite::Drop => {
                        self.replace_spot(context, spot, info)?;
                        Ok(Updated::Updated)
                    }
                }
            })
        })
    }

    /// Drops what is local at a path (`PrjDeleteFile`): what the provider has there is virtual again.
    ///
    /// # Errors
    /// Those of [`update`](Self::update).
    pub fn delete(&self, context: &Context<'_>, path: &RelPath, flags: UpdateFlags) -> Result<()> {
        self.in_local_directory(path, |parent, name| {
            self.at_spot(parent, name, |spot| {
                let meets = self.meets(spot, None, flags)?;
                self.permit(spot, ByProvider::Delete, meets)?;
                self.drop_spot(context, spot)
            })
        })
    }

    /// The number of what is projected under the name.
    fn home_number(&self, spot: &Spot<'_>) -> Option<Number> {
        Some(Number::of_origin(&self.home(spot.dir, spot.name)?))
    }

    fn permit(&self, spot: &Spot<'_>, by: ByProvider, meets: Meets) -> Result<Overwrite> {
        let state = spot.under.state();
        overwrite(found(spot.under, &state), by, meets).map_err(|obstacle| {
            spot.error(match obstacle {
                Obstacle::NotFound => ErrorKind::NotFound,
                Obstacle::NotEmpty => ErrorKind::NotEmpty,
                Obstacle::Needs(causes) => ErrorKind::Kept(causes),
            })
        })
    }

    /// What an update with `info`, or a deletion, meets.
    fn meets(&self, spot: &Spot<'_>, info: Option<&PlaceholderInfo>, allowed: UpdateFlags) -> Result<Meets> {
        let state = spot.under.state();
        let projected = state.as_ref().and_then(ItemState::projected);
        let same = info.zip(projected).is_some_and(|(info, now)| info.version.content == now.version.content);
        let seen = self.seen(spot.dir, spot.name, spot.under);
        let writing = match seen {
            Some((stat, _)) if stat.mode & mode::WRITE == 0 => Writing::Forbidden,
            Some(_) | None => Writing::Permitted,
        };
        let inside = match spot.node.filter(|_| spot.under.kind() == Some(ItemKind::Directory)) {
            None => Inside::Nothing,
            Some(node) => self.inside(node)?,
        };
        let version = if same { SameVersion::Yes } else { SameVersion::No };
        Ok(Meets { version, writing, inside, allowed })
    }

    /// What is local in a directory.
    fn inside(&self, node: NodeId) -> Result<Inside> {
        let local = self.local_names(&self.nodes.view(node)?, None)?;
        Ok(match local.iter().any(|item| item.kind.is_some()) {
            true => Inside::Items,
            false if local.is_empty() => Inside::Nothing,
            false => Inside::Tombstones,
        })
    }

    /// Makes what is local a clean placeholder. What was on disk goes in one step; if the item is where it comes from,
    /// the note is there before.
    pub(crate) fn replace_spot(
        &self,
        context: &Context<'_>,
        spot: &Spot<'_>,
        info: &PlaceholderInfo,
    ) -> Result<()> {
        let kind = spot.under.kind();
        let mut info = info.clone();
        match (kind, info.item_kind()) {
            (Some(ItemKind::Directory), _) => info.kind = PlaceholderKind::Directory,
            (Some(_), ItemKind::Directory) => return Err(spot.error(ErrorKind::Invalid)),
            _ => {}
        }
        self.record(context, spot.path(), kind.unwrap_or(info.item_kind()), What::Updated)?;
        self.supersede(spot.under)?;
        match spot.under {
            Under::Nothing | Under::Unknown { .. } => return Err(spot.error(ErrorKind::NotFound)),
            Under::Noted { origin, .. } => {
                self.store.note(origin, &info)?;
                if kind != Some(ItemKind::Directory) {
                    self.part_with(spot, None, self.home_number(spot))?;
                }
            }
            Under::OnDisk(item) if kind == Some(ItemKind::Directory) => {
                self.provide_directory(spot, &item.state, &info)?;
            }
            Under::OnDisk(item) => self.replace_on_disk(spot, item, &info)?,
        }
        self.has_changed(spot);
        Ok(())
    }

    /// An empty directory on disk gets other metadata. Tombstones in it go first.
    fn provide_directory(&self, spot: &Spot<'_>, state: &ItemState, info: &PlaceholderInfo) -> Result<()> {
        let node = spot.node.ok_or(ErrorKind::Stale)?;
        let path = spot.path();
        for tombstone in self.store.list(&path)? {
            self.store.remove(&path, &tombstone.name, Leave::Nothing, self.keep_of(None))?;
        }
        self.make_plain(Place::Named(&spot.dir.path, spot.name))?;
        let origin = match state {
            ItemState::Directory(DirectoryState::Placeholder(projected)) => projected.origin.clone(),
            _ => self.home_or(spot)?,
        };
        self.provide(spot, node, info, origin)
    }

    /// What is not the provider's to give goes: owner and extended attributes, but for those that it replaces.
    fn make_plain(&self, place: Place<'_>) -> Result<()> {
        let names = self.store.list_xattr(place)?;
        let others = |name: &&[u8]| !name.is_empty() && !name.starts_with(USER_PREFIX);
        for name in names.split(|&byte| byte == 0).filter(others) {
            // What the kernel sets itself (`security.*`) may stay.
            if let Err(error) = self.store.remove_xattr(place, name) {
                tracing::debug!(%error, "an attribute stays");
            }
        }
        let (uid, gid) = self.owner;
        let owner = AttributeChange { uid: Some(uid), gid: Some(gid), ..AttributeChange::default() };
        Ok(self.store.set_attributes(place, &owner)?)
    }

    /// A directory on disk becomes a clean placeholder.
    pub(crate) fn provide(
        &self,
        spot: &Spot<'_>,
        node: NodeId,
        info: &PlaceholderInfo,
        origin: Origin,
    ) -> Result<()> {
        let projection = self.origin_path(spot.dir, spot.name, &origin);
        let projected = Projected { origin, ..Projected::clean(info.version.clone()) };
        self.store.provide_directory(&spot.dir.path, spot.name, info, &projected)?;
        self.nodes.provide(node, projection, Prepared::OnDisk);
        Ok(())
    }

    fn replace_on_disk(&self, spot: &Spot<'_>, item: &Item, info: &PlaceholderInfo) -> Result<()> {
        let (dir, name) = (spot.dir, spot.name);
        self.leave_to_others(dir, name, spot.under)?;
        let home = self.home(dir, name);
        let origin = match item.state.projected().map(|projected| &projected.origin) {
            Some(Origin::At(origin)) if home.as_ref().map(OriginBuf::path) != Some(origin.path()) => {
                Origin::At(if has_others(item) { self.store.fresh_origin(origin)? } else { origin.clone() })
            }
            Some(Origin::Here | Origin::At(_)) | None => self.home_or(spot)?,
        };
        let keep = self.keep_of(spot.node);
        let (trash, number) = match (origin, home) {
            (Origin::Here, Some(home)) => {
                self.store.note(&home, info)?;
                let trash = self.store.remove(&dir.path, name, Leave::Nothing, keep)?;
                (trash, Some(Number::of_origin(&home)))
            }
            (origin, _) => {
                let number = self.origin_path(dir, name, &origin).map(|origin| Number::of_origin(&origin));
                let projected = Projected { origin, ..Projected::clean(info.version.clone()) };
                (self.store.replace(&dir.path, name, info, &projected, keep)?, number)
            }
        };
        self.part_with(spot, trash, number)
    }

    /// Drops what is local.
    pub(crate) fn drop_spot(&self, context: &Context<'_>, spot: &Spot<'_>) -> Result<()> {
        let (dir, name) = (spot.dir, spot.name);
        self.record(context, spot.path(), spot.under.kind().unwrap_or(ItemKind::File), What::Updated)?;
        self.supersede(spot.under)?;
        let trash = match spot.under {
            Under::Nothing | Under::Unknown { .. } => return Err(spot.error(ErrorKind::NotFound)),
            Under::Noted { origin, .. } => {
                self.store.forget(origin)?;
                None
            }
            Under::OnDisk(_) => {
                // A note may be left from before, which must not come to light.
                if let Some(home) = self.home(dir, name) {
                    self.store.forget(&home)?;
                }
                self.leave_to_others(dir, name, spot.under)?;
                self.store.remove(&dir.path, name, Leave::Nothing, self.keep_of(spot.node))?
            }
        };
        self.end_directory(dir, name, spot.under);
        match spot.node {
            // Its number may come again, but not its place: what is asked of it has to go the way from its parent.
            Some(node) if spot.under.kind() == Some(ItemKind::Directory) => {
                self.drop_name(node, dir.node, name, trash)?;
            }
            Some(_) | None => self.part_with(spot, trash, self.home_number(spot))?,
        }
        self.has_changed(spot);
        Ok(())
    }

    /// What is fetched of the item now is of no use any more; whoever waits for it asks again.
    fn supersede(&self, under: &Under) -> Result<()> {
        let number = match under {
            Under::Noted { origin, .. } => Number::of_origin(origin),
            Under::OnDisk(item) => item.stat.number,
            Under::Nothing | Under::Unknown { .. } => return Ok(()),
        };
        self.supersede_flight(number);
        self.drop_parts(under)
    }

    /// Who has the item open keeps what there was of it, as a node of its own. So does a node that is not the one of the
    /// number to which the name leads from now on; otherwise the node is the same as before.
    fn part_with(&self, spot: &Spot<'_>, trash: Option<TrashId>, number: Option<Number>) -> Result<()> {
        let Some(node) = spot.node else { return Ok(()) };
        let several = spot.item().is_some_and(has_others);
        if self.nodes.is_open(node) || several || Some(self.nodes.number(node)?) != number {
            return self.drop_name(node, spot.dir.node, spot.name, trash);
        }
        self.files.remove(node);
        Ok(())
    }

    /// Nothing that anybody keeps of the item, or of the listing of its directory, is valid.
    pub(crate) fn has_changed(&self, spot: &Spot<'_>) {
        let home = spot.dir.projection.as_ref().map(|projection| projection.join(spot.name));
        if let Some(projection) = &spot.dir.projection {
            self.listings.forget(projection);
        }
        if let Some(home) = &home {
            self.origin_has_changed(home, spot.dir.node);
        }
        // An item that comes from elsewhere: the provider has another one there.
        let state = spot.under.state();
        let origin = match state.as_ref().and_then(ItemState::projected).map(|projected| &projected.origin) {
            Some(Origin::At(origin)) if Some(origin.path()) != home.as_ref() => Some(origin.path().clone()),
            Some(Origin::Here | Origin::At(_)) | None => None,
        };
        if let Some(origin) = &origin {
            self.origin_has_changed(origin, spot.dir.node);
        }
        self.nodes.changed(spot.dir.node);
        if let Some(node) = spot.node {
            self.nodes.changed(node);
            self.kernel.content_changed(node);
        }
        self.kernel.content_changed(spot.dir.node);
        self.kernel.entry_changed(spot.dir.node, spot.name);
    }

    /// The provider has another item under a path: what is known of it is void, and what is shown of it too, in whatever
    /// directory but `seen_to`.
    fn origin_has_changed(&self, origin: &RelPath, seen_to: NodeId) {
        self.listings.forget(origin);
        self.negative.remove(origin, self.options.collation);
        let Some((directory, name)) = origin.split_last() else { return };
        self.listings.forget(directory);
        for node in self.nodes.showing(origin) {
            self.nodes.changed(node);
            self.kernel.content_changed(node);
        }
        for node in self.nodes.showing(directory).into_iter().filter(|node| *node != seen_to) {
            self.nodes.changed(node);
            self.kernel.content_changed(node);
            self.kernel.entry_changed(node, name);
        }
    }

    /// Where a fresh placeholder comes from: its place says so, or, in a directory that is not the provider's, its path.
    pub(crate) fn home_or(&self, spot: &Spot<'_>) -> Result<Origin> {
        Ok(match &spot.dir.projection {
            Some(_) => Origin::Here,
            None => Origin::At(self.store.fresh_origin(&spot.path())?),
        })
    }
}
