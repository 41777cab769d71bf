//! Listings: `EntryBuffer`, `PrjFillDirEntryBuffer` and the callbacks that they belong to.

use std::collections::HashSet;

use projectedfs::CommandId;
use projectedfs::EnumerationId;
use projectedfs::ItemNameBuf;
use projectedfs::ProjectedItem;
use projectedfs::ProviderError;
use projectedfs::ProviderErrorKind;
use projectedfs::Reply;
use projectedfs::Request;
use projfs_sync::Arc;
use projfs_sync::Mutex;

use crate::abi::BasicInfo;
use crate::abi::ExtendedInfo;
use crate::abi::FLAG_RESTART_SCAN;
use crate::abi::Guid;
use crate::abi::Handle;
use crate::abi::WideStr;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::complete::Completion;
use crate::complete::Extended;
use crate::context;
use crate::context::BUFFERS;
use crate::export::both_widths;
use crate::frame::Frame;
use crate::hresult;
use crate::hresult::HResult;
use crate::path;
use crate::placeholder;
use crate::wide;
use crate::wide::Text;
use crate::wide::Width;

/// How many bytes of entries a callback may add, counted as Windows lays entries out.
pub(crate) const ROOM: usize = 1 << 20;

/// How many if it finds that too few.
const MORE_ROOM: usize = 16 << 20;

/// What an entry takes beside its name (`FILE_ID_BOTH_DIR_INFORMATION`).
const ENTRY: usize = 104;

/// What a provider lists with no pattern given.
pub(crate) const EVERYTHING: &[u16] = &[b'*' as u16];

/// What one get-directory-enumeration callback adds to.
pub(crate) struct EntryBuffer {
    width: Width,
    filling: Mutex<Filling>,
}

struct Filling {
    entries: Vec<ProjectedItem>,
    /// Entries that were taken, also those that are left out.
    taken: usize,
    room: usize,
    /// An entry was refused. No other is taken, so that the provider may go on with the one that was refused.
    full: bool,
}

/// A buffer that a callback may fill, for as long as this is there.
pub(crate) struct Lent {
    handle: Handle,
    buffer: Arc<EntryBuffer>,
}

/// A listing that the provider has begun.
pub(crate) struct Session {
    id: Guid,
    request: Request,
    /// The provider does not know the directory: it lists nothing, and there is nothing to end.
    absent: bool,
    started: bool,
    /// What was listed so far. A provider that lists in another order may list a name again.
    seen: HashSet<ItemNameBuf>,
}

impl Lent {
    pub(crate) fn new(width: Width, room: usize) -> Self {
        let filling = Filling { entries: Vec::new(), taken: 0, room, full: false };
        let buffer = Arc::new(EntryBuffer { width, filling: Mutex::new(filling) });
        let handle = context::new_handle();
        BUFFERS.insert(handle, Arc::clone(&buffer));
        Self { handle, buffer }
    }

    /// Its handle.
    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }

    /// What was added, and how many entries that were.
    pub(crate) fn take(&self) -> (Vec<ProjectedItem>, usize) {
        let mut filling = self.buffer.filling.lock();
        (std::mem::take(&mut filling.entries), std::mem::take(&mut filling.taken))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        BUFFERS.remove(self.handle);
    }
}

impl EntryBuffer {
    /// Adds an entry. One whose name is too long for Linux is left out.
    fn fill(&self, name: &[u16], basic: Option<BasicInfo>, target: Option<&[u16]>) -> Result<(), HResult> {
        let info = placeholder::describe(basic.unwrap_or_default(), target)?;
        let checked = match path::name(name) {
            Err(hresult::FILENAME_EXCED_RANGE) => {
                tracing::warn!(units = name.len(), "entry left out: its name has more than 255 bytes");
                None
            }
            checked => Some(checked?),
        };
        let size = ENTRY + 2 * (name.len() + target.map_or(0, <[u16]>::len));
        let mut filling = self.filling.lock();
        if filling.full || filling.room < size {
            filling.full = true;
            return Err(hresult::INSUFFICIENT_BUFFER);
        }
        filling.room -= size;
        filling.taken += 1;
        filling.entries.extend(checked.map(|name| ProjectedItem::new(name, info)));
        Ok(())
    }
}

impl Session {
    pub(crate) fn new(id: Guid, request: Request, absent: bool) -> Self {
        Self { id, request, absent, started: false, seen: HashSet::new() }
    }

    /// Tells the provider that nobody wants more.
    pub(crate) fn end(self, bridge: &Bridge) {
        if self.absent {
            return;
        }
        let call = bridge.calls().begin(self.request.command(), Extended::Nothing, None);
        bridge.clean_up(call, self.request.path(), |frame| {
            // SAFETY: the callback takes what the header says.
            unsafe { (bridge.callbacks.end)(frame.data(), &raw const self.id) };
        });
        bridge.calls().forget(call);
    }
}

/// A listing begins.
pub(crate) struct StartTask {
    request: Request,
    session: EnumerationId,
    id: Guid,
    reply: Reply<()>,
}

impl StartTask {
    pub(crate) fn new(bridge: &Bridge, request: Request, session: EnumerationId, reply: Reply<()>) -> Self {
        Self { request, session, id: bridge.new_id(), reply }
    }
}

impl Task for StartTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        let mut frame = bridge.frame(call, &self.request);
        // SAFETY: the callback takes what the header says.
        Completion::of(unsafe { (bridge.callbacks.start)(frame.data(), &raw const self.id) })
    }

    fn done(self: Box<Self>, bridge: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        let absent = match completion.result {
            hresult::S_OK => false,
            hresult::FILE_NOT_FOUND => true,
            error => {
                self.fail(error);
                return None;
            }
        };
        let session = Session::new(self.id, self.request, absent);
        bridge.sessions.lock().insert(self.session, session);
        self.reply.send(Ok(()));
        None
    }

    fn fail(self: Box<Self>, result: HResult) {
        self.reply.send(Err(hresult::provider_error(result)));
    }
}

/// What comes next in a listing.
pub(crate) struct NextTask {
    request: Request,
    session: EnumerationId,
    id: Guid,
    flags: u32,
    buffer: Lent,
    enlarged: bool,
    expression: Text,
    reply: Reply<Vec<ProjectedItem>>,
}

impl NextTask {
    /// Nothing if it was answered at once.
    pub(crate) fn new(
        bridge: &Bridge,
        request: Request,
        session: EnumerationId,
        reply: Reply<Vec<ProjectedItem>>,
    ) -> Option<Self> {
        let mut sessions = bridge.sessions.lock();
        let known = sessions.get_mut(&session).filter(|session| !session.absent);
        let Some(known) = known else {
            let absent = sessions.contains_key(&session);
            drop(sessions);
            reply.send(if absent { Ok(Vec::new()) } else { Err(no_session()) });
            return None;
        };
        // The provider must take the first call as a restart in any case; so say it.
        let flags = if std::mem::replace(&mut known.started, true) { 0 } else { FLAG_RESTART_SCAN };
        let width = bridge.origin.width;
        Some(Self {
            request,
            session,
            id: known.id,
            flags,
            buffer: Lent::new(width, ROOM),
            enlarged: false,
            expression: Text::new(EVERYTHING, width),
            reply,
        })
    }

    /// The buffer is nobody's to fill any more before anybody knows the answer.
    fn answer(self, answer: Result<Vec<ProjectedItem>, ProviderError>) {
        let Self { buffer, reply, .. } = self;
        drop(buffer);
        reply.send(answer);
    }
}

fn no_session() -> ProviderError {
    ProviderError::new(ProviderErrorKind::InvalidInput, "there is no such listing")
}

impl Task for NextTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn extended(&self) -> Extended {
        Extended::Buffer(self.buffer.handle)
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        let mut frame = bridge.frame(call, &self.request).with_flags(self.flags);
        get(bridge, &mut frame, &self.id, &self.expression, &self.buffer)
    }

    fn done(mut self: Box<Self>, bridge: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        let (mut entries, taken) = self.buffer.take();
        match completion.result {
            hresult::S_OK | hresult::NO_MORE_FILES => {}
            hresult::INSUFFICIENT_BUFFER if taken > 0 => {}
            hresult::INSUFFICIENT_BUFFER if !self.enlarged => {
                self.buffer = Lent::new(bridge.origin.width, MORE_ROOM);
                self.enlarged = true;
                return Some(self);
            }
            error => {
                self.fail(error);
                return None;
            }
        }
        if let Some(session) = bridge.sessions.lock().get_mut(&self.session) {
            entries.retain(|entry| session.seen.insert(entry.name.clone()));
        }
        if entries.is_empty() && taken > 0 {
            // A provider may list the same again and again.
            if self.request.cancellation().is_cancelled() {
                self.answer(Err(ProviderErrorKind::Cancelled.into()));
                return None;
            }
            // Something was left out. An empty answer would be the end.
            self.buffer = Lent::new(bridge.origin.width, ROOM);
            self.flags = 0;
            return Some(self);
        }
        self.answer(Ok(entries));
        None
    }

    fn fail(self: Box<Self>, result: HResult) {
        let mut error = hresult::provider_error(result);
        // That the directory is not there counts when a listing begins, and lists what is local. Later it is an error.
        if error.kind == ProviderErrorKind::NotFound {
            error.kind = ProviderErrorKind::Errno(libc::ENOENT);
        }
        self.answer(Err(error));
    }
}

/// Invokes the get-directory-enumeration callback.
pub(crate) fn get(
    bridge: &Bridge,
    frame: &mut Frame,
    session: &Guid,
    expression: &Text,
    buffer: &Lent,
) -> Completion {
    // SAFETY: the callback takes what the header says.
    Completion::of(unsafe {
        (bridge.callbacks.get)(frame.data(), std::ptr::from_ref(session), expression.as_ptr(), buffer.handle)
    })
}

/// A listing ends.
pub(crate) struct EndTask {
    request: Request,
    session: EnumerationId,
    id: Guid,
    reply: Reply<()>,
}

impl EndTask {
    /// Nothing if it was answered at once.
    pub(crate) fn new(
        bridge: &Bridge,
        request: Request,
        session: EnumerationId,
        reply: Reply<()>,
    ) -> Option<Self> {
        let mut sessions = bridge.sessions.lock();
        match sessions.get(&session) {
            Some(known) if !known.absent => Some(Self { request, session, id: known.id, reply }),
            _ => {
                sessions.remove(&session);
                drop(sessions);
                reply.send(Ok(()));
                None
            }
        }
    }
}

impl Task for EndTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        // From here on nobody else ends it.
        if bridge.sessions.lock().remove(&self.session).is_none() {
            return Completion::of(hresult::S_OK);
        }
        let mut frame = bridge.frame(call, &self.request);
        // SAFETY: the callback takes what the header says.
        Completion::of(unsafe { (bridge.callbacks.end)(frame.data(), &raw const self.id) })
    }

    fn done(self: Box<Self>, _: &Arc<Bridge>, _: Completion) -> Option<Box<dyn Task>> {
        self.reply.send(Ok(()));
        None
    }

    fn fail(self: Box<Self>, _: HResult) {
        self.reply.send(Ok(()));
    }
}

/// The buffer under a handle.
fn buffer(handle: Handle, width: Width) -> Result<Arc<EntryBuffer>, HResult> {
    // A program with both widths may mix them up; then it is the handle of something else.
    BUFFERS.get(handle).filter(|buffer| buffer.width == width).ok_or(hresult::E_INVALIDARG)
}

/// Adds an entry.
///
/// # Safety
/// The pointers are null or lead to what the header says.
unsafe fn fill(
    width: Width,
    handle: Handle,
    name: WideStr,
    basic: *const BasicInfo,
    extended: *const ExtendedInfo,
) -> Result<(), HResult> {
    let buffer = buffer(handle, width)?;
    // SAFETY: the caller's promise.
    let name = unsafe { wide::read(name, width) }?;
    // SAFETY: the caller's promise.
    let basic = (!basic.is_null()).then(|| unsafe { basic.read_unaligned() });
    // SAFETY: the caller's promise.
    let target = unsafe { placeholder::target(extended, width) }?;
    buffer.fill(&name, basic, target.as_deref())
}

both_widths! {
    /// `PrjFillDirEntryBuffer`.
    fn PrjFillDirEntryBuffer, PrjFillDirEntryBuffer_w32(name: WideStr, basic: *const BasicInfo, buffer: Handle) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { fill(width, buffer, name, basic, std::ptr::null()) }
    }
}

both_widths! {
    /// `PrjFillDirEntryBuffer2`.
    fn PrjFillDirEntryBuffer2, PrjFillDirEntryBuffer2_w32(
        buffer: Handle,
        name: WideStr,
        basic: *const BasicInfo,
        extended: *const ExtendedInfo,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { fill(width, buffer, name, basic, extended) }
    }
}
