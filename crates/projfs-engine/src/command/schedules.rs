//! The table of commands under every schedule: nothing is lost, nothing is answered twice, and a provider is told that
//! nobody waits when nobody does.

use std::collections::HashMap;
use std::time::Duration;

use projfs_provider::CancelToken;
use projfs_provider::Command;
use projfs_provider::CommandHandler;
use projfs_provider::CommandId;
use projfs_provider::EnumerationId;
use projfs_provider::ProviderErrorKind;
use projfs_provider::Reply;
use projfs_provider::Request;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::model::advance;
use projfs_sync::model::check;
use projfs_sync::thread;
use projfs_types::Caller;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::About;
use super::CommandTable;
use super::Timeouts;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::port::Context;
use crate::port::Patience;

const SECOND: Duration = Duration::from_secs(1);
const TIMED_OUT: ErrorKind = ErrorKind::Provider(ProviderErrorKind::TimedOut);

/// What a provider does with a question.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Answers it at once.
    Answers,
    /// Keeps it.
    Keeps,
    /// Does not come back before it is let go.
    Hangs,
}

/// A provider that does as it is told, by the path.
#[derive(Default)]
struct Scripted {
    ways: HashMap<&'static str, Way>,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    asked: usize,
    kept: Vec<Command>,
    cancelled: Vec<CommandId>,
    released: bool,
}

impl Scripted {
    fn new(ways: &[(&'static str, Way)]) -> Arc<Self> {
        Arc::new(Self { ways: ways.iter().copied().collect(), ..Self::default() })
    }

    /// Waits for a command that is kept.
    fn kept(&self) -> Command {
        let mut state = self.state.lock();
        loop {
            if let Some(command) = state.kept.pop() {
                return command;
            }
            self.moved.wait(&mut state);
        }
    }

    fn cancelled(&self) -> usize {
        self.state.lock().cancelled.len()
    }
}

impl CommandHandler for Scripted {
    fn handle(&self, command: Command) {
        let path = command.request().path().to_string();
        let way = self.ways.get(path.as_str()).copied().unwrap_or(Way::Answers);
        let mut state = self.state.lock();
        state.asked += 1;
        match way {
            Way::Answers => {
                drop(state);
                answer(command);
            }
            Way::Keeps => {
                state.kept.push(command);
                self.moved.notify_all();
            }
            Way::Hangs => {
                while !state.released {
                    self.moved.wait(&mut state);
                }
            }
        }
    }

    fn cancel(&self, command: CommandId) {
        self.state.lock().cancelled.push(command);
        self.moved.notify_all();
    }
}

/// Says that the item exists if its name is not `absent`.
fn answer(command: Command) {
    let Command::QueryName { request, reply } = command else { panic!("nothing else is asked") };
    reply.send(Ok(request.path().as_bytes() != b"absent"));
}

fn table(provider: &Arc<Scripted>, threads: usize, timeouts: Timeouts) -> Arc<CommandTable> {
    CommandTable::start(Arc::clone(provider) as _, threads, timeouts).unwrap()
}

fn ask(table: &CommandTable, path: &str, token: &CancelToken) -> Result<bool> {
    ask_with(table, path, token, |request, reply| Command::QueryName { request, reply })
}

fn ask_with<T: Send + 'static>(
    table: &CommandTable,
    path: &str,
    token: &CancelToken,
    build: impl FnOnce(Request, Reply<T>) -> Command,
) -> Result<T> {
    let caller = Caller { pid: 1, uid: 0, gid: 0 };
    let context = Context { caller, patience: Patience::Until(token), request: 0 };
    let about = About { path: RelPathBuf::new(path).unwrap(), version: VersionInfo::default() };
    table.ask(&context, about, build)
}

fn asks(
    table: &Arc<CommandTable>,
    path: &'static str,
    token: &CancelToken,
) -> thread::JoinHandle<Result<bool>> {
    let (table, token) = (Arc::clone(table), token.clone());
    thread::spawn(move || ask(&table, path, &token))
}

fn kind(result: Result<bool>) -> std::result::Result<bool, ErrorKind> {
    result.map_err(|error| error.kind)
}

/// Once nobody asks any more.
fn stop(table: &CommandTable) {
    table.stop(SECOND);
    assert!(table.outstanding.lock().is_empty(), "nothing is left behind");
}

#[test]
fn everybody_has_an_answer_and_his_own() {
    check(|| {
        let provider = Scripted::new(&[]);
        let (table, token) = (table(&provider, 2, Timeouts::default()), CancelToken::new());
        let others = [asks(&table, "absent", &token), asks(&table, "b", &token)];
        assert!(ask(&table, "a", &token).unwrap());
        let answers = others.map(|other| other.join().unwrap().unwrap());
        assert_eq!(answers, [false, true]);
        stop(&table);
        let state = provider.state.lock();
        assert_eq!((state.asked, state.cancelled.len()), (3, 0));
    });
}

#[test]
fn an_interrupt_ends_a_wait_and_is_told_unless_the_answer_was_first() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let (table, token) = (table(&provider, 1, Timeouts::default()), CancelToken::new());
        let asker = asks(&table, "kept", &token);
        let command = provider.kept();
        let answers = thread::spawn(move || answer(command));
        token.cancel();
        let heard = kind(asker.join().unwrap());
        match heard {
            Ok(true) => assert_eq!(provider.cancelled(), 0, "somebody waited until the answer came"),
            Err(ErrorKind::Interrupted) => assert_eq!(provider.cancelled(), 1, "nobody waits"),
            other => panic!("{other:?}"),
        }
        answers.join().unwrap();
        stop(&table);
    });
}

#[test]
fn an_interrupt_alone_ends_a_wait() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let (table, token) = (table(&provider, 1, Timeouts::default()), CancelToken::new());
        let asker = asks(&table, "kept", &token);
        let command = provider.kept();
        token.cancel();
        assert_eq!(kind(asker.join().unwrap()), Err(ErrorKind::Interrupted));
        answer(command);
        stop(&table);
        assert_eq!(provider.cancelled(), 1);
    });
}

#[test]
fn a_time_out_and_an_answer_are_one_answer() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let (table, token) = (table(&provider, 1, Timeouts::all(SECOND)), CancelToken::new());
        let asker = asks(&table, "kept", &token);
        let command = provider.kept();
        let answers = thread::spawn(move || answer(command));
        advance(SECOND);
        answers.join().unwrap();
        match kind(asker.join().unwrap()) {
            Ok(true) | Err(TIMED_OUT) => {}
            other => panic!("{other:?}"),
        }
        assert!(provider.cancelled() <= 1);
        stop(&table);
    });
}

#[test]
fn each_question_has_its_own_time() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let (table, token) = (table(&provider, 1, Timeouts::all(SECOND)), CancelToken::new());
        let first = asks(&table, "kept", &token);
        let one = provider.kept();
        advance(SECOND / 2);
        let second = asks(&table, "kept", &token);
        let kept = [one, provider.kept()];
        advance(SECOND / 2);
        assert_eq!(kind(first.join().unwrap()), Err(TIMED_OUT));
        assert!(!second.is_finished(), "its time has not come");
        advance(SECOND / 2);
        assert_eq!(kind(second.join().unwrap()), Err(TIMED_OUT));
        stop(&table);
        assert_eq!(provider.cancelled(), 2);
        drop(kept);
    });
}

#[test]
fn a_shorter_time_is_not_held_up_by_a_longer_one() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let timeouts = Timeouts { enumeration: Some(SECOND), ..Timeouts::all(10 * SECOND) };
        let (table, token) = (table(&provider, 1, timeouts), CancelToken::new());
        let long = asks(&table, "kept", &token);
        let one = provider.kept();
        let (shared, until) = (Arc::clone(&table), token.clone());
        let short = thread::spawn(move || {
            ask_with(&shared, "kept", &until, |request, reply| Command::StartEnumeration {
                request,
                session: EnumerationId(1),
                reply,
            })
        });
        let kept = [one, provider.kept()];
        advance(SECOND);
        assert_eq!(short.join().unwrap().map_err(|error| error.kind), Err(TIMED_OUT));
        assert!(!long.is_finished(), "its time has not come");
        token.cancel();
        assert_eq!(kind(long.join().unwrap()), Err(ErrorKind::Interrupted));
        stop(&table);
        drop(kept);
    });
}

#[test]
fn a_reply_is_given_once_whoever_gives_it() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let table = table(&provider, 1, Timeouts::all(SECOND));
        let answers = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&answers);
        let caller = Caller { pid: 1, uid: 0, gid: 0 };
        let about = About { path: RelPathBuf::new("kept").unwrap(), version: VersionInfo::default() };
        let id = table.send(caller, about, |request| Command::QueryName {
            request,
            reply: Reply::new(move |_| *counted.lock() += 1),
        });
        let id = id.unwrap();
        let command = provider.kept();
        let expiry = command.expiry();
        let others = [
            thread::spawn(move || answer(command)),
            thread::spawn(move || expiry(ProviderErrorKind::TimedOut.into())),
        ];
        advance(SECOND);
        for other in others {
            other.join().unwrap();
        }
        table.answered(id);
        stop(&table);
        assert_eq!(*answers.lock(), 1);
    });
}

#[test]
fn a_provider_that_hangs_holds_up_nobody_but_who_asked() {
    check(|| {
        let provider = Scripted::new(&[("hung", Way::Hangs)]);
        let (table, token) = (table(&provider, 1, Timeouts::all(SECOND)), CancelToken::new());
        let hung = asks(&table, "hung", &token);
        while provider.state.lock().asked == 0 {
            thread::yield_now();
        }
        advance(SECOND);
        assert_eq!(kind(hung.join().unwrap()), Err(TIMED_OUT));
        assert_eq!(kind(ask(&table, "other", &token)), Ok(true), "another thread serves it");
        provider.state.lock().released = true;
        provider.moved.notify_all();
        stop(&table);
        assert_eq!(provider.cancelled(), 1);
    });
}

#[test]
fn a_stop_answers_everybody() {
    check(|| {
        let provider = Scripted::new(&[("kept", Way::Keeps)]);
        let (table, token) = (table(&provider, 1, Timeouts::default()), CancelToken::new());
        let askers = [asks(&table, "kept", &token), asks(&table, "kept", &token), asks(&table, "a", &token)];
        table.stop(SECOND);
        let [first, second, third] = askers.map(|asker| kind(asker.join().unwrap()));
        assert_eq!((first, second), (Err(ErrorKind::Unavailable), Err(ErrorKind::Unavailable)));
        assert!(matches!(third, Ok(true) | Err(ErrorKind::Unavailable)), "{third:?}");
        assert_eq!(kind(ask(&table, "a", &token)), Err(ErrorKind::Unavailable));
        stop(&table);
        let kept = std::mem::take(&mut provider.state.lock().kept);
        drop(kept);
    });
}
