//! The control socket: what can be asked of an instance from outside, in lines of JSON.
//!
//! One request a connection; the answers end with `done` or `failed`. Only the user who runs the instance, and root,
//! are answered.

mod client;
mod message;
pub(crate) mod server;

pub use client::Client;
pub use client::ask;
pub use message::Answer;
pub use message::Failure;
pub use message::Feature;
pub use message::ItemAnswer;
pub use message::KeeperStatus;
pub use message::Question;
pub use message::StateCount;
pub use message::Status;
pub use message::escape;
pub use message::unescape;
