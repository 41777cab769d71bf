//! Values of a projected file system, and pure functions on them: no I/O, no threads, no clock.

mod caller;
mod extended;
mod journal;
mod name;
mod notify_mask;
mod number;
mod on_disk;
mod path;
mod placeholder;
mod ranges;
mod stat;
mod state;
mod time;
mod update;
mod version;

pub mod collation;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;

pub use caller::Caller;
pub use extended::EXTENDED_NAME_MAX;
pub use extended::EXTENDED_SIZE_MAX;
pub use extended::ExtendedAttributes;
pub use extended::ExtendedError;
pub use extended::RECORD_ATTRIBUTE;
pub use extended::USER_PREFIX;
pub use extended::is_own_attribute;
pub use journal::Cursor;
pub use journal::CursorError;
pub use journal::JournalEntry;
pub use journal::ReaderName;
pub use journal::ReaderNameError;
pub use journal::What;
pub use name::ItemName;
pub use name::ItemNameBuf;
pub use name::NAME_MAX;
pub use name::NameError;
pub use notify_mask::NotifyMask;
pub use number::NodeId;
pub use number::Number;
pub use on_disk::OnDiskState;
pub use path::RelPath;
pub use path::RelPathBuf;
pub use placeholder::PlaceholderInfo;
pub use placeholder::PlaceholderKind;
pub use placeholder::ProjectedItem;
pub use ranges::RangeSet;
pub use stat::Stat;
pub use stat::mode;
pub use state::DirectoryState;
pub use state::FileState;
pub use state::ItemKind;
pub use state::ItemState;
pub use state::Metadata;
pub use state::Origin;
pub use state::Projected;
pub use state::SymlinkState;
pub use time::FileTimes;
pub use time::Timestamp;
pub use update::UpdateFailureCauses;
pub use update::UpdateFlags;
pub use version::IdTooLong;
pub use version::PLACEHOLDER_ID_LENGTH;
pub use version::PlaceholderId;
pub use version::VersionInfo;
