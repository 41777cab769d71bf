//! `Source`: what is projected, as it is written on the command line, and as a provider.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use projectedfs::CommandHandler;
use projectedfs::escape;
use projfs_dir::DirProvider;
use projfs_git::Content;
use projfs_git::GitProvider;

use crate::outcome::Exit;
use crate::outcome::Failure;
use crate::outcome::Outcome;

/// How sources of a commit begin: with files as they are checked out, and as they are stored.
const GIT: &str = "git:";
const GIT_RAW: &str = "git-raw:";

/// What is projected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Another directory.
    Dir(PathBuf),
    /// A commit of a local repository.
    Git { repository: PathBuf, revision: Option<String>, content: Content },
}

/// What parsing has to know of the file system.
pub(crate) trait Look {
    /// Whether there is a directory.
    fn is_directory(&self, path: &Path) -> bool;
    /// Whether it is a repository or a work tree of one.
    fn is_repository(&self, path: &Path) -> bool;
}

/// The file system itself.
pub(crate) struct Disk;

impl Look for Disk {
    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn is_repository(&self, path: &Path) -> bool {
        let bare = path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir();
        bare || path.join(".git").exists()
    }
}

/// A source that is open.
pub(crate) struct Opened {
    pub(crate) handler: Arc<dyn CommandHandler>,
    /// The source without anything that may change its meaning: absolute, and with the commit.
    pub(crate) exact: String,
    /// Where it is: a root cannot be there, nor above, nor (for a directory) below.
    pub(crate) place: PathBuf,
    pub(crate) is_directory: bool,
}

impl Source {
    /// Reads `git:PATH[@REV]`, `git-raw:PATH[@REV]`, `dir:PATH` or `PATH[@REV]`.
    pub(crate) fn parse(text: &OsStr, look: &impl Look) -> Outcome<Self> {
        let bytes = text.as_bytes();
        let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
        let empty = || Failure::new(Exit::Usage, format!("the source {text:?} names no path"));
        if let Some(rest) = bytes.strip_prefix(b"dir:") {
            return if rest.is_empty() { Err(empty()) } else { Ok(Self::Dir(path(rest))) };
        }
        for (scheme, content) in [(GIT, Content::CheckedOut), (GIT_RAW, Content::Stored)] {
            let Some(rest) = bytes.strip_prefix(scheme.as_bytes()) else { continue };
            let (repository, revision) = split_revision(rest, look)?;
            return if repository.is_empty() {
                Err(empty())
            } else {
                Ok(Self::Git { repository: path(repository), revision, content })
            };
        }
        if bytes.is_empty() {
            return Err(empty());
        }
        let whole = path(bytes);
        if look.is_directory(&whole) {
            return Ok(if look.is_repository(&whole) { Self::git(whole, None) } else { Self::Dir(whole) });
        }
        if let (repository, Some(revision)) = split_revision(bytes, look)?
            && look.is_repository(&path(repository))
        {
            return Ok(Self::git(path(repository), Some(revision)));
        }
        if let Some(scheme) = scheme(bytes) {
            let message = format!("there is no kind of source {scheme:?}; there are git:, git-raw: and dir:");
            return Err(Failure::new(Exit::Usage, message));
        }
        let message = format!("the source {} is not a directory", whole.display());
        Err(Failure::new(Exit::Source, message))
    }

    fn git(repository: PathBuf, revision: Option<String>) -> Self {
        Self::Git { repository, revision, content: Content::CheckedOut }
    }

    /// Opens it, which finds out whether it is there.
    pub(crate) fn open(&self) -> Outcome<Opened> {
        // Absolute before it is opened: a daemon leaves the directory in which it was started.
        let absolute = |path: &Path| std::path::absolute(path).map_err(|error| no_path(path, &error));
        match self {
            Self::Dir(path) => {
                let path = &absolute(path)?;
                let provider = DirProvider::open(path).map_err(|error| Failure::source(&error))?;
                let place = path.canonicalize().map_err(|error| no_path(path, &error))?;
                let exact = format!("dir:{}", escape(place.as_os_str().as_bytes()));
                let handler = Arc::new(projectedfs::Adapter::new(provider));
                Ok(Opened { handler, exact, place, is_directory: true })
            }
            Self::Git { repository, revision, content } => {
                let repository = &absolute(repository)?;
                if !repository.exists() {
                    let error = std::io::Error::from(std::io::ErrorKind::NotFound);
                    return Err(no_path(repository, &error));
                }
                let provider = GitProvider::open_as(repository, revision.as_deref(), *content);
                let provider = provider.map_err(|error| Failure::source(&error))?;
                let place = &provider.describe().repository;
                let place = place.canonicalize().map_err(|error| no_path(place, &error))?;
                let scheme = match content {
                    Content::CheckedOut => GIT,
                    Content::Stored => GIT_RAW,
                };
                let exact =
                    format!("{scheme}{}@{}", escape(place.as_os_str().as_bytes()), provider.commit_id());
                let handler = Arc::new(projectedfs::Adapter::new(provider));
                Ok(Opened { handler, exact, place, is_directory: false })
            }
        }
    }
}

fn no_path(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Source, format!("cannot open the source {}: {error}", path.display()))
}

/// Both may hold an `@`: the path ends at the last one that leaves a directory, at the first if none does.
fn split_revision<'a>(bytes: &'a [u8], look: &impl Look) -> Outcome<(&'a [u8], Option<String>)> {
    let exists = |path: &[u8]| look.is_directory(Path::new(OsStr::from_bytes(path)));
    if exists(bytes) {
        return Ok((bytes, None));
    }
    let ats = || (0..bytes.len()).filter(|&at| bytes[at] == b'@');
    let at = ats().rfind(|&at| exists(&bytes[..at])).or_else(|| ats().next());
    let Some(at) = at else { return Ok((bytes, None)) };
    let revision = String::from_utf8(bytes[at + 1..].to_vec());
    let revision = revision.map_err(|_| Failure::new(Exit::Usage, "the revision is not UTF-8"))?;
    if revision.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no revision after the @"));
    }
    Ok((&bytes[..at], Some(revision)))
}

/// What looks like the kind of a source.
fn scheme(bytes: &[u8]) -> Option<&str> {
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let scheme = &bytes[..=colon];
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-');
    std::str::from_utf8(scheme).ok().filter(|_| colon > 0 && scheme.iter().all(plain))
}

#[cfg(test)]
mod tests;
