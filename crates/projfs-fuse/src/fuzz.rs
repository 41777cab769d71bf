//! What must hold of requests and of what is remembered, whatever their bytes are: for fuzzing.

use projfs_types::NAME_MAX;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

pub use crate::takeover::fuzz::memory;
use crate::wire::abi::InHeader;
use crate::wire::request::RawRequest;
use crate::wire::request::Request;
use crate::wire::request::RequestBuffer;

/// A request, as it is and with its length put right: it is the same from a device, from a ring, and when it is run again,
/// and what it says lies within it.
pub fn request(bytes: &[u8]) {
    let _ = RawRequest::contiguous(bytes).map(|raw| raw.decode());
    let Ok((mut header, body)) = InHeader::read_from_prefix(bytes) else { return };
    header.len = u32::try_from(bytes.len()).expect("an input is short");
    let whole = [header.as_bytes(), body].concat();
    let raw = RawRequest::contiguous(&whole).expect("its length is right");
    let decoded = raw.decode();
    assert_eq!(RequestBuffer::from(&raw).decode(), decoded);
    let Ok((context, request)) = decoded else { return };
    assert_eq!((context.unique, context.node.0), (header.unique, header.nodeid));
    assert_eq!(context.opcode as u32, header.opcode);
    let (names, data) = parts(&request);
    for name in names {
        assert!(!name.is_empty() && name.len() <= NAME_MAX && !name.contains(&0));
    }
    let length = data.len() + names_length(&request);
    assert!(length <= body.len());

    // A ring has the first argument apart from what follows it.
    let first = first_length(&request, body.len() - usize::from(header.total_extlen) * 8);
    let (first, rest) = body.split_at(first);
    let split = RawRequest::split(header.as_bytes(), first, rest).expect("the pieces are all there");
    if !rest.is_empty() {
        assert_eq!(split.decode(), Ok((context, request)));
        assert_eq!(RequestBuffer::from(&split).decode(), Ok((context, request)));
    }
}

/// The names in a request, and its data.
fn parts<'a>(request: &Request<'a>) -> (Vec<&'a [u8]>, &'a [u8]) {
    match *request {
        Request::Lookup { name }
        | Request::Mknod { name, .. }
        | Request::Mkdir { name, .. }
        | Request::Unlink { name }
        | Request::Rmdir { name }
        | Request::Link { new_name: name, .. }
        | Request::Create { name, .. } => (vec![name.as_bytes()], &[]),
        Request::Symlink { name, target } => (vec![name.as_bytes()], target),
        Request::Rename { name, new_name, .. } => (vec![name.as_bytes(), new_name.as_bytes()], &[]),
        Request::Getxattr { name, .. } | Request::Removexattr { name } => (vec![name], &[]),
        Request::Setxattr { name, value, .. } => (vec![name], value),
        Request::Write { args, data } => {
            assert_eq!(data.len(), args.size as usize);
            (Vec::new(), data)
        }
        Request::Ioctl { args, data } => {
            assert_eq!(data.len(), args.in_size as usize);
            (Vec::new(), data)
        }
        Request::NotifyReply { args, data } => {
            assert_eq!(data.len(), args.size as usize);
            (Vec::new(), data)
        }
        Request::BatchForget { items } => {
            assert!(items.iter().count() < usize::MAX);
            (Vec::new(), &[])
        }
        Request::Forget { .. }
        | Request::Getattr(_)
        | Request::Statx(_)
        | Request::Setattr(_)
        | Request::Readlink
        | Request::Open(_)
        | Request::Tmpfile(_)
        | Request::Read(_)
        | Request::Statfs
        | Request::Release(_)
        | Request::Flush(_)
        | Request::Fsync(_)
        | Request::Listxattr { .. }
        | Request::Init(_)
        | Request::Opendir(_)
        | Request::Readdir(_)
        | Request::Readdirplus(_)
        | Request::Releasedir(_)
        | Request::Fsyncdir(_)
        | Request::Getlk(_)
        | Request::Setlk(_)
        | Request::Setlkw(_)
        | Request::Access(_)
        | Request::Interrupt { .. }
        | Request::Bmap(_)
        | Request::Destroy
        | Request::Poll(_)
        | Request::Fallocate(_)
        | Request::Lseek(_)
        | Request::CopyFileRange { .. }
        | Request::Syncfs => (Vec::new(), &[]),
    }
}

fn names_length(request: &Request<'_>) -> usize {
    parts(request).0.iter().map(|name| name.len() + 1).sum()
}

/// How long the structure is with which the arguments begin, if something follows it.
fn first_length(request: &Request<'_>, all: usize) -> usize {
    match request {
        Request::Rename { flags: 0, .. } => all,
        Request::Rename { .. } | Request::Create { .. } | Request::Mknod { .. } => 16,
        Request::Write { .. } | Request::NotifyReply { .. } => 40,
        Request::Ioctl { .. } => 32,
        Request::Mkdir { .. }
        | Request::Link { .. }
        | Request::Setxattr { .. }
        | Request::Getxattr { .. } => 8,
        Request::BatchForget { .. } => 8,
        _ => all,
    }
}

#[cfg(test)]
mod tests;
