//! Names and paths: bytes with slashes on this side, UTF-16 units with backslashes on the other.
//!
//! Valid UTF-8 is what it is in UTF-16. What has no counterpart is escaped, so that every name comes back the same:
//!
//! - a byte `b` that is not part of valid UTF-8 is the unit 0xDC00 + `b`, a low surrogate by itself;
//! - any other surrogate by itself is three bytes, as if UTF-8 had surrogates (WTF-8);
//! - a backslash in a name is U+F05C, as where Linux shows NTFS and SMB; U+F05C itself is escaped byte by byte.
//!
//! No two names of bytes become the same units. Units that would become the name of other units are refused.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use projectedfs::ItemNameBuf;
use projectedfs::NameError;
use projectedfs::RelPathBuf;

use crate::hresult;
use crate::hresult::HResult;

/// Where the units of bytes that are not UTF-8 begin.
const ESCAPE: u16 = 0xdc00;

/// A backslash that is part of a name.
const BACKSLASH: u16 = 0xf05c;

/// The UTF-8 of U+F05C.
const BACKSLASH_UTF8: &[u8] = "\u{f05c}".as_bytes();

/// The units of a name or path. Slashes become backslashes.
pub(crate) fn to_units(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '/' => units.push(u16::from(b'\\')),
                '\\' => units.push(BACKSLASH),
                '\u{f05c}' => units.extend(BACKSLASH_UTF8.iter().map(|byte| ESCAPE + u16::from(*byte))),
                _ => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
            }
        }
        units.extend(chunk.invalid().iter().map(|byte| ESCAPE + u16::from(*byte)));
    }
    join_surrogates(&units)
}

/// Puts surrogates that were three bytes together again, where what comes out does not mean anything else.
fn join_surrogates(escaped: &[u16]) -> Vec<u16> {
    let mut units = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let [first, after @ ..] = rest {
        let (unit, left) = match rest {
            [0xdced, b @ 0xdca0..=0xdcbf, c @ 0xdc80..=0xdcbf, left @ ..] => {
                let unit = 0xd000 | (b & 0x3f) << 6 | c & 0x3f;
                // An escape says the same in fewer bytes; and a high surrogate would pair with a low one after it.
                let escape = (0xdc80..=0xdcff).contains(&unit);
                let pairs = unit < ESCAPE && left.first().is_some_and(|next| (0xdc00..0xe000).contains(next));
                if escape || pairs { (*first, after) } else { (unit, left) }
            }
            _ => (*first, after),
        };
        units.push(unit);
        rest = left;
    }
    units
}

/// The bytes of units, as they are.
fn encode(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(units.len());
    for character in char::decode_utf16(units.iter().copied()) {
        match character.map_err(|unpaired| unpaired.unpaired_surrogate()) {
            Ok('\u{f05c}') => bytes.push(b'\\'),
            Ok(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(escaped @ 0xdc80..=0xdcff) => bytes.push(escaped as u8),
            Err(unit) => bytes.extend_from_slice(&[
                0xe0 | (unit >> 12) as u8,
                0x80 | (unit >> 6 & 0x3f) as u8,
                0x80 | (unit & 0x3f) as u8,
            ]),
        }
    }
    bytes
}

/// The bytes of the target of a symbolic link: as it is given, backslashes and all.
pub(crate) fn target(units: &[u16]) -> Box<[u8]> {
    encode(units).into()
}

/// The bytes of a name or path whose separators are backslashes or slashes.
fn to_bytes(units: &[u16]) -> Result<Vec<u8>, HResult> {
    const SEPARATOR: u16 = b'\\' as u16;
    const SLASH: u16 = b'/' as u16;
    let units: Vec<u16> = units.iter().map(|unit| if *unit == SEPARATOR { SLASH } else { *unit }).collect();
    let bytes = encode(&units);
    let back: Vec<u16> = to_units(&bytes);
    let same = back.iter().map(|unit| if *unit == SEPARATOR { SLASH } else { *unit }).eq(units);
    if same { Ok(bytes) } else { Err(hresult::INVALID_NAME) }
}

/// A path below the root.
///
/// # Errors
/// `E_INVALIDARG` for a separator at the beginning or the end, and for a name that is empty, `.` or `..`;
/// `ERROR_FILENAME_EXCED_RANGE` for a name of more than 255 bytes; `ERROR_INVALID_NAME` for units that are no name.
pub(crate) fn relative(units: &[u16]) -> Result<RelPathBuf, HResult> {
    RelPathBuf::new(to_bytes(units)?).map_err(refused)
}

/// The same for the path of an item: the root itself is `E_INVALIDARG`.
///
/// # Errors
/// As [`relative`].
pub(crate) fn item(units: &[u16]) -> Result<RelPathBuf, HResult> {
    match relative(units)? {
        path if path.is_root() => Err(hresult::E_INVALIDARG),
        path => Ok(path),
    }
}

/// A single name.
///
/// # Errors
/// As [`relative`]; `E_INVALIDARG` for a separator.
pub(crate) fn name(units: &[u16]) -> Result<ItemNameBuf, HResult> {
    ItemNameBuf::new(to_bytes(units)?).map_err(refused)
}

/// A path of the system.
///
/// # Errors
/// `E_INVALIDARG` if it is empty, `ERROR_INVALID_NAME` for units that are no path.
pub(crate) fn full(units: &[u16]) -> Result<PathBuf, HResult> {
    match to_bytes(units)? {
        bytes if bytes.is_empty() => Err(hresult::E_INVALIDARG),
        bytes => Ok(PathBuf::from(OsString::from_vec(bytes))),
    }
}

fn refused(error: NameError) -> HResult {
    match error {
        NameError::TooLong => hresult::FILENAME_EXCED_RANGE,
        NameError::Empty | NameError::Dots | NameError::Slash | NameError::Nul => hresult::E_INVALIDARG,
    }
}

#[cfg(test)]
mod tests;
