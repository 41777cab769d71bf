//! Names with wild cards: beside `*` and `?` the three that old DOS patterns are translated to, `<`, `>` and `"`.

use super::upcase;

const STAR: u16 = b'*' as u16;
const QUESTION_MARK: u16 = b'?' as u16;
/// Zero or more characters, up to and including the last dot of the name.
const DOS_STAR: u16 = b'<' as u16;
/// One character that is not a dot, or nothing before a dot and at the end.
const DOS_QM: u16 = b'>' as u16;
/// A dot, or nothing at the end.
const DOS_DOT: u16 = b'"' as u16;
const DOT: u16 = b'.' as u16;

/// Whether a name matches a pattern, whatever their case. The empty name matches nothing; the empty
/// pattern, every other name. Names and patterns may be of any length.
///
/// The time taken is at most proportional to the product of the two lengths.
///
/// # References
/// [`PrjFileNameMatch`](https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjfilenamematch),
/// [`FsRtlIsNameInExpression`](https://learn.microsoft.com/windows-hardware/drivers/ddi/ntifs/nf-ntifs-_fsrtl_advanced_fcb_header-fsrtlisnameinexpression)
pub fn file_name_match(name: &[u16], pattern: &[u16]) -> bool {
    if name.is_empty() || pattern.is_empty() {
        return !name.is_empty();
    }
    let last_dot = name.iter().rposition(|unit| *unit == DOT);
    // All places in the pattern where what was read of the name can have led: now, and after one more unit.
    let mut now = vec![false; pattern.len() + 1];
    let mut next = now.clone();
    now[0] = true;
    for (index, unit) in name.iter().enumerate() {
        // A symbol that can stand for nothing passes on to the next symbol with the same unit, so that one
        // pass from left to right reaches every place.
        for (place, symbol) in pattern.iter().enumerate() {
            if !now[place] {
                continue;
            }
            match *symbol {
                DOS_STAR if last_dot == Some(index) => {
                    next[place + 1] = true;
                    now[place + 1] = true;
                }
                STAR | DOS_STAR => {
                    next[place] = true;
                    now[place + 1] = true;
                }
                DOS_QM if *unit == DOT => now[place + 1] = true,
                DOS_QM | QUESTION_MARK => next[place + 1] = true,
                DOS_DOT if *unit == DOT => next[place + 1] = true,
                DOS_DOT => {}
                literal if upcase(literal) == upcase(*unit) => next[place + 1] = true,
                _ => {}
            }
        }
        std::mem::swap(&mut now, &mut next);
        next.fill(false);
    }
    // At the end of the name, what is left of the pattern must stand for nothing.
    let rest = pattern.iter().rposition(|symbol| ![STAR, DOS_STAR, DOS_QM, DOS_DOT].contains(symbol));
    now[rest.map_or(0, |place| place + 1)..].contains(&true)
}

/// Whether a name contains `*`, `?`, `<`, `>` or `"`.
///
/// # References
/// [`PrjDoesNameContainWildCards`](https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjdoesnamecontainwildcards)
pub fn does_name_contain_wild_cards(name: &[u16]) -> bool {
    name.iter().any(|unit| [STAR, QUESTION_MARK, DOS_STAR, DOS_QM, DOS_DOT].contains(unit))
}

#[cfg(test)]
mod tests;
