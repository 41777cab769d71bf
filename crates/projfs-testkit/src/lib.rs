//! The reference model, the misbehaving provider and the suites that several crates share.

pub mod corpus;
pub mod faulty;
pub mod journal_contract;
pub mod misbehaving;
pub mod model;
pub mod projection;
pub mod provider_contract;
pub mod replay;
pub mod store_contract;

mod say;

pub use say::say;
pub use say::skipped;
