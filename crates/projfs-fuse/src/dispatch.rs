//! Dispatch: what the kernel asks, put to the engine, and what the engine answers, put to the kernel.

mod again;
mod dir;
mod file;
mod inode;
mod namespace;
mod xattr;

use std::sync::OnceLock;
use std::time::Duration;

use projfs_engine::Context;
use projfs_engine::Engine;
use projfs_engine::HandleId;
use projfs_engine::KernelCache;
use projfs_engine::Patience;
use projfs_sync::Arc;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::collation::Collation;
use rustix::io::Errno;

use crate::policy::Listings;
use crate::policy::Policy;
use crate::service::Kernel;
use crate::service::Service;
use crate::wire::abi::UNIQUE_RESEND;
use crate::wire::reply::Entry;
use crate::wire::reply::Lifetime;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::request::Request;
use crate::wire::request::RequestContext;

/// The way from the engine to the kernel; leads nowhere until the connection stands.
#[derive(Default)]
pub struct KernelLink(OnceLock<Kernel>);

impl KernelCache for KernelLink {
    fn entry_changed(&self, parent: NodeId, name: &ItemName) {
        if let Some(kernel) = self.0.get() {
            kernel.invalidator.entry_changed(parent, name);
        }
    }

    fn attributes_changed(&self, node: NodeId) {
        if let Some(kernel) = self.0.get() {
            kernel.invalidator.attributes_changed(node);
        }
    }

    fn content_changed(&self, node: NodeId) {
        if let Some(kernel) = self.0.get() {
            kernel.io.forget(node);
            kernel.invalidator.content_changed(node);
        }
    }

    fn item_gone(&self, parent: NodeId, node: NodeId, name: &ItemName) {
        if let Some(kernel) = self.0.get() {
            kernel.invalidator.item_gone(parent, node, name);
        }
    }

    fn node_gone(&self, node: NodeId) {
        if let Some(kernel) = self.0.get() {
            kernel.io.forget(node);
        }
    }

    fn names_changed(&self) -> bool {
        // Before the connection stands, the kernel knows nothing.
        let Some(kernel) = self.0.get() else { return true };
        let tells = kernel.negotiated.epoch;
        if tells {
            kernel.invalidator.everything_changed();
        }
        tells
    }
}

/// Answers the kernel's requests by an engine.
pub struct EngineService {
    engine: Arc<Engine>,
    link: Arc<KernelLink>,
}

/// One request on its way through the dispatch.
pub(super) struct Call<'a> {
    pub(super) engine: &'a Engine,
    pub(super) kernel: &'a Kernel,
    pub(super) request: &'a RequestContext,
    pub(super) context: Context<'a>,
}

impl EngineService {
    /// A service over an engine that was started with `link` as its way to the kernel.
    pub fn new(engine: Arc<Engine>, link: Arc<KernelLink>) -> Self {
        Self { engine, link }
    }

    /// Lifetimes and flags that fit what the provider has declared.
    pub fn policy(&self) -> Policy {
        let directory_opens = self.engine.wants_directory_opens();
        let negatives = self.engine.negative_lifetime().map_or(Lifetime::Forever, Lifetime::For);
        let listings = match self.engine.lifetime() {
            None => Listings::Stable,
            Some(_) => Listings::Changing,
        };
        let items = self.engine.item_lifetime().map_or(Lifetime::Forever, Lifetime::For);
        let (entries, negatives) = match self.engine.collation() {
            Collation::Insensitive => (Lifetime::For(Duration::ZERO), Lifetime::For(Duration::ZERO)),
            Collation::Sensitive => (items, negatives),
        };
        Policy { listings, directory_opens, birth_time: true, entries, attributes: items, negatives }
    }
}

impl Service for EngineService {
    fn start(&self, kernel: &Kernel) {
        let _ = self.link.0.set(kernel.clone());
    }

    fn serve(
        &self,
        context: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        let kernel = self.link.0.get().ok_or(Errno::NOTCONN)?;
        let engine_context =
            Context { caller: context.caller, patience, request: context.unique & !UNIQUE_RESEND };
        let call = Call { engine: &self.engine, kernel, request: context, context: engine_context };
        call.serve(request, reply)
    }

    fn forget(&self, node: NodeId, lookups: u64) {
        self.engine.forget(node, lookups);
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.engine.known_nodes()
    }

    fn note_all(&self) {
        self.engine.note_all();
    }
}

impl Call<'_> {
    fn serve(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Served {
        if self.request.unique & UNIQUE_RESEND != 0
            && let Some(served) = self.serve_again(request, reply)
        {
            let (unique, opcode) = (self.request.unique, self.request.opcode);
            tracing::debug!(unique, ?opcode, ?served, "sent again, and done before");
            return served;
        }
        self.run(request, reply)
    }

    fn run(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Served {
        match request {
            Request::Lookup { name } => self.lookup(name, reply),
            Request::Getattr(_) => self.getattr(reply),
            Request::Statx(_) => self.statx(reply),
            Request::Setattr(args) => self.setattr(args, reply),
            Request::Readlink => self.readlink(reply),
            Request::Symlink { name, target } => self.symlink(name, target, reply),
            Request::Mknod { args, name } => self.mknod(args, name, reply),
            Request::Mkdir { args, name } => self.mkdir(args, name, reply),
            Request::Unlink { name } => self.unlink(name, reply),
            Request::Rmdir { name } => self.rmdir(name, reply),
            Request::Rename { name, new_parent, new_name, flags } => {
                self.rename(name, (*new_parent, new_name), *flags, reply)
            }
            Request::Link { source, new_name } => self.link(*source, new_name, reply),
            Request::Open(args) => self.open(args, reply),
            Request::Create { args, name } => self.create(args, name, reply),
            Request::Tmpfile(args) => self.tmpfile(args, reply),
            Request::Read(args) => self.read(args, reply),
            Request::Write { args, data } => self.write(args, data, reply),
            Request::Release(args) => self.release(args, reply),
            Request::Fsync(args) => self.fsync(args, reply),
            Request::Fallocate(args) => self.fallocate(args, reply),
            Request::Lseek(args) => self.lseek(args, reply),
            Request::CopyFileRange { args, wide } => self.copy_file_range(args, *wide, reply),
            Request::Statfs => self.statfs(reply),
            Request::Syncfs => self.syncfs(reply),
            Request::Setxattr { name, value, flags } => self.setxattr(name, value, *flags, reply),
            Request::Getxattr { name, size } => self.getxattr(name, *size, reply),
            Request::Listxattr { size } => self.listxattr(*size, reply),
            Request::Removexattr { name } => self.removexattr(name, reply),
            Request::Opendir(_) => self.opendir(reply),
            Request::Readdir(args) => self.readdir(args, reply),
            Request::Readdirplus(args) => self.readdirplus(args, reply),
            Request::Releasedir(args) => self.releasedir(args, reply),
            Request::Fsyncdir(_) => self.fsyncdir(reply),
            Request::Ioctl { .. } => Err(Errno::NOTTY.into()),
            // The kernel does these by itself, or not at all.
            Request::Getlk(_)
            | Request::Setlk(_)
            | Request::Setlkw(_)
            | Request::Access(_)
            | Request::Flush(_)
            | Request::Bmap(_)
            | Request::Poll(_) => Err(Errno::NOSYS.into()),
            // These never come here.
            Request::Forget { .. }
            | Request::BatchForget { .. }
            | Request::Init(_)
            | Request::Interrupt { .. }
            | Request::Destroy
            | Request::NotifyReply { .. } => Err(Errno::IO.into()),
        }
    }

    pub(super) fn node(&self) -> NodeId {
        self.request.node
    }

    pub(super) fn handle(fh: u64) -> HandleId {
        HandleId(fh)
    }

    pub(super) fn entry(&self, entry: projfs_engine::Entry) -> Entry {
        Entry {
            node: entry.node,
            generation: 0,
            stat: entry.stat,
            entry_lifetime: self.kernel.policy.entries,
            stat_lifetime: self.attribute_lifetime(entry.node),
        }
    }
}

#[cfg(test)]
mod tests;
