//! Holds a mount while its daemon is replaced.
//!
//! A keeper is a process that starts the daemon, holds three descriptors for it, and starts it again if it dies: the
//! connection to the kernel, a file in memory, and the directory under the mount. It knows nothing else. As long as it
//! holds the first, the kernel has callers wait; when it lets go, they get errors.

mod hold;
mod message;

pub use hold::Limits;
pub use hold::keep;
pub use message::Held;
pub use message::Link;
pub use message::Start;
