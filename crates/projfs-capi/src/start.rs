//! Roots and instances: marking, starting, stopping.

use std::ffi::OsStr;
use std::ffi::c_void;
use std::path::Path;

use projectedfs::NotifyMask;
use projectedfs::RelPath;
use projectedfs::RelPathBuf;
use projectedfs::Users;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_types::collation::Collation;

use crate::abi::FLAG_ALL_USERS;
use crate::abi::FLAG_IGNORE_CASE;
use crate::abi::FLAG_USE_NEGATIVE_PATH_CACHE;
use crate::abi::Handle;
use crate::abi::InstanceInfo;
use crate::abi::NotificationMapping;
use crate::abi::RawCallbacks;
use crate::abi::StartOptions;
use crate::abi::WideStr;
use crate::callbacks::Bridge;
use crate::callbacks::Handler;
use crate::callbacks::inside;
use crate::context;
use crate::export::both_widths;
use crate::frame::Origin;
use crate::guard;
use crate::hresult;
use crate::hresult::HResult;
use crate::log;
use crate::notify::KNOWN_MASK;
use crate::path;
use crate::wide;
use crate::wide::Width;

/// How many threads an instance has at most, whatever it is asked for.
pub(crate) const MOST_THREADS: u32 = 1024;

/// A running instance.
pub(crate) struct Instance {
    pub(crate) bridge: Arc<Bridge>,
    pub(crate) instance: VirtualizationInstance,
    write_alignment: u32,
    stage: Mutex<Stage>,
    stopped: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Stopping,
    Stopped,
}

/// How an instance is started.
pub(crate) struct Options {
    negative_path_cache: bool,
    collation: Collation,
    users: Users,
    pub(crate) threads: usize,
    pub(crate) mappings: Vec<(RelPathBuf, NotifyMask)>,
}

impl Instance {
    /// What offsets and lengths are multiples of for the device's sake, in bytes: a power of two.
    pub(crate) fn write_alignment(&self) -> u32 {
        self.write_alignment
    }

    /// Stops, once. Whoever comes later waits for that.
    fn stop(&self) {
        if inside(self.bridge.context()).is_some() {
            tracing::error!(
                "PrjStopVirtualizing was called by a callback of the instance, for which it would wait"
            );
            return;
        }
        let mut stage = self.stage.lock();
        if *stage != Stage::Running {
            while *stage != Stage::Stopped {
                self.stopped.wait(&mut stage);
            }
            return;
        }
        *stage = Stage::Stopping;
        drop(stage);
        self.bridge.close();
        self.instance.stop();
        self.bridge.finish();
        context::forget(self.bridge.context());
        *self.stage.lock() = Stage::Stopped;
        self.stopped.notify_all();
    }
}

/// Reads the options of a start.
///
/// # Safety
/// `options` is null or leads to a structure, and its mappings to as many as it says.
pub(crate) unsafe fn read_options(options: *const StartOptions, width: Width) -> Result<Options, HResult> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut read = Options {
        negative_path_cache: false,
        collation: Collation::Sensitive,
        users: Users::Owner,
        threads: 2 * processors,
        mappings: Vec::new(),
    };
    if options.is_null() {
        return Ok(read);
    }
    // SAFETY: the caller's promise.
    let options = unsafe { options.read_unaligned() };
    if options.flags & !(FLAG_USE_NEGATIVE_PATH_CACHE | FLAG_IGNORE_CASE | FLAG_ALL_USERS) != 0 {
        return Err(hresult::E_INVALIDARG);
    }
    read.negative_path_cache = options.flags & FLAG_USE_NEGATIVE_PATH_CACHE != 0;
    if options.flags & FLAG_IGNORE_CASE != 0 {
        read.collation = Collation::Insensitive;
    }
    if options.flags & FLAG_ALL_USERS != 0 {
        read.users = Users::All;
    }
    read.threads = match (options.pool_threads, options.concurrent_threads) {
        (0, 0) => 2 * processors,
        (0, concurrent) => concurrent.saturating_mul(2).min(MOST_THREADS) as usize,
        (pool, _) => pool.min(MOST_THREADS) as usize,
    };
    if options.mappings.is_null() && options.mapping_count > 0 {
        return Err(hresult::E_INVALIDARG);
    }
    for index in 0..options.mapping_count as usize {
        // SAFETY: the caller's promise.
        let mapping: NotificationMapping = unsafe { options.mappings.add(index).read_unaligned() };
        if mapping.mask & !KNOWN_MASK != 0 {
            return Err(hresult::E_INVALIDARG);
        }
        // SAFETY: the caller's promise.
        let root = path::relative(&unsafe { wide::read(mapping.root, width) }?)?;
        read.mappings.push((root, NotifyMask::from_bits_truncate(mapping.mask)));
    }
    Ok(read)
}

/// What is shown as the source of the mount.
fn program() -> String {
    let program = std::env::current_exe().unwrap_or_default();
    program.file_name().unwrap_or(OsStr::new("projfs")).to_string_lossy().into_owned()
}

/// Starts an instance.
///
/// # Safety
/// The pointers are null or lead to what the header says.
unsafe fn start(
    width: Width,
    root: WideStr,
    callbacks: *const RawCallbacks,
    instance_context: *const c_void,
    options: *const StartOptions,
    context: *mut Handle,
) -> Result<(), HResult> {
    log::begin();
    if context.is_null() || callbacks.is_null() {
        return Err(hresult::E_INVALIDARG);
    }
    // SAFETY: the caller's promise.
    unsafe { context.write_unaligned(0) };
    // SAFETY: the caller's promise.
    let callbacks = unsafe { callbacks.read_unaligned() }.complete().ok_or(hresult::E_INVALIDARG)?;
    // SAFETY: the caller's promise.
    let root = path::full(&unsafe { wide::read(root, width) }?)?;
    // SAFETY: the caller's promise.
    let options = unsafe { read_options(options, width) }?;

    let root = VirtualizationRoot::open(&root).map_err(|error| told("start", &root, &error))?;
    let (handle, collation) = (context::new_handle(), options.collation);
    let origin = Origin { context: handle, instance_context: instance_context.addr(), width, collation };
    let bridge = Bridge::new(callbacks, origin)
        .map_err(|error| hresult::of_errno(error.raw_os_error().unwrap_or(libc::EIO)))?;
    let bridge = Arc::new(bridge);
    let path = root.path().to_owned();
    let mut builder = VirtualizationInstance::builder(root)
        .provider_threads(options.threads)
        .negative_path_cache(options.negative_path_cache)
        .collation(collation)
        .users(options.users)
        .source(program());
    if callbacks.notify.is_some() {
        if options.mappings.is_empty() {
            builder = builder.notify(RelPath::root(), NotifyMask::DEFAULT);
        }
        for (path, mask) in &options.mappings {
            builder = builder.notify(path, *mask);
        }
    }
    let instance = builder
        .start_handler(Arc::new(Handler(Arc::clone(&bridge))))
        .map_err(|error| told("start", &path, &error))?;
    let write_alignment = instance.write_alignment().map_err(|error| told("start", &path, &error))?;
    let instance = Instance {
        bridge: Arc::clone(&bridge),
        instance,
        write_alignment,
        stage: Mutex::new(Stage::Running),
        stopped: Condvar::new(),
    };
    context::publish(Arc::new(instance));
    // SAFETY: the caller's promise.
    unsafe { context.write_unaligned(handle) };
    bridge.open();
    Ok(())
}

/// The code of a failure, of which the log is told more.
pub(crate) fn told(operation: &'static str, path: &Path, error: &projectedfs::Error) -> HResult {
    let result = match hresult::of_error(error) {
        hresult::FILE_NOT_FOUND if path.parent().is_some_and(|above| !above.exists()) => {
            hresult::PATH_NOT_FOUND
        }
        result => result,
    };
    tracing::warn!(operation, "refused with {result:#010x}: {}", error.kind());
    tracing::debug!(path = %path.display(), %error, "it was");
    result
}

both_widths! {
    /// `PrjStartVirtualizing`.
    fn PrjStartVirtualizing, PrjStartVirtualizing_w32(
        root: WideStr,
        callbacks: *const RawCallbacks,
        instance_context: *const c_void,
        options: *const StartOptions,
        context: *mut Handle,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { start(width, root, callbacks, instance_context, options, context) }
    }
}

/// `PrjStopVirtualizing`.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjStopVirtualizing(context: Handle) {
    guard::call_or("PrjStopVirtualizing", (), || match context::instance(context) {
        Ok(instance) => instance.stop(),
        Err(_) => tracing::warn!("PrjStopVirtualizing was called with no instance"),
    });
}

/// `PrjGetVirtualizationInstanceInfo`.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjGetVirtualizationInstanceInfo(context: Handle, info: *mut InstanceInfo) -> HResult {
    guard::call("PrjGetVirtualizationInstanceInfo", || {
        let instance = context::instance(context)?;
        if info.is_null() {
            return Err(hresult::E_INVALIDARG);
        }
        let filled = InstanceInfo {
            instance_id: instance.instance.id().into(),
            write_alignment: instance.write_alignment(),
        };
        // SAFETY: the caller's structure.
        unsafe { info.write_unaligned(filled) };
        Ok(())
    })
}
