//! `FILE_FULL_EA_INFORMATION`: extended attributes as Windows lays them out.

use crate::hresult;
use crate::hresult::HResult;

/// What stands before the name of an attribute.
const HEADER: usize = 8;

/// Where the next attribute begins is a multiple of this.
const ALIGNMENT: usize = 4;

/// The attribute that says which mode an item has, as the Windows Subsystem for Linux writes it.
///
/// # References
/// <https://learn.microsoft.com/windows/wsl/file-permissions>
const MODE: &[u8] = b"$LXMOD";

/// An extended attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

/// Reads a chain of attributes; an empty block has none.
///
/// # Errors
/// `E_INVALIDARG` if the chain leaves the block or goes back, or a name is empty.
pub(crate) fn decode(block: &[u8]) -> Result<Vec<Attribute<'_>>, HResult> {
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
    if name.is_empty() || name.contains(&0) || *terminator != 0 {
        return None;
    }
    let next = match next {
        0 => &[][..],
        _ if next.is_multiple_of(ALIGNMENT) && next >= size => rest.get(next..)?,
        _ => return None,
    };
    Some((Attribute { name, value }, next))
}

/// The permission bits among the attributes.
pub(crate) fn mode(attributes: &[Attribute<'_>]) -> Option<u16> {
    let named = attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(MODE))?;
    let mode = u32::from_le_bytes(named.value.try_into().ok()?);
    Some((mode & 0o7777) as u16)
}

#[cfg(test)]
mod tests;
