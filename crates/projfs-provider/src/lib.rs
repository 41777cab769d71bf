//! What a source of files and directories implements, and how it is asked.
//!
//! People implement [`Provider`]. Machinery (a C interface, a recorder, a fault injector) implements
//! [`CommandHandler`], one floor below; [`Adapter`] turns the one into the other.
//!
//! # A provider
//!
//! ```
//! use std::ops::Range;
//!
//! use projfs_provider::*;
//! use projfs_types::PlaceholderInfo;
//! use projfs_types::ProjectedItem;
//! use projfs_types::RelPath;
//!
//! struct Greetings(StaticTree<&'static str>);
//!
//! impl Greetings {
//!     fn new() -> Result<Self, Box<dyn std::error::Error>> {
//!         let mut tree = StaticTree::builder();
//!         for (path, text) in [("en/hello", "Hello!\n"), ("de/hello", "Hallo!\n")] {
//!             tree.insert(RelPath::new(path.as_bytes())?, PlaceholderInfo::file(text.len() as u64), text)?;
//!         }
//!         Ok(Self(tree.build()))
//!     }
//! }
//!
//! impl Provider for Greetings {
//!     fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
//!         self.0.item(request.path())
//!     }
//!
//!     fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
//!         self.0.list(request.path())
//!     }
//!
//!     fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
//!         sink.write_at(0, self.0.get(request.path())?.as_bytes())
//!     }
//! }
//!
//! assert!(Greetings::new().is_ok());
//! ```

mod adapter;
mod cancel;
mod command;
mod data;
mod enumeration;
mod error;
mod operation;
mod provider;
mod request;
mod static_tree;

pub use adapter::Adapter;
pub use cancel::CancelToken;
pub use cancel::Listening;
pub use command::Command;
pub use command::CommandHandler;
pub use command::EnumerationId;
pub use command::Expiry;
pub use command::Reply;
pub use data::DataSink;
pub use data::DataTarget;
pub use enumeration::DirEntries;
pub use error::ProviderError;
pub use error::ProviderErrorKind;
pub use operation::Closed;
pub use operation::MaskChange;
pub use operation::NameChange;
pub use operation::PostOperation;
pub use operation::PreOperation;
pub use provider::DataAccess;
pub use provider::Lifetime;
pub use provider::Provider;
pub use provider::ProviderTraits;
pub use request::CommandId;
pub use request::Request;
pub use static_tree::Conflict;
pub use static_tree::ConflictKind;
pub use static_tree::StaticTree;
pub use static_tree::StaticTreeBuilder;
