//! `Connection`: what all threads of one mount share, and how one request is run.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use projfs_engine::Patience;
use projfs_sync::Arc;
use rustix::io::Errno;

use crate::interrupt::Interrupts;
use crate::policy::Policy;
use crate::service::Service;
use crate::transport::Token;
use crate::wire::abi::Opcode;
use crate::wire::init::Negotiated;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::reply::Unserved;
use crate::wire::request::RawRequest;
use crate::wire::request::Request;
use crate::wire::request::RequestBuffer;
use crate::wire::request::RequestContext;
use crate::worker::Job;
use crate::worker::Workers;

/// What all threads of one mount share.
pub struct Connection {
    service: Arc<dyn Service>,
    negotiated: Arc<Negotiated>,
    policy: Policy,
    interrupts: Interrupts,
    workers: Workers,
}

/// What a transport thread has to do about a request that it has handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Answer with that much of the body.
    Reply(usize),
    /// Answer with an error.
    Error(Errno),
    /// Nothing: the token answers later.
    Later,
    /// Nothing: the request has no answer.
    Nothing,
}

impl Connection {
    /// A connection without threads.
    pub fn new(
        service: Arc<dyn Service>,
        negotiated: Arc<Negotiated>,
        policy: Policy,
        workers: Workers,
    ) -> Self {
        Self { service, negotiated, policy, interrupts: Interrupts::default(), workers }
    }

    /// What is in force.
    pub fn negotiated(&self) -> &Arc<Negotiated> {
        &self.negotiated
    }

    /// The service.
    pub fn service(&self) -> &Arc<dyn Service> {
        &self.service
    }

    /// The threads on which requests wait.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// The requests that wait.
    pub fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// Runs a request on a transport thread. The answer is put into `body`; `token` is asked for only if the request
    /// has to wait.
    pub fn handle(
        self: &Arc<Self>,
        raw: &RawRequest<'_>,
        body: &mut [u8],
        token: impl FnOnce() -> Token,
    ) -> Outcome {
        let (context, request) = match raw.decode() {
            Ok(decoded) => decoded,
            Err(error) => {
                let opcode = raw.header().opcode;
                tracing::debug!(unique = raw.header().unique, opcode, ?error, "request not understood");
                return match Opcode::of(opcode) {
                    Some(opcode) if !has_answer(opcode) => Outcome::Nothing,
                    Some(_) | None => Outcome::Error(error.into()),
                };
            }
        };
        match request {
            Request::Forget { lookups } => self.forget(context.node, lookups),
            Request::BatchForget { items } => {
                items.iter().for_each(|(node, lookups)| {
                    let _ = self.forget(node, lookups);
                });
                Outcome::Nothing
            }
            Request::Interrupt { unique } => self.interrupt(unique),
            Request::NotifyReply { .. } => Outcome::Nothing,
            Request::Destroy => Outcome::Reply(0),
            // A second INIT would mean that someone else reads our descriptor.
            Request::Init(_) => Outcome::Error(Errno::IO),
            _ => self.handle_operation(raw, &context, &request, body, token),
        }
    }

    fn handle_operation(
        self: &Arc<Self>,
        raw: &RawRequest<'_>,
        context: &RequestContext,
        request: &Request<'_>,
        body: &mut [u8],
        token: impl FnOnce() -> Token,
    ) -> Outcome {
        if let Some(errno) = self.policy.declines(context.opcode, &self.negotiated) {
            return Outcome::Error(errno);
        }
        let mut reply = Reply::new(body);
        match self.run(context, request, Patience::None, &mut reply) {
            Ok(_) => Outcome::Reply(reply.len()),
            Err(Unserved::Errno(errno)) => Outcome::Error(errno),
            Err(Unserved::WouldWait) => {
                let cancel = self.interrupts.enter(context.unique);
                if cancel.is_cancelled() {
                    self.interrupts.leave(context.unique);
                    return Outcome::Error(Errno::INTR);
                }
                let job =
                    Job { unique: context.unique, request: RequestBuffer::from(raw), token: token(), cancel };
                self.defer(job);
                Outcome::Later
            }
        }
    }

    fn defer(self: &Arc<Self>, job: Job) {
        let (unique, cancel) = (job.unique, job.cancel.clone());
        let refused = match self.workers.submit(job, self) {
            Err(job) => Some((job, Errno::NOTCONN)),
            // An interrupt that came before the job was in the queue did not find it there.
            Ok(()) if cancel.is_cancelled() => self.workers.take(unique).map(|job| (job, Errno::INTR)),
            Ok(()) => None,
        };
        if let Some((job, errno)) = refused {
            self.fail(job, errno);
        }
    }

    /// Answers a job that nobody will run.
    pub fn fail(&self, job: Job, errno: Errno) {
        self.interrupts.leave(job.unique);
        job.token.error(errno);
    }

    /// Lets no more request wait, and cancels those that do.
    pub fn close(&self) {
        self.workers.close().for_each(|job| self.fail(job, Errno::NOTCONN));
        self.interrupts.interrupt_all();
    }

    /// Runs a request on a worker, where it may wait, and answers it.
    pub fn handle_job(&self, job: Job, body: &mut [u8]) {
        let Job { unique, request, token, cancel } = job;
        let mut reply = Reply::new(body);
        let served = match request.decode() {
            _ if cancel.is_cancelled() => Err(Unserved::Errno(Errno::INTR)),
            Ok((context, request)) => self.run(&context, &request, Patience::Until(&cancel), &mut reply),
            Err(error) => Err(Unserved::Errno(error.into())),
        };
        let length = reply.len();
        self.interrupts.leave(unique);
        match served {
            Ok(_) => token.reply(body.get(..length).unwrap_or_default()),
            Err(Unserved::Errno(errno)) => token.error(errno),
            Err(Unserved::WouldWait) => {
                tracing::error!(unique, "a request that may wait says that it would");
                token.error(Errno::IO);
            }
        }
    }

    fn run(
        &self,
        context: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        // A panic costs its request, not the thread that all others of this CPU need.
        let run = AssertUnwindSafe(|| self.service.serve(context, request, patience, reply));
        catch_unwind(run).unwrap_or_else(|_| {
            tracing::error!(unique = context.unique, opcode = ?context.opcode, "a request panicked");
            Err(Unserved::Errno(Errno::IO))
        })
    }

    fn forget(&self, node: projfs_types::NodeId, lookups: u64) -> Outcome {
        if catch_unwind(AssertUnwindSafe(|| self.service.forget(node, lookups))).is_err() {
            tracing::error!(node = node.0, "a FORGET panicked");
        }
        Outcome::Nothing
    }

    fn interrupt(&self, unique: u64) -> Outcome {
        // The token first: a worker that takes the request from the queue now finds it cancelled.
        if self.interrupts.interrupt(unique)
            && let Some(job) = self.workers.take(unique)
        {
            self.fail(job, Errno::INTR);
        }
        Outcome::Nothing
    }
}

/// Whether the kernel waits for an answer.
pub fn has_answer(opcode: Opcode) -> bool {
    !matches!(opcode, Opcode::Forget | Opcode::BatchForget | Opcode::Interrupt | Opcode::NotifyReply)
}
