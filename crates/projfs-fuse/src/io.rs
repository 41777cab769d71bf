//! How the kernel reads and writes the content of open files.

mod backing;
mod mode;

pub use backing::BackingFiles;
pub use backing::IoTable;
pub use backing::OpenedAs;
pub use mode::BackingId;
pub use mode::IoMode;
pub use projfs_engine::Access;
pub use projfs_engine::Coverage;
