use std::sync::mpsc;

use projfs_types::Caller;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::*;
use crate::CancelToken;

fn query(reply: Reply<bool>) -> Command {
    let caller = Caller { pid: 0, uid: 0, gid: 0 };
    let path = RelPathBuf::new("a").unwrap();
    let request = Request::new(CommandId(1), path, VersionInfo::default(), caller, CancelToken::new());
    Command::QueryName { request, reply }
}

fn channel() -> (Reply<bool>, mpsc::Receiver<Result<bool, ProviderError>>) {
    let (sender, receiver) = mpsc::channel();
    (Reply::new(move |answer| sender.send(answer).unwrap()), receiver)
}

#[test]
fn a_reply_is_sent_once() {
    let (reply, receiver) = channel();
    reply.send(Ok(true));
    assert_eq!(receiver.recv(), Ok(Ok(true)));
    assert!(receiver.recv().is_err());
}

#[test]
fn a_dropped_command_is_answered_with_an_internal_error() {
    let (reply, receiver) = channel();
    drop(query(reply));
    assert_eq!(receiver.recv().unwrap().unwrap_err().kind, ProviderErrorKind::Internal);
}

#[test]
fn a_reply_may_come_later_and_from_another_thread() {
    let (reply, receiver) = channel();
    let thread = std::thread::spawn(move || reply.send(Ok(false)));
    assert_eq!(receiver.recv(), Ok(Ok(false)));
    thread.join().unwrap();
}

#[test]
fn a_command_that_fails_answers_with_the_error() {
    let (reply, receiver) = channel();
    let command = query(reply);
    assert_eq!((command.name(), command.request().path().as_bytes()), ("query-name", &b"a"[..]));
    command.fail(ProviderErrorKind::Unavailable.into());
    assert_eq!(receiver.recv().unwrap().unwrap_err().kind, ProviderErrorKind::Unavailable);
}
