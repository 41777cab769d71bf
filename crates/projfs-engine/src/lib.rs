//! A projected file system without a mount: nodes, states, commands, listings.
//!
//! [`Engine`] has a method for each operation; [`step`] is the state machine that decides what each does.

mod check;
mod command;
mod engine;
mod enumerate;
mod error;
mod files;
mod flow;
mod handle;
mod lock;
mod negative;
mod node;
mod op;
mod port;
mod transition;

pub use engine::DirectoryRenames;
pub use engine::Engine;
pub use engine::Entry;
pub use engine::Options;
pub use engine::Statistics;
pub use error::Error;
pub use error::ErrorKind;
pub use error::Result;
pub use handle::HandleId;
pub use op::Coverage;
pub use op::DirEntry;
pub use op::DirSink;
pub use op::OpenHow;
pub use op::Opened;
pub use op::PathState;
pub use op::RemoveKind;
pub use op::RenameHow;
pub use op::SetAttributes;
pub use op::StateWord;
pub use port::Context;
pub use port::KernelCache;
pub use port::Patience;
pub use projfs_provider::CancelToken;
pub use projfs_provider::ProviderErrorKind;
pub use projfs_store::Access;
pub use projfs_store::AttributeChange;
pub use projfs_store::NewItem;
pub use projfs_store::NewKind;
pub use projfs_store::Seek;
pub use projfs_store::StoreFile;
pub use projfs_store::Time;
pub use transition::Beneath;
pub use transition::Change;
pub use transition::Event;
pub use transition::Fetch;
pub use transition::Found;
pub use transition::Refusal;
pub use transition::Step;
pub use transition::step;
