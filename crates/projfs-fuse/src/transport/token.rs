//! `Token`: the right to answer one request, once.

use std::fmt;

use projfs_sync::Arc;
use rustix::io::Errno;

/// Where the answer to a request goes: the descriptor it was read from, or its ring entry.
pub trait Home: Send + Sync {
    /// Answers the request `unique`, which is in `slot`. `error` is 0 or a negative `errno`.
    fn answer(&self, slot: u32, unique: u64, error: i32, body: &[u8]);
}

/// The right to answer one request. Answers `EIO` when dropped, so that no caller waits for ever.
pub struct Token {
    home: Option<Arc<dyn Home>>,
    slot: u32,
    unique: u64,
}

impl Token {
    /// The right to answer the request `unique` in `slot` of `home`. `unique` is as the kernel sent it.
    pub fn new(home: Arc<dyn Home>, slot: u32, unique: u64) -> Self {
        Self { home: Some(home), slot, unique }
    }

    /// Answers with `body`.
    pub fn reply(mut self, body: &[u8]) {
        self.answer(0, body);
    }

    /// Answers with an error.
    pub fn error(mut self, errno: Errno) {
        self.answer(-errno.raw_os_error(), &[]);
    }

    fn answer(&mut self, error: i32, body: &[u8]) {
        if let Some(home) = self.home.take() {
            home.answer(self.slot, self.unique, error, body);
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.home.is_some() {
            tracing::warn!(unique = self.unique, "a request was dropped without an answer");
            self.answer(-Errno::IO.raw_os_error(), &[]);
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("unique", &self.unique).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
