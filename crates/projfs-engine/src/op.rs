//! The operations, a room each.

mod attr;
mod create;
mod dir;
mod file;
mod journal;
mod link;
mod lookup;
mod open;
mod path;
mod remove;
mod rename;
mod resume;
mod xattr;

pub use attr::SetAttributes;
pub use dir::DirEntry;
pub use dir::DirSink;
pub use journal::Changes;
pub(crate) use lookup::Peeked;
pub use open::Coverage;
pub use open::OpenHow;
pub use open::Opened;
pub use path::PathState;
pub use path::StateWord;
pub use remove::RemoveKind;
pub use rename::RenameHow;
pub(crate) use resume::Kept;
