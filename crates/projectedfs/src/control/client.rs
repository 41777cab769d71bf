//! The side that asks.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use super::message::Answer;
use super::message::Failure;
use super::message::Question;
use crate::Error;
use crate::ErrorKind;
use crate::Result;
use crate::RuntimeFiles;

const ASK: &str = "ask the instance at";

/// How long a keeper may take to bring a daemon back.
const RESTART: Duration = Duration::from_secs(30);

/// How long is waited between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks the instance whose files these are, and calls `each` with every answer but the last. Ends early if `each` says
/// so. Waits up to 30 seconds for a daemon that is being started again, unless a part of the answer was there already.
///
/// # Errors
/// `Control` if nobody answers, or the connection breaks; `PermissionDenied`. That the instance could not do it is the
/// inner result.
pub fn ask(
    files: &RuntimeFiles,
    question: &Question,
    each: &mut dyn FnMut(Answer) -> ControlFlow<()>,
) -> Result<std::result::Result<(), Failure>> {
    let end = Instant::now() + RESTART;
    loop {
        let mut begun = false;
        let asked = Client::connect(&files.socket()).and_then(|client| {
            client.ask(question, &mut |answer| {
                begun = true;
                each(answer)
            })
        });
        match asked {
            Err(error)
                if error.kind() == ErrorKind::Control
                    && !begun
                    && files.is_kept()
                    && Instant::now() < end =>
            {
                std::thread::sleep(PAUSE);
            }
            asked => return asked,
        }
    }
}

/// A connection to an instance; good for one question.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    stream: UnixStream,
}

impl Client {
    /// Connects to the socket of an instance.
    ///
    /// # Errors
    /// `Control` if nobody listens there; `PermissionDenied`.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => Error::io(error, ASK, socket),
            _ => Error::new(ErrorKind::Control, ASK, socket).detail("nobody answers there").because(error),
        })?;
        Ok(Self { socket: socket.to_owned(), stream })
    }

    /// Asks, and calls `each` with every answer but the last. Ends early if `each` says so.
    ///
    /// # Errors
    /// `Control` if the connection breaks. That the instance could not do it is the inner result.
    pub fn ask(
        self,
        question: &Question,
        each: &mut dyn FnMut(Answer) -> ControlFlow<()>,
    ) -> Result<std::result::Result<(), Failure>> {
        let Self { socket, mut stream } = self;
        let broken = |error: std::io::Error| Error::new(ErrorKind::Control, ASK, &socket).because(error);
        let mut line = serde_json::to_vec(question).map_err(std::io::Error::from).map_err(broken)?;
        line.push(b'\n');
        stream.write_all(&line).map_err(broken)?;
        for line in BufReader::new(stream).lines() {
            let line = line.map_err(broken)?;
            let answer = serde_json::from_str(&line).map_err(std::io::Error::from).map_err(broken)?;
            match answer {
                Answer::Done => return Ok(Ok(())),
                Answer::Failed(failure) => return Ok(Err(failure)),
                answer => {
                    if each(answer).is_break() {
                        return Ok(Ok(()));
                    }
                }
            }
        }
        Err(Error::new(ErrorKind::Control, ASK, &socket).detail("it ended without an answer"))
    }
}
