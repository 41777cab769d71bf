//! `$Id$`, which stands for the id of the blob.

use crate::objects::Id;

/// Replaces each `$Id$`, and each `$Id: ...$` that git may have written. Nothing if there is none.
pub(super) fn expand(content: &[u8], id: Id) -> Option<Vec<u8>> {
    let mut expanded = Vec::new();
    let (mut from, mut copied, mut found) = (0, 0, false);
    while let Some(at) = content[from..].iter().position(|&byte| byte == b'$').map(|at| from + at) {
        from = at + 1;
        // The text between the dollars, and where it ends.
        if let Some(length) = keyword(&content[from..]) {
            expanded.extend_from_slice(&content[copied..from]);
            expanded.extend_from_slice(format!("Id: {id} $").as_bytes());
            from += length;
            copied = from;
            found = true;
        }
    }
    expanded.extend_from_slice(&content[copied..]);
    found.then_some(expanded)
}

/// How long the keyword at the start is, with the dollar at its end. What has a space inside its value is of another
/// system, and stays.
fn keyword(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"Id")?;
    if rest.first() == Some(&b'$') {
        return Some(3);
    }
    let value = rest.strip_prefix(b":")?;
    let end = value.iter().position(|&byte| byte == b'$' || byte == b'\n')?;
    if value[end] != b'$' {
        return None;
    }
    // The first character is the space after the colon; one at the end is that before the dollar.
    let inner = value[..end].get(1..end.saturating_sub(1)).unwrap_or_default();
    (!inner.contains(&b' ')).then_some(3 + end + 1)
}
