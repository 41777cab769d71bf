//! Projects a provider's tree into a real directory.
