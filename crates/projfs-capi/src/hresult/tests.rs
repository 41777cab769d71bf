use std::collections::HashSet;

use super::*;

/// What is in the tables, said once more: an error of Windows by every code it has, and the `errno`.
const KNOWN: &str = include_str!("errors.txt");

fn errno_named(name: &str) -> c_int {
    let known = [
        ("EINVAL", libc::EINVAL),
        ("ENOENT", libc::ENOENT),
        ("EMFILE", libc::EMFILE),
        ("EACCES", libc::EACCES),
        ("EPERM", libc::EPERM),
        ("EBADF", libc::EBADF),
        ("ENOMEM", libc::ENOMEM),
        ("EIO", libc::EIO),
        ("EXDEV", libc::EXDEV),
        ("EROFS", libc::EROFS),
        ("EBUSY", libc::EBUSY),
        ("EAGAIN", libc::EAGAIN),
        ("EOPNOTSUPP", libc::EOPNOTSUPP),
        ("EEXIST", libc::EEXIST),
        ("E2BIG", libc::E2BIG),
        ("EPIPE", libc::EPIPE),
        ("ENOSPC", libc::ENOSPC),
        ("ENOSYS", libc::ENOSYS),
        ("ENOTEMPTY", libc::ENOTEMPTY),
        ("ENAMETOOLONG", libc::ENAMETOOLONG),
        ("EFBIG", libc::EFBIG),
        ("ENOTDIR", libc::ENOTDIR),
        ("EISDIR", libc::EISDIR),
        ("EHOSTDOWN", libc::EHOSTDOWN),
        ("EUCLEAN", libc::EUCLEAN),
        ("ENXIO", libc::ENXIO),
        ("EOVERFLOW", libc::EOVERFLOW),
        ("EINTR", libc::EINTR),
        ("EDEADLK", libc::EDEADLK),
        ("EMLINK", libc::EMLINK),
        ("ECANCELED", libc::ECANCELED),
        ("EALREADY", libc::EALREADY),
        ("EDQUOT", libc::EDQUOT),
        ("ETIMEDOUT", libc::ETIMEDOUT),
        ("ELOOP", libc::ELOOP),
        ("EFAULT", libc::EFAULT),
        ("ERANGE", libc::ERANGE),
        ("ENODATA", libc::ENODATA),
        ("ENFILE", libc::ENFILE),
        ("EREMOTEIO", libc::EREMOTEIO),
        ("ETXTBSY", libc::ETXTBSY),
        ("EHOSTUNREACH", libc::EHOSTUNREACH),
        ("ENETUNREACH", libc::ENETUNREACH),
        ("ECONNREFUSED", libc::ECONNREFUSED),
        ("ECONNRESET", libc::ECONNRESET),
        ("ENOTCONN", libc::ENOTCONN),
        ("EBADMSG", libc::EBADMSG),
        ("EILSEQ", libc::EILSEQ),
    ];
    find(&known, name).unwrap_or_else(|| panic!("{name}"))
}

fn lines(prefix: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    KNOWN.lines().filter_map(move |line| line.strip_prefix(prefix)?.trim().split_once(' '))
}

fn code(text: &str) -> HResult {
    u32::from_str_radix(text, 16).unwrap() as HResult
}

#[test]
fn every_known_code_has_its_errno() {
    let mut seen = HashSet::new();
    for (text, name) in lines("to ") {
        assert_eq!(errno(code(text)), errno_named(name), "{text}");
        assert!(seen.insert(code(text)), "{text} twice");
    }
    let all = WIN32.len() + NT.len() + OTHER.len();
    // An NTSTATUS counts as it is, and marked as one.
    let marked = NT.iter().filter(|(status, _)| seen.contains(&of_nt(*status))).count();
    assert_eq!(marked, NT.len());
    assert_eq!(seen.len(), all + NT.iter().filter(|(status, _)| *status >= 0xc000_0000).count());
}

#[test]
fn every_code_has_an_errno() {
    for low in 0..=0xffff_u32 {
        for high in [0x8007_0000, 0x8000_0000, 0xc000_0000, 0xd000_0000, 0x9000_0000, 0x800a_0000] {
            let number = errno((high | low) as HResult);
            assert!((1..4096).contains(&number), "{:#x}: {number}", high | low);
        }
    }
}

#[test]
fn every_errno_has_its_code() {
    let listed: Vec<(c_int, HResult)> =
        lines("from ").map(|(name, text)| (errno_named(name), code(text))).collect();
    assert_eq!(listed.len(), ERRNO.len());
    for (number, expected) in &listed {
        assert_eq!(of_errno(*number), *expected, "{number}");
    }
    for number in -1..5000 {
        if !listed.iter().any(|(known, _)| *known == number) {
            assert_eq!(of_errno(number), INTERNAL_ERROR, "{number}");
        }
    }
}

#[test]
fn what_a_callback_returns_is_what_the_application_gets() {
    let kind = |result| provider_error(result).kind;
    assert_eq!(kind(FILE_NOT_FOUND), ProviderErrorKind::NotFound);
    assert_eq!(kind(of_nt(0xc000_0034)), ProviderErrorKind::NotFound);
    // This is no "there is no such name": creating it fails too.
    assert_eq!(kind(PATH_NOT_FOUND), ProviderErrorKind::Errno(libc::ENOENT));
    assert_eq!(kind(ACCESS_DENIED), ProviderErrorKind::AccessDenied);
    assert_eq!(kind(CANNOT_DELETE), ProviderErrorKind::NotPermitted);
    assert_eq!(kind(E_INVALIDARG), ProviderErrorKind::InvalidInput);
    assert_eq!(kind(E_OUTOFMEMORY), ProviderErrorKind::OutOfMemory);
    assert_eq!(kind(UNAVAILABLE), ProviderErrorKind::Unavailable);
    assert_eq!(kind(of_win32(19)), ProviderErrorKind::Errno(libc::EROFS));
    assert_eq!(kind(INTERNAL_ERROR), ProviderErrorKind::Internal);
    // A success that is none, and what nobody knows.
    assert_eq!(kind(1), ProviderErrorKind::Internal);
    assert_eq!(kind(0x0bad_f00d), ProviderErrorKind::Internal);
    assert_eq!(kind(0x8bad_f00d_u32 as HResult), ProviderErrorKind::Internal);
}

#[test]
fn an_error_keeps_its_kind_on_the_way_through_c() {
    let kinds = [
        ProviderErrorKind::NotFound,
        ProviderErrorKind::AccessDenied,
        ProviderErrorKind::NotPermitted,
        ProviderErrorKind::InvalidInput,
        ProviderErrorKind::OutOfMemory,
        ProviderErrorKind::NoSpace,
        ProviderErrorKind::Unavailable,
        ProviderErrorKind::TimedOut,
        ProviderErrorKind::Cancelled,
        ProviderErrorKind::NotSupported,
        ProviderErrorKind::Io,
        ProviderErrorKind::Internal,
        ProviderErrorKind::Errno(libc::EROFS),
        ProviderErrorKind::Errno(libc::ENOTEMPTY),
    ];
    for kind in kinds {
        assert_eq!(provider_error(of_provider(kind)).kind, kind);
    }
}
