//! Reading local objects: the only user of `gix`.

use std::path::Path;
use std::path::PathBuf;

use parking_lot::Mutex;

use crate::Error;
use crate::ErrorKind;
use crate::names::TARGET_MAX;
use crate::tree::EntryKind;
use crate::tree::RawEntry;

/// The largest object that is read, in bytes. An object is decoded in memory as a whole; without a limit a
/// made-up header could ask for all of it.
const LARGEST_OBJECT: u64 = 4 << 30;

/// How much of unpacked delta bases each handle keeps, in bytes.
const DELTA_BASE_CACHE: u64 = 16 << 20;

/// An object id: 20 bytes in a SHA-1 repository, 32 in a SHA-256 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(gix::ObjectId);

/// A repository's objects. Any number of threads may read at once.
///
/// A handle belongs to one thread at a time and remembers which packs and delta bases it used last; so handles
/// are lent, and as many exist as threads ever read together.
pub(crate) struct Objects {
    shared: gix::ThreadSafeRepository,
    idle: Mutex<Vec<gix::Repository>>,
}

/// A lent handle.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a gix::Repository);

/// What a revision led to.
pub(crate) struct Commit {
    pub(crate) id: Id,
    pub(crate) tree: Id,
    /// The committer time, in seconds since 1970.
    pub(crate) seconds: i64,
}

/// Why an object could not be read, in words.
pub(crate) type Unreadable = String;

impl Id {
    /// Takes 20 or 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        gix::ObjectId::try_from(bytes).ok().map(Self)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Objects {
    /// Finds the repository that `path` is, or is in, and opens it.
    ///
    /// Neither the environment nor a configuration outside the repository matters. Who owns the repository does
    /// not either: `git` asks because a configuration can name programs to run, and nothing is run here.
    pub(crate) fn open(path: &Path, revision: &str) -> Result<Self, Error> {
        let error = |kind| Error::new(kind, path, revision);
        std::fs::metadata(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => error(ErrorKind::NotARepository).because(cause),
            _ => error(ErrorKind::Unreadable).because(cause),
        })?;
        let trust = gix::sec::Trust::Full;
        let search = gix::discover::upwards::Options {
            trust: gix::discover::upwards::TrustPolicy::Assume(trust),
            ..Default::default()
        };
        let (found, _) = gix::discover::upwards_opts(path, search)
            .map_err(|cause| error(ErrorKind::NotARepository).because(cause))?;
        let (git_dir, _) = found.into_repository_and_work_tree_directories();
        let options = gix::open::Options::isolated().with(trust).open_path_as_is(true).config_overrides([
            format!("gitoxide.objects.allocLimit={LARGEST_OBJECT}"),
            format!("core.deltaBaseCacheLimit={DELTA_BASE_CACHE}"),
        ]);
        let shared = options.open(git_dir).map_err(|cause| error(ErrorKind::Unreadable).because(cause))?;
        Ok(Self { shared, idle: Mutex::default() })
    }

    /// The repository's own directory (`.git`).
    pub(crate) fn directory(&self) -> PathBuf {
        self.shared.git_dir().to_owned()
    }

    /// How many bytes an object id has.
    pub(crate) fn id_length(&self) -> usize {
        self.read(|reader| reader.0.object_hash().len_in_bytes())
    }

    /// The commit that a revision names, through tags.
    pub(crate) fn commit(&self, path: &Path, revision: &str) -> Result<Commit, Error> {
        let error = |kind| Error::new(kind, path, revision);
        let unreadable = |cause: gix::Error| error(ErrorKind::Unreadable).because(cause);
        self.read(|reader| {
            let named = reader
                .0
                .rev_parse_single(revision)
                .map_err(|cause| error(ErrorKind::NoSuchRevision).because(cause))?;
            let object = named.object().map_err(unreadable)?.peel_tags_to_end().map_err(unreadable)?;
            if object.kind != gix::objs::Kind::Commit {
                return Err(error(ErrorKind::NotACommit));
            }
            let commit = object.try_into_commit().map_err(unreadable)?;
            Ok(Commit {
                id: Id(commit.id),
                tree: Id(commit.tree_id().map_err(unreadable)?.detach()),
                // A commit whose time cannot be read is as good as any other.
                seconds: commit.time().map_or(0, |time| time.seconds),
            })
        })
    }

    /// Lends a handle.
    ///
    /// A handle that misses an object looks for packs that are new: a repository may be repacked while it is
    /// projected. For an object that is nowhere that costs about 20 microseconds.
    pub(crate) fn read<T>(&self, call: impl FnOnce(Reader<'_>) -> T) -> T {
        let idle = self.idle.lock().pop();
        let repository = idle.unwrap_or_else(|| self.shared.to_thread_local());
        let result = call(Reader(&repository));
        self.idle.lock().push(repository);
        result
    }
}

impl Reader<'_> {
    /// The entries of a tree, in the order of the object; the targets of symbolic links with them.
    pub(crate) fn tree(self, id: Id) -> Result<Vec<RawEntry>, Unreadable> {
        let object = self.find(id, gix::objs::Kind::Tree)?;
        let entries = gix::objs::TreeRefIter::from_bytes(&object.data, self.0.object_hash());
        let entries = entries.map(|entry| {
            let entry = entry.map_err(words)?;
            let id = Id(entry.oid.to_owned());
            let kind = match entry.mode.kind() {
                gix::objs::tree::EntryKind::Tree => EntryKind::Directory,
                gix::objs::tree::EntryKind::Blob => EntryKind::File,
                gix::objs::tree::EntryKind::BlobExecutable => EntryKind::Executable,
                gix::objs::tree::EntryKind::Commit => EntryKind::Submodule,
                gix::objs::tree::EntryKind::Link => EntryKind::Symlink(self.target(id).ok()),
            };
            Ok(RawEntry { name: entry.filename.to_vec().into(), id, kind })
        });
        entries.collect()
    }

    /// The size of a blob, from its header: nothing is inflated.
    pub(crate) fn size(self, id: Id) -> Result<u64, Unreadable> {
        let header = self.0.find_header(id.0).map_err(words)?;
        match header.kind() {
            gix::objs::Kind::Blob if i64::try_from(header.size()).is_ok() => Ok(header.size()),
            gix::objs::Kind::Blob => Err(format!("its size of {} bytes is no file size", header.size())),
            kind => Err(format!("it is a {kind}, not a blob")),
        }
    }

    /// The target of a symbolic link. One that is longer than a target can be is not read, and empty.
    pub(crate) fn target(self, id: Id) -> Result<Box<[u8]>, Unreadable> {
        if self.size(id)? > TARGET_MAX as u64 {
            return Ok(Box::default());
        }
        self.blob(id, |target| target.into())
    }

    /// Calls `take` with the content of a blob.
    pub(crate) fn blob<T>(self, id: Id, take: impl FnOnce(&[u8]) -> T) -> Result<T, Unreadable> {
        self.find(id, gix::objs::Kind::Blob).map(|object| take(&object.data))
    }

    fn find(&self, id: Id, kind: gix::objs::Kind) -> Result<gix::Object<'_>, Unreadable> {
        let object = self.0.find_object(id.0).map_err(words)?;
        if object.kind != kind {
            return Err(format!("it is a {}, not a {kind}", object.kind));
        }
        Ok(object)
    }
}

/// An error with its causes.
fn words(error: gix::Error) -> Unreadable {
    format!("{error:#}")
}
