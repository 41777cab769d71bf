//! Projects a commit of a local Git repository.
//!
//! Every blob is a file, with the size that its header says and mode 0644 or 0755; every tree is a directory;
//! a symbolic link is one; a submodule is an empty directory. All times are the commit's committer time.
//! The content of a file is the blob as it is stored: no filters, no line ending conversion.
//!
//! Only what the repository has is projected: in a partial clone the first look at a missing object fails, as
//! with a damaged one. A blob is decoded in memory as a whole; one of more than 4 GiB is shown and cannot be read.
//!
//! # What is left out
//!
//! A tree can hold names that no honest program writes. An entry is left out of the projection, as if it did
//! not exist, when
//!
//! - its name is no file name: empty, `.`, `..`, longer than 255 bytes, or with a `/`;
//! - `git` with its default protection, or on another system, would not check it out: the name is `.git`, or
//!   what Windows (`git~1`, `.git .`) or macOS (`.g<U+200C>it`) take for `.git`, in any case; or it is a
//!   symbolic link that is such a spelling of `.gitmodules`;
//! - an earlier entry of the same tree has the same name;
//! - it is a symbolic link whose target is empty, longer than 4095 bytes, or has a NUL byte.
//!
//! Everything else in that directory stays usable. Each such tree is logged once.

mod cache;
mod error;
mod index;
mod names;
mod objects;
mod provider;
mod tree;
mod version;

pub use error::Error;
pub use error::ErrorKind;
pub use index::Index;
pub use index::Monitor;
pub use index::Owner;
pub use index::Untracked;
pub use provider::Description;
pub use provider::GitProvider;
