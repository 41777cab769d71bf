//! Which callers may cause content to be fetched.

use std::fmt;

use projfs_sync::Arc;
use projfs_types::Caller;
use projfs_types::RelPath;

use crate::Engine;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;

/// Says which callers may cause content to be fetched. Everybody may, unless it says otherwise.
#[derive(Clone)]
pub struct HydrationPolicy(Arc<dyn Fn(Caller) -> bool + Send + Sync>);

impl HydrationPolicy {
    /// A policy that asks `may` whenever content would be fetched. It must not wait for the mount.
    pub fn new(may: impl Fn(Caller) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may))
    }
}

impl Default for HydrationPolicy {
    fn default() -> Self {
        Self::new(|_| true)
    }
}

impl fmt::Debug for HydrationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HydrationPolicy")
    }
}

impl Engine {
    /// Whether content may be fetched for a caller.
    ///
    /// # Errors
    /// `Denied`.
    pub(crate) fn may_hydrate(&self, context: &Context<'_>, origin: &RelPath) -> Result<()> {
        match (self.options.hydration.0)(context.caller) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Denied, origin)),
        }
    }
}
