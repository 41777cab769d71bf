//! `Deed`: one thing that a program does to a tree, written on a line, and the doing.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::str::FromStr;

use projfs_testkit::model::Random;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::FallocateFlags;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

/// One thing that a program does. Paths are below a root and have no blanks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What is done.
    pub verb: Verb,
    /// To what.
    pub path: String,
    /// Of what has two paths, the other.
    pub other: String,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A file is made that must not exist, and written.
    Create,
    /// A file without a name is made, written, and named.
    Nameless,
    /// A directory is made.
    Mkdir,
    /// A symbolic link is made.
    Symlink,
    /// A FIFO is made.
    Mkfifo,
    /// A file is opened and appended to.
    Append,
    /// A file is opened without its content.
    Truncate,
    /// A file is made longer by `fallocate`.
    Allocate,
    /// What the other file has is copied into a file by `copy_file_range`.
    Copy,
    /// Permission bits are set.
    Chmod,
    /// An extended attribute is set.
    SetXattr,
    /// A name of a file is removed.
    Unlink,
    /// A directory is removed.
    Rmdir,
    /// A name is changed to the other.
    Rename,
    /// Two names change places.
    Exchange,
    /// A file gets the other name as well.
    Link,
}

impl Verb {
    const ALL: [(Self, &'static str); 16] = [
        (Self::Create, "create"),
        (Self::Nameless, "nameless"),
        (Self::Mkdir, "mkdir"),
        (Self::Symlink, "symlink"),
        (Self::Mkfifo, "mkfifo"),
        (Self::Append, "append"),
        (Self::Truncate, "truncate"),
        (Self::Allocate, "allocate"),
        (Self::Copy, "copy"),
        (Self::Chmod, "chmod"),
        (Self::SetXattr, "setxattr"),
        (Self::Unlink, "unlink"),
        (Self::Rmdir, "rmdir"),
        (Self::Rename, "rename"),
        (Self::Exchange, "exchange"),
        (Self::Link, "link"),
    ];
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Verb::ALL.iter().find(|(verb, _)| *verb == self.verb).map_or("", |(_, word)| word);
        write!(f, "{word} {} {}", self.path, self.other)
    }
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let [word, path, other] = words[..] else { return Err(format!("no deed: {line:?}")) };
        let verb = Verb::ALL.iter().find(|(_, known)| *known == word).map(|(verb, _)| *verb);
        let verb = verb.ok_or_else(|| format!("no verb: {line:?}"))?;
        Ok(Self { verb, path: path.into(), other: other.into() })
    }
}

impl Deed {
    /// Any deed: of the worker with this number alone, or in the directory that all share.
    pub fn random(random: &mut Random, number: usize) -> Self {
        let own = format!("w{number}");
        let shared = random.chance(25);
        let mut path = || match shared {
            true => format!("shared/{}", ["s0", "s1", "s2", "n0", "n1"][random.below(5)]),
            false => {
                let dir = ["", "", "", "/d0", "/d1", "/e0"][random.below(6)];
                let name = ["f0", "f1", "f2", "f3", "n0", "n1", "n2", "d0", "d1", "e0"][random.below(10)];
                format!("{own}{dir}/{name}")
            }
        };
        let (path, other) = (path(), path());
        // What makes names is as likely as what takes them away.
        let (verb, _) = Verb::ALL[random.below(Verb::ALL.len())];
        // Whether a rename of shared names is one must not depend on what others link.
        let verb = if shared && verb == Verb::Link { Verb::Create } else { verb };
        Self { verb, path, other }
    }

    /// Does it below `root`.
    ///
    /// # Errors
    /// The system's.
    pub fn carry_out(&self, root: &Path) -> Result<(), Errno> {
        let (path, other) = (root.join(&self.path), root.join(&self.other));
        let write = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mode = Mode::from_raw_mode(0o644);
        let open = |flags| {
            let file = File::from(rustix::fs::open(&path, flags, mode)?);
            // A FIFO that somebody else has open.
            if file.metadata().map_err(errno)?.is_file() { Ok(file) } else { Err(Errno::INVAL) }
        };
        match self.verb {
            Verb::Create => append(&mut open(write | OFlags::CREATE | OFlags::EXCL)?),
            Verb::Nameless => {
                let dir = path.parent().ok_or(Errno::INVAL)?;
                let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
                let mut file = File::from(rustix::fs::open(dir, flags, mode)?);
                append(&mut file)?;
                let link = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
                rustix::fs::linkat(CWD, link, CWD, &path, AtFlags::SYMLINK_FOLLOW)
            }
            Verb::Mkdir => rustix::fs::mkdir(&path, Mode::from_raw_mode(0o755)),
            Verb::Symlink => rustix::fs::symlink("nowhere", &path),
            Verb::Mkfifo => rustix::fs::mknodat(CWD, &path, FileType::Fifo, mode, 0),
            Verb::Append => append(&mut open(write | OFlags::APPEND | OFlags::NONBLOCK)?),
            Verb::Truncate => open(write | OFlags::TRUNC | OFlags::NONBLOCK).map(drop),
            Verb::Allocate => {
                rustix::fs::fallocate(open(write | OFlags::NONBLOCK)?, FallocateFlags::empty(), 0, 5000)
            }
            Verb::Copy => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
                let source = File::from(rustix::fs::open(&other, flags, mode)?);
                if !source.metadata().map_err(errno)?.is_file() {
                    return Err(Errno::INVAL);
                }
                let target = open(write | OFlags::NONBLOCK)?;
                match rustix::fs::copy_file_range(&source, None, &target, None, 1 << 20) {
                    // They are one file, which is open for writing all the same.
                    Ok(_) | Err(Errno::INVAL) => Ok(()),
                    Err(errno) => Err(errno),
                }
            }
            Verb::Chmod => {
                let bits = if path.as_os_str().len() % 2 == 0 { 0o700 } else { 0o750 };
                rustix::fs::chmodat(CWD, &path, Mode::from_raw_mode(bits), AtFlags::empty())
            }
            Verb::SetXattr => rustix::fs::lsetxattr(&path, "user.deed", b"done", XattrFlags::empty()),
            Verb::Unlink => rustix::fs::unlink(&path),
            Verb::Rmdir => rustix::fs::rmdir(&path),
            Verb::Rename => rustix::fs::rename(&path, &other),
            Verb::Exchange => rustix::fs::renameat_with(CWD, &path, CWD, &other, RenameFlags::EXCHANGE),
            Verb::Link => rustix::fs::linkat(CWD, &path, CWD, &other, AtFlags::empty()),
        }
    }
}

fn append(file: &mut File) -> Result<(), Errno> {
    file.write_all(b"written\n").map_err(errno)
}

fn errno(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
