//! What is under a name: nothing, something projected, a noted placeholder, or something on disk.

use projfs_provider::Command;
use projfs_provider::ProviderErrorKind;
use projfs_store::Item;
use projfs_types::DirectoryState;
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
use projfs_types::PlaceholderKind;
use projfs_types::Projected;
use projfs_types::ProjectedItem;
use projfs_types::Stat;
use projfs_types::SymlinkState;
use projfs_types::VersionInfo;

use crate::Engine;
use crate::check;
use crate::command::About;
use crate::engine::Entry;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::node::table::DirView;
use crate::node::table::Links;
use crate::node::table::Prepared;
use crate::node::table::Seen;
use crate::port::Context;
use crate::transition::Beneath;
use crate::transition::Found;

/// What `st_size` and `st_blksize` show where the store has no say.
const BLOCK_SIZE: u32 = 4096;

/// How often a node is looked for whose name leads elsewhere.
const TRIES: u32 = 64;

/// What is under a name.
#[derive(Debug)]
pub(crate) enum Under {
    /// Nothing, and nothing is projected: the directory is full, or the provider said so.
    Nothing,
    /// Nothing local. The provider calls it by this path, if it has it.
    Unknown { origin: OriginBuf },
    /// A placeholder that is clean and in place.
    Noted { origin: OriginBuf, info: PlaceholderInfo },
    /// An item on disk, or a tombstone.
    OnDisk(Box<Item>),
}

impl Under {
    /// The state for the state machine.
    pub(crate) fn state(&self) -> Option<ItemState> {
        match self {
            Self::Nothing | Self::Unknown { .. } => None,
            Self::Noted { info, .. } => {
                let projected = Projected::clean(info.version.clone());
                Some(match info.kind {
                    PlaceholderKind::File { .. } => ItemState::File(FileState::Placeholder(projected)),
                    PlaceholderKind::Directory => {
                        ItemState::Directory(DirectoryState::Placeholder(projected))
                    }
                    PlaceholderKind::Symlink { .. } => {
                        ItemState::Symlink(SymlinkState::Placeholder(projected))
                    }
                })
            }
            Self::OnDisk(item) => Some(item.state.clone()),
        }
    }

    /// What kind of item is there; nothing if none is known to be.
    pub(crate) fn kind(&self) -> Option<ItemKind> {
        match self {
            Self::Nothing | Self::Unknown { .. } => None,
            Self::Noted { info, .. } => Some(info.item_kind()),
            Self::OnDisk(item) => item.state.kind(),
        }
    }
}

/// What the state machine sees.
pub(crate) fn found<'a>(under: &Under, state: &'a Option<ItemState>) -> Found<'a> {
    match (under, state) {
        (_, Some(state)) => Found::Local(state),
        (Under::Unknown { .. }, None) => Found::Virtual,
        (_, None) => Found::Nothing,
    }
}

impl Engine {
    /// What is projected under a name; nothing in a full directory.
    pub(crate) fn home(&self, dir: &DirView, name: &ItemName) -> Option<OriginBuf> {
        Some(self.store.origin(dir.projection.as_ref()?, name))
    }

    /// Where in the projection an item comes from.
    pub(crate) fn origin_path(&self, dir: &DirView, name: &ItemName, origin: &Origin) -> Option<OriginBuf> {
        match origin {
            Origin::At(origin) => Some(origin.clone()),
            Origin::Here => self.home(dir, name),
        }
    }

    /// What is under a name, without asking the provider.
    pub(crate) fn under(&self, dir: &DirView, name: &ItemName) -> Result<Under> {
        if Self::is_reserved(dir.node, name) {
            return Ok(Under::Nothing);
        }
        // Nothing can be on disk in a directory that was not put there.
        if dir.prepared >= Prepared::OnDisk
            && let Some(item) = self.store.look(&dir.path, name)?
        {
            return Ok(Under::OnDisk(Box::new(item)));
        }
        let Some(origin) = self.home(dir, name) else { return Ok(Under::Nothing) };
        Ok(match self.store.noted(&origin) {
            Some(info) => Under::Noted { origin, info },
            None => Under::Unknown { origin },
        })
    }

    /// What the provider has under a name, as far as is known.
    pub(crate) fn beneath(&self, dir: &DirView, name: &ItemName, under: &Under) -> Beneath {
        let Some(projection) = &dir.projection else { return Beneath::Nothing };
        let origin = match under {
            Under::Noted { .. } => return Beneath::Item,
            Under::OnDisk(item) => match item.state.projected().map(|projected| &projected.origin) {
                Some(Origin::Here) => return Beneath::Item,
                Some(Origin::At(origin)) if *origin.path() == projection.join(name) => return Beneath::Item,
                Some(Origin::At(_)) | None => projection.join(name),
            },
            Under::Unknown { origin } => origin.path().clone(),
            Under::Nothing => return Beneath::Nothing,
        };
        match self.listings.kept(projection) {
            Some(listing) if listing.find(name, self.options.collation).is_some() => Beneath::Item,
            Some(_) => Beneath::Nothing,
            None if self.negative.contains(&origin) => Beneath::Nothing,
            None => Beneath::Unknown,
        }
    }

    /// Asks whether the provider has an item under a name. A provider that cannot tell is taken to have one: hiding
    /// is safer than bringing back what was deleted.
    pub(crate) fn ask_existence(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
    ) -> Result<Beneath> {
        let Some(projection) = &dir.projection else { return Ok(Beneath::Nothing) };
        let about = About { path: projection.join(name), version: self.directory_version(dir) };
        let asked = self.commands.ask(context, about, |request, reply| Command::QueryName { request, reply });
        match asked {
            Ok(true) => Ok(Beneath::Item),
            Ok(false) => Ok(Beneath::Nothing),
            Err(error) => match error.kind {
                ErrorKind::Provider(ProviderErrorKind::NotFound) => Ok(Beneath::Nothing),
                ErrorKind::Provider(_) => Ok(Beneath::Item),
                _ => Err(error),
            },
        }
    }

    /// Makes a virtual item a placeholder. False if the provider has no such item.
    pub(crate) fn discover(&self, context: &Context<'_>, dir: &DirView, name: &ItemName) -> Result<bool> {
        // What was asked before the view changed is asked again.
        let asked = self.negative.generation();
        match self.describe(context, dir, name)? {
            Some(info) => self.pin(context, dir.node, name, &info, asked)?,
            None => return Ok(asked != self.negative.generation()),
        }
        Ok(true)
    }

    /// What the provider says of a name; nothing if it has no such item.
    ///
    /// A listing that is still good has said it already, and the caller may have seen it: the item's attributes do
    /// not change between listing and opening.
    pub(crate) fn describe(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
    ) -> Result<Option<PlaceholderInfo>> {
        Ok(self.describe_item(context, dir, name)?.map(|item| item.info))
    }

    /// The same, with the name as the provider spells it.
    pub(crate) fn describe_item(
        &self,
        context: &Context<'_>,
        dir: &DirView,
        name: &ItemName,
    ) -> Result<Option<ProjectedItem>> {
        let Some(projection) = &dir.projection else { return Ok(None) };
        if let Some(listing) = self.listings.kept(projection)
            && let Some(item) = listing.find(name, self.options.collation)
        {
            return Ok(Some(item.clone()));
        }
        let origin = projection.join(name);
        if self.negative.contains(&origin) {
            return Ok(None);
        }
        let about = About { path: origin.clone(), version: self.directory_version(dir) };
        let generation = self.negative.generation();
        let asked =
            self.commands.ask(context, about, |request, reply| Command::PlaceholderInfo { request, reply });
        match asked {
            Ok(item) if !self.is_same(&item.name, name) => {
                Err(Error::bad_answer(&origin, format!("asked for {name:?}, told of {:?}", item.name)))
            }
            Ok(item) => match check::info(&item.info) {
                Ok(()) => Ok(Some(item)),
                Err(why) => Err(Error::bad_answer(&origin, why)),
            },
            Err(error) if error.kind == ErrorKind::Provider(ProviderErrorKind::NotFound) => {
                self.keep_absent(origin, dir.node, name, generation);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The version that a directory was given by the provider.
    pub(crate) fn directory_version(&self, dir: &DirView) -> VersionInfo {
        if dir.path.is_root() {
            let root = self.store.look_root().ok();
            return root.and_then(|root| Some(root.state.projected()?.version.clone())).unwrap_or_default();
        }
        if let Some(noted) = dir.projection.as_ref().and_then(|projection| self.store.noted(projection)) {
            return noted.version;
        }
        let on_disk = dir.path.split_last().and_then(|(parent, name)| self.store.look(parent, name).ok()?);
        on_disk.and_then(|item| Some(item.state.projected()?.version.clone())).unwrap_or_default()
    }

    /// What an item that is only projected shows.
    pub(crate) fn projected_stat(&self, info: &PlaceholderInfo, number: Number) -> Stat {
        let kind = info.item_kind();
        Stat {
            number,
            mode: kind.mode_bits() | u32::from(info.mode),
            links: 1,
            uid: self.owner.0,
            gid: self.owner.1,
            device: (0, 0),
            size: if kind == ItemKind::Directory { u64::from(BLOCK_SIZE) } else { info.size() },
            blocks: 0,
            block_size: BLOCK_SIZE,
            times: info.times,
        }
    }

    /// What a local item shows, and what its node is made from; nothing if there is none.
    pub(crate) fn seen<'a>(
        &self,
        dir: &DirView,
        name: &'a ItemName,
        under: &Under,
    ) -> Option<(Stat, Seen<'a>)> {
        let (stat, projection, prepared) = match under {
            Under::Nothing | Under::Unknown { .. } => return None,
            Under::Noted { origin, info } => {
                let projection = (info.item_kind() == ItemKind::Directory).then(|| origin.clone());
                (self.projected_stat(info, Number::of_origin(origin)), projection, Prepared::Pinned)
            }
            Under::OnDisk(item) => {
                let (projection, prepared) = match &item.state {
                    ItemState::Tombstone => return None,
                    ItemState::Directory(DirectoryState::Placeholder(projected)) => {
                        let prepared = match projected.metadata {
                            Metadata::Clean => Prepared::OnDisk,
                            Metadata::Dirty => Prepared::Dirty,
                        };
                        (self.origin_path(dir, name, &projected.origin), prepared)
                    }
                    ItemState::Directory(DirectoryState::Full)
                    | ItemState::File(_)
                    | ItemState::Symlink(_)
                    | ItemState::Special => (None, Prepared::Dirty),
                };
                (item.stat.clone(), projection, prepared)
            }
        };
        let (number, kind) = (stat.number, stat.kind());
        let links = Links::of(kind, stat.links);
        Some((stat, Seen { parent: dir.node, name, number, kind, links, projection, prepared }))
    }

    /// The entry of a local item, which the kernel now refers to once more.
    pub(crate) fn enter(&self, dir: &DirView, name: &ItemName, under: &Under) -> Option<Entry> {
        let (stat, seen) = self.seen(dir, name, under)?;
        Some(Entry { node: self.nodes.insert(seen, 1), stat })
    }

    /// Whether a name leads to a node.
    pub(crate) fn leads_to(&self, dir: &DirView, name: &ItemName, under: &Under, node: NodeId) -> bool {
        match under {
            Under::Nothing => false,
            Under::Unknown { origin } => {
                self.nodes.named(dir.node, name, Number::of_origin(origin)) == Some(node)
            }
            Under::Noted { .. } | Under::OnDisk(_) => self.node_under(dir, name, under) == Some(node),
        }
    }

    /// For a node whose name leads elsewhere: it was renamed, and is to be looked for again.
    ///
    /// # Errors
    /// `Stale` after many tries: somebody changed the store beneath us.
    pub(crate) fn moved_on(&self, node: NodeId, tries: &mut u32) -> Result<()> {
        *tries += 1;
        if *tries < TRIES {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Stale, &self.nodes.path(node)?))
    }

    /// The node of what is under a name, if it is known.
    pub(crate) fn node_under(&self, dir: &DirView, name: &ItemName, under: &Under) -> Option<NodeId> {
        let (stat, _) = self.seen(dir, name, under)?;
        self.nodes.named(dir.node, name, stat.number)
    }
}
