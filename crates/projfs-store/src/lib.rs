//! What is known locally: the directory under the mount, its records, its placeholder log and its journal.

mod codec;
mod error;
mod journal;
mod lives;
mod log;
mod memory;
mod own_file;
mod record;
mod store;
mod tree;

pub mod fsck;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;

pub use error::Result;
pub use error::StoreError;
pub use error::StoreErrorKind;
pub use journal::Acknowledged;
pub use journal::Journal;
pub use journal::JournalOptions;
pub use journal::Since;
pub use journal::TreeJournal;
pub use memory::MemoryJournal;
pub use memory::MemoryStore;
pub use projfs_types::is_own_attribute;
pub use store::Access;
pub use store::AttributeChange;
pub use store::Created;
pub use store::Item;
pub use store::Keep;
pub use store::Leave;
pub use store::Listed;
pub use store::NewItem;
pub use store::NewKind;
pub use store::PartialFile;
pub use store::Place;
pub use store::STORE_DIRECTORY;
pub use store::Seek;
pub use store::Space;
pub use store::Store;
pub use store::StoreFile;
pub use store::Time;
pub use store::TrashId;
pub use tree::Existing;
pub use tree::Identity;
pub use tree::InstanceId;
pub use tree::PlaceholderLog;
pub use tree::TreeStore;
