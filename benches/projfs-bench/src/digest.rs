//! What is in a tree, as one number: it must be the same wherever the same work was done.

use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;

/// Of any text.
pub(crate) fn text(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Of the lines of a text, whatever their order.
pub(crate) fn lines(whole: &str) -> String {
    let mut lines: Vec<&str> = whole.lines().collect();
    lines.sort_unstable();
    format!("{} lines, {}", lines.len(), text(&lines.join("\n")))
}

/// Of the names, kinds, permissions and sizes in a tree. Sizes of directories are each file system's own.
pub(crate) fn names(dir: &Path) -> Result<String> {
    of(dir, Content::Left)
}

/// The same with the content of files.
pub(crate) fn tree(dir: &Path) -> Result<String> {
    of(dir, Content::Read)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Left,
    Read,
}

fn of(dir: &Path, content: Content) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let mut count = 0_u64;
    walk(dir, content, &mut hasher, &mut count)?;
    Ok(format!("{count} items, {:016x}", hasher.finish()))
}

fn walk(dir: &Path, content: Content, hasher: &mut DefaultHasher, count: &mut u64) -> Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(dir)?.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (kind, path) = (entry.file_type()?, entry.path());
        // The store's own room, where a root is looked at that is not mounted.
        if entry.file_name() == ".projfs" {
            continue;
        }
        *count += 1;
        entry.file_name().as_bytes().hash(hasher);
        let found = fs::symlink_metadata(&path)?;
        if kind.is_symlink() {
            fs::read_link(&path)?.hash(hasher);
        } else {
            (found.permissions().mode() & 0o7777).hash(hasher);
        }
        if kind.is_dir() {
            walk(&path, content, hasher, count)?;
        } else if kind.is_file() {
            found.len().hash(hasher);
            if content == Content::Read {
                fs::read(&path)?.hash(hasher);
            }
        }
    }
    Ok(())
}
