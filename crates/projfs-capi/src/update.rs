//! Changes of the view by the provider, and what is on disk.

use std::path::Path;

use projectedfs::Error;
use projectedfs::ErrorKind;
use projectedfs::RelPathBuf;
use projectedfs::UpdateFlags;
use projectedfs::VersionInfo;
use projectedfs::VirtualizationRoot;

use crate::abi::Guid;
use crate::abi::Handle;
use crate::abi::PrjPlaceholderInfo;
use crate::abi::PrjVersionInfo;
use crate::abi::WideStr;
use crate::context;
use crate::export::both_widths;
use crate::guard;
use crate::hresult;
use crate::hresult::HResult;
use crate::log;
use crate::path;
use crate::placeholder;
use crate::start::told;
use crate::wide;
use crate::wide::Width;

/// The flags of an update or a deletion.
///
/// # Errors
/// `E_INVALIDARG` for reserved bits.
fn flags(flags: u32) -> Result<UpdateFlags, HResult> {
    UpdateFlags::from_bits(flags).ok_or(hresult::E_INVALIDARG)
}

/// Tells what stood in the way, or that nothing of that kind did.
///
/// # Safety
/// `reason` is null or leads to a place for it.
unsafe fn tell<T>(reason: *mut u32, result: Result<T, Error>) -> Result<(), HResult> {
    let causes = match &result {
        Err(error) => match error.kind() {
            ErrorKind::Kept(causes) => causes.bits(),
            _ => 0,
        },
        Ok(_) => 0,
    };
    if !reason.is_null() {
        // SAFETY: the caller's promise.
        unsafe { reason.write_unaligned(causes) };
    }
    result.map(drop).map_err(|error| hresult::of_error(&error))
}

/// # Safety
/// `reason` is null or leads to a place for it.
unsafe fn nothing_in_the_way(reason: *mut u32) {
    if !reason.is_null() {
        // SAFETY: the caller's promise.
        unsafe { reason.write_unaligned(0) };
    }
}

/// Replaces an item on disk.
///
/// # Safety
/// The pointers are null or lead to what the header says.
unsafe fn update(
    width: Width,
    context: Handle,
    path: WideStr,
    info: *const PrjPlaceholderInfo,
    size: u32,
    may: u32,
    reason: *mut u32,
) -> Result<(), HResult> {
    // SAFETY: the caller's promise.
    unsafe { nothing_in_the_way(reason) };
    let instance = context::instance(context)?;
    // SAFETY: the caller's promise.
    let path = path::item(&unsafe { wide::read(path, width) }?)?;
    // SAFETY: the caller's promise.
    let described = unsafe { placeholder::read(width, info, size, std::ptr::null()) }?;
    instance.bridge.asked.left_out(&described);
    let updated = instance.instance.update(&path, &described.info, flags(may)?);
    // SAFETY: the caller's promise.
    unsafe { tell(reason, updated) }
}

/// Removes an item from disk.
///
/// # Safety
/// The pointers are null or lead to what the header says.
unsafe fn delete(
    width: Width,
    context: Handle,
    path: WideStr,
    may: u32,
    reason: *mut u32,
) -> Result<(), HResult> {
    // SAFETY: the caller's promise.
    unsafe { nothing_in_the_way(reason) };
    let instance = context::instance(context)?;
    // SAFETY: the caller's promise.
    let path = path::item(&unsafe { wide::read(path, width) }?)?;
    let deleted = instance.instance.delete(&path, flags(may)?);
    // SAFETY: the caller's promise.
    unsafe { tell(reason, deleted) }
}

/// Makes a directory a root, once.
fn mark_root(root: &Path, id: Guid, version: VersionInfo) -> Result<(), HResult> {
    match VirtualizationRoot::open(root) {
        Ok(_) => return Err(hresult::REPARSE_POINT_ENCOUNTERED),
        Err(error) => match error.kind() {
            ErrorKind::NotARoot => {}
            ErrorKind::AlreadyMounted | ErrorKind::InUse => return Err(hresult::REPARSE_POINT_ENCOUNTERED),
            _ => return Err(told("mark", root, &error)),
        },
    }
    VirtualizationRoot::adopt_with(root, id.into(), version)
        .map(drop)
        .map_err(|error| told("mark", root, &error))
}

/// Makes a directory inside a root a placeholder.
fn mark_inside(root: &Path, target: &Path, id: Guid, version: &VersionInfo) -> Result<(), HResult> {
    let canonical =
        root.canonicalize().map_err(|error| hresult::of_errno(error.raw_os_error().unwrap_or(0)))?;
    let target = std::path::absolute(target).map_err(|_| hresult::E_INVALIDARG)?;
    // Nothing in the mount is looked at: that would ask the provider, which may be the caller.
    let below = target.strip_prefix(&canonical).or_else(|_| target.strip_prefix(root));
    let below = below.map_err(|_| hresult::E_INVALIDARG)?;
    let below = std::os::unix::ffi::OsStrExt::as_bytes(below.as_os_str());
    let below = RelPathBuf::new(below).map_err(|_| hresult::E_INVALIDARG)?;
    let Some(instance) = context::at(&canonical) else {
        // Only its instance can change what is in a root, and it does not run here.
        return Err(match projectedfs::is_root(&canonical) {
            true => hresult::UNAVAILABLE,
            false => hresult::REPARSE_TAG_MISMATCH,
        });
    };
    if Guid::from(instance.instance.id()) != id {
        return Err(hresult::E_INVALIDARG);
    }
    instance.instance.mark_directory(&below, version).map_err(|error| hresult::of_error(&error))
}

/// Marks a directory.
///
/// # Safety
/// The pointers are null or lead to what the header says.
unsafe fn mark(
    width: Width,
    root: WideStr,
    target: WideStr,
    version: *const PrjVersionInfo,
    id: *const Guid,
) -> Result<(), HResult> {
    log::begin();
    if id.is_null() {
        return Err(hresult::E_INVALIDARG);
    }
    // SAFETY: the caller's promise.
    let id = unsafe { id.read_unaligned() };
    // SAFETY: the caller's promise.
    let root = path::full(&unsafe { wide::read(root, width) }?)?;
    // SAFETY: the caller's promise.
    let target = unsafe { wide::read_opt(target, width) }?.filter(|target| !target.is_empty());
    // SAFETY: the caller's promise.
    let version = (!version.is_null()).then(|| unsafe { version.read_unaligned() });
    let version = version.as_ref().map(VersionInfo::from).unwrap_or_default();
    match target {
        None => mark_root(&root, id, version),
        Some(target) => mark_inside(&root, &path::full(&target)?, id, &version),
    }
}

both_widths! {
    /// `PrjMarkDirectoryAsPlaceholder`.
    fn PrjMarkDirectoryAsPlaceholder, PrjMarkDirectoryAsPlaceholder_w32(
        root: WideStr,
        target: WideStr,
        version: *const PrjVersionInfo,
        id: *const Guid,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { mark(width, root, target, version, id) }
    }
}

both_widths! {
    /// `PrjUpdateFileIfNeeded`.
    fn PrjUpdateFileIfNeeded, PrjUpdateFileIfNeeded_w32(
        context: Handle,
        path: WideStr,
        info: *const PrjPlaceholderInfo,
        size: u32,
        may: u32,
        reason: *mut u32,
    ) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { update(width, context, path, info, size, may, reason) }
    }
}

both_widths! {
    /// `PrjDeleteFile`.
    fn PrjDeleteFile, PrjDeleteFile_w32(context: Handle, path: WideStr, may: u32, reason: *mut u32) {
        // SAFETY: the header says what the pointers lead to.
        |width| unsafe { delete(width, context, path, may, reason) }
    }
}

both_widths! {
    /// `PrjGetOnDiskFileState`. An item that is virtual is not found, and stays so.
    fn PrjGetOnDiskFileState, PrjGetOnDiskFileState_w32(path: WideStr, state: *mut u32) {
        |width| {
            if state.is_null() {
                return Err(hresult::E_INVALIDARG);
            }
            // SAFETY: the header says what the pointer leads to.
            let path = path::full(&unsafe { wide::read(path, width) }?)?;
            let found = projectedfs::on_disk_state(&path).map_err(|error| hresult::of_error(&error))?;
            // SAFETY: the caller's place for it.
            unsafe { state.write_unaligned(found.bits()) };
            Ok(())
        }
    }
}

/// `PrjClearNegativePathCache`.
#[allow(non_snake_case, reason = "the name is the header's")]
#[unsafe(no_mangle)]
unsafe extern "C" fn PrjClearNegativePathCache(context: Handle, count: *mut u32) -> HResult {
    guard::call("PrjClearNegativePathCache", || {
        let instance = context::instance(context)?;
        let cleared =
            instance.instance.clear_negative_path_cache().map_err(|error| hresult::of_error(&error))?;
        if !count.is_null() {
            // SAFETY: the caller's place for it.
            unsafe { count.write_unaligned(u32::try_from(cleared).unwrap_or(u32::MAX)) };
        }
        Ok(())
    })
}
