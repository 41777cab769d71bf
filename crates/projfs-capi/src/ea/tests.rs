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

#[test]
fn a_chain_is_read() {
    let mut block = entry(b"ONE", b"1", 16);
    block.resize(16, 0);
    block.extend(entry(b"$LXMOD", &0o100_755_u32.to_le_bytes(), 0));
    let attributes = decode(&block).unwrap();
    assert_eq!(attributes.len(), 2);
    assert_eq!(attributes[0], Attribute { name: b"ONE", value: b"1" });
    assert_eq!(mode(&attributes), Some(0o755));
    assert_eq!(decode(&[]), Ok(Vec::new()));
}

#[test]
fn a_mode_of_another_size_is_none() {
    let block = entry(b"$LXMOD", b"755", 0);
    assert_eq!(mode(&decode(&block).unwrap()), None);
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
        if let Ok(attributes) = decode(&block) {
            prop_assert!(attributes.iter().map(|attribute| attribute.name.len()).sum::<usize>() <= block.len());
        }
    }
}
