//! `Bridge`: the engine's commands as callbacks.
//!
//! Each command becomes a task, which invokes one callback after the other until it can answer. A callback that is pended
//! takes its task along: whoever completes it goes on with the task.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use projectedfs::Command;
use projectedfs::CommandHandler;
use projectedfs::CommandId;
use projectedfs::DataAccess;
use projectedfs::DataSink;
use projectedfs::EnumerationId;
use projectedfs::Lifetime;
use projectedfs::ProviderErrorKind;
use projectedfs::ProviderTraits;
use projectedfs::RelPath;
use projectedfs::Request;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;

use crate::abi::Callbacks;
use crate::abi::Guid;
use crate::abi::Handle;
use crate::complete::Calls;
use crate::complete::Completion;
use crate::complete::Extended;
use crate::complete::continue_elsewhere;
use crate::data::DataTask;
use crate::enumeration::EndTask;
use crate::enumeration::NextTask;
use crate::enumeration::Session;
use crate::enumeration::StartTask;
use crate::frame::Frame;
use crate::frame::Origin;
use crate::gate::Gate;
use crate::hresult;
use crate::hresult::HResult;
use crate::notify::NotifyTask;
use crate::placeholder::Asked;
use crate::placeholder::PlaceholderTask;
use crate::process::Process;
use crate::query::QueryTask;

/// Something the provider is asked for, by one callback after the other.
pub(crate) trait Task: Send {
    /// The command that asks.
    fn command(&self) -> CommandId;

    /// Which parameters belong to the completion of the callback that comes next.
    fn extended(&self) -> Extended {
        Extended::Nothing
    }

    /// The stream that the callback that comes next fills.
    fn stream(&self) -> Option<Guid> {
        None
    }

    /// Invokes the callback that comes next.
    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion;

    /// Takes what came of it. Answers, or goes on.
    fn done(self: Box<Self>, bridge: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>>;

    /// Answers with an error, without asking any more.
    fn fail(self: Box<Self>, result: HResult);
}

/// The callbacks of one instance.
pub(crate) struct Bridge {
    pub(crate) callbacks: Callbacks,
    pub(crate) origin: Origin,
    gate: Arc<Gate>,
    calls: Calls,
    running: Mutex<Running>,
    idle: Condvar,
    /// Listings that the provider has begun and not ended.
    pub(crate) sessions: Mutex<HashMap<EnumerationId, Session>>,
    /// Files that are being filled.
    pub(crate) streams: Arc<Mutex<HashMap<Guid, DataSink>>>,
    /// Placeholders that the provider is asked for.
    pub(crate) asked: Asked,
    ids: Ids,
}

#[derive(Default)]
struct Running {
    count: usize,
    /// No callback begins any more, but those that clean up.
    closed: bool,
}

/// GUIDs that are not guessed and not used twice.
struct Ids {
    salt: [u64; 2],
    next: AtomicU64,
}

thread_local! {
    /// The instance whose callback runs on this thread, and which of its calls.
    static INSIDE: Cell<Option<(Handle, i32)>> = const { Cell::new(None) };
}

/// The call of an instance whose callback runs on this thread.
pub(crate) fn inside(context: Handle) -> Option<i32> {
    INSIDE.get().filter(|(inside, _)| *inside == context).map(|(_, call)| call)
}

impl Bridge {
    /// Callbacks that are held back until [`open`](Self::open).
    pub(crate) fn new(callbacks: Callbacks, origin: Origin) -> std::io::Result<Self> {
        Ok(Self {
            callbacks,
            origin,
            gate: Arc::default(),
            calls: Calls::default(),
            running: Mutex::default(),
            idle: Condvar::new(),
            sessions: Mutex::default(),
            streams: Arc::default(),
            asked: Asked::default(),
            ids: Ids::new()?,
        })
    }

    /// The instance's handle.
    pub(crate) fn context(&self) -> Handle {
        self.origin.context
    }

    /// The callbacks that are not done.
    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Lets callbacks through.
    pub(crate) fn open(&self) {
        self.gate.open();
    }

    /// A GUID that was not used before.
    pub(crate) fn new_id(&self) -> Guid {
        self.ids.next()
    }

    /// A listing of our own: the engine counts from 1.
    pub(crate) fn new_session(&self) -> EnumerationId {
        EnumerationId(u64::MAX - self.ids.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The GUID of an open file: the same whenever it is asked for. A fresh one if the question comes from none.
    pub(crate) fn file_id(&self, request: &Request) -> Guid {
        request.file().map_or_else(|| self.ids.next(), |file| self.ids.of(Kind::File, file))
    }

    /// What a callback about a question is told.
    pub(crate) fn frame(&self, call: i32, request: &Request) -> Box<Frame> {
        Frame::of(self.origin, call, request).with_file(self.file_id(request))
    }

    /// Asks until the task is answered, or pended.
    pub(crate) fn drive(self: &Arc<Self>, mut task: Box<dyn Task>) {
        loop {
            let Some(_running) = self.begin() else { return task.fail(hresult::UNAVAILABLE) };
            let call = self.calls.begin(task.command(), task.extended(), task.stream());
            let before = INSIDE.replace(Some((self.context(), call)));
            let returned = task.invoke(self, call);
            INSIDE.set(before);
            let Some((done, completion)) = self.calls.returned(call, task, returned) else {
                // Whoever stops has looked for what is pended, and may have looked before this was.
                if self.running.lock().closed {
                    self.give_up();
                }
                return;
            };
            let Some(next) = done.done(self, completion) else { return };
            task = next;
        }
    }

    /// A pended callback was completed.
    pub(crate) fn completed(bridge: &Arc<Self>, task: Box<dyn Task>, completion: Completion) {
        if let Some(next) = task.done(bridge, completion) {
            continue_elsewhere(bridge, next);
        }
    }

    fn begin(&self) -> Option<Inside<'_>> {
        let mut running = self.running.lock();
        if running.closed {
            return None;
        }
        running.count += 1;
        Some(Inside(self))
    }

    /// The same for callbacks that clean up: they run also while the instance stops.
    fn begin_anyway(&self) -> Inside<'_> {
        self.running.lock().count += 1;
        Inside(self)
    }

    /// No callback begins any more, but cancellations and ends of listings. What is pended fails.
    pub(crate) fn close(&self) {
        self.running.lock().closed = true;
        self.give_up();
    }

    fn give_up(&self) {
        for (call, tell, task) in self.calls.take_pended() {
            if tell {
                self.tell_cancelled(call);
            }
            task.fail(hresult::UNAVAILABLE);
        }
    }

    /// Waits for every callback that has begun, and ends the listings that are open.
    pub(crate) fn finish(&self) {
        self.wait_idle();
        let sessions: Vec<Session> = self.sessions.lock().drain().map(|(_, session)| session).collect();
        for session in sessions {
            session.end(self);
        }
        self.wait_idle();
    }

    fn wait_idle(&self) {
        let mut running = self.running.lock();
        while running.count > 0 {
            self.idle.wait(&mut running);
        }
    }

    /// Invokes a callback that cleans up, if only there is one.
    pub(crate) fn clean_up(&self, call: i32, path: &RelPath, callback: impl FnOnce(&mut Frame)) {
        let _running = self.begin_anyway();
        let before = INSIDE.replace(Some((self.context(), call)));
        let nobody = Process { id: 0, image: None };
        callback(&mut Frame::new(self.origin, call, path, nobody));
        INSIDE.set(before);
    }

    fn tell_cancelled(&self, call: i32) {
        let Some(cancel) = self.callbacks.cancel else { return };
        self.clean_up(call, RelPath::root(), |frame| {
            // SAFETY: the callback takes what the header says.
            unsafe { cancel(frame.data()) }
        });
    }
}

/// The bridge as the engine has it.
pub(crate) struct Handler(pub(crate) Arc<Bridge>);

impl CommandHandler for Handler {
    fn handle(&self, command: Command) {
        let bridge = &self.0;
        bridge.gate.pass(command.request().cancellation());
        if command.request().cancellation().is_cancelled() {
            return command.fail(ProviderErrorKind::Cancelled.into());
        }
        let task: Box<dyn Task> = match command {
            Command::PlaceholderInfo { request, reply } => Box::new(PlaceholderTask::new(request, reply)),
            Command::QueryName { request, reply } => Box::new(QueryTask::new(bridge, request, reply)),
            Command::StartEnumeration { request, session, reply } => {
                Box::new(StartTask::new(bridge, request, session, reply))
            }
            Command::NextEntries { request, session, reply } => {
                match NextTask::new(bridge, request, session, reply) {
                    Some(task) => Box::new(task),
                    None => return,
                }
            }
            Command::EndEnumeration { request, session, reply } => {
                match EndTask::new(bridge, request, session, reply) {
                    Some(task) => Box::new(task),
                    None => return,
                }
            }
            Command::FileData { request, range, sink, reply } => {
                Box::new(DataTask::new(bridge, request, range, sink, reply))
            }
            notification => match NotifyTask::new(bridge, notification) {
                Some(task) => Box::new(task),
                None => return,
            },
        };
        bridge.drive(task);
    }

    fn cancel(&self, command: CommandId) {
        if let Some(call) = self.0.calls.cancel(command) {
            self.0.tell_cancelled(call);
        }
    }

    fn traits(&self) -> ProviderTraits {
        // Entries of a listing have no version: what an item is has to be asked for by itself. And a listing shows
        // what there is when it is made.
        ProviderTraits { lifetime: Lifetime::Pinned, data: DataAccess::WholeFile }
    }
}

/// A callback that runs.
struct Inside<'a>(&'a Bridge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut running = self.0.running.lock();
        running.count -= 1;
        if running.count == 0 {
            self.0.idle.notify_all();
        }
    }
}

/// What a GUID is of.
#[derive(Clone, Copy)]
enum Kind {
    File,
    Other,
}

impl Ids {
    fn new() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())?;
        let salt = [0, 8].map(|at| u64::from_ne_bytes(std::array::from_fn(|byte| bytes[at + byte])));
        Ok(Self { salt, next: AtomicU64::new(0) })
    }

    fn next(&self) -> Guid {
        self.of(Kind::Other, self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Different numbers give different GUIDs: each half is one of them, scrambled.
    fn of(&self, kind: Kind, number: u64) -> Guid {
        let high = scramble(self.salt[0] ^ kind as u64);
        let low = scramble(self.salt[1] ^ number);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&low.to_ne_bytes());
        bytes[8..].copy_from_slice(&(high ^ low.rotate_left(32)).to_ne_bytes());
        Guid::of_bytes(&bytes)
    }
}

/// Mixes the bits of a number; different numbers give different results.
///
/// # References
/// The finalizer of SplitMix64, <https://doi.org/10.1145/2714064.2660195>.
fn scramble(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests;
