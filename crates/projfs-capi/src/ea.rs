//! `FILE_FULL_EA_INFORMATION`: extended attributes as Windows lays them out.

use std::collections::BTreeMap;

use projectedfs::ExtendedAttributes;
use projectedfs::ExtendedError;

use crate::hresult;
use crate::hresult::HResult;

/// What stands before the name of an attribute.
const HEADER: usize = 8;

/// Where the next attribute begins is a multiple of this.
const ALIGNMENT: usize = 4;

/// `FILE_NEED_EA`: who does not understand the attribute does not understand the item. Nothing on Linux says so.
const NEED_EA: u8 = 0x80;

/// The characters that no name on Windows has, beside those below the space.
const ILLEGAL: &[u8] = b"\"*/:<>?\\|";

/// The attribute that says which mode an item has, as the Windows Subsystem for Linux writes it.
///
/// # References
/// <https://learn.microsoft.com/windows/wsl/file-permissions>
const MODE: &[u8] = b"$LXMOD";

/// An extended attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attribute<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

/// What a block of attributes says of an item: the permission bits, if it says any, and the others.
///
/// On Windows names are ASCII, do not differ by case, and are kept in upper case. So `NAME`, however it is spelled, is
/// `user.NAME`. A later attribute replaces an earlier one of the same name, and one without a value takes it away.
///
/// # Errors
/// `E_INVALIDARG` if the chain leaves the block or goes back, for a flag that there is not, and for a name that is empty,
/// longer than Linux takes (250 bytes), or has characters that no name on Windows has; `ERROR_EAS_DIDNT_FIT` if there are
/// more than an item can have.
pub(crate) fn read(block: &[u8]) -> Result<(Option<u16>, ExtendedAttributes), HResult> {
    let mut mode = None;
    let mut others = BTreeMap::new();
    for Attribute { name, value } in decode(block)? {
        if name.eq_ignore_ascii_case(MODE)
            && let Ok(bytes) = value.try_into()
        {
            mode = Some((u32::from_le_bytes(bytes) & 0o7777) as u16);
            continue;
        }
        let name = [b"user.", &*name.to_ascii_uppercase()].concat();
        match value {
            [] => others.remove(&name),
            _ => others.insert(name, value),
        };
    }
    let extended = ExtendedAttributes::new(others).map_err(|error| match error {
        ExtendedError::TooLarge => hresult::EAS_DIDNT_FIT,
        ExtendedError::NotUser
        | ExtendedError::NameTooLong
        | ExtendedError::Nul
        | ExtendedError::Reserved
        | ExtendedError::Repeated => hresult::E_INVALIDARG,
    })?;
    Ok((mode, extended))
}

/// Reads a chain of attributes; an empty block has none.
fn decode(block: &[u8]) -> Result<Vec<Attribute<'_>>, HResult> {
    let mut attributes = Vec::new();
    let mut rest = block;
    while !rest.is_empty() {
        let (attribute, next) = first(rest).ok_or(hresult::E_INVALIDARG)?;
        attributes.push(attribute);
        rest = next;
    }
    Ok(attributes)
}

/// The first attribute, and what begins where the next one does.
fn first(rest: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let (header, data) = rest.split_at_checked(HEADER)?;
    let next = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let name_length = usize::from(header[5]);
    let value_length = usize::from(u16::from_le_bytes([header[6], header[7]]));
    let (name, after) = data.split_at_checked(name_length)?;
    let (terminator, after) = after.split_first()?;
    let value = after.get(..value_length)?;
    let size = HEADER + name_length + 1 + value_length;
    let legal = |byte: &u8| *byte >= b' ' && !ILLEGAL.contains(byte);
    if name.is_empty() || !name.iter().all(legal) || *terminator != 0 || header[4] & !NEED_EA != 0 {
        return None;
    }
    let next = match next {
        0 => &[][..],
        _ if next.is_multiple_of(ALIGNMENT) && next >= size => rest.get(next..)?,
        _ => return None,
    };
    Some((Attribute { name, value }, next))
}

#[cfg(test)]
mod tests;
