//! `Caller`: who asks.

/// The process on whose behalf an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Process id in our namespace; 0 if the kernel acts by itself or the process is not visible.
    pub pid: u32,
    /// File system user id.
    pub uid: u32,
    /// File system group id.
    pub gid: u32,
}
