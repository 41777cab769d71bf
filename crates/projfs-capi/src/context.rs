//! Handles: numbers that are looked up, never addresses that are followed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use projfs_sync::Arc;
use projfs_sync::RwLock;
use projfs_sync::atomic::AtomicUsize;
use projfs_sync::atomic::Ordering;

use crate::abi::Handle;
use crate::callbacks::Bridge;
use crate::enumeration::EntryBuffer;
use crate::hresult;
use crate::hresult::HResult;
use crate::start::Instance;

/// Values by handle. A handle is used once in the life of the process, so one that is stale is never somebody else's.
pub(crate) struct Table<T> {
    values: RwLock<HashMap<Handle, Arc<T>>>,
}

/// The next handle, of any kind: so a handle of another kind is nothing.
static NEXT: AtomicUsize = AtomicUsize::new(FIRST);

/// Handles look like addresses in the first page, where nothing can be, and above.
const FIRST: Handle = 0x10;

/// From one handle to the next, as addresses would be apart.
const STEP: Handle = 0x10;

/// Every instance.
static CONTEXTS: LazyLock<Table<Instance>> = LazyLock::new(Table::new);

/// The callbacks of every instance.
static BRIDGES: LazyLock<Table<Bridge>> = LazyLock::new(Table::new);

/// Every buffer that a get-directory-enumeration callback may fill now.
pub(crate) static BUFFERS: LazyLock<Table<EntryBuffer>> = LazyLock::new(Table::new);

impl<T> Table<T> {
    fn new() -> Self {
        Self { values: RwLock::default() }
    }

    /// Puts a value under a handle.
    pub(crate) fn insert(&self, handle: Handle, value: Arc<T>) {
        self.values.write().insert(handle, value);
    }

    /// What is under a handle.
    pub(crate) fn get(&self, handle: Handle) -> Option<Arc<T>> {
        self.values.read().get(&handle).cloned()
    }

    /// Forgets a handle.
    pub(crate) fn remove(&self, handle: Handle) {
        drop(self.values.write().remove(&handle));
    }
}

/// A handle that nothing has.
pub(crate) fn new_handle() -> Handle {
    NEXT.fetch_add(STEP, Ordering::Relaxed)
}

/// Makes an instance known.
pub(crate) fn publish(instance: Arc<Instance>) {
    publish_bridge(Arc::clone(&instance.bridge));
    CONTEXTS.insert(instance.bridge.context(), instance);
}

/// Makes callbacks known: all that commands need.
pub(crate) fn publish_bridge(bridge: Arc<Bridge>) {
    BRIDGES.insert(bridge.context(), bridge);
}

/// Forgets an instance.
pub(crate) fn forget(context: Handle) {
    CONTEXTS.remove(context);
    BRIDGES.remove(context);
}

/// The instance under a handle.
///
/// # Errors
/// `E_HANDLE`.
pub(crate) fn instance(context: Handle) -> Result<Arc<Instance>, HResult> {
    CONTEXTS.get(context).ok_or(hresult::E_HANDLE)
}

/// The instance whose root is at a path, which has no symbolic links.
pub(crate) fn at(path: &Path) -> Option<Arc<Instance>> {
    CONTEXTS.values.read().values().find(|instance| instance.instance.path() == path).cloned()
}

/// The callbacks of the instance under a handle.
///
/// # Errors
/// `E_HANDLE`.
pub(crate) fn bridge(context: Handle) -> Result<Arc<Bridge>, HResult> {
    BRIDGES.get(context).ok_or(hresult::E_HANDLE)
}
