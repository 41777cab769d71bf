//! What tests of callbacks need: a provider made of closures, and commands without an engine.

use std::sync::mpsc;

use projectedfs::Caller;
use projectedfs::CancelToken;
use projectedfs::Command;
use projectedfs::CommandHandler;
use projectedfs::CommandId;
use projectedfs::ProviderError;
use projectedfs::RelPathBuf;
use projectedfs::Reply;
use projectedfs::Request;
use projectedfs::VersionInfo;
use projfs_sync::Arc;
use projfs_types::collation::Collation;

use crate::abi::CallbackData;
use crate::abi::Guid;
use crate::abi::Handle;
use crate::abi::NotificationParameters;
use crate::abi::RawCallbacks;
use crate::abi::WideStr;
use crate::callbacks::Bridge;
use crate::callbacks::Handler;
use crate::context;
use crate::frame::Origin;
use crate::hresult;
use crate::hresult::HResult;
use crate::wide;
use crate::wide::Width;

type Item = Box<dyn Fn(&CallbackData) -> HResult + Send + Sync>;
type Session = Box<dyn Fn(&CallbackData, Guid) -> HResult + Send + Sync>;

type Get = Box<dyn Fn(&CallbackData, Guid, String, Handle) -> HResult + Send + Sync>;
type Data = Box<dyn Fn(&CallbackData, u64, u32) -> HResult + Send + Sync>;

/// A provider made of closures. Each refuses unless it is set.
pub(crate) struct Closures {
    pub(crate) start: Session,
    pub(crate) end: Session,
    pub(crate) get: Get,
    pub(crate) placeholder: Item,
    pub(crate) data: Data,
    pub(crate) query: Option<Item>,
    pub(crate) cancel: Box<dyn Fn(i32) + Send + Sync>,
}

impl Default for Closures {
    fn default() -> Self {
        Self {
            start: Box::new(|_, _| hresult::NOT_SUPPORTED),
            end: Box::new(|_, _| hresult::NOT_SUPPORTED),
            get: Box::new(|_, _, _, _| hresult::NOT_SUPPORTED),
            placeholder: Box::new(|_| hresult::NOT_SUPPORTED),
            data: Box::new(|_, _, _| hresult::NOT_SUPPORTED),
            query: None,
            cancel: Box::new(|_| ()),
        }
    }
}

/// The closures behind callback data.
fn closures(data: &CallbackData) -> &Closures {
    // SAFETY: every instance here has its closures as context, and keeps them.
    unsafe { &*data.instance_context.cast::<Closures>() }
}

unsafe extern "C" fn start(data: *const CallbackData, id: *const Guid) -> HResult {
    // SAFETY: the bridge gives valid data.
    let (data, id) = unsafe { (&*data, *id) };
    (closures(data).start)(data, id)
}

unsafe extern "C" fn end(data: *const CallbackData, id: *const Guid) -> HResult {
    // SAFETY: the bridge gives valid data.
    let (data, id) = unsafe { (&*data, *id) };
    (closures(data).end)(data, id)
}

unsafe extern "C" fn get(
    data: *const CallbackData,
    id: *const Guid,
    text: WideStr,
    buffer: Handle,
) -> HResult {
    // SAFETY: the bridge gives valid data.
    let (data, id) = unsafe { (&*data, *id) };
    // SAFETY: the bridge gives a string of this width.
    let text = unsafe { wide::read(text, Width::Two) }.unwrap();
    (closures(data).get)(data, id, String::from_utf16(&text).unwrap(), buffer)
}

unsafe extern "C" fn placeholder(data: *const CallbackData) -> HResult {
    // SAFETY: the bridge gives valid data.
    let data = unsafe { &*data };
    (closures(data).placeholder)(data)
}

unsafe extern "C" fn data(data: *const CallbackData, offset: u64, length: u32) -> HResult {
    // SAFETY: the bridge gives valid data.
    let data = unsafe { &*data };
    (closures(data).data)(data, offset, length)
}

unsafe extern "C" fn query(data: *const CallbackData) -> HResult {
    // SAFETY: the bridge gives valid data.
    let data = unsafe { &*data };
    closures(data).query.as_ref().map_or(hresult::NOT_SUPPORTED, |query| query(data))
}

unsafe extern "C" fn notify(
    _: *const CallbackData,
    _: u8,
    _: i32,
    _: WideStr,
    _: *mut NotificationParameters,
) -> HResult {
    hresult::S_OK
}

unsafe extern "C" fn cancel(data: *const CallbackData) {
    // SAFETY: the bridge gives valid data.
    let data = unsafe { &*data };
    (closures(data).cancel)(data.command_id);
}

/// Callbacks with nothing behind them but closures, and no engine before them.
pub(crate) struct Fixture {
    pub(crate) bridge: Arc<Bridge>,
    pub(crate) handler: Handler,
    /// Freed last.
    _closures: Box<Closures>,
}

impl Fixture {
    pub(crate) fn new(closures: Closures) -> Self {
        let closures = Box::new(closures);
        let table = RawCallbacks {
            start: Some(start),
            end: Some(end),
            get: Some(get),
            placeholder: Some(placeholder),
            data: Some(data),
            query: closures.query.is_some().then_some(query as _),
            notify: Some(notify),
            cancel: Some(cancel),
        };
        let origin = Origin {
            context: context::new_handle(),
            instance_context: std::ptr::from_ref::<Closures>(&closures).addr(),
            width: Width::Two,
            collation: Collation::Sensitive,
        };
        let bridge = Arc::new(Bridge::new(table.complete().unwrap(), origin).unwrap());
        context::publish_bridge(Arc::clone(&bridge));
        bridge.open();
        Self { handler: Handler(Arc::clone(&bridge)), bridge, _closures: closures }
    }

    /// Sends a command; what it is answered comes from the channel.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        request: Request,
        build: impl FnOnce(Request, Reply<T>) -> Command,
    ) -> mpsc::Receiver<Result<T, ProviderError>> {
        let (sender, answer) = mpsc::channel();
        self.handler.handle(build(request, Reply::new(move |answer| drop(sender.send(answer)))));
        answer
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.bridge.close();
        self.bridge.finish();
        context::forget(self.bridge.context());
    }
}

/// A question about a path.
pub(crate) fn request(command: u64, path: &str, cancel: &CancelToken) -> Request {
    let caller = Caller { pid: 0, uid: 0, gid: 0 };
    Request::new(
        CommandId(command),
        RelPathBuf::new(path).unwrap(),
        VersionInfo::default(),
        caller,
        cancel.clone(),
    )
}

/// A string of two-byte units.
pub(crate) fn wide(text: &str) -> wide::Text {
    wide::Text::new(&text.encode_utf16().collect::<Vec<_>>(), Width::Two)
}
