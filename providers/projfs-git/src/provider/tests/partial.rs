//! Partial clones.
