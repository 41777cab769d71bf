//! The one order of names, and the two notions of "same".

mod compare;

pub use compare::compare;
