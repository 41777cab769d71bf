//! `MountSubject`: a real mount as the subject of a model run.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use projectedfs::Control;
use projectedfs::Cursor;
use projectedfs::Error;
use projectedfs::ErrorKind;
use projectedfs::ItemName;
use projectedfs::JournalEntry;
use projectedfs::LocalChanges;
use projectedfs::Passthrough;
use projectedfs::RelPath;
use projectedfs::RelPathBuf;
use projectedfs::Since;
use projectedfs::Transport;
use projectedfs::VirtualizationInstance;
use projectedfs::VirtualizationRoot;
use projfs_engine::RenameHow;
use projfs_testkit::model::Op;
use projfs_testkit::model::Outcome;
use projfs_testkit::model::Seen;
use projfs_testkit::model::Subject;
use projfs_testkit::model::Told;
use projfs_testkit::model::Word;
use projfs_testkit::model::errno_of_kind;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Projection;
use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::fs::Timespec;
use rustix::fs::Timestamps;
use rustix::fs::UTIME_OMIT;
use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::kernel;
use super::switch::Switch;

type Answer<T> = Result<T, Errno>;

/// A mount, used by system calls.
pub(crate) struct MountSubject {
    instance: VirtualizationInstance,
    root: PathBuf,
    projection: Projection,
    transport: Transport,
    passthrough: Passthrough,
    slots: BTreeMap<usize, File>,
    /// What was not yet asked of the journal begins here.
    told: Cursor,
}

impl MountSubject {
    /// Mounts over an empty directory.
    pub(crate) fn start(
        root: PathBuf,
        projection: Projection,
        transport: Transport,
        passthrough: Passthrough,
    ) -> Self {
        let instance = begin(&root, &projection, transport, passthrough).unwrap();
        let told = instance.journal().unwrap().end();
        Self { instance, root, projection, transport, passthrough, slots: BTreeMap::new(), told }
    }

    fn at(&self, path: &RelPath) -> PathBuf {
        self.root.join(std::ffi::OsStr::from_bytes(path.as_bytes()))
    }

    fn open(&self, path: &RelPath, flags: OFlags) -> Answer<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        kernel::opened(File::from(rustix::fs::open(self.at(path), flags, Mode::empty())?))
    }

    fn make(&self, path: &RelPath, mode: u32) -> Answer<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::open(self.at(path), flags, Mode::from_raw_mode(mode)).map(drop)
    }

    fn truncate(&self, path: &RelPath, size: u64) -> Answer<()> {
        let flags = OFlags::WRONLY;
        match size {
            0 => self.open(path, flags | OFlags::TRUNC).map(drop),
            _ => rustix::fs::ftruncate(self.open(path, flags)?, size),
        }
    }

    fn get_xattr(&self, path: &RelPath, name: &[u8]) -> Answer<Vec<u8>> {
        let mut value = vec![0; 256];
        let length = rustix::fs::lgetxattr(self.at(path), name, &mut value[..])?;
        value.truncate(length);
        Ok(value)
    }

    fn rename(&self, from: &RelPath, to: &RelPath, how: RenameHow) -> Answer<()> {
        let flags = match how {
            RenameHow::Replace => RenameFlags::empty(),
            RenameHow::NoReplace => RenameFlags::NOREPLACE,
            RenameHow::Exchange => RenameFlags::EXCHANGE,
        };
        rustix::fs::renameat_with(CWD, self.at(from), CWD, self.at(to), flags)
    }

    fn list(&self, path: &RelPath) -> Answer<Outcome> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = Dir::new(rustix::fs::open(self.at(path), flags, Mode::empty())?)?;
        let mut listed = BTreeMap::new();
        for entry in dir {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                let name_of = ItemName::new(name).map_err(|_| Errno::INVAL)?;
                let seen = self.seen(&path.join(name_of), entry.file_type(), entry.ino())?;
                if listed.insert(name.to_vec(), seen).is_some() {
                    return Err(wrong(&format!("{path} lists a name twice")));
                }
            }
        }
        Ok(Outcome::Listed(listed))
    }

    /// An entry of a listing, and its attributes unless asking for them would change it.
    fn seen(&self, path: &RelPath, kind: FileType, number: u64) -> Answer<Seen> {
        let listed = kernel::listed(kind, number);
        let state = self.instance.state(path).map_err(|error| errno(&error))?;
        if state.word == Word::Virtual {
            return Ok(listed);
        }
        let seen = kernel::seen(&rustix::fs::lstat(self.at(path))?);
        match listed.agrees(&seen) {
            true => Ok(seen),
            false => Err(wrong(&format!("{path} is listed as {listed:?}, and is {seen:?}"))),
        }
    }

    /// Makes what is virtual on a path a placeholder. The kernel does not ask for names that it knows from a listing.
    fn look_up(&self, path: &RelPath) {
        let mut prefix = RelPathBuf::root();
        for name in path.components() {
            prefix.push(name);
            let Ok(state) = self.instance.state(&prefix) else { return };
            if let (Word::Virtual, Some(origin)) = (state.word, state.origin)
                && let Some(given) = self.projection.get(&origin)
            {
                self.instance.create_placeholder(&prefix, &given.info).unwrap();
            }
        }
    }

    fn dehydrate(&self, path: &RelPath, changes: LocalChanges) -> Answer<Outcome> {
        let mut kept = Vec::new();
        let report = |path: &RelPath, result: Result<(), Error>| {
            if result.is_err() {
                kept.push(path.to_owned());
            }
        };
        self.instance.dehydrate(path, changes, report).map_err(|error| errno(&error))?;
        kept.sort();
        Ok(Outcome::Kept(kept))
    }

    fn restart(&mut self) -> Answer<()> {
        self.slots.clear();
        self.instance.stop();
        let begun = begin(&self.root, &self.projection, self.transport, self.passthrough);
        self.instance = begun.map_err(|error| wrong(&format!("cannot start again: {error:?}")))?;
        Ok(())
    }

    fn answer(&mut self, op: &Op) -> Answer<Outcome> {
        let done = |()| Outcome::Done;
        match op {
            Op::Create { path, mode } => self.make(path, *mode).map(done),
            Op::Mkdir { path, mode } => {
                rustix::fs::mkdir(self.at(path), Mode::from_raw_mode(*mode)).map(done)
            }
            Op::Symlink { path, target } => rustix::fs::symlink(&target[..], self.at(path)).map(done),
            Op::Mkfifo { path } => {
                let mode = Mode::from_raw_mode(0o644);
                rustix::fs::mknodat(CWD, self.at(path), FileType::Fifo, mode, 0).map(done)
            }
            Op::Write { path, offset, data } => write(&self.open(path, OFlags::RDWR)?, *offset, data),
            Op::Truncate { path, size } => self.truncate(path, *size).map(done),
            Op::Chmod { path, mode } => {
                rustix::fs::chmod(self.at(path), Mode::from_raw_mode(*mode)).map(done)
            }
            Op::SetTime { path, seconds } => {
                let times = Timestamps {
                    last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
                    last_modification: Timespec { tv_sec: *seconds, tv_nsec: 0 },
                };
                rustix::fs::utimensat(CWD, self.at(path), &times, AtFlags::SYMLINK_NOFOLLOW).map(done)
            }
            Op::SetXattr { path, name, value } => {
                rustix::fs::lsetxattr(self.at(path), &name[..], value, XattrFlags::empty()).map(done)
            }
            Op::RemoveXattr { path, name } => rustix::fs::lremovexattr(self.at(path), &name[..]).map(done),
            Op::GetXattr { path, name } => self.get_xattr(path, name).map(Outcome::Bytes),
            Op::ListXattr { path } => {
                let mut names = vec![0; 1024];
                let length = rustix::fs::llistxattr(self.at(path), &mut names[..])?;
                Ok(Outcome::of_names(&names[..length]))
            }
            Op::Unlink { path } => rustix::fs::unlink(self.at(path)).map(done),
            Op::Rmdir { path } => rustix::fs::rmdir(self.at(path)).map(done),
            Op::Rename { from, to, how } => self.rename(from, to, *how).map(done),
            Op::Link { from, to } => {
                rustix::fs::linkat(CWD, self.at(from), CWD, self.at(to), AtFlags::empty()).map(done)
            }
            Op::Open { slot, path, write } => {
                drop(self.slots.remove(slot));
                let file = self.open(path, if *write { OFlags::RDWR } else { OFlags::RDONLY })?;
                self.slots.insert(*slot, file);
                Ok(Outcome::Done)
            }
            Op::ReadSlot { slot } => contents(self.slots.get(slot).ok_or(Errno::BADF)?),
            Op::WriteSlot { slot, offset, data } => {
                write(self.slots.get(slot).ok_or(Errno::BADF)?, *offset, data)
            }
            Op::Close { slot } => self.slots.remove(slot).map(|_| Outcome::Done).ok_or(Errno::BADF),
            Op::Hydrate { path } => {
                self.instance.hydrate(path, |_| ()).map(done).map_err(|error| errno(&error))
            }
            Op::Dehydrate { path } => self.dehydrate(path, LocalChanges::Keep),
            Op::Discard { path } => self.dehydrate(path, LocalChanges::Discard),
            Op::Update { path, flags, version, mode, data } => {
                self.look_up(path);
                let updated = self.instance.update(path, &version_info(*version, *mode, data), *flags);
                self.instance.clear_negative_path_cache().map_err(|error| errno(&error))?;
                updated.map(|_| Outcome::Done).map_err(|error| errno(&error))
            }
            Op::Drop { path, flags } => {
                self.look_up(path);
                self.instance.delete(path, *flags).map(done).map_err(|error| errno(&error))
            }
            Op::Restart => self.restart().map(done),
            Op::Stat { path } => {
                let stat = rustix::fs::lstat(self.at(path))?;
                Ok(Outcome::Seen(kernel::seen(&stat)))
            }
            Op::Read { path } => {
                let mut bytes = Vec::new();
                let read = self.open(path, OFlags::RDONLY)?.read_to_end(&mut bytes);
                read.map(|_| Outcome::Bytes(bytes)).map_err(|error| system(&error))
            }
            Op::ReadLink { path } => {
                let target = rustix::fs::readlink(self.at(path), Vec::new())?;
                Ok(Outcome::Bytes(target.into_bytes()))
            }
            Op::List { path } => self.list(path),
        }
    }
}

impl Subject for MountSubject {
    fn apply(&mut self, op: &Op) -> Outcome {
        self.answer(op).unwrap_or_else(Outcome::Failed)
    }

    fn word(&mut self, path: &RelPathBuf) -> Option<Word> {
        self.instance.state(path).ok().map(|state| state.word)
    }

    fn entries(&mut self) -> Vec<JournalEntry> {
        match self.instance.journal().unwrap().since(self.told, usize::MAX).unwrap().since {
            Since::Entries { entries, next } => {
                self.told = next;
                entries
            }
            gone => panic!("the journal does not go on from {}: {gone:?}", self.told),
        }
    }

    fn told(&self) -> Told {
        Told::ByKernel
    }

    fn knows_placeholders(&self) -> bool {
        false
    }

    fn same_word(&self, expected: Word, actual: Word) -> bool {
        kernel::same_word(expected, actual)
    }
}

impl Drop for MountSubject {
    fn drop(&mut self) {
        self.slots.clear();
        self.instance.stop();
    }
}

fn begin(
    root: &std::path::Path,
    projection: &Projection,
    transport: Transport,
    passthrough: Passthrough,
) -> Result<VirtualizationInstance, Error> {
    let root = VirtualizationRoot::mark(root)?;
    let _switch = (transport == Transport::IoUring).then(Switch::on);
    VirtualizationInstance::builder(root)
        .control(Control::Off)
        .transport(transport)
        .passthrough(passthrough)
        .provider_threads(2)
        .open_files(3)
        .start(projection.clone())
}

/// Says what no operation may come to; an error that the model never has.
fn wrong(what: &str) -> Errno {
    println!("{what}");
    Errno::BADMSG
}

/// Reads all, wherever the file's own position is.
fn contents(file: &File) -> Answer<Outcome> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match file.read_at(&mut buffer, bytes.len() as u64).map_err(|error| system(&error))? {
            0 => return Ok(Outcome::Bytes(bytes)),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn write(file: &File, offset: u64, data: &[u8]) -> Answer<Outcome> {
    file.write_all_at(data, offset).map(|()| Outcome::Done).map_err(|error| system(&error))
}

fn system(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// What a program would be told.
fn errno(error: &Error) -> Errno {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PathNotFound => Errno::NOENT,
        ErrorKind::Exists | ErrorKind::AlreadyPlaceholder => Errno::EXIST,
        ErrorKind::NotEmpty => Errno::NOTEMPTY,
        ErrorKind::Kept(_) => Errno::PERM,
        ErrorKind::Invalid => Errno::INVAL,
        ErrorKind::NotADirectory => Errno::NOTDIR,
        ErrorKind::PermissionDenied => Errno::PERM,
        ErrorKind::Operation(kind) => errno_of_kind(kind),
        ErrorKind::Stopped => Errno::HOSTDOWN,
        _ => Errno::IO,
    }
}
