//! `Adapter`: a `Provider` as a `CommandHandler`.

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use projfs_sync::Mutex;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;

use crate::CancelToken;
use crate::Command;
use crate::CommandHandler;
use crate::EnumerationId;
use crate::Provider;
use crate::ProviderError;
use crate::ProviderErrorKind;
use crate::ProviderTraits;

/// How many entries are handed over at once.
const BATCH: usize = 4096;

/// A [`Provider`] as a [`CommandHandler`]: answers every command on the thread that brings it.
pub struct Adapter<P> {
    provider: P,
    sessions: Mutex<HashMap<EnumerationId, std::vec::IntoIter<ProjectedItem>>>,
}

impl<P: Provider> Adapter<P> {
    /// Wraps a provider.
    pub fn new(provider: P) -> Self {
        Self { provider, sessions: Mutex::default() }
    }

    fn call<T>(&self, call: impl FnOnce(&P) -> Result<T, ProviderError>) -> Result<T, ProviderError> {
        catch_unwind(AssertUnwindSafe(|| call(&self.provider))).unwrap_or_else(|panic| {
            Err(ProviderError::new(ProviderErrorKind::Internal, panic_message(&*panic)))
        })
    }
}

impl<P: Provider> CommandHandler for Adapter<P> {
    fn handle(&self, command: Command) {
        match command {
            Command::PlaceholderInfo { request, reply } => {
                reply.send(self.call(|provider| provider.placeholder_info(&request)));
            }
            Command::QueryName { request, reply } => {
                reply.send(self.call(|provider| provider.exists(&request)));
            }
            Command::StartEnumeration { request, session, reply } => {
                let started = self.call(|provider| provider.enumerate(&request));
                reply.send(started.map(|entries| {
                    self.sessions.lock().insert(session, entries.into_vec().into_iter());
                }));
            }
            Command::NextEntries { session, reply, .. } => {
                let mut sessions = self.sessions.lock();
                let batch = sessions.get_mut(&session).map(|rest| rest.by_ref().take(BATCH).collect());
                drop(sessions);
                reply.send(batch.ok_or_else(|| {
                    ProviderError::new(ProviderErrorKind::InvalidInput, "there is no such listing")
                }));
            }
            Command::EndEnumeration { session, reply, .. } => {
                self.sessions.lock().remove(&session);
                reply.send(Ok(()));
            }
            Command::FileData { request, range, sink, reply } => {
                reply.send(self.call(|provider| provider.file_data(&request, range, &sink)));
            }
            Command::Authorize { request, operation, reply } => {
                reply.send(self.call(|provider| provider.authorize(&request, &operation)));
            }
            Command::Opened { request, kind, reply } => {
                reply.send(self.call(|provider| provider.opened(&request, kind)));
            }
            Command::Changed { request, change, reply } => {
                reply.send(self.call(|provider| Ok(provider.changed(&request, &change))));
            }
            Command::Observe { request, operation, reply } => {
                reply.send(self.call(|provider| {
                    provider.observe(&request, &operation);
                    Ok(())
                }));
            }
        }
    }

    fn prefetch(&self, paths: &[RelPathBuf], cancel: &CancelToken) -> Result<(), ProviderError> {
        self.call(|provider| provider.prefetch(paths, cancel))
    }

    fn traits(&self) -> ProviderTraits {
        self.provider.traits()
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the provider panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests;
