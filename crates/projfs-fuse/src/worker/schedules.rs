//! Workers and interrupts under every schedule: each request is answered once, and no interrupt is lost.

use projfs_engine::Patience;
use projfs_sync::model::advance;
use projfs_sync::model::check;
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

const IDLE: Duration = Duration::from_secs(1);

/// Answers `Readlink` on a worker, and `Statfs` when its caller is interrupted.
struct Waiting;

impl Service for Waiting {
    fn serve(
        &self,
        _: &RequestContext,
        request: &Request<'_>,
        patience: Patience<'_>,
        reply: &mut Reply<'_>,
    ) -> Served {
        match (request, patience) {
            (Request::Statfs | Request::Readlink, Patience::None) => Err(Unserved::WouldWait),
            (Request::Statfs, Patience::Until(cancel)) => {
                let moved = Arc::new((Mutex::new(()), Condvar::new()));
                let heard = Arc::clone(&moved);
                let _listening = cancel.listen(move || {
                    drop(heard.0.lock());
                    heard.1.notify_all();
                });
                let mut held = moved.0.lock();
                while !cancel.is_cancelled() {
                    moved.1.wait(&mut held);
                }
                Err(Errno::INTR.into())
            }
            (Request::Readlink, Patience::Until(_)) => reply.data(b"target"),
            (_, Patience::Until(_) | Patience::None) => reply.empty(),
        }
    }

    fn forget(&self, _: NodeId, _: u64) {}
}

#[derive(Default)]
struct Answers {
    heard: Mutex<Vec<(u64, i32)>>,
    changed: Condvar,
}

impl Home for Answers {
    fn answer(&self, _: u32, unique: u64, error: i32, _: &[u8]) {
        let mut heard = self.heard.lock();
        assert!(heard.iter().all(|(known, _)| *known != unique), "{unique} is answered twice");
        heard.push((unique, error));
        self.changed.notify_all();
    }
}

/// What answers, and where answers go.
#[derive(Clone)]
struct Rig(Arc<Connection>, Arc<Answers>);

impl Rig {
    fn new(threads: usize) -> Self {
        let offer = InitIn { major: 7, minor: 45, ..InitIn::default() };
        let (negotiated, _) = negotiate(&offer, &Wishes::default()).expect("versions agree");
        let workers = Workers::new(WorkerLimits { threads, idle: IDLE });
        let connection = Connection::new(Arc::new(Waiting), Arc::new(negotiated), Policy::default(), workers);
        Self(Arc::new(connection), Arc::default())
    }

    fn send(&self, unique: u64, opcode: Opcode, body: &[u8]) {
        let len = (size_of::<InHeader>() + body.len()) as u32;
        let header = InHeader { len, opcode: opcode as u32, unique, ..InHeader::default() };
        let bytes = [header.as_bytes(), body].concat();
        let raw = RawRequest::contiguous(&bytes).expect("well formed");
        let token = || Token::new(Arc::clone(&self.1) as Arc<_>, 0, unique);
        if let Outcome::Error(errno) = self.0.handle(&raw, &mut [0; 4096], token) {
            self.1.answer(0, unique, -errno.raw_os_error(), &[]);
        }
    }

    fn sends(&self, unique: u64, opcode: Opcode) -> thread::JoinHandle<()> {
        let rig = self.clone();
        thread::spawn(move || rig.send(unique, opcode, &[]))
    }

    fn interrupts(&self, unique: u64) -> thread::JoinHandle<()> {
        let rig = self.clone();
        thread::spawn(move || rig.send(unique | 1, Opcode::Interrupt, InterruptIn { unique }.as_bytes()))
    }

    /// Waits for so many answers.
    fn answers(&self, count: usize) -> Vec<(u64, i32)> {
        let mut heard = self.1.heard.lock();
        while heard.len() < count {
            self.1.changed.wait(&mut heard);
        }
        let mut heard = heard.clone();
        heard.sort_unstable();
        heard
    }
}

fn join<const N: usize>(threads: [thread::JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().expect("it ends");
    }
}

#[test]
fn every_request_is_answered_though_workers_go_when_they_are_idle() {
    check(|| {
        let rig = Rig::new(2);
        let first = [rig.sends(2, Opcode::Readlink), rig.sends(4, Opcode::Readlink)];
        // One that has waited long enough goes just when another request comes.
        advance(IDLE);
        let last = rig.sends(6, Opcode::Readlink);
        advance(IDLE);
        join(first);
        join([last]);
        assert_eq!(rig.answers(3), [(2, 0), (4, 0), (6, 0)]);
        drop(rig.0.workers().close());
    });
}

#[test]
fn an_interrupt_reaches_its_request_whichever_is_first() {
    check(|| {
        let rig = Rig::new(1);
        let threads = [rig.sends(2, Opcode::Statfs), rig.interrupts(2), rig.sends(4, Opcode::Readlink)];
        join(threads);
        assert_eq!(rig.answers(2), [(2, -Errno::INTR.raw_os_error()), (4, 0)]);
        assert_eq!(rig.0.interrupts().waiting(), 0);
        drop(rig.0.workers().close());
    });
}

#[test]
fn a_close_answers_what_waits_and_what_comes() {
    check(|| {
        let rig = Rig::new(1);
        let threads = [rig.sends(2, Opcode::Statfs), rig.sends(4, Opcode::Statfs)];
        rig.0.close();
        join(threads);
        // What came after the close, or between two of its steps, is answered by the interrupt at the latest.
        rig.0.interrupts().interrupt_all();
        let heard = rig.answers(2);
        assert!(heard.iter().all(|(_, error)| *error < 0), "{heard:?}");
        assert_eq!(rig.0.interrupts().waiting(), 0);
    });
}
