//! A storm: a projection that changes by itself, files that say who wrote them, and what processes do to them.
//!
//! The name of every file says whose it is: only that process writes into it, though each may read, move, link or remove
//! it. So however the others race with it, what is in a file is always one content, whole: one of the provider's, or one
//! that its owner wrote. And every call that makes or takes away a name says so by its answer, so that there are as many
//! names in the end as the answers say.

mod content;
mod provider;
mod worker;

pub use content::Content;
pub use content::OWNERS;
pub use content::owner;
pub use provider::PROJECTED;
pub use provider::serve_storm;
pub use worker::Strictness;
pub use worker::Tally;
pub use worker::work;
