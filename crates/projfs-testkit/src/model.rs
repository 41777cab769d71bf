//! The reference model: what a projected tree must look like, whatever is done to it.
//!
//! A [`Model`] has two trees, *projected* and *local*, and one function, [`view`], that is the definition of what is
//! to be seen. A [`Subject`] is anything that carries out an [`Op`]: an engine, a mount. [`run`] does the same to
//! both and compares.

mod apply;
mod engine;
mod errno;
mod journal;
mod op;
mod provider;
mod random;
mod tree;

pub use engine::EngineSubject;
pub use engine::OpenStore;
pub use errno::errno_of;
pub use errno::errno_of_kind;
pub use journal::Expected;
pub use journal::Must;
pub use journal::Told;
pub use op::Failure;
pub use op::Kind;
pub use op::Op;
pub use op::Outcome;
pub use op::Seen;
pub use op::Subject;
pub use op::Word;
pub use op::version_info;
pub use random::Random;
pub use random::Run;
pub use random::operation;
pub use random::projection;
pub use random::run;
pub use tree::Id;
pub use tree::Local;
pub use tree::Model;
pub use tree::Shown;
pub use tree::view;
