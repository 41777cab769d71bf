//! The side that answers: a thread that waits for connections, and a thread for each.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use projfs_provider::CancelToken;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::poll;
use rustix::fs::Mode;

use super::message::Answer;
use super::message::Failure;
use super::message::Question;
use crate::Error;
use crate::ErrorKind;
use crate::Result;

/// How many connections there may be at a time. More wait to be accepted.
const CONNECTIONS: usize = 32;

/// The longest question, in bytes.
const QUESTION_MAX: u64 = 16 << 20;

/// How long who connects may take to ask.
const QUESTION_TIME: Duration = Duration::from_secs(10);

/// How long an answer may wait for a client that does not read.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What answers questions.
pub(crate) trait Answerer: Send + Sync + 'static {
    /// Answers; the last answer is the result. `cancel` is set when nobody listens any more.
    fn answer(
        &self,
        question: Question,
        cancel: &CancelToken,
        say: &mut dyn FnMut(Answer),
    ) -> std::result::Result<(), Failure>;
}

/// A control socket that is served.
pub(crate) struct Server {
    shared: Arc<Shared>,
    /// Closed to end the thread that waits for connections.
    closing: Mutex<Option<OwnedFd>>,
}

struct Shared {
    answerer: Box<dyn Answerer>,
    stopping: CancelToken,
    connections: Mutex<usize>,
    ended: Condvar,
}

impl Server {
    /// Serves a socket at `path`. One that a crash left there is replaced; the root's lock is what keeps a second
    /// instance out.
    pub(crate) fn start(path: &Path, answerer: Box<dyn Answerer>) -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(ErrorKind::Control, "serve", path).because(error);
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        rustix::fs::chmod(path, Mode::from_raw_mode(0o600)).map_err(|errno| failed(errno.into()))?;
        listener.set_nonblocking(true).map_err(failed)?;
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (close, closing) = rustix::pipe::pipe_with(flags).map_err(|errno| failed(errno.into()))?;
        let shared = Arc::new(Shared {
            answerer,
            stopping: CancelToken::new(),
            connections: Mutex::new(0),
            ended: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("projfs-control".into());
        thread.spawn(move || accept(&accepting, &listener, &close)).map_err(failed)?;
        Ok(Self { shared, closing: Mutex::new(Some(closing)) })
    }

    /// Takes no more connections, and cancels what they wait for.
    pub(crate) fn close(&self) {
        self.closing.lock().take();
        self.shared.stopping.cancel();
    }

    /// Waits until the connections have ended, at most for `time`.
    pub(crate) fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut connections = self.shared.connections.lock();
        while *connections > 0 {
            if self.shared.ended.wait_until(&mut connections, end).timed_out() {
                return;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

fn accept(shared: &Arc<Shared>, listener: &UnixListener, close: &OwnedFd) {
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(close, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return tracing::error!(%error, "the control socket is given up"),
        }
        if !fds[1].revents().is_empty() {
            return;
        }
        let mut connections = shared.connections.lock();
        while *connections >= CONNECTIONS && !shared.stopping.is_cancelled() {
            shared.ended.wait(&mut connections);
        }
        match listener.accept() {
            Ok((stream, _)) => {
                *connections += 1;
                drop(connections);
                let entered = Entered(Arc::clone(shared));
                let thread = std::thread::Builder::new().name("projfs-control".into());
                // Without a thread the connection is closed, which is an answer too.
                if let Err(error) = thread.spawn(move || entered.0.serve(stream)) {
                    tracing::warn!(%error, "no thread for a control connection");
                }
            }
            Err(error) => tracing::debug!(%error, "a connection was not accepted"),
        }
    }
}

/// A connection that is counted until this is dropped.
struct Entered(Arc<Shared>);

impl Drop for Entered {
    fn drop(&mut self) {
        *self.0.connections.lock() -= 1;
        self.0.ended.notify_all();
    }
}

impl Shared {
    fn serve(&self, stream: UnixStream) {
        if let Err(error) = self.converse(stream) {
            tracing::debug!(%error, "a control connection broke");
        }
    }

    fn converse(&self, stream: UnixStream) -> std::io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(QUESTION_TIME))?;
        stream.set_write_timeout(Some(ANSWER_TIME))?;
        let asker = rustix::net::sockopt::socket_peercred(&stream)?.uid;
        if asker != rustix::process::geteuid() && !asker.is_root() {
            tracing::warn!(uid = asker.as_raw(), "refused a control connection");
            return Ok(());
        }
        let mut line = String::new();
        BufReader::new((&stream).take(QUESTION_MAX)).read_line(&mut line)?;
        let question = match serde_json::from_str(&line) {
            Ok(question) => question,
            Err(error) => {
                let failure = Failure { kind: "refused".into(), message: format!("not a question: {error}") };
                return say(&stream, &Answer::Failed(failure));
            }
        };
        let cancel = CancelToken::new();
        let (done, finished) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let stop = cancel.clone();
        let _listening = self.stopping.listen(move || stop.cancel());
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                if hangs_up(&stream, &done) {
                    cancel.cancel();
                }
            });
            let result = self.answerer.answer(question, &cancel, &mut |answer| {
                if say(&stream, &answer).is_err() {
                    cancel.cancel();
                }
            });
            drop(finished);
            result
        });
        let last = result.map_or_else(Answer::Failed, |()| Answer::Done);
        say(&stream, &last)
    }
}

/// Waits until the client is gone, which is true, or the work is done.
fn hangs_up(stream: &UnixStream, done: &OwnedFd) -> bool {
    loop {
        let mut fds =
            [PollFd::new(stream, PollFlags::RDHUP), PollFd::from_borrowed_fd(done.as_fd(), PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) => return fds[1].revents().is_empty(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn say(mut stream: &UnixStream, answer: &Answer) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests;
