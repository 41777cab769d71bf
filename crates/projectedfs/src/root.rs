//! `VirtualizationRoot`: a directory that is, or becomes, the place of a projection.

use std::fmt;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;

use projfs_engine::PathState;
use projfs_engine::StateWord;
use projfs_store::Existing;
use projfs_store::Identity;
use projfs_store::InstanceId;
use projfs_store::JournalOptions;
use projfs_store::Store;
use projfs_store::TreeJournal;
use projfs_store::TreeStore;
use projfs_sync::Arc;
use projfs_types::DirectoryState;
use projfs_types::ItemState;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use rustix::fs::AtFlags;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;

use crate::Error;
use crate::ErrorKind;
use crate::JournalReader;
use crate::Keeper;
use crate::Result;
use crate::mounts::free_directory;

/// Where a root remembers what it was made from.
const SOURCE: &str = ".projfs/source";

/// The longest text of a source, in bytes.
const SOURCE_MAX: usize = 64 * 1024;

/// A directory that is the place of a projection, open and locked against every other process.
///
/// What is in it stays there when nothing is mounted: files that were fetched or changed, as plain files.
pub struct VirtualizationRoot {
    path: PathBuf,
    directory: OwnedFd,
    pub(crate) store: TreeStore,
}

impl VirtualizationRoot {
    /// Makes an empty directory a root, once, and opens it (`PrjMarkDirectoryAsPlaceholder`). One that is a root
    /// already stays as it is and is opened. A mount that a crash left over it is taken away.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) and [`NotADirectory`](ErrorKind::NotADirectory) if there is no such
    /// directory; [`NotARoot`](ErrorKind::NotARoot) if it is neither empty nor a root;
    /// [`Nested`](ErrorKind::Nested) if it is inside another root; [`AlreadyMounted`](ErrorKind::AlreadyMounted)
    /// and [`InUse`](ErrorKind::InUse) if an instance uses it; [`Unsupported`](ErrorKind::Unsupported) if its file
    /// system lacks what a root needs; [`PermissionDenied`](ErrorKind::PermissionDenied).
    ///
    /// # References
    /// <https://learn.microsoft.com/windows/win32/api/projectedfslib/nf-projectedfslib-prjmarkdirectoryasplaceholder>
    pub fn mark(path: impl AsRef<Path>) -> Result<Self> {
        let path = free_directory(path.as_ref())?;
        TreeStore::mark(&path, Existing::Refuse).map_err(|error| Error::store(error, "mark", &path))?;
        Self::open_free(path)
    }

    /// The same with an id and a version of the caller's choice: the version is what the provider is told of the root
    /// directory. A directory that is a root already keeps those that it has.
    ///
    /// # Errors
    /// As [`mark`](Self::mark).
    pub fn mark_with(path: impl AsRef<Path>, id: InstanceId, version: VersionInfo) -> Result<Self> {
        Self::mark_as(path.as_ref(), Existing::Refuse, &Identity { id, version })
    }

    /// The same as [`mark`](Self::mark) for a directory that need not be empty: what is in it becomes full.
    ///
    /// # Errors
    /// Those of [`adopt_with`](Self::adopt_with).
    pub fn adopt(path: impl AsRef<Path>) -> Result<Self> {
        let path = free_directory(path.as_ref())?;
        TreeStore::mark(&path, Existing::Adopt).map_err(|error| Error::store(error, "mark", &path))?;
        Self::open_free(path)
    }

    /// The same with an id and a version of the caller's choice.
    ///
    /// # Errors
    /// As [`mark`](Self::mark), but for a directory that is not empty; [`Nested`](ErrorKind::Nested) also if another root
    /// is inside.
    pub fn adopt_with(path: impl AsRef<Path>, id: InstanceId, version: VersionInfo) -> Result<Self> {
        Self::mark_as(path.as_ref(), Existing::Adopt, &Identity { id, version })
    }

    fn mark_as(path: &Path, existing: Existing, identity: &Identity) -> Result<Self> {
        let path = free_directory(path)?;
        let marked = TreeStore::mark_as(&path, existing, identity);
        marked.map_err(|error| Error::store(error, "mark", &path))?;
        Self::open_free(path)
    }

    /// Opens a directory that was marked. A mount that a crash left over it is taken away.
    ///
    /// # Errors
    /// As [`mark`](Self::mark); `NotARoot` if the directory was not marked.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_free(free_directory(path.as_ref())?)
    }

    /// Opens the root below the mount with which a process goes on, which a keeper has held for it.
    ///
    /// # Errors
    /// [`Keeper`](ErrorKind::Keeper) if there is no such mount; [`InUse`](ErrorKind::InUse) if another instance uses the
    /// root; the store's.
    pub fn resume(keeper: &Keeper) -> Result<Self> {
        const RESUME: &str = "go on with";
        let (Some(path), Some(directory)) = (keeper.path(), keeper.directory()) else {
            return Err(Error::new(ErrorKind::Keeper, RESUME, "").detail("the keeper holds no mount"));
        };
        let copy = || directory.try_clone_to_owned().map_err(|error| Error::io(error, RESUME, path));
        let opened = TreeStore::resume_directory(copy()?);
        let store = opened.map_err(|error| Error::store(error, RESUME, path))?;
        Ok(Self { path: path.to_owned(), directory: copy()?, store })
    }

    fn open_free(path: PathBuf) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let failed = |errno| Error::errno(errno, "open", &path);
        let directory = rustix::fs::open(&path, flags, Mode::empty()).map_err(failed)?;
        let copy = directory.try_clone().map_err(|error| Error::io(error, "open", &path))?;
        let opened = TreeStore::open_directory(copy);
        let store = opened.map_err(|error| match error.kind {
            projfs_store::StoreErrorKind::NotARoot => {
                Error::new(ErrorKind::NotARoot, "open", &path).detail("the directory is not a root")
            }
            _ => Error::store(error, "open", &path),
        })?;
        Ok(Self { path, directory, store })
    }

    /// Where it is: an absolute path without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The identity that it was given when it was marked.
    pub fn id(&self) -> InstanceId {
        self.store.instance()
    }

    /// What it was made from, if that was said.
    ///
    /// # Errors
    /// The system's.
    pub fn source(&self) -> Result<Option<String>> {
        let failed = |errno| Error::errno(errno, "read the source of", &self.path);
        let file = match self.below(SOURCE, OFlags::RDONLY) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        let mut bytes = vec![0; SOURCE_MAX];
        let length = rustix::io::read(&file, &mut bytes[..]).map_err(failed)?;
        Ok(Some(String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned()))
    }

    /// Says what the root is made from, the first time; compares with what was said, every other time. Placeholders
    /// belong to the source that they were made from, so a root is for one source only.
    ///
    /// # Errors
    /// [`OtherSource`](ErrorKind::OtherSource), naming both; the system's.
    pub fn bind(&self, source: &str) -> Result<()> {
        if let Some(bound) = self.source()? {
            if bound == source {
                return Ok(());
            }
            let detail = format!("it was made from {bound}, not from {source}");
            return Err(Error::new(ErrorKind::OtherSource, "use", &self.path).detail(detail));
        }
        self.write_source(source).map_err(|errno| Error::errno(errno, "write the source of", &self.path))
    }

    /// The file gets its name when it is whole: a crash leaves no half of it.
    fn write_source(&self, source: &str) -> Result<(), Errno> {
        if source.len() >= SOURCE_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let own = self.below(".projfs", OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mode = Mode::from_raw_mode(0o600);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&own, "source.new", flags, mode)?;
        let text = format!("{source}\n");
        if rustix::io::write(&file, text.as_bytes())? != text.len() {
            return Err(Errno::IO);
        }
        rustix::fs::fsync(&file)?;
        rustix::fs::renameat(&own, "source.new", &own, "source")?;
        rustix::fs::fsync(&own)
    }

    /// The state of the item at `path`, below the root, as far as it is known without the provider.
    ///
    /// # Errors
    /// `NotFound` if there is nothing on disk and no note: the item is virtual, or does not exist.
    pub fn state(&self, path: &RelPath) -> Result<PathState> {
        const STATE: &str = "tell the state of";
        let failed = |error| Error::store(error, STATE, &self.path);
        let unknown = || {
            let detail = "it is virtual, or does not exist: only a mounted root can tell";
            Error::new(ErrorKind::NotFound, STATE, self.path.join(crate::path::os(path))).detail(detail)
        };
        let mut dir = RelPathBuf::root();
        let mut origin = Some(OriginBuf::root());
        let root = Some(RelPathBuf::root());
        let mut found = PathState { word: StateWord::Placeholder, version: None, origin: root };
        for name in path.components() {
            let state = match self.store.look(&dir, name).map_err(failed)? {
                Some(item) => item.state,
                None => {
                    let origin = self.store.origin(origin.as_ref().ok_or_else(unknown)?, name);
                    let info = self.store.noted(&origin).ok_or_else(unknown)?;
                    let projected = projfs_types::Projected::clean(info.version);
                    ItemState::Directory(DirectoryState::Placeholder(projected))
                }
            };
            let projected = state.projected();
            origin = match projected.map(|projected| &projected.origin) {
                Some(Origin::At(origin)) => Some(origin.clone()),
                Some(Origin::Here) => origin.map(|origin| self.store.origin(&origin, name)),
                None => None,
            };
            dir.push(name);
            found = PathState {
                word: StateWord::of(&state),
                version: projected.map(|projected| projected.version.clone()),
                origin: origin.as_ref().map(|origin| origin.path().clone()),
            };
        }
        Ok(found)
    }

    /// What happened to items while the root was mounted. Nobody can mount it until this is dropped.
    ///
    /// # Errors
    /// The store's.
    pub fn into_journal(self) -> Result<JournalReader> {
        let journal = self.journal(JournalOptions::default())?;
        Ok(JournalReader::of_root(Arc::new(journal), self))
    }

    /// The journal, for an instance that starts.
    pub(crate) fn journal(&self, options: JournalOptions) -> Result<TreeJournal> {
        let opened = self.below(".projfs/journal", OFlags::RDONLY | OFlags::DIRECTORY);
        let dir = opened.map_err(|errno| Error::errno(errno, "open the journal of", &self.path))?;
        let journal = TreeJournal::open(dir, options);
        journal.map_err(|error| Error::store(error, "open the journal of", &self.path))
    }

    /// Its path, its directory and its store.
    pub(crate) fn into_parts(self) -> (PathBuf, OwnedFd, TreeStore) {
        (self.path, self.directory, self.store)
    }

    fn below(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        // Somebody may have put a FIFO there, whose other end is not waited for.
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
        rustix::fs::openat2(self.directory.as_fd(), path, flags, Mode::empty(), resolve)
    }
}

/// Whether the directory at `path` was marked as a root, as far as can be seen: what is mounted over it hides it.
pub fn is_root(path: &Path) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::statat(rustix::fs::CWD, path.join(".projfs/instance"), flags).is_ok()
}

impl fmt::Debug for VirtualizationRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualizationRoot").field("path", &self.path).field("id", &self.id()).finish()
    }
}
