//! `PRJ_QUERY_FILE_NAME_CB`, and what stands in for it where the provider has none.

use projectedfs::CommandId;
use projectedfs::EnumerationId;
use projectedfs::ProjectedItem;
use projectedfs::ProviderError;
use projectedfs::ProviderErrorKind;
use projectedfs::Reply;
use projectedfs::Request;
use projfs_sync::Arc;
use projfs_types::collation;

use crate::abi::FLAG_RESTART_SCAN;
use crate::abi::Guid;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::complete::Completion;
use crate::complete::Extended;
use crate::enumeration::EVERYTHING;
use crate::enumeration::Lent;
use crate::enumeration::ROOM;
use crate::enumeration::Session;
use crate::enumeration::get;
use crate::hresult;
use crate::hresult::HResult;
use crate::path;
use crate::wide::Text;

/// Whether a name is projected: by the provider's own callback for it, else by a listing of its directory.
pub(crate) struct QueryTask {
    request: Request,
    id: Guid,
    /// What its listing is kept under, for whoever stops to end it.
    session: EnumerationId,
    phase: Phase,
    reply: Reply<bool>,
}

enum Phase {
    Query,
    Start,
    Get { buffer: Lent, flags: u32 },
    End(Result<bool, ProviderError>),
}

impl QueryTask {
    pub(crate) fn new(bridge: &Bridge, request: Request, reply: Reply<bool>) -> Self {
        let phase = if bridge.callbacks.query.is_some() { Phase::Query } else { Phase::Start };
        Self { request, id: bridge.new_id(), session: bridge.new_session(), phase, reply }
    }

    /// The name as a search expression. One that holds wild cards would not find itself.
    fn expression(&self) -> Vec<u16> {
        let name = self.request.path().split_last().map(|(_, name)| path::to_units(name.as_bytes()));
        name.filter(|name| !collation::does_name_contain_wild_cards(name))
            .unwrap_or_else(|| EVERYTHING.to_vec())
    }

    /// The frame of the name's directory.
    fn directory(&self) -> Request {
        let parent =
            self.request.path().split_last().map(|(parent, _)| parent.to_owned()).unwrap_or_default();
        Request::new(
            self.request.command(),
            parent,
            self.request.version().clone(),
            self.request.caller(),
            self.request.cancellation().clone(),
        )
    }

    fn lists(&self, bridge: &Bridge, entries: &[ProjectedItem]) -> bool {
        let Some((_, name)) = self.request.path().split_last() else { return false };
        entries.iter().any(|entry| bridge.origin.collation.same(&entry.name, name))
    }
}

impl Task for QueryTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn extended(&self) -> Extended {
        match &self.phase {
            Phase::Get { buffer, .. } => Extended::Buffer(buffer.handle()),
            Phase::Query | Phase::Start | Phase::End(_) => Extended::Nothing,
        }
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        let callbacks = &bridge.callbacks;
        match &self.phase {
            Phase::Query => {
                let query = callbacks.query.expect("the phase is only chosen if there is one");
                // SAFETY: the callback takes what the header says.
                Completion::of(unsafe { query(bridge.frame(call, &self.request).data()) })
            }
            Phase::Start => {
                let mut frame = bridge.frame(call, &self.directory());
                // SAFETY: the callback takes what the header says.
                Completion::of(unsafe { (callbacks.start)(frame.data(), &raw const self.id) })
            }
            Phase::Get { buffer, flags } => {
                let mut frame = bridge.frame(call, &self.directory()).with_flags(*flags);
                let expression = Text::new(&self.expression(), bridge.origin.width);
                get(bridge, &mut frame, &self.id, &expression, buffer)
            }
            Phase::End(_) => {
                // From here on nobody else ends it.
                bridge.sessions.lock().remove(&self.session);
                let mut frame = bridge.frame(call, &self.directory());
                // SAFETY: the callback takes what the header says.
                Completion::of(unsafe { (callbacks.end)(frame.data(), &raw const self.id) })
            }
        }
    }

    fn done(mut self: Box<Self>, bridge: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        let width = bridge.origin.width;
        let next = match (&self.phase, completion.result) {
            (Phase::Query, hresult::S_OK) => Err(Ok(true)),
            (Phase::Query | Phase::Start, hresult::FILE_NOT_FOUND) => Err(Ok(false)),
            (Phase::Query | Phase::Start, error) if error != hresult::S_OK => {
                Err(Err(hresult::provider_error(error)))
            }
            (Phase::Query | Phase::Start, _) => {
                let session = Session::new(self.id, self.directory(), false);
                bridge.sessions.lock().insert(self.session, session);
                Ok(Phase::Get { buffer: Lent::new(width, ROOM), flags: FLAG_RESTART_SCAN })
            }
            (Phase::Get { buffer, .. }, hresult::S_OK | hresult::NO_MORE_FILES) => {
                let (entries, taken) = buffer.take();
                match self.lists(bridge, &entries) {
                    true => Ok(Phase::End(Ok(true))),
                    false if taken == 0 => Ok(Phase::End(Ok(false))),
                    false if self.request.cancellation().is_cancelled() => {
                        Ok(Phase::End(Err(ProviderErrorKind::Cancelled.into())))
                    }
                    false => Ok(Phase::Get { buffer: Lent::new(width, ROOM), flags: 0 }),
                }
            }
            (Phase::Get { .. }, error) => Ok(Phase::End(Err(hresult::provider_error(error)))),
            (Phase::End(answer), _) => Err(answer.clone()),
        };
        match next {
            Ok(phase) => {
                self.phase = phase;
                Some(self)
            }
            Err(answer) => {
                self.reply.send(answer);
                None
            }
        }
    }

    fn fail(self: Box<Self>, result: HResult) {
        self.reply.send(Err(hresult::provider_error(result)));
    }
}
