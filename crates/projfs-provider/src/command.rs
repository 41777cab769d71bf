//! `Command`, `Reply` and `CommandHandler`: what the machinery speaks.

use std::fmt;
use std::ops::Range;

use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::ItemKind;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;

use crate::CancelToken;
use crate::CommandId;
use crate::DataSink;
use crate::MaskChange;
use crate::NameChange;
use crate::PostOperation;
use crate::PreOperation;
use crate::ProviderError;
use crate::ProviderErrorKind;
use crate::Request;

/// Identifies one listing of one directory, from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnumerationId(pub u64);

/// A question to the provider. Each carries the reply that it is owed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Command {
    /// What is the item, if it exists?
    PlaceholderInfo {
        /// The item; the version is its directory's.
        request: Request,
        /// Its name as the provider spells it, and its metadata.
        reply: Reply<ProjectedItem>,
    },
    /// Does the item exist?
    QueryName {
        /// The item; the version is its directory's.
        request: Request,
        /// Whether it does.
        reply: Reply<bool>,
    },
    /// A listing begins.
    StartEnumeration {
        /// The directory.
        request: Request,
        /// The listing.
        session: EnumerationId,
        /// After an error the listing does not exist.
        reply: Reply<()>,
    },
    /// What comes next in a listing?
    NextEntries {
        /// The directory.
        request: Request,
        /// The listing.
        session: EnumerationId,
        /// The next entries, in collation order; none at the end.
        reply: Reply<Vec<ProjectedItem>>,
    },
    /// A listing ends.
    EndEnumeration {
        /// The directory.
        request: Request,
        /// The listing.
        session: EnumerationId,
        /// Tells that the provider has forgotten it.
        reply: Reply<()>,
    },
    /// What is in the file?
    FileData {
        /// The file; the version is its own.
        request: Request,
        /// The bytes that are needed, at least.
        range: Range<u64>,
        /// Where they go.
        sink: DataSink,
        /// Sent when all of them were delivered.
        reply: Reply<()>,
    },
    /// May this happen?
    Authorize {
        /// The item, under the path at which it is seen; the version is its own, if it has one.
        request: Request,
        /// What is about to happen.
        operation: PreOperation,
        /// An error refuses it, and is the application's.
        reply: Reply<()>,
    },
    /// An existing item was opened. May that be?
    Opened {
        /// The item, under the path at which it is seen; the version is its own, if it has one.
        request: Request,
        /// What it is.
        kind: ItemKind,
        /// An error undoes the open, and is the application's.
        reply: Reply<MaskChange>,
    },
    /// This has happened to a name.
    Changed {
        /// The item, under the path at which it is, or was, seen; the version is its own, if it has one.
        request: Request,
        /// What has happened.
        change: NameChange,
        /// An error changes nothing.
        reply: Reply<MaskChange>,
    },
    /// This has happened.
    Observe {
        /// The item, under the path at which it is, or was, seen; the version is its own, if it has one.
        request: Request,
        /// What has happened.
        operation: PostOperation,
        /// An error changes nothing.
        reply: Reply<()>,
    },
}

/// Answers the engine's questions. The [`Provider`](crate::Provider) trait is for people; everything that
/// wraps, records, delays or carries questions elsewhere implements this.
pub trait CommandHandler: Send + Sync + 'static {
    /// Takes the command. The reply may be sent now, or later from any thread.
    fn handle(&self, command: Command);

    /// Nobody waits for this command any more. Answering it still is harmless.
    fn cancel(&self, command: CommandId) {
        let _ = command;
    }

    /// Everything at and below `paths` is about to be asked for. May block.
    ///
    /// # Errors
    /// Any error is logged, and changes nothing.
    fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
        let _ = (paths, cancel);
        Ok(())
    }

    /// What of the projection the kernel may keep, and how files may be fetched.
    fn traits(&self) -> crate::ProviderTraits {
        crate::ProviderTraits::default()
    }
}

type Deliver<T> = Box<dyn FnOnce(Result<T, ProviderError>) + Send>;

/// The right to answer one command, once. Dropping it answers with an internal error.
#[must_use]
pub struct Reply<T> {
    deliver: Arc<Mutex<Option<Deliver<T>>>>,
}

/// Answers a command with an error in the place of who holds the reply, unless it is answered already.
pub type Expiry = Box<dyn FnOnce(ProviderError) + Send>;

impl<T> Reply<T> {
    /// A reply that goes to `deliver`.
    pub fn new(deliver: impl FnOnce(Result<T, ProviderError>) + Send + 'static) -> Self {
        Self { deliver: Arc::new(Mutex::new(Some(Box::new(deliver)))) }
    }

    /// Answers.
    pub fn send(self, answer: Result<T, ProviderError>) {
        let deliver = self.deliver.lock().take();
        if let Some(deliver) = deliver {
            deliver(answer);
        }
    }

    fn expiry(&self) -> Expiry
    where
        T: 'static,
    {
        let slot = Arc::clone(&self.deliver);
        Box::new(move |error| {
            let deliver = slot.lock().take();
            if let Some(deliver) = deliver {
                deliver(Err(error));
            }
        })
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let deliver = self.deliver.lock().take();
        if let Some(deliver) = deliver {
            deliver(Err(ProviderError::new(ProviderErrorKind::Internal, "the command was never answered")));
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

impl Command {
    /// What every question says.
    pub fn request(&self) -> &Request {
        match self {
            Self::PlaceholderInfo { request, .. }
            | Self::QueryName { request, .. }
            | Self::StartEnumeration { request, .. }
            | Self::NextEntries { request, .. }
            | Self::EndEnumeration { request, .. }
            | Self::FileData { request, .. }
            | Self::Authorize { request, .. }
            | Self::Opened { request, .. }
            | Self::Changed { request, .. }
            | Self::Observe { request, .. } => request,
        }
    }

    /// The question in a word, for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PlaceholderInfo { .. } => "placeholder-info",
            Self::QueryName { .. } => "query-name",
            Self::StartEnumeration { .. } => "start-enumeration",
            Self::NextEntries { .. } => "next-entries",
            Self::EndEnumeration { .. } => "end-enumeration",
            Self::FileData { .. } => "file-data",
            Self::Authorize { .. } => "authorize",
            Self::Opened { .. } => "opened",
            Self::Changed { .. } => "changed",
            Self::Observe { .. } => "observe",
        }
    }

    /// What answers it when it has taken too long.
    pub fn expiry(&self) -> Expiry {
        match self {
            Self::PlaceholderInfo { reply, .. } => reply.expiry(),
            Self::QueryName { reply, .. } => reply.expiry(),
            Self::NextEntries { reply, .. } => reply.expiry(),
            Self::StartEnumeration { reply, .. }
            | Self::EndEnumeration { reply, .. }
            | Self::FileData { reply, .. }
            | Self::Authorize { reply, .. }
            | Self::Observe { reply, .. } => reply.expiry(),
            Self::Opened { reply, .. } | Self::Changed { reply, .. } => reply.expiry(),
        }
    }

    /// Answers with an error.
    pub fn fail(self, error: ProviderError) {
        match self {
            Self::PlaceholderInfo { reply, .. } => reply.send(Err(error)),
            Self::QueryName { reply, .. } => reply.send(Err(error)),
            Self::NextEntries { reply, .. } => reply.send(Err(error)),
            Self::StartEnumeration { reply, .. }
            | Self::EndEnumeration { reply, .. }
            | Self::FileData { reply, .. }
            | Self::Authorize { reply, .. }
            | Self::Observe { reply, .. } => reply.send(Err(error)),
            Self::Opened { reply, .. } | Self::Changed { reply, .. } => reply.send(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests;
