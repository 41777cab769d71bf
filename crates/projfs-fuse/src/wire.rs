//! The FUSE protocol: bytes to values and back, without any input or output.

#[allow(missing_docs, reason = "the names are those of linux/fuse.h, which documents them")]
pub mod abi;
pub mod init;
pub mod notify;
pub mod reply;
pub mod request;
