//! Locks, condition variables, atomics, threads, channels and the clock, in one place so that a model checker can stand in
//! for them.
//!
//! There are three builds of it. As released, everything is `parking_lot`'s, the standard library's and `crossbeam`'s.
//! With debug assertions, the locks also watch the order in which each thread takes them ([`Rank`]). With
//! `--cfg projfs_model`, everything is simulated: a test runs with one schedule after the other, and the clock moves when
//! the test says so (`model::check`).

#[cfg(all(debug_assertions, not(projfs_model)))]
mod checked;
#[cfg(projfs_model)]
pub mod model;
#[cfg(not(projfs_model))]
mod native;
mod rank;

pub use std::sync::Arc;
pub use std::sync::Weak;

pub use rank::Rank;

#[cfg(all(debug_assertions, not(projfs_model)))]
pub use checked::*;
#[cfg(projfs_model)]
pub use model::parts::*;
#[cfg(not(projfs_model))]
pub use native::*;
