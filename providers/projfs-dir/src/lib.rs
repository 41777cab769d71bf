//! Projects another directory.
