//! Questions reach the answerer, answers the asker, and both learn when the other is gone.

use std::ops::ControlFlow;
use std::sync::mpsc;

use super::super::Client;
use super::*;

const WATCH: Question = Question::Watch { since: None, once: false };

/// Watches until it is cancelled; fails on everything else it is asked.
struct Echo(Mutex<mpsc::Sender<()>>);

impl Answerer for Echo {
    fn answer(
        &self,
        question: Question,
        cancel: &CancelToken,
        say: &mut dyn FnMut(Answer),
    ) -> std::result::Result<(), Failure> {
        match question {
            Question::Hydrate { paths } => {
                paths.into_iter().for_each(|path| say(Answer::Fetched { path }));
                Ok(())
            }
            Question::Watch { .. } => {
                say(Answer::Fetched { path: "a".into() });
                let (sender, receiver) = mpsc::channel();
                let _listening = cancel.listen(move || {
                    let _ = sender.send(());
                });
                receiver.recv().unwrap();
                self.0.lock().send(()).unwrap();
                Ok(())
            }
            _ => Err(Failure { kind: "refused".into(), message: "not here".into() }),
        }
    }
}

fn serve(dir: &tempfile::TempDir) -> (Server, std::path::PathBuf, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let path = dir.path().join("socket");
    (Server::start(&path, Box::new(Echo(Mutex::new(sender)))).unwrap(), path, receiver)
}

#[test]
fn answers_come_in_order_and_end() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, path, _) = serve(&dir);
    let mut answers = Vec::new();
    let paths = vec!["a".to_owned(), "b".to_owned()];
    let question = Question::Hydrate { paths };
    let asked = Client::connect(&path).unwrap().ask(&question, &mut |answer| {
        answers.push(answer);
        ControlFlow::Continue(())
    });
    assert_eq!(asked.unwrap(), Ok(()));
    let fetched = |path: &str| Answer::Fetched { path: path.into() };
    assert_eq!(answers, [fetched("a"), fetched("b")]);
    let refused = Client::connect(&path).unwrap().ask(&Question::Status, &mut |_| ControlFlow::Continue(()));
    assert_eq!(refused.unwrap().unwrap_err().message, "not here");
}

#[test]
fn nonsense_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, path, _) = serve(&dir);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"{\"question\":\"dance\"}\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("not a question"), "{answer}");
}

#[test]
fn who_hangs_up_cancels() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, path, cancelled) = serve(&dir);
    let asked = Client::connect(&path).unwrap().ask(&WATCH, &mut |_| ControlFlow::Break(()));
    assert_eq!(asked.unwrap(), Ok(()));
    cancelled.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn closing_cancels_and_ends_every_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (server, path, cancelled) = serve(&dir);
    let asked = Client::connect(&path).unwrap().ask(&WATCH, &mut |_| {
        server.close();
        ControlFlow::Continue(())
    });
    assert_eq!(asked.unwrap(), Ok(()));
    cancelled.recv_timeout(Duration::from_secs(10)).unwrap();
    server.wait(Duration::from_secs(10));
    assert_eq!(*server.shared.connections.lock(), 0);
}

#[test]
fn nobody_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let error = Client::connect(&dir.path().join("socket")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Control);
}
