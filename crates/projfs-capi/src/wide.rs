//! Strings of UTF-16 units and of four-byte units, in and out.

use std::ffi::c_void;

use crate::abi::WideStr;
use crate::hresult;
use crate::hresult::HResult;

/// How many bytes a unit of a string has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// `char16_t`, and `wchar_t` where it is short: UTF-16.
    Two,
    /// `wchar_t` as it is on Linux: one unit a character.
    Four,
}

/// A NUL-terminated string to hand out.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Two(Vec<u16>),
    Four(Vec<u32>),
}

/// Reads a string into UTF-16 units.
///
/// # Errors
/// `E_INVALIDARG` for a null pointer, `ERROR_INVALID_NAME` for a four-byte unit above 0x10FFFF.
///
/// # Safety
/// `text` is null or leads to units of `width` up to and with a zero.
pub(crate) unsafe fn read(text: WideStr, width: Width) -> Result<Vec<u16>, HResult> {
    // SAFETY: the caller's promise.
    unsafe { read_opt(text, width) }?.ok_or(hresult::E_INVALIDARG)
}

/// The same; nothing for a null pointer.
///
/// # Errors
/// `ERROR_INVALID_NAME` for a four-byte unit above 0x10FFFF.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn read_opt(text: WideStr, width: Width) -> Result<Option<Vec<u16>>, HResult> {
    if text.is_null() {
        return Ok(None);
    }
    match width {
        // SAFETY: the caller's promise.
        Width::Two => Ok(Some(unsafe { until_zero(text.cast()) })),
        Width::Four => {
            // SAFETY: the caller's promise.
            let characters: Vec<u32> = unsafe { until_zero(text.cast()) };
            narrow(&characters).map(Some).ok_or(hresult::INVALID_NAME)
        }
    }
}

/// Reads units up to a zero, however they are aligned.
///
/// # Safety
/// `units` leads to units up to and with a zero.
unsafe fn until_zero<T: Copy + Default + PartialEq>(units: *const T) -> Vec<T> {
    let mut read = Vec::new();
    loop {
        // SAFETY: no zero was found so far, so one more unit is there.
        let unit = unsafe { units.add(read.len()).read_unaligned() };
        if unit == T::default() {
            return read;
        }
        read.push(unit);
    }
}

/// One unit a character into UTF-16. Surrogates are taken as they are.
fn narrow(characters: &[u32]) -> Option<Vec<u16>> {
    let mut units = Vec::with_capacity(characters.len());
    for &character in characters {
        match u16::try_from(character) {
            Ok(unit) => units.push(unit),
            Err(_) => {
                let mut pair = [0; 2];
                units.extend_from_slice(char::from_u32(character)?.encode_utf16(&mut pair));
            }
        }
    }
    Some(units)
}

/// UTF-16 into one unit a character. Unpaired surrogates stay as they are.
fn widen(units: &[u16]) -> impl Iterator<Item = u32> {
    char::decode_utf16(units.iter().copied()).map(|character| match character {
        Ok(character) => u32::from(character),
        Err(unpaired) => u32::from(unpaired.unpaired_surrogate()),
    })
}

impl Text {
    /// A string with a zero at its end.
    pub(crate) fn new(units: &[u16], width: Width) -> Self {
        match width {
            Width::Two => Self::Two(units.iter().copied().chain([0]).collect()),
            Width::Four => Self::Four(widen(units).chain([0]).collect()),
        }
    }

    /// Where it begins. It stays there until it is dropped.
    pub(crate) fn as_ptr(&self) -> WideStr {
        match self {
            Self::Two(units) => units.as_ptr().cast::<c_void>(),
            Self::Four(units) => units.as_ptr().cast::<c_void>(),
        }
    }
}

#[cfg(test)]
mod tests;
