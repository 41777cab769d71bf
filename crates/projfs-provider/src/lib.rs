//! What a source of files and directories implements, and how it is asked.
//!
//! People implement [`Provider`]. Machinery (a C interface, a recorder, a fault injector) implements
//! [`CommandHandler`], one floor below; [`Adapter`] turns the one into the other.

mod adapter;
mod cancel;
mod command;
mod data;
mod enumeration;
mod error;
mod provider;
mod request;

pub use adapter::Adapter;
pub use cancel::CancelToken;
pub use cancel::Listening;
pub use command::Command;
pub use command::CommandHandler;
pub use command::EnumerationId;
pub use command::Reply;
pub use data::DataSink;
pub use data::DataTarget;
pub use enumeration::DirEntries;
pub use error::ProviderError;
pub use error::ProviderErrorKind;
pub use provider::DataAccess;
pub use provider::Lifetime;
pub use provider::Provider;
pub use provider::ProviderTraits;
pub use request::CommandId;
pub use request::Request;
