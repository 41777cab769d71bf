//! A tiny read-only file system in memory, with files that block and files that the kernel may read by itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use projfs_fuse::CancelToken;
use projfs_fuse::Kernel;
use projfs_fuse::Patience;
use projfs_fuse::Service;
use projfs_fuse::io::Access;
use projfs_fuse::io::Coverage;
use projfs_fuse::io::OpenedAs;
use projfs_fuse::wire::reply::Entry;
use projfs_fuse::wire::reply::Lifetime;
use projfs_fuse::wire::reply::Opened;
use projfs_fuse::wire::reply::Packed;
use projfs_fuse::wire::reply::Reply;
use projfs_fuse::wire::reply::Served;
use projfs_fuse::wire::reply::Unserved;
use projfs_fuse::wire::request::Request;
use projfs_fuse::wire::request::RequestContext;
use projfs_types::FileTimes;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::Number;
use projfs_types::Stat;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::io::Errno;

pub enum Content {
    Bytes(Vec<u8>),
    /// Reads wait until released, or interrupted.
    Blocked,
    /// Reads wait until released, whatever else happens.
    Stuck,
    /// Waits a little on a worker, then has these bytes.
    Slow(Vec<u8>),
    /// Whole in this file.
    Backed(PathBuf),
    /// The service panics.
    Panics,
    /// Keeps what is written, each write of which waits on a worker if it begins with `w`.
    Sink(Mutex<Vec<u8>>),
}

#[derive(Default)]
pub struct Memory {
    files: BTreeMap<Vec<u8>, (u64, Content)>,
    kernel: OnceLock<Kernel>,
    released: Mutex<bool>,
    release: Condvar,
    pub reads: AtomicUsize,
    pub forgotten: AtomicUsize,
    pub blocked: AtomicUsize,
    pub interrupted: AtomicUsize,
}

impl Memory {
    pub fn new(files: impl IntoIterator<Item = (&'static str, Content)>) -> Self {
        let number =
            |(at, (name, content)): (usize, (&str, Content))| (name.into(), (at as u64 + 2, content));
        Self { files: files.into_iter().enumerate().map(number).collect(), ..Self::default() }
    }

    pub fn release(&self) {
        *self.released.lock().expect("no poison") = true;
        self.release.notify_all();
    }

    fn find(&self, node: NodeId) -> Result<&Content, Errno> {
        let mut files = self.files.values();
        files.find(|(id, _)| *id == node.0).map(|(_, content)| content).ok_or(Errno::NOENT)
    }

    fn stat(&self, node: NodeId) -> Result<Stat, Errno> {
        let (mode, size) = match node.0 {
            1 => (mode::DIRECTORY | 0o755, 0),
            _ => match self.find(node)? {
                Content::Bytes(bytes) | Content::Slow(bytes) => (mode::FILE | 0o644, bytes.len() as u64),
                Content::Sink(bytes) => (mode::FILE | 0o644, bytes.lock().expect("no poison").len() as u64),
                Content::Blocked | Content::Stuck | Content::Panics => (mode::FILE | 0o644, 4096),
                Content::Backed(path) => {
                    (mode::FILE | 0o644, std::fs::metadata(path).map_err(|_| Errno::IO)?.len())
                }
            },
        };
        let times = FileTimes::all(Timestamp { seconds: 1_700_000_000, nanoseconds: 5 });
        let (number, block_size) = (Number(node.0), 4096);
        Ok(Stat {
            number,
            mode,
            links: 1,
            uid: 0,
            gid: 0,
            device: (0, 0),
            size,
            blocks: 8,
            block_size,
            times,
        })
    }

    fn entry(&self, node: NodeId) -> Result<Entry, Errno> {
        let (entry_lifetime, stat_lifetime) = (Lifetime::Forever, Lifetime::Forever);
        Ok(Entry { node, generation: 0, stat: self.stat(node)?, entry_lifetime, stat_lifetime })
    }

    fn read(
        &self,
        node: NodeId,
        offset: u64,
        size: u32,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let content = self.find(node)?;
        let cancel = match (content, patience) {
            (Content::Bytes(bytes), _) => return part(bytes, offset, size, reply),
            (Content::Backed(path), _) => {
                let bytes = std::fs::read(path).map_err(|_| Errno::IO)?;
                return part(&bytes, offset, size, reply);
            }
            (Content::Sink(bytes), _) => return part(&bytes.lock().expect("no poison"), offset, size, reply),
            (Content::Panics, _) => std::panic::resume_unwind(Box::new("on purpose")),
            (_, Patience::None) => return Err(Unserved::WouldWait),
            (_, Patience::Until(cancel)) => cancel,
        };
        if let Content::Slow(bytes) = content {
            return part(bytes, offset, size, reply);
        }
        self.wait(cancel, matches!(content, Content::Blocked))?;
        reply.data(&[])
    }

    fn write(
        &self,
        node: NodeId,
        at: u64,
        data: &[u8],
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        let Content::Sink(bytes) = self.find(node)? else { return Err(Errno::BADF.into()) };
        if data.starts_with(b"w") && matches!(patience, Patience::None) {
            return Err(Unserved::WouldWait);
        }
        let mut bytes = bytes.lock().expect("no poison");
        let end = at as usize + data.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[at as usize..end].copy_from_slice(data);
        reply.written(data.len() as u32)
    }

    fn wait(&self, cancel: &CancelToken, heeds: bool) -> Result<(), Errno> {
        self.blocked.fetch_add(1, Ordering::SeqCst);
        let mut released = self.released.lock().expect("no poison");
        while !*released {
            if heeds && cancel.is_cancelled() {
                self.interrupted.fetch_add(1, Ordering::SeqCst);
                return Err(Errno::INTR);
            }
            released = self.release.wait_timeout(released, Duration::from_millis(5)).expect("no poison").0;
        }
        Ok(())
    }

    fn open(&self, node: NodeId, reply: &mut Reply<'_>) -> Served {
        let io = &self.kernel.get().expect("started").io;
        let passthrough = match self.find(node)? {
            Content::Backed(path) => {
                let file = || File::open(path).map_err(|_| Errno::IO);
                match io.open(node, Coverage::Whole, Access::Read, file) {
                    OpenedAs::Passthrough(id) => Some(id),
                    OpenedAs::Cached => None,
                }
            }
            _ => {
                io.open(node, Coverage::Partial, Access::Read, || Err::<File, _>(Errno::IO));
                None
            }
        };
        reply.opened(&Opened { handle: node.0, flags: 0, passthrough })
    }

    fn list(&self, offset: u64, size: u32, plus: bool, reply: &mut Reply<'_>) -> Served {
        let mut listing = reply.listing(size)?;
        for (at, (name, (id, _))) in self.files.iter().enumerate().skip(offset as usize) {
            let next = at as u64 + 1;
            let packed = match plus {
                true => {
                    let name = ItemName::new(name).expect("names are good");
                    listing.item(&self.entry(NodeId(*id))?, next, name)
                }
                false => listing.name(Number(*id), next, mode::FILE, name),
            };
            if packed == Packed::Full {
                break;
            }
        }
        listing.finish()
    }
}

fn part(bytes: &[u8], offset: u64, size: u32, reply: &mut Reply<'_>) -> Served {
    let rest = bytes.get(offset as usize..).unwrap_or_default();
    reply.data(&rest[..rest.len().min(size as usize)])
}

impl Service for Memory {
    fn start(&self, kernel: &Kernel) {
        assert!(self.kernel.set(kernel.clone()).is_ok(), "started once");
    }

    fn serve(
        &self,
        context: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        match *request {
            Request::Lookup { name } => match self.files.get(name.as_bytes()) {
                Some((id, _)) => reply.entry(&self.entry(NodeId(*id))?),
                None => reply.negative_entry(Lifetime::For(Duration::ZERO)),
            },
            Request::Getattr(_) => reply.stat(&self.stat(context.node)?, Lifetime::Forever),
            Request::Open(_) => self.open(context.node, reply),
            Request::Read(args) => self.read(context.node, args.offset, args.size, patience, reply),
            Request::Write { args, data } => self.write(context.node, args.offset, data, patience, reply),
            Request::Getxattr { name: b"user.x", size } => reply.attribute(size, b"value"),
            // ENOSYS would mean that there are no attributes at all.
            Request::Getxattr { .. } => Err(Errno::NODATA.into()),
            Request::Release(_) => {
                self.kernel.get().expect("started").io.close(context.node, Access::Read);
                reply.empty()
            }
            Request::Readdir(args) => self.list(args.offset, args.size, false, reply),
            Request::Readdirplus(args) => self.list(args.offset, args.size, true, reply),
            Request::Statfs => reply.statfs(&Default::default()),
            _ => Err(Errno::NOSYS.into()),
        }
    }

    fn forget(&self, _node: NodeId, lookups: u64) {
        self.forgotten.fetch_add(lookups as usize, Ordering::Relaxed);
    }
}
