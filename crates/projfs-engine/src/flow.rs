//! Flows: what brings an item to the state in which an operation can act.

pub(crate) mod hydrate;
mod lives;
mod prepare;
pub(crate) mod ranges;
mod resolve;
#[cfg(all(test, projfs_model))]
mod schedules;
mod settle;
pub(crate) mod spelling;

pub(crate) use lives::has_others;
pub(crate) use resolve::Under;
pub(crate) use resolve::found;
pub(crate) use settle::Settled;
