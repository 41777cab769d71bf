//! Values of a projected file system, and pure functions on them: no I/O, no threads, no clock.

mod caller;
mod journal;
mod name;
mod number;
mod path;
mod placeholder;
mod ranges;
mod stat;
mod state;
mod time;
mod version;

pub mod collation;

pub use caller::Caller;
pub use journal::Cursor;
pub use journal::JournalEntry;
pub use journal::What;
pub use name::ItemName;
pub use name::ItemNameBuf;
pub use name::NAME_MAX;
pub use name::NameError;
pub use number::NodeId;
pub use number::Number;
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
pub use version::IdTooLong;
pub use version::PLACEHOLDER_ID_LENGTH;
pub use version::PlaceholderId;
pub use version::VersionInfo;
