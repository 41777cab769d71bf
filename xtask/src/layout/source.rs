//! Rust sources without what is not code.

/// The same text, line by line, with comments and the contents of strings blanked out.
pub(super) fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match &bytes[at..] {
            [b'/', b'/', ..] => blank(&mut out, bytes, at, line_end(bytes, at), b' '),
            [b'/', b'*', ..] => blank(&mut out, bytes, at, comment_end(bytes, at), b' '),
            [b'"', ..] => blank(&mut out, bytes, at, string_end(bytes, at), b'"'),
            [b'r', ..] if starts_word(bytes, at) => match raw_string_end(bytes, at) {
                Some(end) => blank(&mut out, bytes, at, end, b'"'),
                None => keep(&mut out, bytes, at),
            },
            [b'b', b'r', ..] if starts_word(bytes, at) => match raw_string_end(bytes, at + 1) {
                Some(end) => blank(&mut out, bytes, at, end, b'"'),
                None => keep(&mut out, bytes, at),
            },
            [b'\'', ..] => match char_end(bytes, at) {
                Some(end) => blank(&mut out, bytes, at, end, b'"'),
                None => keep(&mut out, bytes, at),
            },
            _ => keep(&mut out, bytes, at),
        };
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether `word` stands somewhere by itself in a line of code.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !is_word(char::from(bytes[at - 1]))
}

fn keep(out: &mut Vec<u8>, bytes: &[u8], at: usize) -> usize {
    out.push(bytes[at]);
    at + 1
}

fn blank(out: &mut Vec<u8>, bytes: &[u8], from: usize, to: usize, with: u8) -> usize {
    out.extend(bytes[from..to].iter().map(|&byte| if byte == b'\n' { b'\n' } else { with }));
    to
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length)
}

fn comment_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The end of `r"..."` or `r#"..."#`, if there is one at `from`.
fn raw_string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let hashes = bytes[from + 1..].iter().take_while(|&&byte| byte == b'#').count();
    let open = from + 1 + hashes;
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = &bytes[open + 1..];
    let length = body.windows(close.len()).position(|window| window == close);
    Some(length.map_or(bytes.len(), |length| open + 1 + length + close.len()))
}

/// The end of a character literal; nothing if the quote begins a lifetime.
fn char_end(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from + 1) == Some(&b'\\') {
        let rest = &bytes[from + 3..];
        return rest.iter().position(|&byte| byte == b'\'').map(|length| from + 3 + length + 1);
    }
    let text = std::str::from_utf8(&bytes[from + 1..]).ok()?;
    let length = text.chars().next()?.len_utf8();
    (bytes.get(from + 1 + length) == Some(&b'\'')).then_some(from + length + 2)
}

#[cfg(test)]
mod tests;
