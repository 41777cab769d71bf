//! Tests of the decoder.

use proptest::prelude::*;
use zerocopy::FromZeros;
use zerocopy::IntoBytes;

use super::*;
use crate::wire::abi::BatchForgetIn;
use crate::wire::abi::ExtHeader;
use crate::wire::abi::Rename2In;
use crate::wire::abi::SetxattrIn;
use crate::wire::abi::ring;

fn header(opcode: Opcode, length: usize) -> InHeader {
    let len = (size_of::<InHeader>() + length) as u32;
    InHeader {
        len,
        opcode: opcode as u32,
        unique: 77,
        nodeid: 5,
        uid: 1,
        gid: 2,
        pid: 3,
        ..InHeader::default()
    }
}

fn message(opcode: Opcode, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [header(opcode, body.len()).as_bytes(), &body].concat()
}

fn decode(bytes: &[u8]) -> Result<Request<'_>, DecodeError> {
    RawRequest::contiguous(bytes)?.decode().map(|(_, request)| request)
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

/// How long the first argument of a request is in a ring entry.
fn first_length(opcode: Opcode) -> usize {
    match opcode {
        Opcode::Lookup | Opcode::Symlink | Opcode::Unlink | Opcode::Rmdir | Opcode::Removexattr => 0,
        Opcode::Rename => 8,
        Opcode::Rename2 => 16,
        Opcode::Write => 40,
        Opcode::Setxattr => 8,
        Opcode::Create | Opcode::Mknod => 16,
        Opcode::Mkdir | Opcode::Link | Opcode::Getxattr => 8,
        _ => usize::MAX,
    }
}

#[test]
fn names_and_structures_are_found() {
    let bytes = message(Opcode::Lookup, &[b"main.c\0"]);
    let (context, request) = RawRequest::contiguous(&bytes).unwrap().decode().unwrap();
    assert_eq!(request, Request::Lookup { name: name("main.c") });
    assert_eq!((context.unique, context.node), (77, NodeId(5)));
    assert_eq!(context.caller, Caller { pid: 3, uid: 1, gid: 2 });

    let args = Rename2In { newdir: 9, flags: 1, padding: 0 };
    let bytes = message(Opcode::Rename2, &[args.as_bytes(), b"old\0", b"new\0"]);
    let wanted =
        Request::Rename { name: name("old"), new_parent: NodeId(9), new_name: name("new"), flags: 1 };
    assert_eq!(decode(&bytes), Ok(wanted));

    let args = SetxattrIn { size: 3, flags: 2 };
    let bytes = message(Opcode::Setxattr, &[args.as_bytes(), b"user.x\0", b"abc"]);
    let wanted = Request::Setxattr { name: b"user.x", value: b"abc", flags: 2 };
    assert_eq!(decode(&bytes), Ok(wanted));

    let args = WriteIn { size: 5, ..WriteIn::default() };
    let bytes = message(Opcode::Write, &[args.as_bytes(), b"hello"]);
    assert_eq!(decode(&bytes), Ok(Request::Write { args, data: b"hello" }));
}

#[test]
fn batches_are_read_one_by_one() {
    let items = [ForgetOne { nodeid: 2, nlookup: 1 }, ForgetOne { nodeid: 3, nlookup: 9 }];
    let args = BatchForgetIn { count: 2, dummy: 0 };
    let bytes = message(Opcode::BatchForget, &[args.as_bytes(), items.as_bytes()]);
    let Ok(Request::BatchForget { items }) = decode(&bytes) else { panic!("not a batch") };
    assert_eq!(items.iter().collect::<Vec<_>>(), [(NodeId(2), 1), (NodeId(3), 9)]);
    let args = BatchForgetIn { count: u32::MAX, dummy: 0 };
    let bytes = message(Opcode::BatchForget, &[args.as_bytes(), items.0]);
    assert_eq!(decode(&bytes), Err(DecodeError::Malformed));
}

#[test]
fn bad_names_have_their_errno() {
    let long = [&[b'x'; 256][..], b"\0"].concat();
    let cases: [(&[u8], Errno); 6] = [
        (b"a/b\0", Errno::INVAL),
        (b"..\0", Errno::INVAL),
        (b"\0", Errno::NOENT),
        (&long, Errno::NAMETOOLONG),
        (b"no end", Errno::IO),
        (b"", Errno::IO),
    ];
    for (bytes, errno) in cases {
        let error = decode(&message(Opcode::Lookup, &[bytes])).unwrap_err();
        assert_eq!(Errno::from(error), errno, "{bytes:?}");
    }
    let mut unknown = message(Opcode::Lookup, &[b"a\0"]);
    unknown[4..8].copy_from_slice(&9999_u32.to_ne_bytes());
    assert_eq!(Errno::from(decode(&unknown).unwrap_err()), Errno::NOSYS);
}

#[test]
fn what_follows_the_arguments_is_no_part_of_them() {
    let args = MkdirIn { mode: 0o755, umask: 0 };
    let extension = ExtHeader { size: 8, kind: 32 };
    let mut bytes = message(Opcode::Mkdir, &[args.as_bytes(), b"dir\0", extension.as_bytes()]);
    bytes[36] = 1;
    assert_eq!(decode(&bytes), Ok(Request::Mkdir { args, name: name("dir") }));
    bytes[36] = 200;
    assert_eq!(decode(&bytes), Err(DecodeError::Malformed));
}

fn opcodes() -> impl Strategy<Value = Opcode> {
    proptest::sample::select(Opcode::ALL)
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_body_panics(opcode in opcodes(), body in prop::collection::vec(any::<u8>(), 0..300), extra in any::<u16>()) {
        let mut bytes = message(opcode, &[&body]);
        let _ = decode(&bytes);
        bytes[36..38].copy_from_slice(&(extra % 64).to_ne_bytes());
        let _ = decode(&bytes);
    }

    #[test]
    fn no_split_panics(
        opcode in opcodes(),
        length in any::<u32>(),
        near in 0_u32..400,
        op_in in prop::collection::vec(any::<u8>(), 0..130),
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for len in [length, near] {
            let header = InHeader { len, ..header(opcode, 0) };
            let _ = RawRequest::split(header.as_bytes(), &op_in, &payload).and_then(|raw| raw.decode().map(drop));
        }
    }

    #[test]
    fn whatever_is_cut_off_is_an_error(opcode in opcodes(), cut in 1_usize..8) {
        // Zeros are a good structure and an end for every name; names are then empty, which is another error.
        let body = [0_u8; 96];
        let whole = match first_length(opcode) { usize::MAX => return Ok(()), first => &body[..first + 2] };
        let bytes = message(opcode, &[&whole[..whole.len().saturating_sub(cut + 2)]]);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn both_layouts_and_a_copy_say_the_same(opcode in opcodes(), names in "[a-z]{1,20}", data in "[ -~]{0,64}") {
        let first = match first_length(opcode) { usize::MAX => 24, first => first };
        let head = vec![0_u8; first];
        let data = match opcode {
            Opcode::Write | Opcode::Setxattr => "",
            _ => &data,
        };
        let payload = [names.as_bytes(), b"\0", names.as_bytes(), b"\0", data.as_bytes()].concat();
        let bytes = message(opcode, &[&head, &payload]);
        let contiguous = RawRequest::contiguous(&bytes).unwrap();
        let mut op_in = [0; ring::ENT_IN_OUT - ring::OP_IN];
        op_in[..first].copy_from_slice(&head);
        let header = header(opcode, first + payload.len());
        let split = RawRequest::split(header.as_bytes(), &op_in, &payload).unwrap();
        // What has no payload in truth differs in what is left over, never in what is taken.
        if first_length(opcode) != usize::MAX {
            prop_assert_eq!(contiguous.decode(), split.decode());
            let copy = RequestBuffer::from(&split);
            prop_assert_eq!(copy.decode(), contiguous.decode());
        }
    }
}

#[test]
fn a_structure_alone_is_enough_for_its_request() {
    for opcode in Opcode::ALL {
        let body = <[u8; 96]>::new_zeroed();
        let error = decode(&message(*opcode, &[&body])).err();
        let named = matches!(error, None | Some(DecodeError::Name(NameError::Empty)));
        assert!(named, "{opcode:?}: {error:?}");
    }
}
