//! Projects a commit of a Git repository.
//!
//! Every blob is a file, with mode 0644 or 0755; every tree is a directory; a symbolic link is one; a submodule is an empty
//! directory. All times are the commit's committer time. The content of a file is what `git checkout` would write, as
//! attributes and configuration say, or the blob as it is stored ([`Content`]); its size is that of this content.
//!
//! What a partial clone lacks is fetched with the `git` program, many objects at once. What cannot be had, or is damaged, is
//! an error of that item. A blob is decoded in memory as a whole; one of more than 4 GiB is shown and cannot be read.
//!
//! # What is left out
//!
//! A tree can hold names that no honest program writes. An entry is left out of the projection, as if it did
//! not exist, when
//!
//! - its name is no file name: empty, `.`, `..`, longer than 255 bytes, or with a `/`;
//! - `git` would not check it out: the name is `.git`, or a symbolic link's is `.gitmodules`, in any case; or it is
//!   what Windows (`git~1`, `.git .`) takes for it, unless `core.protectNTFS` is off, or macOS (`.g<U+200C>it`), if
//!   `core.protectHFS` is on;
//! - an earlier entry of the same tree has the same name;
//! - it is a symbolic link whose target is empty, longer than 4095 bytes, or has a NUL byte.
//!
//! Everything else in that directory stays usable. Each such tree is logged once.

mod attributes;
mod cache;
mod convert;
mod error;
mod fetch;
mod filters;
mod index;
mod names;
mod objects;
mod provider;
mod snapshot;
mod tree;
mod version;

pub use error::Error;
pub use error::ErrorKind;
pub use index::Index;
pub use index::Monitor;
pub use index::Owner;
pub use index::Untracked;
pub use provider::Content;
pub use provider::Description;
pub use provider::GitProvider;
