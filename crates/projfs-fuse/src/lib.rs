//! Carries a projected file system to the Linux kernel over /dev/fuse.
//!
//! A [`Service`] answers requests; a [`Session`] mounts it and keeps it mounted. In between are the protocol
//! ([`wire`]), the ways requests come in ([`transport`]), the threads on which they may wait ([`worker`]), and what
//! the kernel is told without having asked ([`invalidate`]).
//!
//! Unsafe code is in two rooms: `transport::uring`, which shares memory with the kernel, and `transport::device`,
//! which holds every `ioctl`.

pub mod connection;
pub mod dispatch;
pub mod errno;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
pub mod interrupt;
pub mod invalidate;
pub mod io;
pub mod mount;
pub mod policy;
pub mod service;
pub mod session;
pub mod takeover;
pub mod transport;
pub mod wire;
pub mod worker;

pub use dispatch::EngineService;
pub use dispatch::KernelLink;
pub use projfs_engine::CancelToken;
pub use projfs_engine::Patience;
pub use service::Kernel;
pub use service::Service;
pub use session::Config;
pub use session::Session;
