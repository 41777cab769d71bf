//! Requests that the kernel sends again: the process that had read them died before it answered.
//!
//! Most can simply be run again. Those that make, remove or move a name are looked up in the journal: its entry carries
//! the number of the request and comes before the change. While the kernel waits for the answer it lets nobody else
//! change those names, so whether the change came about can be seen.

use projfs_engine::OpenHow;
use projfs_engine::What;
use projfs_types::ItemName;
use projfs_types::NodeId;
use rustix::io::Errno;

use super::Call;
use super::namespace::EXCHANGE;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::reply::Unserved;
use crate::wire::request::Request;

impl Call<'_> {
    /// The answer to a request that had done its work; nothing if it is to be run.
    pub(super) fn serve_again(&self, request: &Request<'_>, reply: &mut Reply<'_>) -> Option<Served> {
        // What was opened is opened again: the kernel knows nothing of the first.
        if let Some((node, access)) = self.engine.close_unanswered(&self.context) {
            self.kernel.io.close(node, access);
        }
        match request {
            Request::Setxattr { name, value, flags, .. } if *flags != 0 => {
                let now = self.engine.get_xattr(&self.context, self.node(), name);
                return now.is_ok_and(|now| now == *value).then(|| reply.empty());
            }
            Request::Removexattr { .. } => {
                return Some(match self.run(request, reply) {
                    Err(Unserved::Errno(Errno::NODATA)) => reply.empty(),
                    served => served,
                });
            }
            _ => {}
        }
        let begun = self.engine.begun(self.context.request)?;
        let parent = self.node();
        match (request, begun) {
            (Request::Unlink { name } | Request::Rmdir { name }, What::Deleted) => {
                self.if_gone(parent, name, reply)
            }
            (Request::Rename { flags, .. }, What::Exchanged { .. }) if *flags == EXCHANGE => {
                self.engine.has_exchanged(self.context.request).then(|| reply.empty())
            }
            (Request::Rename { name, .. }, What::Renamed { .. }) => self.if_gone(parent, name, reply),
            (
                Request::Mkdir { name, .. }
                | Request::Mknod { name, .. }
                | Request::Symlink { name, .. }
                | Request::Link { new_name: name, .. },
                What::Created | What::Linked { .. },
            ) => match self.engine.lookup(&self.context, parent, name) {
                Ok(Some(entry)) => Some(reply.entry(&self.entry(entry))),
                Ok(None) => None,
                Err(error) => Some(Err(error.into())),
            },
            (Request::Create { args, name }, What::Created) => {
                let how = OpenHow { truncate: false, ..super::file::how(args.flags) };
                let found = self.engine.lookup(&self.context, parent, name);
                let opened = match found {
                    Ok(None) => return None,
                    Ok(Some(entry)) => match self.engine.open(&self.context, entry.node, how) {
                        Ok(opened) => Ok((entry, opened)),
                        Err(error) => {
                            self.engine.forget(entry.node, 1);
                            Err(error)
                        }
                    },
                    Err(error) => Err(error),
                };
                Some(match opened {
                    Ok((entry, opened)) => {
                        let opened = self.opened(opened, args.flags);
                        reply.created(&self.entry(entry), &opened)
                    }
                    Err(error) => Err(error.into()),
                })
            }
            _ => None,
        }
    }

    fn if_gone(&self, parent: NodeId, name: &ItemName, reply: &mut Reply<'_>) -> Option<Served> {
        match self.engine.is_gone(parent, name) {
            Ok(true) => Some(reply.empty()),
            Ok(false) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}
