//! `Disk`: a disk that writes down, in order, what is written to it and when it is flushed.
//!
//! It is one file of a FUSE file system of its own, under a loop device. The file is opened for direct I/O, so each
//! write of the device is one `WRITE`, and each flush one `FSYNC`.
//!
//! A process of its own serves it. It must outlive the process that has something mounted from it: a file system that
//! is unmounted when its last user dies still writes.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context;
use anyhow::Result;
use anyhow::bail;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::SeekFrom;
use rustix::io::Errno;
use rustix::mount::MountFlags;
use rustix::mount::UnmountFlags;

/// The unit in which content is kept, in bytes.
const BLOCK: usize = 4096;
/// The longest write that the kernel sends, in bytes.
const WRITE: u32 = 1 << 20;
/// The name of the only file.
const NAME: &[u8] = b"disk";
/// What the serving process is started with, before the mount, the content and the log.
pub(crate) const SERVE: &str = "serve-disk";
/// The offset that is written down for a flush.
const FLUSH: u64 = u64::MAX;

/// The content of a disk. What was never written is zero. A clone shares what neither changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content(HashMap<u64, Arc<[u8; BLOCK]>>);

/// What happened to a disk.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Bytes were written.
    Write { offset: u64, data: Box<[u8]> },
    /// Everything before survives a power cut.
    Flush,
}

/// A disk, mounted as a file. Unmounted when dropped.
pub(crate) struct Disk {
    dir: PathBuf,
    size: u64,
    image: File,
    log: File,
    server: Child,
}

impl Content {
    /// Writes bytes.
    pub(crate) fn write(&mut self, offset: u64, mut data: &[u8]) {
        let mut at = offset;
        while !data.is_empty() {
            let inside = (at % BLOCK as u64) as usize;
            let count = data.len().min(BLOCK - inside);
            let block = self.0.entry(at / BLOCK as u64).or_insert_with(|| Arc::new([0; BLOCK]));
            Arc::make_mut(block)[inside..inside + count].copy_from_slice(&data[..count]);
            data = &data[count..];
            at += count as u64;
        }
    }
}

impl Disk {
    /// Mounts a disk of `size` bytes, full of zeros, in the directory `dir`. What is on it is kept in the directory
    /// `room`.
    pub(crate) fn mount(dir: &Path, room: &Path, size: u64) -> Result<Self> {
        let [image, log] = ["image", "log"].map(|name| room.join(name));
        let files = [&image, &log]
            .map(|path| File::options().create(true).truncate(true).read(true).write(true).open(path));
        let [image_file, log_file] = files;
        let (image_file, log_file) = (image_file?, log_file?);
        image_file.set_len(size)?;
        let device = rustix::fs::open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .context("cannot open /dev/fuse")?;
        let data = CString::new(format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd()))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("disk", dir, "fuse", flags, Some(data.as_c_str()))
            .context("cannot mount the disk")?;
        // In a namespace in which nothing will be mounted from the disk.
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe()?);
        command.arg(SERVE).args([dir, &image, &log]).stdin(Stdio::from(device)).stdout(Stdio::null());
        let server = command.spawn().context("cannot start the disk")?;
        Ok(Self { dir: dir.to_owned(), size, image: image_file, log: log_file, server })
    }

    /// The disk as a file.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join("disk")
    }

    /// What is on it.
    pub(crate) fn content(&self) -> Result<Content> {
        let mut content = Content::default();
        let mut at = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let start = match rustix::fs::seek(&self.image, SeekFrom::Data(at)) {
                Ok(start) => start,
                Err(Errno::NXIO) => return Ok(content),
                Err(errno) => return Err(errno.into()),
            };
            let end = rustix::fs::seek(&self.image, SeekFrom::Hole(start))?;
            at = start;
            while at < end {
                let count = usize::try_from(end - at)?.min(buffer.len());
                self.image.read_exact_at(&mut buffer[..count], at)?;
                for (number, block) in buffer[..count].chunks(BLOCK).enumerate() {
                    if block.iter().any(|byte| *byte != 0) {
                        content.write(at + (number * BLOCK) as u64, block);
                    }
                }
                at += count as u64;
            }
        }
    }

    /// Replaces what is on it.
    pub(crate) fn put(&self, content: &Content) -> Result<()> {
        self.image.set_len(0)?;
        self.image.set_len(self.size)?;
        Ok(content
            .0
            .iter()
            .try_for_each(|(at, block)| self.image.write_all_at(&block[..], at * BLOCK as u64))?)
    }

    /// Writes down from the beginning again.
    pub(crate) fn record(&self) -> Result<()> {
        Ok(self.log.set_len(0)?)
    }

    /// How much was written down so far.
    pub(crate) fn position(&self) -> u64 {
        self.log.metadata().map_or(0, |metadata| metadata.len())
    }

    /// What was written down, and the position after each.
    pub(crate) fn log(&self) -> Result<Vec<(Event, u64)>> {
        let mut bytes = vec![0; usize::try_from(self.position())?];
        self.log.read_exact_at(&mut bytes, 0)?;
        let mut events = Vec::new();
        let mut rest = &bytes[..];
        while let Some((head, behind)) = rest.split_first_chunk::<16>() {
            let long = |at: usize| head[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let (offset, length) = (long(0), usize::try_from(long(8))?);
            let Some((data, behind)) = behind.split_at_checked(length) else {
                bail!("the log of the disk is torn")
            };
            rest = behind;
            let event =
                if offset == FLUSH { Event::Flush } else { Event::Write { offset, data: data.into() } };
            events.push((event, (bytes.len() - rest.len()) as u64));
        }
        Ok(events)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.dir, UnmountFlags::DETACH);
        // It ends when nobody uses the disk any more.
        let _ = self.server.wait();
    }
}

/// Serves the disk that is mounted by the descriptor which is the standard input, until it is unmounted.
pub(crate) fn serve(dir: &Path, image: &Path, log: &Path) -> Result<()> {
    let device = rustix::io::dup(rustix::stdio::stdin())?;
    let open = |path: &Path| File::options().read(true).write(true).append(path == log).open(path);
    let server = Server { device, image: open(image)?, log: open(log)? };
    // The mount is that of whoever started this, and ends with it. There may be more by now, all of them copies.
    rustix::mount::unmount(dir, UnmountFlags::DETACH)?;
    server.run();
    Ok(())
}

/// The file system of the one file.
struct Server {
    device: OwnedFd,
    image: File,
    log: File,
}

/// A request, past its header.
struct Request<'a> {
    opcode: u32,
    unique: u64,
    node: u64,
    body: &'a [u8],
}

mod opcode {
    pub(super) const LOOKUP: u32 = 1;
    pub(super) const FORGET: u32 = 2;
    pub(super) const GETATTR: u32 = 3;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const WRITE: u32 = 16;
    pub(super) const STATFS: u32 = 17;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FSYNC: u32 = 20;
    pub(super) const FLUSH: u32 = 25;
    pub(super) const INIT: u32 = 26;
    pub(super) const INTERRUPT: u32 = 36;
    pub(super) const BATCH_FORGET: u32 = 42;
}

const ROOT: u64 = 1;
const FILE: u64 = 2;
const HEADER: usize = 40;
const DIRECT_IO: u32 = 1;
/// Writes of more than a page; requests of `WRITE` bytes.
const INIT_FLAGS: u32 = 1 << 5 | 1 << 22;

impl Server {
    fn run(self) {
        let mut buffer = vec![0; WRITE as usize + BLOCK];
        loop {
            let length = match rustix::io::read(&self.device, &mut buffer[..]) {
                Ok(length) => length,
                Err(Errno::INTR | Errno::NOENT | Errno::AGAIN) => continue,
                // It is unmounted.
                Err(_) => return,
            };
            let Some(request) = Request::parse(&buffer[..length]) else { continue };
            if matches!(request.opcode, opcode::FORGET | opcode::BATCH_FORGET | opcode::INTERRUPT) {
                continue;
            }
            let answer = self.answer(&request);
            let (error, body) = match answer {
                Ok(body) => (0, body),
                Err(errno) => (-errno.raw_os_error(), Vec::new()),
            };
            let mut reply = ((16 + body.len()) as u32).to_le_bytes().to_vec();
            reply.extend_from_slice(&error.to_le_bytes());
            reply.extend_from_slice(&request.unique.to_le_bytes());
            reply.extend_from_slice(&body);
            // Who asked may be gone.
            let _ = rustix::io::write(&self.device, &reply);
        }
    }

    fn answer(&self, request: &Request<'_>) -> Result<Vec<u8>, Errno> {
        let word = |at| request.word(at).ok_or(Errno::INVAL);
        let long = |at| request.long(at).ok_or(Errno::INVAL);
        match request.opcode {
            opcode::INIT => {
                let mut body = words(&[7, 31, 0, INIT_FLAGS, 16 | 12 << 16, WRITE, 1, WRITE / 4096]);
                body.resize(64, 0);
                Ok(body)
            }
            opcode::LOOKUP if request.node == ROOT && request.body.starts_with(NAME) => {
                let mut body = longs(&[FILE, 0, 3600, 3600, 0]);
                body.extend(self.attributes(FILE)?);
                Ok(body)
            }
            opcode::LOOKUP => Err(Errno::NOENT),
            opcode::GETATTR => {
                let mut body = longs(&[3600, 0]);
                body.extend(self.attributes(request.node)?);
                Ok(body)
            }
            opcode::OPEN if request.node == FILE => {
                let mut body = longs(&[0]);
                body.extend(words(&[DIRECT_IO, 0]));
                Ok(body)
            }
            opcode::READ => {
                let (offset, size) = (long(8)?, word(16)?);
                let left = self.size()?.saturating_sub(offset).min(size.into());
                let mut bytes = vec![0; left as usize];
                self.image.read_exact_at(&mut bytes, offset).map_err(|_| Errno::IO)?;
                Ok(bytes)
            }
            opcode::WRITE => {
                let (offset, size) = (long(8)?, word(16)?);
                let data = request.body.get(40..40 + size as usize).ok_or(Errno::INVAL)?;
                if offset + u64::from(size) > self.size()? {
                    return Err(Errno::NOSPC);
                }
                self.image.write_all_at(data, offset).map_err(|_| Errno::IO)?;
                self.note(offset, data)?;
                Ok(words(&[size, 0]))
            }
            opcode::FSYNC => {
                self.note(FLUSH, &[])?;
                Ok(Vec::new())
            }
            opcode::FLUSH | opcode::RELEASE => Ok(Vec::new()),
            opcode::STATFS => {
                let mut body = longs(&[self.size()? / 4096, 0, 0, 1, 0]);
                body.extend(words(&[4096, 255, 4096, 0]));
                body.resize(80, 0);
                Ok(body)
            }
            _ => Err(Errno::NOSYS),
        }
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(self.image.metadata().map_err(|_| Errno::IO)?.len())
    }

    fn note(&self, offset: u64, data: &[u8]) -> Result<(), Errno> {
        let bytes = [&offset.to_le_bytes()[..], &(data.len() as u64).to_le_bytes(), data].concat();
        (&self.log).write_all(&bytes).map_err(|_| Errno::IO)
    }

    fn attributes(&self, node: u64) -> Result<Vec<u8>, Errno> {
        let (mode, size) = if node == FILE { (0o100_600, self.size()?) } else { (0o040_700, 0) };
        let mut body = longs(&[node, size, size / 512, 0, 0, 0]);
        body.extend(words(&[0, 0, 0, mode, 1, 0, 0, 0, 4096, 0]));
        Ok(body)
    }
}

impl<'a> Request<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEADER)?;
        let head = Request { opcode: 0, unique: 0, node: 0, body: head };
        let (opcode, unique, node) = (head.word(4)?, head.long(8)?, head.long(16)?);
        Some(Self { opcode, unique, node, body })
    }

    fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.body.get(at..)?.first_chunk()?))
    }

    fn long(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.body.get(at..)?.first_chunk()?))
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn longs(longs: &[u64]) -> Vec<u8> {
    longs.iter().flat_map(|long| long.to_le_bytes()).collect()
}
