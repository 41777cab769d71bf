//! The control socket of a mounted instance answers, and does not hold it.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use projectedfs::control::Answer;
use projectedfs::control::Client;
use projectedfs::control::Question;
use projectedfs::*;

use super::instance::files;
use super::support::mounted;

fn start(dir: &Path) -> (VirtualizationInstance, RuntimeFiles) {
    let root = VirtualizationRoot::mark(dir).unwrap();
    let instance = VirtualizationInstance::builder(root).source("files").start(files()).unwrap();
    (instance, RuntimeFiles::find(dir, 0))
}

fn ask(files: &RuntimeFiles, question: &Question) -> (Vec<Answer>, Result<(), control::Failure>) {
    let mut answers = Vec::new();
    let asked = Client::connect(&files.socket()).unwrap().ask(question, &mut |answer| {
        answers.push(answer);
        ControlFlow::Continue(())
    });
    (answers, asked.unwrap())
}

#[test]
fn an_instance_tells_how_it_is_and_what_states_are() {
    mounted("an_instance_tells_how_it_is_and_what_states_are", |dir| {
        let (instance, files) = start(dir);
        fs::read(dir.join("a")).unwrap();
        let (answers, _) = ask(&files, &Question::Status);
        let [Answer::Status(status)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((status.pid, &*status.source), (std::process::id(), "files"));
        assert_eq!(status.root, dir.to_str().unwrap());
        assert_eq!(status.hydrated_files, 1);
        assert!(status.states.iter().any(|count| count.state == "hydrated" && count.count == 1));
        assert_eq!(status.provider_calls.get("file-data"), Some(&1));
        let paths = vec!["a".into(), "b".into()];
        let (answers, _) = ask(&files, &Question::State { paths });
        let state = |answer: &Answer| match answer {
            Answer::Item(item) => item.state.clone(),
            answer => panic!("{answer:?}"),
        };
        assert_eq!(answers.iter().map(state).collect::<Vec<_>>(), ["hydrated", "virtual"]);
        let (_, missing) = ask(&files, &Question::State { paths: vec!["none".into()] });
        assert_eq!(missing.unwrap_err().kind, "not-found");
        let (_, wrong) = ask(&files, &Question::State { paths: vec!["../etc".into()] });
        assert_eq!(wrong.unwrap_err().kind, "refused");
        assert_eq!(files.read_note().unwrap().pid, std::process::id());
        instance.stop();
        assert!(!files.socket().exists() && !files.note().exists());
    });
}

#[test]
fn files_are_fetched_watched_and_given_back() {
    mounted("files_are_fetched_watched_and_given_back", |dir| {
        let (_instance, files) = start(dir);
        let (answers, result) = ask(&files, &Question::Hydrate { paths: vec![String::new()] });
        assert_eq!((answers.len(), result), (3, Ok(())));
        let mut seen = None;
        let asked = Client::connect(&files.socket()).unwrap();
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| {
                asked.ask(&Question::Watch { since: None, once: false }, &mut |answer| {
                    seen = Some(answer);
                    ControlFlow::Break(())
                })
            });
            // The watch begins at some moment; until then changes go unseen.
            let mut number = 0;
            while !watching.is_finished() {
                fs::write(dir.join(format!("new-{number}")), "").unwrap();
                number += 1;
                std::thread::yield_now();
            }
            watching.join().unwrap().unwrap().unwrap();
        });
        assert!(matches!(seen, Some(Answer::Change { .. })), "{seen:?}");
        let question = Question::Dehydrate { paths: vec!["a".into()], discard: false };
        let (answers, result) = ask(&files, &question);
        assert_eq!((answers, result), (vec![Answer::Virtual { path: "a".into() }], Ok(())));
    });
}

#[test]
fn an_unmount_is_answered_when_the_root_is_free() {
    mounted("an_unmount_is_answered_when_the_root_is_free", |dir| {
        let (instance, files) = start(dir);
        let held = fs::File::open(dir.join("a")).unwrap();
        let (_, busy) = ask(&files, &Question::Unmount { force: false });
        assert_eq!(busy.unwrap_err().kind, "busy");
        drop(held);
        let (_, unmounted) = ask(&files, &Question::Unmount { force: false });
        assert_eq!(unmounted, Ok(()));
        drop(VirtualizationRoot::open(dir).unwrap());
        instance.wait();
    });
}
