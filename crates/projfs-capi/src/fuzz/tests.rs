//! What was found by fuzzing stays as it must be.

use projfs_testkit::corpus::replay;

use super::*;

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn strings_hold() {
    let mut seeds: Vec<Vec<u8>> = [
        "a\\b/c\0A\\B\\C",
        "*.txt\0x",
        "name.txt\0*.TXT",
        "..\0.",
        "\u{f05c}\u{10000}\0\u{10401}",
        "same beginning 1\0same beginning 2",
    ]
    .map(text)
    .into();
    seeds.push(
        [0xd800_u16, 0xdc80, 0xdced, 0xdca0, 0xdc80].iter().flat_map(|unit| unit.to_le_bytes()).collect(),
    );
    seeds.push(vec![0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x10, 0]);
    let no_strings = [0x11_0000, 97, 97, 97, 97, 98, 0, 0x11_0000, 97, 97, 97, 97, 99_u32];
    seeds.push(no_strings.iter().flat_map(|unit| unit.to_le_bytes()).collect());
    replay("c_strings", c_strings, &seeds);
}

/// The structure, with attributes behind it.
fn info(blocks: [(u32, u32); 3], rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<PrjPlaceholderInfo>()];
    bytes[8] = 77;
    bytes[32..40].copy_from_slice(&133_000_000_000_000_000_i64.to_le_bytes());
    bytes[48] = 0x21;
    for (at, (size, offset)) in blocks.iter().enumerate() {
        bytes[56 + 8 * at..][..4].copy_from_slice(&size.to_le_bytes());
        bytes[60 + 8 * at..][..4].copy_from_slice(&offset.to_le_bytes());
    }
    bytes[208] = 9;
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn placeholders_hold() {
    let fixed = u32::try_from(size_of::<PrjPlaceholderInfo>()).unwrap();
    let attribute = |next: u32, name: &str, value: &[u8]| {
        let head = [u8::try_from(name.len()).unwrap(), u8::try_from(value.len()).unwrap()];
        [&next.to_le_bytes()[..], &[0, head[0], head[1], 0], name.as_bytes(), &[0], value].concat()
    };
    let mode = attribute(0, "$LXMOD", &[0xed, 0x81, 0, 0]);
    let two = [attribute(16, "NAME", b"val"), attribute(0, "b", b"x")].concat();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let infos = [
        info([(0, 0); 3], &[]),
        info([(length(&mode), fixed), (0, 0), (0, 0)], &mode),
        info([(length(&two), fixed), (4, 0), (0, 0)], &two),
        info([(8, fixed), (0, 0), (u32::MAX, 8)], &[0; 8]),
    ];
    let target = text("..\\x");
    let mut seeds = Vec::new();
    for info in infos {
        seeds.push([&[0, 0], &*info].concat());
        seeds.push([&[0b110, 8], &*target, &*info].concat());
        seeds.push([&[0b111, 8], &*target, &*info].concat());
    }
    replay("c_placeholder", c_placeholder, &seeds);
}

#[test]
fn options_hold() {
    let root = [&[0xfe, 0, 0, 0, 6][..], &text("a\\b")].concat();
    let every = [&[2, 0, 0, 0, 0][..]].concat();
    let seeds = [
        vec![0; 13],
        [&[1, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0][..], &root, &every].concat(),
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1][..], &every, &root].concat(),
        [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[2, 0, 0, 0, 0xff]].concat(),
    ];
    replay("c_options", c_options, &seeds);
}
