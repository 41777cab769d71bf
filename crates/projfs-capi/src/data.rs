//! File content: `PRJ_GET_FILE_DATA_CB`, `PrjWriteFileData` and buffers for it.

use std::alloc::Layout;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::LazyLock;

use projectedfs::CommandId;
use projectedfs::DataSink;
use projectedfs::ProviderError;
use projectedfs::ProviderErrorKind;
use projectedfs::Reply;
use projectedfs::Request;
use projfs_sync::Arc;
use projfs_sync::Mutex;

use crate::abi::Guid;
use crate::abi::Handle;
use crate::callbacks::Bridge;
use crate::callbacks::Task;
use crate::complete::Completion;
use crate::context;
use crate::guard;
use crate::hresult;
use crate::hresult::HResult;

/// How much a provider is asked for at a time, at most, in bytes: lengths have 32 bits.
const PIECE: u64 = 1 << 30;

/// A file is filled, piece by piece.
pub(crate) struct DataTask {
    request: Request,
    rest: Range<u64>,
    stream: Guid,
    sink: DataSink,
    reply: Reply<()>,
}

impl DataTask {
    pub(crate) fn new(
        bridge: &Bridge,
        request: Request,
        range: Range<u64>,
        sink: DataSink,
        reply: Reply<()>,
    ) -> Self {
        let stream = bridge.new_id();
        let streams = Arc::clone(&bridge.streams);
        // However it is answered, nothing is delivered any more.
        let reply = Reply::new(move |answer| {
            streams.lock().remove(&stream);
            reply.send(answer);
        });
        Self { request, rest: range, stream, sink, reply }
    }

    /// The piece that the provider is asked for.
    fn piece(&self) -> Range<u64> {
        self.rest.start..self.rest.end.min(self.rest.start.saturating_add(PIECE))
    }
}

impl Task for DataTask {
    fn command(&self) -> CommandId {
        self.request.command()
    }

    fn stream(&self) -> Option<Guid> {
        Some(self.stream)
    }

    fn invoke(&mut self, bridge: &Bridge, call: i32) -> Completion {
        // The callback before this one may have been completed, which ended it.
        bridge.streams.lock().insert(self.stream, self.sink.clone());
        let piece = self.piece();
        let length = u32::try_from(piece.end - piece.start).expect("a piece is at most 2^30 bytes");
        let mut frame = bridge.frame(call, &self.request).with_stream(self.stream);
        // SAFETY: the callback takes what the header says.
        Completion::of(unsafe { (bridge.callbacks.data)(frame.data(), piece.start, length) })
    }

    fn done(mut self: Box<Self>, _: &Arc<Bridge>, completion: Completion) -> Option<Box<dyn Task>> {
        let piece = self.piece();
        let answer = match completion.result {
            hresult::S_OK if !self.sink.received().covers(&piece) => {
                let message = format!(
                    "the callback for bytes {} to {} succeeded, and not all of them came",
                    piece.start, piece.end
                );
                tracing::warn!("{message}");
                tracing::debug!(path = %self.request.path(), "it was");
                Err(ProviderError::new(ProviderErrorKind::Io, message))
            }
            hresult::S_OK if piece.end == self.rest.end => Ok(()),
            hresult::S_OK if self.request.cancellation().is_cancelled() => {
                Err(ProviderErrorKind::Cancelled.into())
            }
            hresult::S_OK => {
                self.rest.start = piece.end;
                return Some(self);
            }
            error => Err(hresult::provider_error(error)),
        };
        self.reply.send(answer);
        None
    }

    fn fail(self: Box<Self>, result: HResult) {
        self.reply.send(Err(hresult::provider_error(result)));
    }
}

/// `PrjWriteFileData`. Any offset will do: nothing need be aligned.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjWriteFileData(
    context: Handle,
    stream: *const Guid,
    buffer: *const c_void,
    offset: u64,
    length: u32,
) -> HResult {
    guard::call("PrjWriteFileData", || {
        let bridge = context::bridge(context)?;
        if stream.is_null() || buffer.is_null() || length == 0 {
            return Err(hresult::E_INVALIDARG);
        }
        // SAFETY: the caller's GUID.
        let stream = unsafe { stream.read_unaligned() };
        let sink = bridge.streams.lock().get(&stream).cloned().ok_or(hresult::E_HANDLE)?;
        // SAFETY: the caller's buffer has as many bytes as he says, and stays as it is during the call.
        let data = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize) };
        sink.write_at(offset, data).map_err(|error| match error.kind {
            // The command was answered, or nobody waits for it: the stream is no stream any more.
            ProviderErrorKind::Cancelled => hresult::E_HANDLE,
            kind => hresult::of_provider(kind),
        })
    })
}

/// Buffers that were given out, by address: so only what is one is freed, and once.
static ALLOCATED: LazyLock<Mutex<HashMap<usize, Layout>>> = LazyLock::new(Mutex::default);

/// `PrjAllocateAlignedBuffer`. A size of 0 is 1.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjAllocateAlignedBuffer(context: Handle, size: usize) -> *mut c_void {
    guard::call_or("PrjAllocateAlignedBuffer", std::ptr::null_mut(), || {
        let Ok(instance) = context::instance(context) else { return std::ptr::null_mut() };
        let alignment = instance.write_alignment() as usize;
        let Ok(layout) = Layout::from_size_align(size.max(1), alignment) else { return std::ptr::null_mut() };
        // SAFETY: the size is not 0.
        let buffer = unsafe { std::alloc::alloc(layout) };
        if !buffer.is_null() {
            ALLOCATED.lock().insert(buffer.addr(), layout);
        }
        buffer.cast()
    })
}

/// `PrjFreeAlignedBuffer`. What was not allocated so, or was freed, is left alone.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjFreeAlignedBuffer(buffer: *mut c_void) {
    guard::call_or("PrjFreeAlignedBuffer", (), || {
        let Some(buffer) = NonNull::new(buffer.cast::<u8>()) else { return };
        match ALLOCATED.lock().remove(&buffer.addr().get()) {
            // SAFETY: it was allocated with this layout, and not freed since.
            Some(layout) => unsafe { std::alloc::dealloc(buffer.as_ptr(), layout) },
            None => tracing::warn!("a buffer was freed that is none"),
        }
    });
}
