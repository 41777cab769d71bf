//! Pointers of Git LFS: a small text in the place of a large file.

/// No pointer is longer, in bytes.
const LONGEST: usize = 1024;

/// The size of the file that a pointer stands for, in bytes. Nothing for what is no pointer, or one with extensions, which
/// change the content.
pub(super) fn size(content: &[u8]) -> Option<u64> {
    if content.len() >= LONGEST {
        return None;
    }
    let mut lines = std::str::from_utf8(content).ok()?.lines();
    let mut next = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    let known = ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"];
    known.contains(&next("version")?).then_some(())?;
    let digits = next("oid")?.strip_prefix("sha256:")?;
    (digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
    next("size")?.parse().ok()
}

#[cfg(test)]
mod tests;
