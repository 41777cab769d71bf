//! `Service`: the seam between the machinery of this crate and what answers the requests.

use projfs_engine::Patience;
use projfs_sync::Arc;
use projfs_types::NodeId;

use crate::invalidate::Invalidator;
use crate::io::IoTable;
use crate::policy::Policy;
use crate::wire::init::Negotiated;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::request::Request;
use crate::wire::request::RequestContext;

/// What a service is given of its connection.
#[derive(Clone)]
pub struct Kernel {
    /// What is in force.
    pub negotiated: Arc<Negotiated>,
    /// Lifetimes and flags.
    pub policy: Policy,
    /// Takes what the kernel should forget.
    pub invalidator: Invalidator,
    /// The modes of open files, and their backing ids.
    pub io: Arc<IoTable>,
}

/// What answers the requests of a connection.
pub trait Service: Send + Sync + 'static {
    /// Called once, before the first request.
    fn start(&self, kernel: &Kernel) {
        let _ = kernel;
    }

    /// Runs one request.
    ///
    /// It is run with [`Patience::None`] first. If that needs to wait it is run again on a worker, from its start, so
    /// nothing may have been changed by then. `FORGET`, `INTERRUPT` and `INIT` never come here, nor what [`Policy`]
    /// declines.
    ///
    /// # Errors
    /// [`WouldWait`], with [`Patience::None`] only, or the `errno` of the reply.
    ///
    /// [`WouldWait`]: crate::wire::reply::Unserved::WouldWait
    fn serve(
        &self,
        context: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served;

    /// Takes back `lookups` of `node`. Never waits, and has no answer.
    fn forget(&self, node: NodeId, lookups: u64);

    /// The nodes that the kernel refers to, without the root.
    fn nodes(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Takes down again all that the kernel refers to, if it is taken down. Requests may run.
    fn note_all(&self) {}

    /// Called once, when no request runs any more and none will come.
    fn stop(&self) {}
}
