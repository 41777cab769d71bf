//! Values of a projected file system, and pure functions on them.
