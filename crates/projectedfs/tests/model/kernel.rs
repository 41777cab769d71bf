//! What the kernel decides or knows by itself, so that a mount cannot show all that an engine shows: each with its
//! reason. Whatever is not here must be as the model says.

use std::fs::File;

use projfs_testkit::model::Kind;
use projfs_testkit::model::Seen;
use projfs_testkit::model::Word;
use rustix::fs::FileType;
use rustix::fs::Stat;
use rustix::io::Errno;

/// What makes an item a placeholder is that the kernel looks it up, and when it does so is its own affair. It keeps what
/// listings say of items, and does not ask again: an item is still virtual where the model has a placeholder. And it
/// looks up a name before it refuses to make it: an item is a placeholder where the model has nothing but its name.
/// Both show the same.
pub(crate) fn same_word(expected: Word, actual: Word) -> bool {
    let untouched = |word| matches!(word, Word::Virtual | Word::Placeholder);
    expected == actual || untouched(expected) && untouched(actual)
}

/// The kernel lets programs open a directory like a file to read it, and says with the first read what it is. The model
/// says it when the directory is opened.
pub(crate) fn opened(file: File) -> Result<File, Errno> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
    if kind == FileType::Directory { Err(Errno::ISDIR) } else { Ok(file) }
}

/// What a program that lists a directory gets is the kind and the number. It has to ask for the attributes, which makes
/// an item a placeholder.
pub(crate) fn listed(kind: FileType, number: u64) -> Seen {
    Seen { kind: kind_of(kind), mode: None, size: None, links: None, time: None, number: Some(number) }
}

/// The size and the links of a directory are the file system's below; the mode of a link is nobody's.
pub(crate) fn seen(stat: &Stat) -> Seen {
    let kind = kind_of(FileType::from_raw_mode(stat.st_mode));
    let directory = kind == Kind::Directory;
    Seen {
        kind,
        mode: (kind != Kind::Symlink).then_some(stat.st_mode & 0o7777),
        size: (!directory).then_some(u64::try_from(stat.st_size).unwrap_or(0)),
        links: (!directory).then_some(u32::try_from(stat.st_nlink).unwrap_or(u32::MAX)),
        time: Some(stat.st_mtime),
        number: Some(stat.st_ino),
    }
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Special,
    }
}
