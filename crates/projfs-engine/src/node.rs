//! Nodes: what the kernel refers to by a number.

mod hasher;
mod names;
pub(crate) mod table;
mod view;
