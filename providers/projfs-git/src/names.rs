//! Which names of a tree are not shown.

/// Why an entry of a tree is left out of the projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// The name is no file name.
    NotAName,
    /// `git` would not check it out: the name is taken for `.git`, or a symbolic link's for `.gitmodules`.
    GitItself,
    /// An earlier entry has the same name.
    Twice,
    /// The target is empty, too long, or has a NUL byte.
    Target,
}

/// The longest target of a symbolic link, in bytes: `PATH_MAX` without its NUL.
pub(crate) const TARGET_MAX: usize = 4095;

/// Whether Linux can have a symbolic link to `target`.
pub(crate) fn is_target(target: &[u8]) -> bool {
    !target.is_empty() && target.len() <= TARGET_MAX && !target.contains(&0)
}

/// Code points that HFS+ ignores when it compares names.
fn is_ignored(point: char) -> bool {
    matches!(point, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// Which systems besides this one a checkout is safe on. It decides with `core.protectHFS` and `core.protectNTFS` what `git`
/// itself would refuse to check out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) hfs: bool,
    pub(crate) ntfs: bool,
}

impl Protection {
    /// Whether `name` is, or would be taken for, `.git`.
    pub(crate) fn is_dot_git(self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(b".git")
            || (self.hfs && is_on_hfs(name, ".git"))
            || (self.ntfs && parts(name).any(|name| is_on_ntfs(name, b".git") || is_on_ntfs(name, b"git~1")))
    }

    /// Whether `name` is, or would be taken for, `.gitmodules`.
    pub(crate) fn is_dot_gitmodules(self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(b".gitmodules")
            || (self.hfs && is_on_hfs(name, ".gitmodules"))
            || (self.ntfs && parts(name).any(is_gitmodules_on_ntfs))
    }
}

/// What a system that takes a backslash for a slash sees in a name: everything after one.
fn parts(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let after = (0..name.len()).filter(|&at| name[at] == b'\\').map(|at| &name[at + 1..]);
    std::iter::once(name).chain(after)
}

fn is_gitmodules_on_ntfs(name: &[u8]) -> bool {
    is_on_ntfs(name, b".gitmodules")
        || (1..=4).any(|n| is_on_ntfs(name, format!("gitmod~{n}").as_bytes()))
        || is_short_gitmodules(name)
}

/// Without case and without what HFS+ ignores. Bytes that are not UTF-8 cannot be on HFS+ at all.
fn is_on_hfs(name: &[u8], plain: &str) -> bool {
    let Ok(name) = std::str::from_utf8(name) else { return false };
    name.chars().filter(|&point| !is_ignored(point)).map(|c| c.to_ascii_lowercase()).eq(plain.chars())
}

/// Without case, and without trailing dots, spaces and the name of a stream.
fn is_on_ntfs(name: &[u8], plain: &[u8]) -> bool {
    let Some((start, rest)) = name.split_at_checked(plain.len()) else { return false };
    let trailing = rest.split(|&byte| byte == b':' || byte == b'\\').next().unwrap_or_default();
    start.eq_ignore_ascii_case(plain) && trailing.iter().all(|byte| matches!(byte, b' ' | b'.'))
}

/// The short names that NTFS gives after the fourth: some of the hash `gi7eba`, then `~` and digits, in eight bytes.
fn is_short_gitmodules(name: &[u8]) -> bool {
    let Some((short, _)) = name.split_at_checked(8) else { return false };
    let Some(tilde) = short.iter().position(|&byte| byte == b'~') else { return false };
    let digits = &short[tilde + 1..];
    is_on_ntfs(name, short)
        && b"gi7eba".get(..tilde).is_some_and(|hash| short[..tilde].eq_ignore_ascii_case(hash))
        && digits.first().is_some_and(|digit| *digit != b'0')
        && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
