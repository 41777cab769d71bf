//! `HRESULT`: what C is told, and what C says, as `errno` and as kinds of errors; one row each.

use libc::c_int;
use projectedfs::Error;
use projectedfs::ErrorKind;
use projectedfs::ProviderError;
use projectedfs::ProviderErrorKind;

/// `HRESULT`: negative is a failure.
pub(crate) type HResult = i32;

/// The HRESULT of a Win32 error.
pub(crate) const fn of_win32(code: u16) -> HResult {
    (0x8007_0000 | code as u32) as HResult
}

/// The HRESULT of an NTSTATUS.
const fn of_nt(status: u32) -> HResult {
    (status | FACILITY_NT_BIT) as HResult
}

/// What marks an NTSTATUS in an HRESULT.
const FACILITY_NT_BIT: u32 = 0x1000_0000;

/// `STATUS_CANNOT_DELETE`.
const STATUS_CANNOT_DELETE: u32 = 0xc000_0121;

pub(crate) const S_OK: HResult = 0;
pub(crate) const E_POINTER: HResult = 0x8000_4003_u32 as HResult;
pub(crate) const E_HANDLE: HResult = of_win32(6);
pub(crate) const E_OUTOFMEMORY: HResult = of_win32(14);
pub(crate) const E_INVALIDARG: HResult = of_win32(87);
pub(crate) const FILE_NOT_FOUND: HResult = of_win32(2);
pub(crate) const PATH_NOT_FOUND: HResult = of_win32(3);
pub(crate) const ACCESS_DENIED: HResult = of_win32(5);
pub(crate) const NO_MORE_FILES: HResult = of_win32(18);
pub(crate) const NOT_SUPPORTED: HResult = of_win32(50);
pub(crate) const INSUFFICIENT_BUFFER: HResult = of_win32(122);
pub(crate) const INVALID_NAME: HResult = of_win32(123);
pub(crate) const ALREADY_EXISTS: HResult = of_win32(183);
pub(crate) const FILENAME_EXCED_RANGE: HResult = of_win32(206);
pub(crate) const DIRECTORY: HResult = of_win32(267);
pub(crate) const EAS_DIDNT_FIT: HResult = of_win32(275);
pub(crate) const UNAVAILABLE: HResult = of_win32(369);
pub(crate) const METADATA_CORRUPT: HResult = of_win32(370);
pub(crate) const VIRTUALIZATION_BUSY: HResult = of_win32(371);
pub(crate) const PROVIDER_UNKNOWN: HResult = of_win32(372);
pub(crate) const INVALID_OPERATION: HResult = of_win32(385);
pub(crate) const OPERATION_ABORTED: HResult = of_win32(995);
pub(crate) const IO_PENDING: HResult = of_win32(997);
pub(crate) const IO_DEVICE: HResult = of_win32(1117);
pub(crate) const ALREADY_INITIALIZED: HResult = of_win32(1247);
pub(crate) const INTERNAL_ERROR: HResult = of_win32(1359);
pub(crate) const TIMEOUT: HResult = of_win32(1460);
pub(crate) const DISK_FULL: HResult = of_win32(112);
pub(crate) const REPARSE_TAG_MISMATCH: HResult = of_win32(4394);
pub(crate) const REPARSE_POINT_ENCOUNTERED: HResult = of_win32(4395);
pub(crate) const CANNOT_DELETE: HResult = of_nt(STATUS_CANNOT_DELETE);

/// What a Win32 error is to an application here.
///
/// # References
/// <https://learn.microsoft.com/windows/win32/debug/system-error-codes>
const WIN32: &[(u16, c_int)] = &[
    (1, libc::EINVAL),
    (2, libc::ENOENT),
    (3, libc::ENOENT),
    (4, libc::EMFILE),
    (5, libc::EACCES),
    (6, libc::EBADF),
    (8, libc::ENOMEM),
    (13, libc::EIO),
    (14, libc::ENOMEM),
    (17, libc::EXDEV),
    (19, libc::EROFS),
    (21, libc::EIO),
    (23, libc::EIO),
    (32, libc::EBUSY),
    (33, libc::EAGAIN),
    (50, libc::EOPNOTSUPP),
    (80, libc::EEXIST),
    (87, libc::EINVAL),
    (109, libc::EPIPE),
    (112, libc::ENOSPC),
    (120, libc::ENOSYS),
    (122, libc::EIO),
    (123, libc::EINVAL),
    (145, libc::ENOTEMPTY),
    (161, libc::EINVAL),
    (170, libc::EBUSY),
    (183, libc::EEXIST),
    (206, libc::ENAMETOOLONG),
    (223, libc::EFBIG),
    (254, libc::EINVAL),
    (255, libc::EINVAL),
    (267, libc::ENOTDIR),
    (275, libc::E2BIG),
    (282, libc::EOPNOTSUPP),
    (303, libc::ENOENT),
    (327, libc::EINVAL),
    (336, libc::EISDIR),
    (369, libc::EHOSTDOWN),
    (370, libc::EUCLEAN),
    (371, libc::EBUSY),
    (372, libc::ENXIO),
    (385, libc::EPERM),
    (534, libc::EOVERFLOW),
    (995, libc::EINTR),
    (998, libc::EFAULT),
    (1117, libc::EIO),
    (1131, libc::EDEADLK),
    (1142, libc::EMLINK),
    (1168, libc::ENOENT),
    (1223, libc::ECANCELED),
    (1247, libc::EALREADY),
    (1295, libc::EDQUOT),
    (1314, libc::EPERM),
    (1359, libc::EIO),
    (1392, libc::EUCLEAN),
    (1393, libc::EUCLEAN),
    (1450, libc::ENOMEM),
    (1460, libc::ETIMEDOUT),
    (1920, libc::EIO),
    (1921, libc::ELOOP),
    (4394, libc::EINVAL),
    (4395, libc::EEXIST),
];

/// What an NTSTATUS is to an application here.
///
/// # References
/// <https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55>
const NT: &[(u32, c_int)] = &[
    (0x8000_0011, libc::EBUSY),
    (0xc000_0001, libc::EIO),
    (0xc000_0002, libc::ENOSYS),
    (0xc000_0005, libc::EFAULT),
    (0xc000_0008, libc::EBADF),
    (0xc000_000d, libc::EINVAL),
    (0xc000_000f, libc::ENOENT),
    (0xc000_0010, libc::EINVAL),
    (0xc000_0017, libc::ENOMEM),
    (0xc000_0022, libc::EACCES),
    (0xc000_0023, libc::EIO),
    (0xc000_0033, libc::EINVAL),
    (0xc000_0034, libc::ENOENT),
    (0xc000_0035, libc::EEXIST),
    (0xc000_003a, libc::ENOENT),
    (0xc000_003f, libc::EIO),
    (0xc000_0043, libc::EBUSY),
    (0xc000_0044, libc::EDQUOT),
    (0xc000_004f, libc::EOPNOTSUPP),
    (0xc000_0054, libc::EAGAIN),
    (0xc000_0056, libc::ENOENT),
    (0xc000_0061, libc::EPERM),
    (0xc000_007f, libc::ENOSPC),
    (0xc000_0095, libc::EOVERFLOW),
    (0xc000_009a, libc::ENOMEM),
    (0xc000_00a2, libc::EROFS),
    (0xc000_00a3, libc::EIO),
    (0xc000_00b5, libc::ETIMEDOUT),
    (0xc000_00ba, libc::EISDIR),
    (0xc000_00bb, libc::EOPNOTSUPP),
    (0xc000_00d4, libc::EXDEV),
    (0xc000_00e5, libc::EIO),
    (0xc000_00e9, libc::EIO),
    (0xc000_0101, libc::ENOTEMPTY),
    (0xc000_0102, libc::EUCLEAN),
    (0xc000_0103, libc::ENOTDIR),
    (0xc000_0106, libc::ENAMETOOLONG),
    (0xc000_011f, libc::EMFILE),
    (0xc000_0120, libc::EINTR),
    (STATUS_CANNOT_DELETE, libc::EPERM),
    (0xc000_0128, libc::EBADF),
    (0xc000_014b, libc::EPIPE),
    (0xc000_0185, libc::EIO),
    (0xc000_0225, libc::ENOENT),
    (0xc000_0265, libc::EMLINK),
    (0xc000_0277, libc::EINVAL),
    (0xc000_0279, libc::EIO),
    (0xc000_0280, libc::ELOOP),
    (0xc000_0467, libc::EIO),
    (0xc000_050b, libc::EEXIST),
    (0xc000_0510, libc::EALREADY),
    (0xc000_0904, libc::EFBIG),
    (0xc000_ce01, libc::EHOSTDOWN),
    (0xc000_ce02, libc::EUCLEAN),
    (0xc000_ce03, libc::EBUSY),
    (0xc000_ce04, libc::ENXIO),
    (0xc000_ce05, libc::EPERM),
];

/// HRESULTs that are neither.
const OTHER: &[(u32, c_int)] = &[
    (0x8000_4001, libc::ENOSYS),
    (0x8000_4003, libc::EFAULT),
    (0x8000_4004, libc::ECANCELED),
    (0x8000_4005, libc::EIO),
    (0x8000_ffff, libc::EIO),
];

/// What an error of ours is to C.
const ERRNO: &[(c_int, HResult)] = &[
    (libc::ENOENT, FILE_NOT_FOUND),
    (libc::ENODATA, of_win32(1168)),
    (libc::EACCES, ACCESS_DENIED),
    (libc::EPERM, ACCESS_DENIED),
    (libc::EROFS, of_win32(19)),
    (libc::EEXIST, ALREADY_EXISTS),
    (libc::ENOTEMPTY, of_win32(145)),
    (libc::ENOTDIR, DIRECTORY),
    (libc::EISDIR, of_win32(336)),
    (libc::EINVAL, E_INVALIDARG),
    (libc::EBADF, E_HANDLE),
    (libc::ENOMEM, E_OUTOFMEMORY),
    (libc::EMFILE, of_win32(4)),
    (libc::ENFILE, of_win32(4)),
    (libc::EXDEV, of_win32(17)),
    (libc::EMLINK, of_win32(1142)),
    (libc::ENAMETOOLONG, FILENAME_EXCED_RANGE),
    (libc::ERANGE, INSUFFICIENT_BUFFER),
    (libc::EDEADLK, of_win32(1131)),
    (libc::EFAULT, E_POINTER),
    (libc::ENOSPC, DISK_FULL),
    (libc::EDQUOT, of_win32(1295)),
    (libc::EFBIG, of_win32(223)),
    (libc::EIO, IO_DEVICE),
    (libc::EREMOTEIO, IO_DEVICE),
    (libc::EBUSY, of_win32(32)),
    (libc::ETXTBSY, of_win32(32)),
    (libc::EAGAIN, of_win32(170)),
    (libc::EINTR, OPERATION_ABORTED),
    (libc::ECANCELED, of_win32(1223)),
    (libc::ETIMEDOUT, TIMEOUT),
    (libc::EHOSTDOWN, UNAVAILABLE),
    (libc::EHOSTUNREACH, UNAVAILABLE),
    (libc::ENETUNREACH, UNAVAILABLE),
    (libc::ECONNREFUSED, UNAVAILABLE),
    (libc::ECONNRESET, UNAVAILABLE),
    (libc::ENOTCONN, UNAVAILABLE),
    (libc::ELOOP, of_win32(1921)),
    (libc::EUCLEAN, of_win32(1392)),
    (libc::EBADMSG, of_win32(1392)),
    (libc::EOVERFLOW, of_win32(534)),
    (libc::EOPNOTSUPP, NOT_SUPPORTED),
    (libc::ENOSYS, of_win32(120)),
    (libc::EILSEQ, INVALID_NAME),
    (libc::EALREADY, ALREADY_INITIALIZED),
];

fn find<K: PartialEq, V: Copy>(table: &[(K, V)], key: K) -> Option<V> {
    table.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}

/// The `errno` of what a callback returned; `EIO` for what is not known. Only failures have one.
pub(crate) fn errno(result: HResult) -> c_int {
    let value = result as u32;
    let found = match value {
        // A warning or an error of the system, marked as such or as it is.
        _ if value & FACILITY_NT_BIT != 0 => find(NT, value & !FACILITY_NT_BIT),
        0xc000_0000.. => find(NT, value),
        0x8007_0000..=0x8007_ffff => find(WIN32, value as u16),
        _ => find(OTHER, value),
    };
    found.unwrap_or(libc::EIO)
}

/// The error that a callback returned. One that is not known counts as `ERROR_INTERNAL_ERROR`, as does a success other
/// than `S_OK`.
pub(crate) fn provider_error(result: HResult) -> ProviderError {
    let kind = match result {
        // "There is no such name" is this one only: others fail what the application does, also its creating the name.
        FILE_NOT_FOUND => ProviderErrorKind::NotFound,
        _ if result == of_nt(0xc000_0034) || result == of_nt(0xc000_000f) => ProviderErrorKind::NotFound,
        CANNOT_DELETE => ProviderErrorKind::NotPermitted,
        IO_DEVICE => ProviderErrorKind::Io,
        _ if result >= 0 => ProviderErrorKind::Internal,
        _ => match errno(result) {
            libc::EACCES => ProviderErrorKind::AccessDenied,
            libc::EINVAL => ProviderErrorKind::InvalidInput,
            libc::ENOMEM => ProviderErrorKind::OutOfMemory,
            libc::ENOSPC => ProviderErrorKind::NoSpace,
            libc::EHOSTDOWN => ProviderErrorKind::Unavailable,
            libc::ETIMEDOUT => ProviderErrorKind::TimedOut,
            libc::EINTR => ProviderErrorKind::Cancelled,
            libc::EOPNOTSUPP => ProviderErrorKind::NotSupported,
            libc::EIO => ProviderErrorKind::Internal,
            other => ProviderErrorKind::Errno(other),
        },
    };
    ProviderError::new(kind, format!("the callback returned {result:#010x}"))
}

/// What C is told of an error of the system; `ERROR_INTERNAL_ERROR` for what is not known.
pub(crate) fn of_errno(errno: c_int) -> HResult {
    find(ERRNO, errno).unwrap_or(INTERNAL_ERROR)
}

/// What C is told of an error of ours on the way to or from a provider.
pub(crate) fn of_provider(kind: ProviderErrorKind) -> HResult {
    match kind {
        ProviderErrorKind::NotFound => FILE_NOT_FOUND,
        ProviderErrorKind::AccessDenied => ACCESS_DENIED,
        ProviderErrorKind::NotPermitted => CANNOT_DELETE,
        ProviderErrorKind::InvalidInput => E_INVALIDARG,
        ProviderErrorKind::OutOfMemory => E_OUTOFMEMORY,
        ProviderErrorKind::NoSpace => DISK_FULL,
        ProviderErrorKind::Unavailable => UNAVAILABLE,
        ProviderErrorKind::TimedOut => TIMEOUT,
        ProviderErrorKind::Cancelled => OPERATION_ABORTED,
        ProviderErrorKind::NotSupported => NOT_SUPPORTED,
        ProviderErrorKind::Io => IO_DEVICE,
        ProviderErrorKind::Internal => INTERNAL_ERROR,
        ProviderErrorKind::Errno(errno) => of_errno(errno),
    }
}

/// What C is told of a failure of a root or an instance.
pub(crate) fn of_error(error: &Error) -> HResult {
    match error.kind() {
        ErrorKind::NotFound => FILE_NOT_FOUND,
        ErrorKind::PathNotFound => PATH_NOT_FOUND,
        ErrorKind::Exists => ALREADY_EXISTS,
        ErrorKind::NotEmpty => of_win32(145),
        ErrorKind::AlreadyPlaceholder => REPARSE_POINT_ENCOUNTERED,
        ErrorKind::Kept(_) => INVALID_OPERATION,
        ErrorKind::Invalid => E_INVALIDARG,
        ErrorKind::NotADirectory => DIRECTORY,
        ErrorKind::NotARoot => REPARSE_TAG_MISMATCH,
        ErrorKind::Nested => INVALID_OPERATION,
        ErrorKind::Unsupported => NOT_SUPPORTED,
        ErrorKind::Damaged => METADATA_CORRUPT,
        ErrorKind::OtherSource => PROVIDER_UNKNOWN,
        ErrorKind::AlreadyMounted | ErrorKind::InUse => ALREADY_INITIALIZED,
        ErrorKind::Busy => VIRTUALIZATION_BUSY,
        ErrorKind::PermissionDenied => ACCESS_DENIED,
        ErrorKind::Fuse | ErrorKind::Stopped => UNAVAILABLE,
        ErrorKind::Control => error.raw_os_error().map_or(UNAVAILABLE, of_errno),
        ErrorKind::Operation(_) | ErrorKind::Io => error.raw_os_error().map_or(IO_DEVICE, of_errno),
        // The enumeration may grow.
        _ => INTERNAL_ERROR,
    }
}

#[cfg(test)]
mod tests;
