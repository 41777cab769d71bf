//! Tests of workers, with a service that blocks and no kernel.

use projfs_engine::Patience;
use projfs_types::NodeId;
use zerocopy::IntoBytes;

use super::*;
use crate::connection::Outcome;
use crate::policy::Policy;
use crate::service::Service;
use crate::transport::Home;
use crate::wire::abi::InHeader;
use crate::wire::abi::InitIn;
use crate::wire::abi::InterruptIn;
use crate::wire::abi::Opcode;
use crate::wire::init::Wishes;
use crate::wire::init::negotiate;
use crate::wire::reply::Reply;
use crate::wire::reply::Served;
use crate::wire::reply::Unserved;
use crate::wire::request::RawRequest;
use crate::wire::request::Request;
use crate::wire::request::RequestContext;

const FAR: Duration = Duration::from_secs(10);

/// Waits until it is cancelled, and says so.
struct Blocking;

impl Service for Blocking {
    fn serve(
        &self,
        _: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        match (request, patience) {
            (Request::Statfs, Patience::None) | (Request::Readlink, Patience::None) => {
                Err(Unserved::WouldWait)
            }
            (Request::Readlink, Patience::Until(_)) => reply.data(b"target"),
            (_, Patience::Until(cancel)) => {
                let (cancelled, wait) = std::sync::mpsc::channel();
                let _listening = cancel.listen(move || {
                    let _ = cancelled.send(());
                });
                assert!(wait.recv_timeout(FAR).is_ok());
                Err(Errno::INTR.into())
            }
            (_, Patience::None) => reply.empty(),
        }
    }

    fn forget(&self, _: NodeId, _: u64) {}
}

#[derive(Default)]
struct Answers {
    heard: Mutex<Vec<(u64, i32, usize)>>,
    changed: Condvar,
}

impl Home for Answers {
    fn answer(&self, _: u32, unique: u64, error: i32, body: &[u8]) {
        self.heard.lock().push((unique, error, body.len()));
        self.changed.notify_all();
    }
}

impl Answers {
    fn wait(&self, count: usize) -> Vec<(u64, i32, usize)> {
        let end = Instant::now() + FAR;
        let mut heard = self.heard.lock();
        while heard.len() < count {
            assert!(!self.changed.wait_until(&mut heard, end).timed_out(), "{heard:?}");
        }
        heard.clone()
    }
}

fn connection(threads: usize) -> (Arc<Connection>, Arc<Answers>) {
    let offer = InitIn { major: 7, minor: 45, ..InitIn::default() };
    let (negotiated, _) = negotiate(&offer, &Wishes::default()).expect("versions agree");
    let workers = Workers::new(WorkerLimits { threads, idle: Duration::from_millis(50) });
    let connection = Connection::new(Arc::new(Blocking), Arc::new(negotiated), Policy::default(), workers);
    (Arc::new(connection), Arc::default())
}

fn send(
    connection: &Arc<Connection>,
    answers: &Arc<Answers>,
    unique: u64,
    opcode: Opcode,
    body: &[u8],
) -> Outcome {
    let len = (size_of::<InHeader>() + body.len()) as u32;
    let header = InHeader { len, opcode: opcode as u32, unique, ..InHeader::default() };
    let bytes = [header.as_bytes(), body].concat();
    let raw = RawRequest::contiguous(&bytes).expect("well formed");
    connection.handle(&raw, &mut [0; 4096], || Token::new(Arc::clone(answers) as Arc<_>, 0, unique))
}

fn interrupt(connection: &Arc<Connection>, answers: &Arc<Answers>, unique: u64) {
    let body = InterruptIn { unique };
    assert_eq!(send(connection, answers, unique | 1, Opcode::Interrupt, body.as_bytes()), Outcome::Nothing);
}

#[test]
fn beyond_the_limit_requests_queue_and_can_be_interrupted_there() {
    let (connection, answers) = connection(1);
    for unique in [2, 4, 6] {
        assert_eq!(send(&connection, &answers, unique, Opcode::Statfs, &[]), Outcome::Later);
    }
    interrupt(&connection, &answers, 6);
    assert_eq!(answers.wait(1), [(6, -4, 0)], "at once, though the only worker is blocked");
    interrupt(&connection, &answers, 2);
    assert_eq!(answers.wait(2)[1], (2, -4, 0));
    interrupt(&connection, &answers, 4);
    assert_eq!(answers.wait(3)[2], (4, -4, 0));
    assert_eq!(connection.interrupts().waiting(), 0);
}

#[test]
fn an_interrupt_that_comes_first_is_not_lost() {
    let (connection, answers) = connection(1);
    interrupt(&connection, &answers, 8);
    assert_eq!(send(&connection, &answers, 8, Opcode::Statfs, &[]), Outcome::Error(Errno::INTR));
}

#[test]
fn workers_come_with_blocked_requests_and_go_without() {
    let (connection, answers) = connection(8);
    for unique in 0..8 {
        assert_eq!(send(&connection, &answers, unique * 2, Opcode::Statfs, &[]), Outcome::Later);
    }
    assert_eq!(connection.workers().load().0, 8);
    connection.interrupts().interrupt_all();
    answers.wait(8);
    assert_eq!(connection.workers().join(Instant::now() + FAR), 0, "idle ones end");
    assert_eq!(send(&connection, &answers, 20, Opcode::Readlink, &[]), Outcome::Later);
    assert_eq!(answers.wait(9)[8], (20, 0, 6));
}

#[test]
fn closing_answers_everything() {
    let (connection, answers) = connection(1);
    for unique in [2, 4] {
        assert_eq!(send(&connection, &answers, unique, Opcode::Statfs, &[]), Outcome::Later);
    }
    connection.close();
    assert_eq!(answers.wait(2).len(), 2);
    assert_eq!(connection.workers().join(Instant::now() + FAR), 0);
    assert_eq!(send(&connection, &answers, 6, Opcode::Statfs, &[]), Outcome::Later);
    assert_eq!(answers.wait(3)[2], (6, -Errno::NOTCONN.raw_os_error(), 0));
    assert_eq!(connection.interrupts().waiting(), 0);
}
