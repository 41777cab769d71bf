//! `Calls`: the callbacks that were invoked and are not done, and `PrjCompleteCommand`.

use std::collections::HashMap;

use projectedfs::CommandId;
use projfs_sync::Arc;
use projfs_sync::Mutex;

use crate::abi::COMPLETE_ENUMERATION;
use crate::abi::COMPLETE_NOTIFICATION;
use crate::abi::CompleteParameters;
use crate::abi::Guid;
use crate::abi::Handle;
use crate::abi::USE_EXISTING_MASK;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::context;
use crate::guard;
use crate::hresult;
use crate::hresult::HResult;
use crate::notify::KNOWN_MASK;

/// What a callback was completed with, or returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The result; never `ERROR_IO_PENDING`.
    pub(crate) result: HResult,
    /// The mask that came with it; 0 if none did.
    pub(crate) mask: u32,
}

/// A callback that is done: its task, and what came of it.
type Done = (Box<dyn Task>, Completion);

/// Which parameters belong to the completion of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extended {
    /// None.
    Nothing,
    /// The buffer that the callback was given, if it succeeded.
    Buffer(Handle),
    /// Perhaps a new mask.
    Mask,
}

/// The callbacks that were invoked and are not done.
#[derive(Default)]
pub(crate) struct Calls {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<i32, Call>,
    /// The invocation that a command is now.
    current: HashMap<CommandId, i32>,
    last: i32,
}

struct Call {
    command: CommandId,
    extended: Extended,
    /// The stream that its callback fills.
    stream: Option<Guid>,
    cancelled: bool,
    phase: Phase,
}

enum Phase {
    /// The callback has not returned. It may have been completed already.
    Running(Option<Completion>),
    /// The callback has returned `ERROR_IO_PENDING`.
    Pended(Box<dyn Task>),
}

impl Completion {
    /// What a callback returned.
    pub(crate) fn of(result: HResult) -> Self {
        Self { result, mask: 0 }
    }
}

impl Calls {
    /// A number for an invocation: unique among those that are not done, and never 0.
    pub(crate) fn begin(&self, command: CommandId, extended: Extended, stream: Option<Guid>) -> i32 {
        let mut state = self.state.lock();
        let id = loop {
            state.last = state.last.wrapping_add(1);
            if state.last != 0 && !state.calls.contains_key(&state.last) {
                break state.last;
            }
        };
        let call = Call { command, extended, stream, cancelled: false, phase: Phase::Running(None) };
        state.calls.insert(id, call);
        state.current.insert(command, id);
        id
    }

    /// The callback has returned. What is to be done now is given back: with the completion, unless it is pended.
    pub(crate) fn returned(&self, id: i32, task: Box<dyn Task>, returned: Completion) -> Option<Done> {
        let mut state = self.state.lock();
        let call =
            state.calls.get_mut(&id).expect("only a pended call is completed before its callback returns");
        if returned.result != hresult::IO_PENDING {
            state.forget(id);
            return Some((task, returned));
        }
        match &mut call.phase {
            Phase::Running(Some(completed)) => {
                let completed = *completed;
                state.forget(id);
                Some((task, completed))
            }
            phase => {
                *phase = Phase::Pended(task);
                None
            }
        }
    }

    /// Completes a call. If its callback has returned, what is to be done now is given back.
    ///
    /// # Errors
    /// `E_INVALIDARG` if there is no such call, or it has been completed, or the parameters do not fit it.
    fn complete(
        &self,
        id: i32,
        result: HResult,
        parameters: Option<CompleteParameters>,
    ) -> Result<Option<Done>, HResult> {
        if result == hresult::IO_PENDING {
            return Err(hresult::E_INVALIDARG);
        }
        let mut state = self.state.lock();
        let call = state.calls.get_mut(&id).ok_or(hresult::E_INVALIDARG)?;
        // Whoever was cancelled may complete in any way, and it changes nothing.
        let mask = match call.cancelled {
            true => 0,
            false => call.extended.mask(result, parameters).ok_or(hresult::E_INVALIDARG)?,
        };
        let completion = Completion { result, mask };
        match &mut call.phase {
            Phase::Running(early @ None) => {
                *early = Some(completion);
                Ok(None)
            }
            Phase::Running(Some(_)) => Err(hresult::E_INVALIDARG),
            Phase::Pended(_) => Ok(state.forget(id).map(|task| (task, completion))),
        }
    }

    /// Nobody waits for a command any more. The invocation that it is now is given back, once.
    pub(crate) fn cancel(&self, command: CommandId) -> Option<i32> {
        let mut state = self.state.lock();
        let id = *state.current.get(&command)?;
        let call = state.calls.get_mut(&id)?;
        (!std::mem::replace(&mut call.cancelled, true)).then_some(id)
    }

    /// Takes every call that is pended, for the end: with its number, and whether its cancellation is still to be told.
    pub(crate) fn take_pended(&self) -> Vec<(i32, bool, Box<dyn Task>)> {
        let mut state = self.state.lock();
        let pended = |call: &Call| matches!(call.phase, Phase::Pended(_));
        let ids: Vec<(i32, bool)> = state
            .calls
            .iter()
            .filter(|(_, call)| pended(call))
            .map(|(id, call)| (*id, !call.cancelled))
            .collect();
        ids.into_iter().filter_map(|(id, tell)| Some((id, tell, state.forget(id)?))).collect()
    }

    /// The stream that a call fills.
    fn stream(&self, id: i32) -> Option<Guid> {
        self.state.lock().calls.get(&id)?.stream
    }

    /// A call that is not to be completed is done.
    pub(crate) fn forget(&self, id: i32) {
        self.state.lock().forget(id);
    }
}

impl State {
    fn forget(&mut self, id: i32) -> Option<Box<dyn Task>> {
        let call = self.calls.remove(&id)?;
        if self.current.get(&call.command) == Some(&id) {
            self.current.remove(&call.command);
        }
        match call.phase {
            Phase::Running(_) => None,
            Phase::Pended(task) => Some(task),
        }
    }
}

impl Extended {
    /// The mask that parameters bring; nothing if they do not fit.
    fn mask(self, result: HResult, parameters: Option<CompleteParameters>) -> Option<u32> {
        match (self, parameters) {
            (Self::Buffer(_), None) => (result < 0).then_some(0),
            (Self::Buffer(buffer), Some(parameters)) => {
                // SAFETY: every bit pattern is a handle, and the whole union was read.
                let given = unsafe { parameters.value.buffer };
                (parameters.command_type == COMPLETE_ENUMERATION && given == buffer).then_some(0)
            }
            (Self::Mask | Self::Nothing, None) => Some(0),
            (Self::Mask, Some(parameters)) => {
                // SAFETY: every bit pattern is a mask.
                let mask = unsafe { parameters.value.mask };
                let known = mask == USE_EXISTING_MASK || mask & !KNOWN_MASK == 0;
                (parameters.command_type == COMPLETE_NOTIFICATION && known).then_some(mask)
            }
            (Self::Nothing, Some(_)) => None,
        }
    }
}

/// `PrjCompleteCommand`.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjCompleteCommand(
    context: Handle,
    command: i32,
    result: HResult,
    parameters: *const CompleteParameters,
) -> HResult {
    guard::call("PrjCompleteCommand", || {
        let bridge = context::bridge(context)?;
        // SAFETY: null, or the caller's structure.
        let parameters = (!parameters.is_null()).then(|| unsafe { parameters.read_unaligned() });
        match bridge.calls().complete(command, result, parameters)? {
            Some((task, completion)) => Bridge::completed(&bridge, task, completion),
            // Its callback has not returned. What it was to fill takes nothing more all the same.
            None => {
                if let Some(stream) = bridge.calls().stream(command) {
                    bridge.streams.lock().remove(&stream);
                }
            }
        }
        Ok(())
    })
}

/// For a task that has more to ask: callbacks are not invoked on the thread that completes.
pub(crate) fn continue_elsewhere(bridge: &Arc<Bridge>, task: Box<dyn Task>) {
    let (bridge, task) = (Arc::clone(bridge), Arc::new(Mutex::new(Some(task))));
    let again = Arc::clone(&task);
    let go_on = move || {
        if let Some(task) = again.lock().take() {
            bridge.drive(task);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("projfs-callback".into()).spawn(go_on) {
        tracing::error!(%error, "no thread for a callback");
        if let Some(task) = task.lock().take() {
            task.fail(hresult::E_OUTOFMEMORY);
        }
    }
}

#[cfg(test)]
mod tests;
