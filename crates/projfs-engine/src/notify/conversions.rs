//! `Conversions`: a file is converted by one operation at a time, so that the provider is asked once.

use std::collections::HashSet;

use projfs_provider::CancelToken;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_types::NodeId;

use crate::error::ErrorKind;

/// Files that are being converted. A leaf lock.
#[derive(Default)]
pub(super) struct Conversions {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    nodes: Mutex<HashSet<NodeId>>,
    ended: Condvar,
}

/// The right to convert a file, until it is dropped.
pub(crate) struct Converting {
    shared: Arc<Shared>,
    node: NodeId,
}

impl Conversions {
    /// Waits until nobody else converts the file, or one of the tokens is set.
    pub(super) fn begin(
        &self,
        node: NodeId,
        interrupt: &CancelToken,
        stopping: &CancelToken,
    ) -> Result<Converting, ErrorKind> {
        let _listening = [interrupt, stopping].map(|token| {
            let shared = Arc::clone(&self.shared);
            token.listen(move || {
                // Taking the lock makes sure that the waiter either sees the token or hears this.
                drop(shared.nodes.lock());
                shared.ended.notify_all();
            })
        });
        let mut nodes = self.shared.nodes.lock();
        while !nodes.insert(node) {
            if stopping.is_cancelled() {
                return Err(ErrorKind::Unavailable);
            }
            if interrupt.is_cancelled() {
                return Err(ErrorKind::Interrupted);
            }
            self.shared.ended.wait(&mut nodes);
        }
        Ok(Converting { shared: Arc::clone(&self.shared), node })
    }
}

impl Drop for Converting {
    fn drop(&mut self) {
        self.shared.nodes.lock().remove(&self.node);
        self.shared.ended.notify_all();
    }
}
