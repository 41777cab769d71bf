//! Encodings of a working tree.

use gix::filter::plumbing::worktree;

use crate::objects::Unreadable;

/// How UTF-16 and UTF-32 are written.
struct Unicode {
    /// How many bytes a unit has: 2 or 4.
    width: usize,
    order: Order,
    mark: bool,
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// Whether an encoding is the one that text has in a repository.
pub(crate) fn is_utf8(name: &[u8]) -> bool {
    plain(name) == "UTF8"
}

/// Encodes text. Nothing if that is not possible: git leaves such content as it is.
///
/// # Errors
/// An encoding that is not known here.
pub(super) fn encode(content: &[u8], name: &[u8]) -> Result<Option<Vec<u8>>, Unreadable> {
    let label = plain(name);
    let unicode = unicode(&label);
    let latin = matches!(label.as_str(), "ISO88591" | "LATIN1" | "L1");
    let ascii = matches!(label.as_str(), "ASCII" | "USASCII");
    let other = if unicode.is_some() || latin || ascii {
        None
    } else {
        let found = worktree::encoding::for_label(name);
        Some(found.map_err(|_| {
            let name = String::from_utf8_lossy(name).into_owned();
            Unreadable::broken(format!("the encoding {name} is not known"))
        })?)
    };
    let Ok(text) = std::str::from_utf8(content) else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(unicode) = unicode {
        return Ok(Some(unicode.encode(text)));
    }
    let Some(other) = other else {
        let most = if latin { 0xff } else { 0x7f };
        let byte = |point: char| u8::try_from(u32::from(point)).ok().filter(|byte| *byte <= most);
        return Ok(text.chars().map(byte).collect());
    };
    let mut encoded = Vec::new();
    Ok(worktree::encode_to_worktree(content, other, &mut encoded).is_ok().then_some(encoded))
}

/// A name without case and without what separates its parts.
fn plain(name: &[u8]) -> String {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    letters.map(|byte| char::from(byte.to_ascii_uppercase())).collect()
}

fn unicode(label: &str) -> Option<Unicode> {
    use Order::Big;
    use Order::Little;
    // Without an order, what this machine writes, after a mark.
    let (width, order, mark) = match label {
        "UTF16" | "UTF16LEBOM" => (2, Little, true),
        "UTF16BEBOM" => (2, Big, true),
        "UTF16LE" => (2, Little, false),
        "UTF16BE" => (2, Big, false),
        "UTF32" => (4, Little, true),
        "UTF32LE" => (4, Little, false),
        "UTF32BE" => (4, Big, false),
        _ => return None,
    };
    Some(Unicode { width, order, mark })
}

impl Unicode {
    fn encode(&self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity((text.len() + 1) * self.width);
        let mark = self.mark.then_some('\u{feff}');
        for point in mark.into_iter().chain(text.chars()) {
            if self.width == 4 {
                bytes.extend_from_slice(&match self.order {
                    Order::Little => u32::from(point).to_le_bytes(),
                    Order::Big => u32::from(point).to_be_bytes(),
                });
                continue;
            }
            for unit in point.encode_utf16(&mut [0; 2]) {
                bytes.extend_from_slice(&match self.order {
                    Order::Little => unit.to_le_bytes(),
                    Order::Big => unit.to_be_bytes(),
                });
            }
        }
        bytes
    }
}
