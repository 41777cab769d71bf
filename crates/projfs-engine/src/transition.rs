//! `step`: the state machine. It alone decides what an event does to an item.

mod overwrite;

use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Origin;
use projfs_types::Projected;
use projfs_types::SymlinkState;

pub use overwrite::ByProvider;
pub use overwrite::Inside;
pub use overwrite::Meets;
pub use overwrite::Obstacle;
pub use overwrite::Overwrite;
pub use overwrite::SameVersion;
pub use overwrite::Writing;
pub use overwrite::overwrite;

/// What is found under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// Nothing, and nothing is projected.
    Nothing,
    /// Nothing local; the provider says that there is an item.
    Virtual,
    /// Something local.
    Local(&'a ItemState),
}

/// What the provider has under a name, whatever is local there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beneath {
    /// Nothing: the directory is full, or the provider said so.
    Nothing,
    /// It was not asked yet.
    Unknown,
    /// An item.
    Item,
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is looked up, or its attributes are asked for.
    Look,
    /// Its content is read.
    Read,
    /// Its content is about to be changed.
    Modify,
    /// All of its content is about to be dropped.
    Truncate,
    /// Its mode, owner, times or extended attributes are about to change; of a directory also its entries.
    SetMetadata,
    /// Its name is about to be removed.
    Delete,
    /// Its name is about to change.
    Rename,
    /// It is about to get one more name.
    Link,
    /// What is the provider's in it is about to be dropped.
    Dehydrate,
    /// The same, and local changes with it.
    Discard,
}

/// What the provider may refuse before an event: the operation then fails, and nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing.
    Nothing,
    /// That a file which is still its own becomes local.
    ConvertToFull,
    /// That the name goes.
    Delete,
    /// That the item moves.
    Rename,
    /// That the item gets one more name.
    SetHardlink,
}

/// What an event does: first `fetch`, then `change`. An item on which an event has no effect has `Nothing` for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is asked of the provider.
    pub fetch: Fetch,
    /// What then changes in the store, in one atomic step.
    pub change: Change,
}

/// What is asked of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Nothing.
    Nothing,
    /// The item's metadata.
    Placeholder,
    /// The item's content.
    Data,
    /// Whether it has an item of that name.
    Existence,
}

/// What changes in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Nothing,
    /// The placeholder is noted.
    Note,
    /// The fetched content gets the name, still the provider's.
    Hydrate,
    /// The item is local from now on, with the content it has, was fetched, or, when truncated, none.
    Convert,
    /// The metadata is local from now on.
    Dirty,
    /// The item's record says where it comes from, which its place alone said until now.
    Detach,
    /// The name goes; a tombstone stays.
    RemoveLeavingTombstone,
    /// The name goes.
    Remove,
    /// The item moves, and remembers where it comes from; a tombstone stays.
    MoveLeavingTombstone,
    /// The item moves.
    Move,
    /// The content goes, and the record with it if the item is at home.
    Forget,
}

/// Why an event cannot happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no item.
    NotFound,
    /// A directory has no content.
    IsDirectory,
    /// Only a directory has entries; only a file has content.
    Unsupported,
    /// The item has local changes.
    NotClean,
}

/// What an event does to an item. Pure: no I/O, no clock, no locks.
///
/// # Errors
/// Why the event cannot happen; nothing changes then.
pub fn step(found: Found<'_>, beneath: Beneath, event: Event) -> Result<Step, Refusal> {
    match found {
        Found::Nothing | Found::Local(ItemState::Tombstone) => Err(Refusal::NotFound),
        Found::Virtual => virtual_item(event),
        Found::Local(_) if matches!(event, Event::Delete | Event::Rename) => Ok(name_goes(beneath, event)),
        Found::Local(state) if event == Event::Discard => discard(state, beneath),
        Found::Local(ItemState::File(state)) => file(state, event),
        Found::Local(ItemState::Directory(state)) => directory(state, event),
        Found::Local(ItemState::Symlink(state)) => symlink(state, event),
        Found::Local(ItemState::Special) => special(event),
    }
}

/// What the provider is asked before an event. Pure, as [`step`] is. Of what is virtual nothing is asked yet: it is a
/// placeholder first.
pub fn ask(found: Found<'_>, event: Event) -> Ask {
    let Found::Local(state) = found else { return Ask::Nothing };
    match (state, event) {
        (ItemState::Tombstone, _) => Ask::Nothing,
        (_, Event::Delete) => Ask::Delete,
        (_, Event::Rename) => Ask::Rename,
        (ItemState::Directory(_), _) => Ask::Nothing,
        (_, Event::Link) => Ask::SetHardlink,
        (
            ItemState::File(FileState::Placeholder(_) | FileState::Hydrated(_)),
            Event::Modify | Event::Truncate,
        ) => Ask::ConvertToFull,
        (
            ItemState::File(_) | ItemState::Symlink(_) | ItemState::Special,
            Event::Look
            | Event::Read
            | Event::Modify
            | Event::Truncate
            | Event::SetMetadata
            | Event::Dehydrate
            | Event::Discard,
        ) => Ask::Nothing,
    }
}

const fn does(fetch: Fetch, change: Change) -> Result<Step, Refusal> {
    Ok(Step { fetch, change })
}

const NOTHING: Result<Step, Refusal> = does(Fetch::Nothing, Change::Nothing);

fn virtual_item(event: Event) -> Result<Step, Refusal> {
    match event {
        Event::Dehydrate | Event::Discard => NOTHING,
        Event::Look
        | Event::Read
        | Event::Modify
        | Event::Truncate
        | Event::SetMetadata
        | Event::Delete
        | Event::Rename
        | Event::Link => does(Fetch::Placeholder, Change::Note),
    }
}

fn name_goes(beneath: Beneath, event: Event) -> Step {
    let change = match (beneath, event) {
        (Beneath::Unknown, _) => return Step { fetch: Fetch::Existence, change: Change::Nothing },
        (Beneath::Item, Event::Rename) => Change::MoveLeavingTombstone,
        (Beneath::Nothing, Event::Rename) => Change::Move,
        (Beneath::Item, _) => Change::RemoveLeavingTombstone,
        (Beneath::Nothing, _) => Change::Remove,
    };
    Step { fetch: Fetch::Nothing, change }
}

fn file(state: &FileState, event: Event) -> Result<Step, Refusal> {
    match (state, event) {
        (_, Event::Look | Event::Delete | Event::Rename | Event::Discard) => NOTHING,
        (FileState::Placeholder(_), Event::Read | Event::Link) => does(Fetch::Data, Change::Hydrate),
        (FileState::Placeholder(_), Event::Modify) => does(Fetch::Data, Change::Convert),
        (FileState::Hydrated(_), Event::Read) => NOTHING,
        (FileState::Hydrated(projected), Event::Link) => detach(projected),
        (FileState::Hydrated(_), Event::Modify) => does(Fetch::Nothing, Change::Convert),
        (FileState::Placeholder(_) | FileState::Hydrated(_), Event::Truncate) => {
            does(Fetch::Nothing, Change::Convert)
        }
        (FileState::Placeholder(projected) | FileState::Hydrated(projected), Event::SetMetadata) => {
            set_metadata(projected.metadata)
        }
        (FileState::Placeholder(projected), Event::Dehydrate) => dehydrate(projected, NOTHING),
        (FileState::Hydrated(projected), Event::Dehydrate) => dehydrate(projected, Err(Refusal::NotClean)),
        (FileState::Full, Event::Dehydrate) => Err(Refusal::NotClean),
        (
            FileState::Full,
            Event::Read | Event::Modify | Event::Truncate | Event::SetMetadata | Event::Link,
        ) => NOTHING,
    }
}

fn directory(state: &DirectoryState, event: Event) -> Result<Step, Refusal> {
    match (state, event) {
        // A directory is dehydrated by dehydrating what is in it.
        (_, Event::Look | Event::Delete | Event::Rename | Event::Dehydrate | Event::Discard) => NOTHING,
        (_, Event::Read | Event::Modify | Event::Truncate | Event::Link) => Err(Refusal::IsDirectory),
        (DirectoryState::Placeholder(projected), Event::SetMetadata) => set_metadata(projected.metadata),
        (DirectoryState::Full, Event::SetMetadata) => NOTHING,
    }
}

fn symlink(state: &SymlinkState, event: Event) -> Result<Step, Refusal> {
    match (state, event) {
        (_, Event::Look | Event::Read | Event::Delete | Event::Rename | Event::Discard) => NOTHING,
        (_, Event::Modify | Event::Truncate) => Err(Refusal::Unsupported),
        (SymlinkState::Placeholder(projected), Event::Link) => detach(projected),
        (SymlinkState::Placeholder(projected), Event::SetMetadata) => set_metadata(projected.metadata),
        (SymlinkState::Placeholder(projected), Event::Dehydrate) => dehydrate(projected, NOTHING),
        (SymlinkState::Full, Event::SetMetadata | Event::Link) => NOTHING,
        (SymlinkState::Full, Event::Dehydrate) => Err(Refusal::NotClean),
    }
}

fn special(event: Event) -> Result<Step, Refusal> {
    match event {
        Event::Look | Event::SetMetadata | Event::Link | Event::Delete | Event::Rename => NOTHING,
        Event::Read | Event::Modify | Event::Truncate => Err(Refusal::Unsupported),
        Event::Dehydrate | Event::Discard => Err(Refusal::NotClean),
    }
}

/// Whatever is local goes, if the provider has an item to show instead. What was made here, and has nothing
/// beneath it, is the user's alone.
fn discard(state: &ItemState, beneath: Beneath) -> Result<Step, Refusal> {
    match (state, beneath) {
        (ItemState::Directory(_), _) => NOTHING,
        (_, Beneath::Unknown) => does(Fetch::Existence, Change::Nothing),
        (_, Beneath::Nothing) => Err(Refusal::NotClean),
        (_, Beneath::Item) => does(Fetch::Nothing, Change::Forget),
    }
}

fn set_metadata(metadata: Metadata) -> Result<Step, Refusal> {
    match metadata {
        Metadata::Clean => does(Fetch::Nothing, Change::Dirty),
        Metadata::Dirty => NOTHING,
    }
}

/// An item that is at home is virtual again without its record. Elsewhere the record is all that says where it
/// comes from: it stays, and with it, `away`, what else there is.
fn dehydrate(projected: &Projected, away: Result<Step, Refusal>) -> Result<Step, Refusal> {
    match (projected.metadata, &projected.origin) {
        (Metadata::Clean, Origin::Here) => does(Fetch::Nothing, Change::Forget),
        (Metadata::Clean, Origin::At(_)) => away,
        (Metadata::Dirty, _) => Err(Refusal::NotClean),
    }
}

/// Two names share one record, so it cannot be the place that says where the item comes from.
fn detach(projected: &Projected) -> Result<Step, Refusal> {
    match projected.origin {
        Origin::Here => does(Fetch::Nothing, Change::Detach),
        Origin::At(_) => NOTHING,
    }
}
