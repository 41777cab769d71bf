use std::ops::Range;
use std::sync::mpsc;

use projfs_types::Caller;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::*;
use crate::CancelToken;
use crate::CommandId;
use crate::DataAccess;
use crate::DataSink;
use crate::DirEntries;
use crate::Lifetime;
use crate::Reply;
use crate::Request;

/// Lists as many entries as the directory's name says.
struct Counted;

impl Provider for Counted {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        match request.path().as_bytes() {
            b"panic" => panic!("on purpose"),
            b"panic with a number" => panic!("number {}", 7),
            b"refused" => Err(ProviderErrorKind::AccessDenied.into()),
            _ => Err(ProviderError::not_found()),
        }
    }

    fn enumerate(&self, request: &Request) -> Result<DirEntries, ProviderError> {
        let count = std::str::from_utf8(request.path().as_bytes()).unwrap().parse::<usize>();
        let count = count.map_err(|_| ProviderError::not_found())?;
        let names = (0..count).map(|n| ItemNameBuf::new(format!("{n:06}")).unwrap());
        DirEntries::sorted(names.map(|name| ProjectedItem::new(name, PlaceholderInfo::file(0))).collect())
    }

    fn file_data(&self, _: &Request, range: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        sink.write_at(range.start, b"x")
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { lifetime: Lifetime::Stable, data: DataAccess::Ranges }
    }
}

fn request(path: &str) -> Request {
    let caller = Caller { pid: 1, uid: 2, gid: 3 };
    let path = RelPathBuf::new(path).unwrap();
    Request::new(CommandId(1), path, VersionInfo::default(), caller, CancelToken::new())
}

/// Sends one command and takes its one answer.
fn ask<T: Send + 'static>(
    build: impl FnOnce(Reply<T>) -> Command,
) -> impl FnOnce(&dyn CommandHandler) -> Result<T, ProviderError> {
    let (sender, receiver) = mpsc::channel();
    let command = build(Reply::new(move |answer| sender.send(answer).unwrap()));
    move |handler| {
        handler.handle(command);
        let answer = receiver.try_recv().expect("it is answered at once");
        assert!(receiver.recv().is_err(), "it is answered once");
        answer
    }
}

fn start(handler: &dyn CommandHandler, path: &str, session: u64) -> Result<(), ProviderError> {
    let session = EnumerationId(session);
    ask(|reply| Command::StartEnumeration { request: request(path), session, reply })(handler)
}

fn next(handler: &dyn CommandHandler, session: u64) -> Result<Vec<ProjectedItem>, ProviderError> {
    let session = EnumerationId(session);
    ask(|reply| Command::NextEntries { request: request(""), session, reply })(handler)
}

fn end(handler: &dyn CommandHandler, session: u64) -> Result<(), ProviderError> {
    let session = EnumerationId(session);
    ask(|reply| Command::EndEnumeration { request: request(""), session, reply })(handler)
}

#[test]
fn a_panic_is_an_internal_error_of_that_one_call() {
    let adapter = Adapter::new(Counted);
    for (path, words) in [("panic", "on purpose"), ("panic with a number", "number 7")] {
        let info = ask(|reply| Command::PlaceholderInfo { request: request(path), reply })(&adapter);
        let error = info.unwrap_err();
        assert_eq!(error.kind, ProviderErrorKind::Internal);
        assert!(error.message.contains(words), "{error}");
    }
    // The default `exists` panics with it, and what comes later is answered.
    let exists = ask(|reply| Command::QueryName { request: request("panic"), reply })(&adapter);
    assert_eq!(exists.unwrap_err().kind, ProviderErrorKind::Internal);
    let exists = ask(|reply| Command::QueryName { request: request("x"), reply })(&adapter);
    assert_eq!(exists, Ok(false));
    let exists = ask(|reply| Command::QueryName { request: request("refused"), reply })(&adapter);
    assert_eq!(exists.unwrap_err().kind, ProviderErrorKind::AccessDenied);
}

#[test]
fn a_large_listing_comes_in_batches_and_ends_empty() {
    let adapter = Adapter::new(Counted);
    start(&adapter, "10000", 1).unwrap();
    let mut lengths = Vec::new();
    let mut entries = Vec::new();
    loop {
        let batch = next(&adapter, 1).unwrap();
        lengths.push(batch.len());
        if batch.is_empty() {
            break;
        }
        entries.extend(batch);
    }
    assert_eq!(lengths, [4096, 4096, 1808, 0]);
    assert_eq!(next(&adapter, 1), Ok(Vec::new()), "the end stays the end");
    assert_eq!(DirEntries::sorted(entries).unwrap().into_vec().len(), 10_000);
}

#[test]
fn sessions_do_not_touch_each_other() {
    let adapter = Adapter::new(Counted);
    start(&adapter, "3", 1).unwrap();
    start(&adapter, "5", 2).unwrap();
    assert_eq!(next(&adapter, 1).unwrap().len(), 3);
    end(&adapter, 1).unwrap();
    assert_eq!(next(&adapter, 1).unwrap_err().kind, ProviderErrorKind::InvalidInput);
    assert_eq!(next(&adapter, 2).unwrap().len(), 5);
    end(&adapter, 2).unwrap();
    end(&adapter, 2).unwrap();
    assert!(adapter.sessions.lock().is_empty());
}

#[test]
fn a_listing_that_fails_to_start_does_not_exist() {
    let adapter = Adapter::new(Counted);
    assert_eq!(start(&adapter, "no number", 1).unwrap_err().kind, ProviderErrorKind::NotFound);
    assert_eq!(next(&adapter, 1).unwrap_err().kind, ProviderErrorKind::InvalidInput);
}

#[test]
fn traits_are_the_providers() {
    let chosen: Box<dyn Provider> = Box::new(Counted);
    let adapter = Adapter::new(chosen);
    assert_eq!(adapter.traits(), Counted.traits());
    start(&adapter, "3", 1).unwrap();
    assert_eq!(next(&adapter, 1).unwrap().len(), 3);
    assert_eq!(Adapter::new(std::sync::Arc::new(Counted)).traits(), Counted.traits());
}
