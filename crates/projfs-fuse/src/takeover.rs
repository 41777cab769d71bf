//! Takeover: going on with the connection of a daemon that has died, or that makes room for another.
//!
//! Another process, the keeper, holds the connection's descriptor and one file in memory. In it is what the kernel does
//! not say again: what was negotiated, and which nodes, open files and backing ids the kernel refers to. A new daemon
//! reads it, asks the kernel to send again what was not answered ([`Notification::Resend`]), and answers.
//!
//! [`Notification::Resend`]: crate::wire::notify::Notification::Resend

mod entry;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod memory;
mod window;

pub use entry::IoRecord;
#[cfg(test)]
pub(crate) use entry::tests::entry_seeds;
pub use memory::MEMORY_FORMAT;
pub use memory::Memory;
pub use memory::MemoryError;
pub use memory::Recollection;
