use proptest::prelude::*;

use super::*;

fn round_trip(units: &[u16], width: Width) -> Result<Vec<u16>, HResult> {
    let text = Text::new(units, width);
    // SAFETY: a string of this width.
    unsafe { read(text.as_ptr(), width) }
}

#[test]
fn a_null_pointer_is_an_invalid_argument() {
    for width in [Width::Two, Width::Four] {
        // SAFETY: null is allowed.
        unsafe {
            assert_eq!(read(std::ptr::null(), width), Err(hresult::E_INVALIDARG));
            assert_eq!(read_opt(std::ptr::null(), width), Ok(None));
        }
    }
}

#[test]
fn four_byte_units_are_characters() {
    let text: Vec<u32> = "a\u{e4}\u{1f600}\0".chars().map(u32::from).collect();
    // SAFETY: a string of this width.
    let units = unsafe { read(text.as_ptr().cast(), Width::Four) };
    assert_eq!(units, Ok("a\u{e4}\u{1f600}".encode_utf16().collect()));
    let Text::Four(out) = Text::new(&units.unwrap(), Width::Four) else { panic!() };
    assert_eq!(out, text);
}

#[test]
fn a_unit_that_is_no_character_is_an_invalid_name() {
    let text = [u32::from('a'), 0x11_0000, 0];
    // SAFETY: a string of this width.
    assert_eq!(unsafe { read(text.as_ptr().cast(), Width::Four) }, Err(hresult::INVALID_NAME));
}

#[test]
fn strings_need_not_be_aligned() {
    let bytes = [0_u8, b'a', 0, 0, 0, b'b', 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: a string of this width begins at the second byte.
    assert_eq!(unsafe { read(bytes[1..].as_ptr().cast(), Width::Four) }, Ok(vec![97, 98]));
    // SAFETY: as above.
    assert_eq!(unsafe { read(bytes[1..].as_ptr().cast(), Width::Two) }, Ok(vec![97]));
}

proptest! {
    #[test]
    fn units_come_back(units in prop::collection::vec(1_u16.., 0..40)) {
        for width in [Width::Two, Width::Four] {
            prop_assert_eq!(round_trip(&units, width), Ok(units.clone()));
        }
    }
}
