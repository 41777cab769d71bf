//! Tests of the whole, on real mounts: what is mounted, how, and what a test needs around it.
//!
//! A test is one process, the daemon another ([`Mounted`] starts `projfs-test-mount`, which calls [`serve`]): a client
//! that shares a process with its daemon can wait for itself, and limits of the one would be limits of the other.

mod daemon;
mod deed;
mod generated;
mod kept;
mod mounted;
mod sample;
mod storm;
mod watchdog;

pub mod stage;
#[cfg(target_arch = "x86_64")]
pub mod trace;

pub use daemon::PATIENCE;
pub use daemon::Setup;
pub use daemon::serve;
pub use deed::Deed;
pub use deed::Verb;
pub use generated::Generated;
pub use generated::generated;
pub use kept::keep_one;
pub use kept::serve_kept;
pub use mounted::Mounted;
pub use mounted::Options;
pub use sample::MANY;
pub use sample::Sample;
pub use sample::TIME;
pub use sample::Tree;
pub use sample::WORKERS;
pub use sample::pattern;
pub use sample::pieces;
pub use storm::Content;
pub use storm::OWNERS;
pub use storm::PROJECTED;
pub use storm::Strictness;
pub use storm::Tally;
pub use storm::owner;
pub use storm::serve_storm;
pub use storm::work;
pub use watchdog::Watchdog;
