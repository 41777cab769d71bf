//! The io_uring transport: for every possible CPU one thread, pinned to it, with a ring of its own.
//!
//! The kernel hands a request to the queue of the CPU on which the caller runs, so nothing crosses CPUs. An entry of a
//! queue is a block of headers and a payload; the kernel writes a request into both and the thread writes the answer
//! over it. An entry whose request waits on a worker stays taken until it is answered; memory that was never used costs
//! nothing, so there are many entries.
#![allow(
    unsafe_code,
    reason = "the kernel reads and writes the memory of entries behind the compiler's back"
)]

use std::io;
use std::mem;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;
use std::sync::mpsc;

use io_uring::IoUring;
use io_uring::cqueue;
use io_uring::opcode;
use io_uring::squeue;
use io_uring::types::Fd;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use rustix::event::EventfdFlags;
use rustix::io::Errno;
use zerocopy::FromBytes;
use zerocopy::IntoBytes;

use super::device::Device;
use super::placement::bind;
use super::token::Home;
use super::token::Token;
use crate::connection::Connection;
use crate::connection::Outcome;
use crate::session::census::Census;
use crate::session::census::Present;
use crate::wire::abi::OutHeader;
use crate::wire::abi::UringCmdReq;
use crate::wire::abi::UringEntInOut;
use crate::wire::abi::ring;
use crate::wire::request::RawRequest;

/// What a queue thread needs to serve.
type Start = (Arc<Connection>, Present);

type Ring = IoUring<squeue::Entry128, cqueue::Entry>;

const WAKE: u64 = u64::MAX;

/// Answers of workers on their way to a queue thread, which alone may touch the ring.
pub struct Mailbox {
    answers: Mutex<Vec<Answer>>,
    wake: OwnedFd,
}

enum Answer {
    Request { slot: u32, unique: u64, error: i32, body: Box<[u8]> },
    Stop,
}

impl Mailbox {
    fn post(&self, answer: Answer) {
        let first = {
            let mut answers = self.answers.lock();
            answers.push(answer);
            answers.len() == 1
        };
        // Only whoever finds the box empty has to wake; the thread then takes all there is.
        if first && let Err(errno) = rustix::io::write(&self.wake, &1_u64.to_ne_bytes()) {
            tracing::error!(%errno, "a queue thread could not be woken");
        }
    }
}

impl Home for Mailbox {
    fn answer(&self, slot: u32, unique: u64, error: i32, body: &[u8]) {
        let body = if error == 0 { body.into() } else { Box::default() };
        self.post(Answer::Request { slot, unique, error, body });
    }
}

/// The memory of one entry. It is the kernel's from registering or committing until the completion, else ours.
struct Entry {
    headers: Box<[u8; ring::HEADER_SIZE]>,
    payload: Box<[u8]>,
    vectors: Box<[libc::iovec; 2]>,
    commit_id: u64,
}

// SAFETY: the pointers in `vectors` lead to the boxes beside them, which move with the entry.
unsafe impl Send for Entry {}

impl Entry {
    fn new(payload: usize) -> Self {
        let mut headers = Box::new([0; ring::HEADER_SIZE]);
        let mut payload = vec![0; payload].into_boxed_slice();
        let vectors = Box::new([
            libc::iovec { iov_base: headers.as_mut_ptr().cast(), iov_len: headers.len() },
            libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() },
        ]);
        Self { headers, payload, vectors, commit_id: 0 }
    }

    fn set_answer(&mut self, unique: u64, error: i32, length: usize) {
        let length = if error == 0 { length } else { 0 };
        let header = OutHeader { len: (size_of::<OutHeader>() + length) as u32, error, unique };
        self.headers[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
        let in_out =
            UringEntInOut { commit_id: self.commit_id, payload_sz: length as u32, ..Default::default() };
        self.headers[ring::ENT_IN_OUT..].copy_from_slice(in_out.as_bytes());
    }
}

struct Queue {
    // The ring comes first: dropping it takes the memory of the entries back from the kernel before that goes.
    ring: Ring,
    entries: Vec<Entry>,
    live: usize,
    id: u16,
    device: Arc<Device>,
    mailbox: Arc<Mailbox>,
    wake_buffer: Box<[u8; 8]>,
}

/// Queue threads that have their rings and wait to be told to go on.
pub struct Queues {
    threads: Vec<mpsc::Sender<Start>>,
    gates: Vec<mpsc::Sender<()>>,
    mailboxes: Vec<Arc<Mailbox>>,
    registered: mpsc::Receiver<io::Result<()>>,
}

/// Queue threads whose entries FUSE has.
pub struct Registered {
    threads: Vec<mpsc::Sender<Start>>,
    mailboxes: Vec<Arc<Mailbox>>,
}

/// Queue threads at work, until the connection ends or [`Running::stop`].
pub struct Running {
    mailboxes: Vec<Arc<Mailbox>>,
}

impl Running {
    /// Tells the threads to end whatever the kernel does.
    pub fn stop(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.post(Answer::Stop));
    }
}

impl Queues {
    /// Makes a thread with a ring for every possible CPU. Nothing is said to FUSE yet: once INIT has promised rings there
    /// is no way back, so whatever may fail is done before.
    ///
    /// # Errors
    /// Those of making rings and threads.
    pub fn prepare(device: &Arc<Device>, depth: usize, payload: usize) -> io::Result<Self> {
        let (ready_tx, ready) = mpsc::channel();
        let (registered_tx, registered) = mpsc::channel();
        let cpus = possible_cpus();
        let mut threads = Vec::new();
        let mut gates = Vec::new();
        let mut mailboxes = Vec::new();
        for cpu in 0..cpus {
            let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?;
            let mailbox = Arc::new(Mailbox { answers: Mutex::new(Vec::new()), wake });
            mailboxes.push(Arc::clone(&mailbox));
            let (device, ready, registered) = (Arc::clone(device), ready_tx.clone(), registered_tx.clone());
            let (connect, start) = mpsc::channel::<Start>();
            let (gate, register) = mpsc::channel::<()>();
            gates.push(gate);
            std::thread::Builder::new().name(format!("projfs-queue-{cpu}")).spawn(move || {
                bind(cpu);
                let mut queue = match Queue::new(cpu as u16, device, mailbox, depth, payload) {
                    Ok(queue) => queue,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                let _ = ready.send(Ok(()));
                if register.recv().is_err() {
                    return;
                }
                let result = queue.register();
                let failed = result.is_err();
                let _ = registered.send(result);
                if let (false, Ok((connection, _present))) = (failed, start.recv()) {
                    queue.run(&connection);
                }
            })?;
            threads.push(connect);
        }
        for _ in 0..cpus {
            ready.recv().map_err(io::Error::other)??;
        }
        Ok(Self { threads, gates, mailboxes, registered })
    }

    /// Lets the queues give their entries to FUSE, which has to have been promised them.
    pub fn register(&self) {
        for gate in &self.gates {
            // A thread that is gone has said why already.
            let _ = gate.send(());
        }
    }

    /// Waits until every queue has given its entries to FUSE.
    ///
    /// # Errors
    /// The first queue's that was refused. The connection is then of no use.
    pub fn registered(self) -> io::Result<Registered> {
        for _ in 0..self.threads.len() {
            self.registered.recv().map_err(io::Error::other)??;
        }
        Ok(Registered { threads: self.threads, mailboxes: self.mailboxes })
    }
}

impl Registered {
    /// Lets the queues serve.
    pub fn serve(self, connection: &Arc<Connection>, census: &Census) -> Running {
        for thread in &self.threads {
            let _ = thread.send((Arc::clone(connection), census.enter()));
        }
        Running { mailboxes: self.mailboxes }
    }
}

impl Queue {
    fn new(
        id: u16,
        device: Arc<Device>,
        mailbox: Arc<Mailbox>,
        depth: usize,
        payload: usize,
    ) -> io::Result<Self> {
        let size = (depth + 1).next_power_of_two() as u32;
        let ring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(size)?;
        let entries = (0..depth).map(|_| Entry::new(payload)).collect();
        Ok(Self { ring, entries, live: 0, id, device, mailbox, wake_buffer: Box::new([0; 8]) })
    }

    fn register(&mut self) -> io::Result<()> {
        for slot in 0..self.entries.len() {
            self.push_command(ring::REGISTER, slot)?;
        }
        self.live = self.entries.len();
        self.ring.submit()?;
        // What is refused completes at once.
        let refused = self.ring.completion().find(|completion| completion.result() < 0);
        refused.map_or(Ok(()), |completion| Err(io::Error::from_raw_os_error(-completion.result())))
    }

    fn push_command(&mut self, command: u32, slot: usize) -> io::Result<()> {
        let entry = &self.entries[slot];
        let request = UringCmdReq { flags: 0, commit_id: entry.commit_id, qid: self.id, padding: [0; 6] };
        let mut area = [0; 80];
        area[..size_of::<UringCmdReq>()].copy_from_slice(request.as_bytes());
        let command = opcode::UringCmd80::new(Fd(self.device.as_fd().as_raw_fd()), command)
            .cmd(area)
            .addr(Some(entry.vectors.as_ptr() as u64))
            .build()
            .user_data(slot as u64);
        self.push(with_length(command, 2))
    }

    fn push_wake(&mut self) -> io::Result<()> {
        let fd = Fd(self.mailbox.wake.as_raw_fd());
        let read = opcode::Read::new(fd, self.wake_buffer.as_mut_ptr(), 8).build().user_data(WAKE);
        self.push(read.into())
    }

    fn push(&mut self, entry: squeue::Entry128) -> io::Result<()> {
        // SAFETY: the memory an entry points to is owned by `self`, on the heap, and is dropped after the ring. What the
        // kernel writes to is not touched until its completion: `run` alone does, and only slots that completed.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }

    fn run(mut self, connection: &Arc<Connection>) {
        if let Err(error) = self.run_until_end(connection) {
            tracing::error!(queue = self.id, %error, "a queue failed");
        }
    }

    fn run_until_end(&mut self, connection: &Arc<Connection>) -> io::Result<()> {
        self.push_wake()?;
        let mut completions = Vec::new();
        while self.live > 0 {
            match self.ring.submit_and_wait(1) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            completions.extend(self.ring.completion().map(|done| (done.user_data(), done.result())));
            for (user_data, result) in completions.drain(..) {
                if user_data == WAKE {
                    if !self.take_mail()? {
                        return Ok(());
                    }
                } else if result < 0 {
                    self.lose(result);
                } else {
                    self.serve(connection, user_data as usize)?;
                }
            }
        }
        Ok(())
    }

    /// An entry is lost to us when the connection ends.
    fn lose(&mut self, result: i32) {
        let errno = Errno::from_raw_os_error(-result);
        if !matches!(errno, Errno::NOTCONN | Errno::CONNABORTED | Errno::CANCELED) {
            tracing::error!(queue = self.id, %errno, "the kernel gave an entry back");
        }
        self.live -= 1;
    }

    fn take_mail(&mut self) -> io::Result<bool> {
        let answers = mem::take(&mut *self.mailbox.answers.lock());
        for answer in answers {
            match answer {
                Answer::Stop => return Ok(false),
                Answer::Request { slot, unique, error, body } => {
                    let entry = &mut self.entries[slot as usize];
                    entry.payload[..body.len()].copy_from_slice(&body);
                    entry.set_answer(unique, error, body.len());
                    self.push_command(ring::COMMIT_AND_FETCH, slot as usize)?;
                }
            }
        }
        self.push_wake()?;
        Ok(true)
    }

    fn serve(&mut self, connection: &Arc<Connection>, slot: usize) -> io::Result<()> {
        let entry = &mut self.entries[slot];
        let in_out = UringEntInOut::read_from_bytes(&entry.headers[ring::ENT_IN_OUT..]).unwrap_or_default();
        entry.commit_id = in_out.commit_id;
        // The answer goes where the request is, so the request moves out of the way: names are short, and written data
        // is copied once more only on this path, which passthrough files do not take.
        let headers = *entry.headers;
        let length = (in_out.payload_sz as usize).min(entry.payload.len());
        let mut small = [0; 1024];
        let large;
        let payload = match small.get_mut(..length) {
            Some(small) => {
                small.copy_from_slice(&entry.payload[..length]);
                &*small
            }
            None => {
                large = entry.payload[..length].to_vec();
                &large
            }
        };
        let op_in = &headers[ring::OP_IN..ring::ENT_IN_OUT];
        let (unique, outcome) = match RawRequest::split(&headers, op_in, payload) {
            Ok(raw) => {
                let unique = raw.header().unique;
                let mailbox = &self.mailbox;
                let token = || Token::new(Arc::clone(mailbox) as Arc<_>, slot as u32, unique);
                (unique, connection.handle(&raw, &mut entry.payload, token))
            }
            Err(error) => (in_out.commit_id, Outcome::Error(error.into())),
        };
        match outcome {
            Outcome::Reply(length) => entry.set_answer(unique, 0, length),
            Outcome::Error(errno) => entry.set_answer(unique, -errno.raw_os_error(), 0),
            // Never seen on a ring, but an entry must go back all the same.
            Outcome::Nothing => entry.set_answer(unique, 0, 0),
            Outcome::Later => return Ok(()),
        }
        self.push_command(ring::COMMIT_AND_FETCH, slot)
    }
}

/// Sets `sqe.len`, for which the builder of the command has no name.
fn with_length(mut entry: squeue::Entry128, length: u32) -> squeue::Entry128 {
    const LEN: usize = 24;
    // SAFETY: an `Entry128` is the 128 bytes of an `io_uring_sqe`, plain data; its `len` is the aligned `u32` at 24.
    unsafe {
        (&raw mut entry).cast::<u8>().add(LEN).cast::<u32>().write(length);
    }
    entry
}

/// How many queues the kernel has: one more than the highest CPU that may ever come.
fn possible_cpus() -> usize {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    let last = text.trim().rsplit([',', '-']).next().and_then(|last| last.parse::<usize>().ok());
    last.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |last| last + 1)
}
