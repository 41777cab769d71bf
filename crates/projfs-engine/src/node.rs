//! Nodes: what the kernel refers to by a number.

pub(crate) mod table;
