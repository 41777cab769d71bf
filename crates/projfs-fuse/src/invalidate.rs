//! `Invalidator`: tells the kernel what it should forget, from one thread.
//!
//! # Why this cannot deadlock
//!
//! To drop a name the kernel takes the lock of the parent directory (exclusively) inside the `write` of the
//! notification. While the kernel waits for our answer to a `LOOKUP`, `CREATE`, `UNLINK` ... in that directory it holds
//! that lock. So a thread that wrote the notification itself, before its answer, would wait for itself. Here:
//!
//! - Requests put notifications into a queue, which never waits: when it is long, the names in it are replaced by one
//!   notification that makes every name stale, where the kernel knows that one.
//! - One thread writes them. It holds no lock of ours while it writes, and answers no requests. It may wait for the
//!   kernel's lock as long as a request on that directory is being served; those are served by other threads.
//! - No thread that serves requests waits for this thread. [`Invalidator::flush`] must not be called by one.
//!
//! So each wait leads from this thread to a serving thread, never back. What remains is to be correct: an answer with
//! old content that is on its way when the notification is queued. For names the kernel's lock sees to it: the
//! notification is handled after the answer. For attributes the kernel counts versions, and drops what an answer says
//! if an invalidation came after its request.

use std::collections::VecDeque;
use std::time::Instant;

use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_types::ItemName;
use projfs_types::NodeId;
use rustix::io::Errno;

use crate::takeover::Memory;
use crate::transport::Device;
use crate::wire::init::Negotiated;
use crate::wire::notify::Notification;

/// How many notifications may be queued before those of names become one.
const LIMIT: usize = 64 * 1024;

/// Takes what the kernel should forget; never waits. Clones are the same queue.
#[derive(Clone)]
pub struct Invalidator(Arc<Queue>);

struct Queue {
    epoch: bool,
    memory: Option<Arc<Memory>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Notification>,
    writing: bool,
    stopping: bool,
}

impl Invalidator {
    /// An empty queue for a connection.
    pub fn new(negotiated: &Negotiated) -> Self {
        Self::kept(negotiated, None)
    }

    /// The same for a connection that outlives this process: what is not told by then is remembered.
    pub fn kept(negotiated: &Negotiated, memory: Option<Arc<Memory>>) -> Self {
        let (state, changed) = (Mutex::new(State::default()), Condvar::new());
        Self(Arc::new(Queue { epoch: negotiated.epoch, memory, state, changed }))
    }

    /// What the kernel knows under a name is stale, that there is nothing included.
    pub fn entry_changed(&self, parent: NodeId, name: &ItemName) {
        self.send(Notification::InvalidateEntry { parent, name: name.to_owned() });
    }

    /// The item under a name is gone: who watches it hears of that.
    pub fn item_gone(&self, parent: NodeId, child: NodeId, name: &ItemName) {
        self.send(Notification::Delete { parent, child, name: name.to_owned() });
        // That one is refused for a directory in which the kernel still knows names.
        self.entry_changed(parent, name);
    }

    /// Attributes and content of a node are stale.
    pub fn content_changed(&self, node: NodeId) {
        self.send(Notification::InvalidateInode { node, offset: 0, length: 0 });
    }

    /// Attributes of a node are stale.
    pub fn attributes_changed(&self, node: NodeId) {
        self.send(Notification::InvalidateInode { node, offset: -1, length: 0 });
    }

    /// Every name is stale. Kernels without epochs (before 7.44) cannot be told; who needs it there names each.
    pub fn everything_changed(&self) {
        self.send(Notification::IncrementEpoch);
    }

    /// Queues a notification.
    pub fn send(&self, notification: Notification) {
        if notification == Notification::IncrementEpoch && !self.0.epoch {
            tracing::warn!("this kernel cannot be told that all names are stale");
            return;
        }
        let mut state = self.0.state.lock();
        if state.stopping || state.queue.back() == Some(&notification) {
            return;
        }
        if let (Some(memory), true) = (&self.0.memory, is_lasting(&notification)) {
            memory.pending(&notification);
        }
        let long = state.queue.len() >= LIMIT && self.0.epoch;
        if long && matches!(notification, Notification::InvalidateEntry { .. }) {
            state.queue.retain(|waiting| {
                matches!(waiting, Notification::InvalidateInode { .. } | Notification::Delete { .. })
            });
            state.queue.push_back(Notification::IncrementEpoch);
        } else {
            state.queue.push_back(notification);
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Queues that the attributes of nodes are stale, however many there are.
    pub fn attributes_unknown(&self, nodes: impl IntoIterator<Item = NodeId>) {
        let stale = |node| Notification::InvalidateInode { node, offset: -1, length: 0 };
        self.0.state.lock().queue.extend(nodes.into_iter().map(stale));
        self.0.changed.notify_all();
    }

    /// Waits until all is written that was queued before, at most until `end`. Says whether it is. Not for a thread that
    /// serves requests.
    pub fn flush(&self, end: Instant) -> bool {
        let mut state = self.0.state.lock();
        while state.writing || !state.queue.is_empty() {
            if self.0.changed.wait_until(&mut state, end).timed_out() {
                return false;
            }
        }
        true
    }

    /// Ends the thread.
    pub fn stop(&self) {
        let mut state = self.0.state.lock();
        state.stopping = true;
        state.queue.clear();
        drop(state);
        self.0.changed.notify_all();
    }

    /// Writes what is queued to `device`, until it is stopped or the mount is gone.
    pub fn run(&self, device: &Device) {
        let mut state = self.0.state.lock();
        while !state.stopping {
            let Some(notification) = state.queue.pop_front() else {
                self.0.changed.wait(&mut state);
                continue;
            };
            state.writing = true;
            drop(state);
            let written = device.notify(&notification);
            state = self.0.state.lock();
            state.writing = false;
            if state.queue.is_empty() {
                if let Some(memory) = &self.0.memory {
                    memory.told();
                }
                self.0.changed.notify_all();
            }
            match written {
                // It knew nothing of it.
                Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY) => {}
                Err(Errno::NODEV | Errno::NOTCONN | Errno::CONNABORTED) => state.stopping = true,
                Err(errno) => {
                    tracing::warn!(?notification, %errno, "the kernel did not accept a notification");
                }
            }
        }
        state.queue.clear();
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;

/// Whether it must be told by the next process, if this one cannot. Attributes are asked for again anyway by then.
fn is_lasting(notification: &Notification) -> bool {
    !matches!(notification, Notification::InvalidateInode { offset: -1, .. })
}
