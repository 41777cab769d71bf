//! Nodes: what the kernel refers to by a number.

mod names;
pub(crate) mod table;
mod view;
