//! What was found by fuzzing stays as it must be.

use projfs_testkit::corpus::replay;

use super::*;
use crate::control::Failure;
use crate::control::ItemAnswer;
use crate::control::Status;

#[test]
fn what_is_said_holds() {
    let paths = || vec!["a/b".to_owned(), escape(b"\xff\\")];
    let questions = [
        Question::Status,
        Question::State { paths: paths() },
        Question::OnDisk { path: "a".into() },
        Question::Hydrate { paths: paths() },
        Question::Dehydrate { paths: paths(), discard: true },
        Question::Watch { since: Some("1:2".into()), once: true },
        Question::Upgrade,
        Question::Unmount { force: false },
    ];
    let path = || "a\n\u{e9}".to_owned();
    let item = ItemAnswer { path: path(), state: "full".into(), version: Some("1".into()), origin: None };
    let answers = [
        Answer::Status(Box::new(Status { root: path(), ..Status::default() })),
        Answer::Item(item),
        Answer::OnDisk { state: 3 },
        Answer::Kept { path: path(), reason: "open".into() },
        Answer::Change {
            sequence: 1,
            what: "renamed".into(),
            kind: "file".into(),
            path: path(),
            to: Some(path()),
        },
        Answer::Cursor { cursor: "1:2".into(), writing: paths() },
        Answer::Failed(Failure { kind: "busy".into(), message: "no".into() }),
    ];
    let mut seeds: Vec<Vec<u8>> =
        questions.iter().map(|question| serde_json::to_vec(question).unwrap()).collect();
    seeds.extend(answers.iter().map(|answer| serde_json::to_vec(answer).unwrap()));
    seeds.push(b"a\\\\b\\xff\xfe".to_vec());
    replay("control", control, &seeds);
}
