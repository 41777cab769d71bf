//! How the kernel reads and writes the content of open files.

mod backing;
mod mode;

pub use backing::{BackingFiles, IoTable, OpenedAs, Use};
pub use mode::{BackingId, Coverage, IoMode};
