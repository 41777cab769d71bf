//! Reading local objects: the only user of `gix`.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use parking_lot::Mutex;

use crate::Error;
use crate::ErrorKind;
use crate::names::Protection;
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
    directory: PathBuf,
    settings: Settings,
    idle: Mutex<Vec<gix::Repository>>,
}

/// What the configuration says of how trees are shown, and of where objects come from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) links: Links,
    pub(crate) protection: Protection,
    /// The remotes that have what is missing here, the first one first.
    pub(crate) promisors: Vec<String>,
    pub(crate) owner: Owner,
}

/// What a symbolic link becomes (`core.symlinks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Links,
    /// A file that holds the target.
    Files,
}

/// Whose the repository is. Programs that somebody else's configuration names are not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Ours, or `safe.directory` says that it is as good.
    Us,
    SomebodyElse,
}

/// A lent handle.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a gix::Repository, Links);

/// What a revision led to.
pub(crate) struct Commit {
    pub(crate) id: Id,
    pub(crate) tree: Id,
    /// The committer time, in seconds since 1970.
    pub(crate) seconds: i64,
}

/// Why an object could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not here.
    Missing(Id),
    /// It is of no use, in words.
    Broken(String),
}

impl Unreadable {
    /// Takes words.
    pub(crate) fn broken(words: String) -> Self {
        Self::Broken(words)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "object {id} is missing"),
            Self::Broken(words) => f.write_str(words),
        }
    }
}

impl Id {
    /// Takes 20 or 32 bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        gix::ObjectId::try_from(bytes).ok().map(Self)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// For those who talk to `gix`.
    pub(crate) fn to_gix(self) -> gix::ObjectId {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Objects {
    /// Finds the repository that `path` is, or is in, and opens it, with the configuration that `git` would have.
    ///
    /// A repository of somebody else is read as well, but what its configuration says of programs is not heard.
    pub(crate) fn open(path: &Path, revision: &str) -> Result<Self, Error> {
        let error = |kind| Error::new(kind, path, revision);
        let unreadable = |cause: gix::Error| error(ErrorKind::Unreadable).because(cause);
        std::fs::metadata(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => error(ErrorKind::NotARepository).because(cause),
            _ => error(ErrorKind::Unreadable).because(cause),
        })?;
        let search = gix::discover::upwards::Options {
            trust: gix::discover::upwards::TrustPolicy::Assume(gix::sec::Trust::Full),
            ..Default::default()
        };
        let (found, _) = gix::discover::upwards_opts(path, search)
            .map_err(|cause| error(ErrorKind::NotARepository).because(cause))?;
        let (directory, _) = found.into_repository_and_work_tree_directories();
        let trust = gix::sec::Trust::from_path_ownership(&directory)
            .map_err(|cause| error(ErrorKind::Unreadable).because(cause))?;
        let overrides = [
            format!("gitoxide.objects.allocLimit={LARGEST_OBJECT}"),
            format!("core.deltaBaseCacheLimit={DELTA_BASE_CACHE}"),
            // The work tree does not matter, and must not be looked at: it may be a projection that waits for this.
            "core.bare=true".into(),
        ];
        let options = gix::open::Options::default().permissions(permissions()).with(trust);
        let options = options.open_path_as_is(true).bail_if_untrusted(false).config_overrides(overrides);
        let shared = options.open(place(&directory, revision)).map_err(unreadable)?;
        let settings = Settings::of(&shared.to_thread_local());
        Ok(Self { shared, directory, settings, idle: Mutex::default() })
    }

    /// The repository's own directory (`.git`).
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the configuration says.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Calls `take` with the repository as `gix` has it.
    pub(crate) fn with_gix<T>(&self, take: impl FnOnce(&gix::Repository) -> T) -> T {
        take(&self.shared.to_thread_local())
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
        let result = call(Reader(&repository, self.settings.links));
        self.idle.lock().push(repository);
        result
    }

    /// Those of `ids` that are not here. After the first one, new packs are no longer looked for.
    pub(crate) fn missing(&self, ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let mut ids = ids.into_iter();
        let Some(first) = self.read(|reader| ids.find(|id| !reader.has(*id))) else { return Vec::new() };
        let mut quick = self.shared.to_thread_local();
        quick.objects.refresh_never();
        let quick = Reader(&quick, self.settings.links);
        std::iter::once(first).chain(ids.filter(|id| !quick.has(*id))).collect()
    }
}

/// Where to open a repository. A linked work tree's own directory matters to names like `HEAD` only; without it, the work
/// tree is not looked at.
fn place(directory: &Path, revision: &str) -> PathBuf {
    let is_id = matches!(revision.len(), 40 | 64) && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let common = is_id.then(|| std::fs::read(directory.join("commondir")).ok()).flatten();
    match common {
        Some(common) => directory.join(OsStr::from_bytes(common.trim_ascii_end())),
        None => directory.to_owned(),
    }
}

/// What is read besides the repository. Tests see nothing of whoever runs them.
pub(crate) fn permissions() -> gix::open::Permissions {
    if cfg!(test) { gix::open::Permissions::isolated() } else { gix::open::Permissions::all() }
}

impl Settings {
    fn of(repository: &gix::Repository) -> Self {
        let config = repository.config_snapshot();
        let says = |key: &str, otherwise| config.boolean(key).unwrap_or(otherwise);
        let mut promisors: Vec<_> = config.string("extensions.partialClone").into_iter().collect();
        // Also of somebody else's, to say why nothing is fetched.
        for section in config.plumbing().sections_by_name("remote").into_iter().flatten() {
            let Some(name) = section.header().subsection_name() else { continue };
            let is_promisor = config.boolean(format!("remote.{name}.promisor").as_str()).unwrap_or(false);
            if is_promisor && !promisors.iter().any(|known| known == name) {
                promisors.push(name.to_owned());
            }
        }
        Self {
            links: if says("core.symlinks", true) { Links::Links } else { Links::Files },
            protection: Protection {
                hfs: says("core.protectHFS", false),
                ntfs: says("core.protectNTFS", true),
            },
            promisors: promisors.iter().map(ToString::to_string).collect(),
            owner: match repository.git_dir_trust() {
                gix::sec::Trust::Full => Owner::Us,
                gix::sec::Trust::Reduced => Owner::SomebodyElse,
            },
        }
    }
}

impl Reader<'_> {
    /// The entries of a tree, in the order of the object; the targets of symbolic links with them, if they are here.
    pub(crate) fn tree(self, id: Id) -> Result<Vec<RawEntry>, Unreadable> {
        let object = self.find(id, gix::objs::Kind::Tree)?;
        let entries = gix::objs::TreeRefIter::from_bytes(&object.data, self.0.object_hash());
        let entries = entries.map(|entry| {
            let entry = entry.map_err(words)?;
            let id = Id(entry.oid.to_owned());
            let kind = match (entry.mode.kind(), self.1) {
                (gix::objs::tree::EntryKind::Tree, _) => EntryKind::Directory,
                (gix::objs::tree::EntryKind::Blob, _) => EntryKind::File,
                (gix::objs::tree::EntryKind::BlobExecutable, _) => EntryKind::Executable,
                (gix::objs::tree::EntryKind::Commit, _) => EntryKind::Submodule,
                (gix::objs::tree::EntryKind::Link, Links::Links) => EntryKind::Symlink(self.target(id).ok()),
                (gix::objs::tree::EntryKind::Link, Links::Files) => EntryKind::LinkAsFile,
            };
            Ok(RawEntry { name: entry.filename.to_vec().into(), id, kind })
        });
        entries.collect()
    }

    /// Whether an object is here.
    pub(crate) fn has(self, id: Id) -> bool {
        // What cannot be told is not worth fetching.
        self.0.try_find_header(id.0).map_or(true, |header| header.is_some())
    }

    /// The size of a blob, from its header: nothing is inflated.
    pub(crate) fn size(self, id: Id) -> Result<u64, Unreadable> {
        let header = self.0.try_find_header(id.0).map_err(words)?.ok_or(Unreadable::Missing(id))?;
        match header.kind() {
            gix::objs::Kind::Blob if i64::try_from(header.size()).is_ok() => Ok(header.size()),
            gix::objs::Kind::Blob => {
                Err(Unreadable::Broken(format!("its size of {} bytes is no file size", header.size())))
            }
            kind => Err(Unreadable::Broken(format!("it is a {kind}, not a blob"))),
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

    /// Finds an object and makes sure that it is the one: a damaged index or delta can lead to another.
    fn find(&self, id: Id, kind: gix::objs::Kind) -> Result<gix::Object<'_>, Unreadable> {
        let object = self.0.try_find_object(id.0).map_err(words)?.ok_or(Unreadable::Missing(id))?;
        if object.kind != kind {
            return Err(Unreadable::Broken(format!("it is a {}, not a {kind}", object.kind)));
        }
        let hash = gix::objs::compute_hash(self.0.object_hash(), kind, &object.data).map_err(words)?;
        if hash != id.0 {
            return Err(Unreadable::Broken(format!("it is damaged: its content has the id {hash}")));
        }
        Ok(object)
    }
}

/// An error with its causes.
fn words(error: gix::Error) -> Unreadable {
    Unreadable::Broken(format!("{error:#}"))
}
