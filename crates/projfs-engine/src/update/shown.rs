//! `Shown`: what a provider shows, as far as it was asked, so that a plan can be made with no question in between.

use std::collections::BTreeMap;
use std::collections::HashMap;

use projfs_provider::ProviderErrorKind;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use projfs_types::collation::Collation;

use crate::command::CommandTable;
use crate::enumerate::Listing;
use crate::enumerate::Listings;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;

/// How many directories are asked for at a time.
const AT_A_TIME: usize = 64;

/// What a provider shows, as far as it was asked. What is looked for and was not asked yet is remembered, to be asked
/// for before the next attempt.
pub(super) struct Shown {
    commands: Arc<CommandTable>,
    listings: Arc<Listings>,
    /// Nothing for what is no directory.
    known: HashMap<RelPathBuf, Option<Arc<Listing>>>,
    wanted: BTreeMap<RelPathBuf, VersionInfo>,
    /// The root directory's version.
    root: VersionInfo,
    collation: Collation,
}

/// Not asked yet.
pub(super) struct Unasked;

type Told<T> = std::result::Result<T, Unasked>;

impl Shown {
    pub(super) fn new(
        commands: Arc<CommandTable>,
        listings: Arc<Listings>,
        root: VersionInfo,
        collation: Collation,
    ) -> Self {
        Self { commands, listings, known: HashMap::new(), wanted: BTreeMap::new(), root, collation }
    }

    /// What is in a directory; nothing if it is none.
    pub(super) fn listing(&mut self, directory: &RelPath) -> Told<Option<Arc<Listing>>> {
        if let Some(known) = self.known.get(directory) {
            return Ok(known.clone());
        }
        let version = match self.item(directory)? {
            _ if directory.is_root() => self.root.clone(),
            Some(info) if info.item_kind() == ItemKind::Directory => info.version,
            Some(_) | None => return Ok(None),
        };
        self.wanted.insert(directory.to_owned(), version);
        Err(Unasked)
    }

    /// What is said of an item; nothing if there is none, or it is the root.
    pub(super) fn item(&mut self, path: &RelPath) -> Told<Option<PlaceholderInfo>> {
        let Some((parent, name)) = path.split_last() else { return Ok(None) };
        let listing = self.listing(parent)?;
        Ok(listing.and_then(|listing| Some(listing.find(name, self.collation)?.info.clone())))
    }

    /// Whether anything was looked for that was not asked yet.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Asks for all that was looked for.
    ///
    /// # Errors
    /// The provider's, but for a directory that it does not have.
    pub(super) fn ask(&mut self, context: &Context<'_>) -> Result<()> {
        let wanted: Vec<_> = std::mem::take(&mut self.wanted).into_iter().collect();
        for some in wanted.chunks(AT_A_TIME) {
            for (directory, version) in some {
                self.listings.prefetch(&self.commands, context, directory, version.clone());
            }
            for (directory, version) in some {
                let listing = self.listings.get(&self.commands, context, directory, || version.clone());
                let listing = match listing {
                    Ok(listing) => Some(listing),
                    Err(error) if error.kind == ErrorKind::Provider(ProviderErrorKind::NotFound) => None,
                    Err(error) => return Err(error),
                };
                self.known.insert(directory.clone(), listing);
            }
        }
        Ok(())
    }

    /// Every listing that was asked for.
    pub(super) fn into_listings(self) -> impl Iterator<Item = (RelPathBuf, Arc<Listing>)> {
        self.known.into_iter().filter_map(|(directory, listing)| Some((directory, listing?)))
    }
}
