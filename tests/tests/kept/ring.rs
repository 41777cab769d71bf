//! What the kernel does with requests whose process has died, asked of the kernel itself.
//!
//! This process takes a descriptor of the daemon's connection, has the daemon killed while programs wait for it, and then
//! does what a new daemon would do: asks for what was not answered, and answers. Over io_uring it also gives the kernel
//! rings of its own.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use projfs_fuse::Patience;
use projfs_fuse::Service;
use projfs_fuse::connection::Connection;
use projfs_fuse::policy::Policy;
use projfs_fuse::session::census::Census;
use projfs_fuse::transport::Device;
use projfs_fuse::transport::classic;
use projfs_fuse::transport::uring::Queues;
use projfs_fuse::wire::abi::UNIQUE_RESEND;
use projfs_fuse::wire::abi::init;
use projfs_fuse::wire::init::Negotiated;
use projfs_fuse::wire::notify::Notification;
use projfs_fuse::wire::reply::Reply;
use projfs_fuse::wire::reply::Served;
use projfs_fuse::wire::request::Request;
use projfs_fuse::wire::request::RequestContext;
use projfs_fuse::worker::WorkerLimits;
use projfs_fuse::worker::Workers;
use projfs_types::NodeId;
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use rustix::process::Pid;
use rustix::process::PidfdFlags;
use rustix::process::PidfdGetfdFlags;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");

/// How many programs wait.
const CLIENTS: usize = 16;

/// What a new daemon answers here, and nobody else.
const ANSWER: Errno = Errno::XFULL;

/// After how long who has no answer will have none.
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers everything, and counts what came again.
#[derive(Default)]
struct Answers {
    again: AtomicUsize,
}

impl Service for Answers {
    fn serve(&self, context: &RequestContext, _: &Request<'_>, _: Patience<'_>, _: &mut Reply<'_>) -> Served {
        self.again.fetch_add(usize::from(context.unique & UNIQUE_RESEND != 0), Ordering::Relaxed);
        Err(ANSWER.into())
    }

    fn forget(&self, _: NodeId, _: u64) {}
}

/// What came of the requests of one killed daemon.
#[derive(Debug)]
pub(crate) struct Came {
    /// How many were sent again.
    pub(crate) again: usize,
    /// How many programs got an error that nobody answered.
    pub(crate) failed: usize,
    /// How many programs still wait.
    pub(crate) waiting: usize,
    /// Whether who asks after all that is answered.
    pub(crate) goes_on: bool,
}

/// Kills a daemon at work and takes its place.
pub(crate) fn take_over(uring: bool) -> Came {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let mut daemon = start(root, uring);
    let device = Arc::new(Device::from(stolen(&daemon).unwrap()));
    let failed = Arc::new(AtomicUsize::new(0));
    let (asked, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (root, failed) = (root.to_owned(), Arc::clone(&failed));
            let (asked, answered) = (Arc::clone(&asked), Arc::clone(&answered));
            std::thread::spawn(move || {
                for number in 0.. {
                    asked.fetch_add(1, Ordering::Relaxed);
                    let found = fs::metadata(root.join(format!("w0/{client}-{number}")));
                    let errno = found.unwrap_err().raw_os_error();
                    if errno != Some(libc::ENOENT) {
                        let unanswered = errno != Some(ANSWER.raw_os_error());
                        failed.fetch_add(usize::from(unanswered), Ordering::Relaxed);
                        break;
                    }
                }
                answered.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    while asked.load(Ordering::Relaxed) < 100 * CLIENTS {
        std::thread::yield_now();
    }
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let service = Arc::new(Answers::default());
    let flags = if uring { init::OVER_IO_URING } else { 0 };
    let negotiated = Arc::new(Negotiated::of(45, flags, 256 * 1024));
    let workers = Workers::new(WorkerLimits::default());
    let size = negotiated.reply_size();
    let connection = Connection::new(Arc::clone(&service) as _, negotiated, Policy::default(), workers);
    let (connection, census) = (Arc::new(connection), Census::default());
    device.notify(&Notification::Resend).unwrap();
    let reader = Arc::clone(&connection);
    classic::spawn(reader, Arc::clone(&device), "probe".into(), census.enter()).unwrap();
    let rings = uring.then(|| {
        let queues = Queues::prepare(&device, 32, size).unwrap();
        queues.register();
        queues.registered().unwrap().serve(&connection, &census)
    });
    let end = Instant::now() + PATIENCE;
    while answered.load(Ordering::Relaxed) < CLIENTS && Instant::now() < end {
        std::thread::yield_now();
    }
    let waiting = CLIENTS - answered.load(Ordering::Relaxed);
    let failed = failed.load(Ordering::Relaxed);
    let (later, later_root) = (Arc::new(AtomicBool::new(false)), root.to_owned());
    let asks = {
        let later = Arc::clone(&later);
        std::thread::spawn(move || {
            let found = fs::metadata(later_root.join("later")).unwrap_err();
            later.store(found.raw_os_error() == Some(ANSWER.raw_os_error()), Ordering::Relaxed);
        })
    };
    let end = Instant::now() + PATIENCE;
    while !asks.is_finished() && Instant::now() < end {
        std::thread::yield_now();
    }
    let goes_on = later.load(Ordering::Relaxed);
    let again = service.again.load(Ordering::Relaxed);
    // Whoever still waits gets an error.
    rustix::mount::unmount(root, UnmountFlags::FORCE | UnmountFlags::DETACH).unwrap();
    if let Some(rings) = rings {
        rings.stop();
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    census.wait(Some(Instant::now() + PATIENCE));
    asks.join().unwrap();
    Came { again, failed, waiting, goes_on }
}

fn start(root: &Path, uring: bool) -> Child {
    let mut command = Command::new(PROGRAM);
    command.args(["--tree", "workers"]);
    if uring {
        command.arg("--uring");
    }
    let mut daemon = command.arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let output = daemon.stdout.take().unwrap();
    io::BufRead::read_line(&mut io::BufReader::new(output), &mut line).unwrap();
    assert_eq!(line, "mounted\n");
    daemon
}

/// The daemon's descriptor of the connection.
fn stolen(daemon: &Child) -> io::Result<OwnedFd> {
    let fds = format!("/proc/{}/fd", daemon.id());
    let is_device =
        |fd: &i32| fs::read_link(format!("{fds}/{fd}")).is_ok_and(|target| target == Path::new("/dev/fuse"));
    let names = fs::read_dir(&fds)?.flatten();
    let mut numbers: Vec<i32> = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    let number = numbers.into_iter().find(is_device).ok_or(io::ErrorKind::NotFound)?;
    let pid = Pid::from_raw(daemon.id() as i32).ok_or(io::ErrorKind::NotFound)?;
    let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
    Ok(rustix::process::pidfd_getfd(process, number, PidfdGetfdFlags::empty())?)
}
