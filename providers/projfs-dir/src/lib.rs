//! Projects another directory.
//!
//! Files, directories and symbolic links are projected with their permission bits and times; owner and group
//! are not, and so neither are the set-user-id and set-group-id bits: they would lend the rights of whoever
//! mounts. The access time is the write time: the source's would change by being projected. FIFOs, sockets and
//! devices are left out. Links are shown, never followed.
//!
//! # When the source changes
//!
//! What was looked at stays as it was seen; a change in the source is seen for what was not looked at yet. A
//! file that has changed since it was listed cannot be read: every fetch compares the file, before and after
//! reading, with the version that was listed (size, modification and change time, inode number). So bytes of
//! two versions never meet in one file, as far as the source's clock tells them apart: two writes of the same
//! size within one tick of it, and writes through a mapping while a fetch runs, may escape.

mod error;
mod provider;
mod source;

pub use error::Error;
pub use provider::DirProvider;
