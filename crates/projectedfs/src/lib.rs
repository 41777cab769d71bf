//! Projects a provider's tree into a real directory: the Windows Projected File System on Linux.
//!
//! A [`Provider`] says what exists; a [`VirtualizationRoot`] is the directory where it appears; a
//! [`VirtualizationInstance`] is the mount. Nothing is on disk until it is needed, what was fetched is kept, and what
//! was changed is never the provider's again.
//!
//! ```no_run
//! use std::ops::Range;
//!
//! use projectedfs::*;
//!
//! /// One file, held in memory.
//! struct Hello;
//!
//! const TEXT: &[u8] = b"Hello from nowhere.\n";
//!
//! fn hello() -> ProjectedItem {
//!     let name = ItemNameBuf::new("hello.txt").expect("a name without a slash");
//!     ProjectedItem::new(name, PlaceholderInfo::file(TEXT.len() as u64))
//! }
//!
//! impl Provider for Hello {
//!     fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
//!         match request.path().as_bytes() {
//!             b"hello.txt" => Ok(hello()),
//!             _ => Err(ProviderError::not_found()),
//!         }
//!     }
//!
//!     fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
//!         DirEntries::unsorted(vec![hello()])
//!     }
//!
//!     fn file_data(&self, _: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
//!         sink.write_at(0, TEXT)
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let root = VirtualizationRoot::mark("/tmp/hello")?;
//!     let instance = VirtualizationInstance::builder(root).start(Hello)?;
//!     println!("{}", std::fs::read_to_string("/tmp/hello/hello.txt")?);
//!     instance.stop();
//!     Ok(())
//! }
//! ```
//!
//! # In a provider's own process
//!
//! Never touch the mount from inside a provider's method: the call would wait for itself. Other threads of the same
//! process may use it like any program.

mod answer;
mod builder;
mod disk_use;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod instance;
mod keeper;
mod mounts;
mod news;
mod on_disk;
mod path;
mod privilege;
mod root;
mod runtime;
mod unmount;
mod view;

pub mod control;
pub mod fsck;

pub use builder::Control;
pub use builder::InstanceBuilder;
pub use builder::Passthrough;
pub use builder::Transport;
pub use builder::Users;
pub use builder::executables_do_not_hydrate;
pub use control::escape;
pub use control::unescape;
pub use disk_use::disk_use;
pub use error::Error;
pub use error::ErrorKind;
pub use error::Result;
pub use instance::LocalChanges;
pub use instance::VirtualizationInstance;
pub use keeper::Keeper;
pub use keeper::KeeperLimits;
pub use keeper::MEMORY_FORMAT;
pub use keeper::keep;
pub use mounts::MountEntry;
pub use mounts::MountHealth;
pub use mounts::mounts;
pub use news::JournalReader;
pub use news::News;
pub use news::Watch;
pub use on_disk::on_disk_state;
pub use privilege::Programs;
pub use privilege::give_up_privileges;
pub use projfs_engine::Changes;
pub use projfs_engine::Conflict;
pub use projfs_engine::DirectoryRenames;
pub use projfs_engine::HydrationPolicy;
pub use projfs_engine::PathState;
pub use projfs_engine::StateWord;
pub use projfs_engine::Statistics;
pub use projfs_engine::Switched;
pub use projfs_engine::Timeouts;
pub use projfs_engine::Updated;
pub use projfs_provider::Adapter;
pub use projfs_provider::CancelToken;
pub use projfs_provider::Closed;
pub use projfs_provider::Command;
pub use projfs_provider::CommandHandler;
pub use projfs_provider::CommandId;
pub use projfs_provider::DataAccess;
pub use projfs_provider::DataSink;
pub use projfs_provider::DirEntries;
pub use projfs_provider::EnumerationId;
pub use projfs_provider::Lifetime;
pub use projfs_provider::MaskChange;
pub use projfs_provider::NameChange;
pub use projfs_provider::PostOperation;
pub use projfs_provider::PreOperation;
pub use projfs_provider::Provider;
pub use projfs_provider::ProviderError;
pub use projfs_provider::ProviderErrorKind;
pub use projfs_provider::ProviderTraits;
pub use projfs_provider::Reply;
pub use projfs_provider::Request;
pub use projfs_store::Acknowledged;
pub use projfs_store::InstanceId;
pub use projfs_store::Since;
pub use projfs_types::Caller;
pub use projfs_types::Cursor;
pub use projfs_types::CursorError;
pub use projfs_types::EXTENDED_NAME_MAX;
pub use projfs_types::EXTENDED_SIZE_MAX;
pub use projfs_types::ExtendedAttributes;
pub use projfs_types::ExtendedError;
pub use projfs_types::FileTimes;
pub use projfs_types::ItemKind;
pub use projfs_types::ItemName;
pub use projfs_types::ItemNameBuf;
pub use projfs_types::JournalEntry;
pub use projfs_types::NameError;
pub use projfs_types::NotifyMask;
pub use projfs_types::OnDiskState;
pub use projfs_types::PlaceholderId;
pub use projfs_types::PlaceholderInfo;
pub use projfs_types::PlaceholderKind;
pub use projfs_types::ProjectedItem;
pub use projfs_types::ReaderName;
pub use projfs_types::ReaderNameError;
pub use projfs_types::RelPath;
pub use projfs_types::RelPathBuf;
pub use projfs_types::Timestamp;
pub use projfs_types::UpdateFailureCauses;
pub use projfs_types::UpdateFlags;
pub use projfs_types::VersionInfo;
pub use projfs_types::What;
pub use projfs_types::collation::Collation;
pub use root::VirtualizationRoot;
pub use root::is_root;
pub use runtime::Note;
pub use runtime::RuntimeFiles;
pub use runtime::notes;
pub use runtime::runtime_dir;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/providers.md")]
struct Providers;
