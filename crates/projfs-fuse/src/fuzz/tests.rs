//! What was found by fuzzing stays as it must be.

use projfs_testkit::corpus::replay;

use super::*;
use crate::wire::abi::Opcode;

/// A request of each kind, of structures of every length, names and data.
#[test]
fn requests_hold() {
    let mut seeds = Vec::new();
    for opcode in Opcode::ALL {
        let header = InHeader { opcode: *opcode as u32, unique: 7, nodeid: 1, ..InHeader::default() };
        for body in [
            &b"name\0target\0"[..],
            &[&[3, 0, 0, 0, 0, 0, 0, 0][..], b"user.a\0abc"].concat(),
            &[&[1; 8][..], b"name\0other\0"].concat(),
            &[&[1; 16][..], b"name\0other\0"].concat(),
            &[&[0; 16][..], &[3, 0, 0, 0], &[0; 20], b"abc"].concat(),
            &[&[0; 24][..], &[3, 0, 0, 0], &[0; 4], b"abc"].concat(),
            &[&[2, 0, 0, 0, 0, 0, 0, 0][..], &[1; 32]].concat(),
            &[0; 88],
        ] {
            let bytes = [header.as_bytes(), body].concat();
            if RawRequest::split(&bytes, body, &[]).is_ok() || request_is_taken(&bytes) {
                seeds.push(bytes);
            }
        }
    }
    assert!(seeds.len() >= Opcode::ALL.len());
    replay("request", request, &seeds);
}

fn request_is_taken(bytes: &[u8]) -> bool {
    let mut bytes = bytes.to_vec();
    let length = u32::try_from(bytes.len()).unwrap();
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    RawRequest::contiguous(&bytes).is_ok_and(|raw| raw.decode().is_ok())
}

#[test]
fn memories_hold() {
    replay("memory", memory, &crate::takeover::entry_seeds());
}
