use proptest::prelude::*;

use super::*;

/// An attribute as Windows lays it out; `next` is where the next one begins.
fn entry(name: &[u8], value: &[u8], next: u32) -> Vec<u8> {
    let mut bytes = next.to_le_bytes().to_vec();
    bytes.push(0);
    bytes.push(name.len() as u8);
    bytes.extend((value.len() as u16).to_le_bytes());
    bytes.extend(name);
    bytes.push(0);
    bytes.extend(value);
    bytes
}

/// A chain of them.
fn chain(attributes: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (at, (name, value)) in attributes.iter().enumerate() {
        let size = (HEADER + name.len() + 1 + value.len()).next_multiple_of(ALIGNMENT);
        let is_last = at + 1 == attributes.len();
        let start = block.len();
        block.extend(entry(name, value, if is_last { 0 } else { size as u32 }));
        if !is_last {
            block.resize(start + size, 0xee);
        }
    }
    block
}

fn of(attributes: &[(&str, &[u8])]) -> ExtendedAttributes {
    ExtendedAttributes::new(attributes.iter().copied()).unwrap()
}

#[test]
fn a_chain_is_read() {
    let block = chain(&[(b"ONE", b"1"), (b"$LXMOD", &0o100_755_u32.to_le_bytes()), (b"two", b"\0\xff")]);
    assert_eq!(decode(&block).unwrap()[0], Attribute { name: b"ONE", value: b"1" });
    let expected = of(&[("user.ONE", b"1"), ("user.TWO", b"\0\xff")]);
    assert_eq!(read(&block), Ok((Some(0o755), expected)));
    assert_eq!(read(&[]), Ok((None, ExtendedAttributes::default())));
}

#[test]
fn names_do_not_differ_by_case() {
    let block = chain(&[(b"color", b"red"), (b"Color", b"blue"), (b"$lxmod", &7_u32.to_le_bytes())]);
    assert_eq!(read(&block), Ok((Some(7), of(&[("user.COLOR", b"blue")]))));
}

#[test]
fn one_without_a_value_is_none_and_takes_an_earlier_one_away() {
    let block = chain(&[(b"ONE", b"1"), (b"TWO", b"2"), (b"one", b""), (b"THREE", b"")]);
    assert_eq!(read(&block), Ok((None, of(&[("user.TWO", b"2")]))));
}

#[test]
fn a_mode_of_another_size_is_none_and_is_kept_like_any_other() {
    let block = chain(&[(b"$LXMOD", b"755")]);
    assert_eq!(read(&block), Ok((None, of(&[("user.$LXMOD", b"755")]))));
}

#[test]
fn the_record_of_the_store_cannot_be_named() {
    for name in ["PROJFS", "projfs", "projfs.more"] {
        let (_, extended) = read(&chain(&[(name.as_bytes(), b"forged")])).unwrap();
        let name = format!("user.{}", name.to_ascii_uppercase());
        assert_eq!(extended, of(&[(&name, b"forged")]));
    }
}

#[test]
fn names_that_windows_does_not_have_are_refused() {
    let mut bad: Vec<Vec<u8>> = ILLEGAL.iter().map(|byte| vec![b'A', *byte]).collect();
    bad.extend([b"A\n".to_vec(), b"\x01".to_vec(), vec![b'A'; 251]]);
    for name in bad {
        assert_eq!(read(&chain(&[(&name, b"1")])), Err(hresult::E_INVALIDARG), "{name:?}");
    }
    for name in [&b"A B"[..], b"A+B=C[D];E,F", b"\x84", &[b'A'; 250]] {
        assert!(read(&chain(&[(name, b"1")])).is_ok(), "{name:?}");
    }
}

#[test]
fn flags_that_there_are_not_are_refused() {
    for (flags, expected) in [(0x80, true), (0x01, false), (0xff, false)] {
        let mut block = chain(&[(b"A", b"1")]);
        block[4] = flags;
        assert_eq!(read(&block).is_ok(), expected, "{flags}");
    }
}

#[test]
fn more_than_an_item_can_have_does_not_fit() {
    let room = projectedfs::EXTENDED_SIZE_MAX - 16 - b"user.A".len();
    assert!(read(&chain(&[(b"A", &vec![1; room])])).is_ok());
    assert_eq!(read(&chain(&[(b"A", &vec![1; room + 1])])), Err(hresult::EAS_DIDNT_FIT));
    // What a later one replaces does not count.
    let twice = chain(&[(b"A", &vec![1; 60_000]), (b"a", b"1")]);
    assert_eq!(read(&twice), Ok((None, of(&[("user.A", b"1")]))));
}

#[test]
fn what_leaves_the_block_is_refused() {
    let whole = entry(b"NAME", b"value", 0);
    for length in 1..whole.len() {
        assert_eq!(decode(&whole[..length]), Err(hresult::E_INVALIDARG), "{length}");
    }
    for next in [1, 4, 8, 17, 1000, u32::MAX] {
        assert_eq!(decode(&entry(b"NAME", b"value", next)), Err(hresult::E_INVALIDARG), "{next}");
    }
    assert_eq!(decode(&entry(b"", b"value", 0)), Err(hresult::E_INVALIDARG));
    assert_eq!(decode(&entry(b"A\0B", b"value", 0)), Err(hresult::E_INVALIDARG));
    let mut unterminated = entry(b"NAME", b"value", 0);
    unterminated[HEADER + 4] = b'!';
    assert_eq!(decode(&unterminated), Err(hresult::E_INVALIDARG));
}

proptest! {
    #[test]
    fn any_block_is_read_or_refused(block in prop::collection::vec(prop_oneof![Just(0_u8), 0_u8..20, any::<u8>()], 0..80)) {
        if let Ok((_, extended)) = read(&block) {
            prop_assert!(extended.iter().map(|(name, value)| name.len() - 5 + value.len()).sum::<usize>() <= block.len());
        }
    }
}
