use std::collections::HashSet;
use std::io;
use std::ops::Range;

use projectedfs::CancelToken;
use projectedfs::ProjectedItem;
use projectedfs::ProviderError;

use super::*;
use crate::abi::CallbackData;
use crate::abi::CompleteParameters;
use crate::abi::CompleteValue;
use crate::testing::Closures;
use crate::testing::Fixture;
use crate::testing::request;
use crate::testing::wide;

unsafe extern "C" {
    fn PrjCompleteCommand(
        context: Handle,
        command: i32,
        result: HResult,
        parameters: *const CompleteParameters,
    ) -> HResult;
    fn PrjFillDirEntryBuffer(name: crate::abi::WideStr, basic: *const u8, buffer: Handle) -> HResult;
    fn PrjWriteFileData(
        context: Handle,
        stream: *const Guid,
        buffer: *const u8,
        offset: u64,
        length: u32,
    ) -> HResult;
}

fn fill(buffer: Handle, name: &str) -> HResult {
    let name = wide(name);
    // SAFETY: a string, and no information.
    unsafe { PrjFillDirEntryBuffer(name.as_ptr(), std::ptr::null(), buffer) }
}

/// Lists a directory as the engine does, to the first empty answer.
fn list(fixture: &Fixture) -> Result<Vec<String>, ProviderError> {
    let (cancel, session) = (CancelToken::new(), EnumerationId(7));
    let started = fixture.ask(request(1, "dir", &cancel), |request, reply| Command::StartEnumeration {
        request,
        session,
        reply,
    });
    started.recv().unwrap()?;
    let mut names = Vec::new();
    let listed = loop {
        let next = fixture.ask(request(2, "dir", &cancel), |request, reply| Command::NextEntries {
            request,
            session,
            reply,
        });
        match next.recv().unwrap() {
            Ok(batch) if batch.is_empty() => break Ok(names),
            Ok(batch) => names.extend(batch.iter().map(|item: &ProjectedItem| item.name.to_string())),
            Err(error) => break Err(error),
        }
    };
    let ended = fixture.ask(request(3, "dir", &cancel), |request, reply| Command::EndEnumeration {
        request,
        session,
        reply,
    });
    ended.recv().unwrap().unwrap();
    listed
}

/// A provider whose listing is told by what each call adds.
fn listing(
    get: impl Fn(usize, &CallbackData, Handle) -> HResult + Send + Sync + 'static,
) -> (Fixture, Arc<Mutex<Vec<Guid>>>) {
    let open = Arc::new(Mutex::new(Vec::new()));
    let (starting, ending, calls) = (Arc::clone(&open), Arc::clone(&open), Mutex::new(0));
    let fixture = Fixture::new(Closures {
        start: Box::new(move |_, id| {
            starting.lock().push(id);
            hresult::S_OK
        }),
        end: Box::new(move |_, id| {
            ending.lock().retain(|open| *open != id);
            hresult::S_OK
        }),
        get: Box::new(move |data, _, expression, buffer| {
            assert_eq!(expression, "*");
            let call = {
                let mut calls = calls.lock();
                *calls += 1;
                *calls - 1
            };
            assert!(call > 0 || data.flags & 1 != 0, "the first call is a restart");
            get(call, data, buffer)
        }),
        ..Closures::default()
    });
    (fixture, open)
}

#[test]
fn a_listing_goes_on_until_nothing_is_added() {
    let (fixture, open) = listing(|call, _, buffer| {
        for name in
            [["b", "a"], ["a", "c"], ["", ""]].get(call).into_iter().flatten().filter(|name| !name.is_empty())
        {
            assert_eq!(fill(buffer, name), hresult::S_OK);
        }
        hresult::S_OK
    });
    // In the order in which they came: whoever asks sorts them. A name that comes again is left out.
    assert_eq!(list(&fixture).unwrap(), ["b", "a", "c"]);
    assert!(open.lock().is_empty());
}

#[test]
fn a_buffer_that_is_full_takes_nothing_more() {
    let (fixture, _) = listing(|call, _, buffer| {
        let mut number = call * 10_000;
        while fill(buffer, &format!("{number:0100}")) == hresult::S_OK {
            number += 1;
        }
        // Not even something that would fit.
        assert_eq!(fill(buffer, "x"), hresult::INSUFFICIENT_BUFFER);
        assert!(number > call * 10_000 + 1000, "there is room for many entries");
        if call < 2 { hresult::S_OK } else { hresult::NO_MORE_FILES }
    });
    let fixture_list = std::thread::scope(|scope| scope.spawn(|| first_batches(&fixture, 3)).join().unwrap());
    assert!(fixture_list.iter().collect::<HashSet<_>>().len() > 3000);
}

/// The names of some answers.
fn first_batches(fixture: &Fixture, count: usize) -> Vec<String> {
    let (cancel, session) = (CancelToken::new(), EnumerationId(8));
    let start = |request, reply| Command::StartEnumeration { request, session, reply };
    fixture.ask(request(1, "dir", &cancel), start).recv().unwrap().unwrap();
    let mut names = Vec::new();
    for _ in 0..count {
        let next = |request, reply| Command::NextEntries { request, session, reply };
        let batch: Vec<ProjectedItem> =
            fixture.ask(request(2, "dir", &cancel), next).recv().unwrap().unwrap();
        names.extend(batch.iter().map(|item| item.name.to_string()));
    }
    names
}

#[test]
fn a_batch_of_which_nothing_is_left_is_not_the_end() {
    let too_long = "\u{20ac}".repeat(200);
    let (fixture, _) = listing(move |call, _, buffer| {
        let name = match call {
            0 | 1 => &too_long,
            2 => "a",
            _ => return hresult::S_OK,
        };
        fill(buffer, name)
    });
    assert_eq!(list(&fixture).unwrap(), ["a"]);
}

#[test]
fn a_provider_that_finds_too_little_room_gets_more_once() {
    let (fixture, _) = listing(|call, _, buffer| match call {
        0 => hresult::INSUFFICIENT_BUFFER,
        1 => fill(buffer, "a"),
        _ => hresult::S_OK,
    });
    let names = list(&fixture);
    assert!(names.is_ok_and(|names| names == ["a"]));
    let (fixture, open) = listing(|call, _, _| {
        assert!(call < 2);
        hresult::INSUFFICIENT_BUFFER
    });
    assert!(list(&fixture).is_err());
    assert!(open.lock().is_empty(), "the end follows an error too");
}

#[test]
fn a_directory_that_the_provider_does_not_know_has_no_projected_entries() {
    let fixture =
        Fixture::new(Closures { start: Box::new(|_, _| hresult::FILE_NOT_FOUND), ..Closures::default() });
    assert!(list(&fixture).unwrap().is_empty());
    let fixture =
        Fixture::new(Closures { start: Box::new(|_, _| hresult::ACCESS_DENIED), ..Closures::default() });
    assert_eq!(list(&fixture).unwrap_err().kind, ProviderErrorKind::AccessDenied);
}

#[test]
fn listings_that_are_open_at_the_stop_are_ended() {
    let (fixture, open) = listing(|_, _, buffer| fill(buffer, "a"));
    first_batches(&fixture, 1);
    assert_eq!(open.lock().len(), 1);
    fixture.bridge.close();
    fixture.bridge.finish();
    assert!(open.lock().is_empty());
}

#[test]
fn a_pended_listing_is_completed_with_its_buffer() {
    let pended = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&pended);
    let (fixture, _) = listing(move |call, data, buffer| {
        noted.lock().push((data.command_id, buffer));
        if call == 0 { hresult::IO_PENDING } else { hresult::S_OK }
    });
    let (cancel, session) = (CancelToken::new(), EnumerationId(7));
    let start = |request, reply| Command::StartEnumeration { request, session, reply };
    fixture.ask(request(1, "dir", &cancel), start).recv().unwrap().unwrap();
    let next = |request, reply| Command::NextEntries { request, session, reply };
    let answer = fixture.ask(request(2, "dir", &cancel), next);
    let (call, buffer) = pended.lock()[0];
    assert_eq!(fill(buffer, "later"), hresult::S_OK);
    let complete = |buffer: Option<Handle>| {
        let parameters =
            buffer.map(|buffer| CompleteParameters { command_type: 2, value: CompleteValue { buffer } });
        let parameters = parameters.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the parameters are there, or null.
        unsafe { PrjCompleteCommand(fixture.bridge.context(), call, hresult::S_OK, parameters) }
    };
    assert_eq!(complete(None), hresult::E_INVALIDARG);
    assert_eq!(complete(Some(buffer + 0x10)), hresult::E_INVALIDARG);
    assert_eq!(complete(Some(buffer)), hresult::S_OK);
    assert_eq!(answer.recv().unwrap().unwrap()[0].name.as_bytes(), b"later");
    assert_eq!(fill(buffer, "too late"), hresult::E_INVALIDARG);
}

#[test]
fn a_buffer_stays_until_a_cancelled_listing_is_completed() {
    let pended = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&pended);
    let (fixture, _) = listing(move |_, data, buffer| {
        *noted.lock() = Some((data.command_id, buffer));
        hresult::IO_PENDING
    });
    let (cancel, session) = (CancelToken::new(), EnumerationId(7));
    let start = |request, reply| Command::StartEnumeration { request, session, reply };
    fixture.ask(request(1, "dir", &cancel), start).recv().unwrap().unwrap();
    let next = |request, reply| Command::NextEntries { request, session, reply };
    let _answer = fixture.ask::<Vec<ProjectedItem>>(request(2, "dir", &cancel), next);
    let (call, buffer) = pended.lock().unwrap();
    cancel.cancel();
    fixture.handler.cancel(CommandId(2));
    assert_eq!(fill(buffer, "a"), hresult::S_OK);
    // SAFETY: no parameters: of a command that was cancelled none are asked for.
    let completed =
        unsafe { PrjCompleteCommand(fixture.bridge.context(), call, hresult::S_OK, std::ptr::null()) };
    assert_eq!(completed, hresult::S_OK);
    assert_eq!(fill(buffer, "a"), hresult::E_INVALIDARG);
}

#[test]
fn without_a_callback_for_names_a_listing_tells() {
    let expressions = Arc::new(Mutex::new(Vec::new()));
    let (noted, sessions) = (Arc::clone(&expressions), Arc::new(Mutex::new(0)));
    let (started, ended) = (Arc::clone(&sessions), Arc::clone(&sessions));
    let fixture = Fixture::new(Closures {
        start: Box::new(move |_, _| {
            *started.lock() += 1;
            hresult::S_OK
        }),
        end: Box::new(move |_, _| {
            *ended.lock() -= 1;
            hresult::S_OK
        }),
        get: Box::new(move |data, _, expression, buffer| {
            noted.lock().push(expression);
            if data.flags & 1 != 0 { fill(buffer, "there") } else { hresult::S_OK }
        }),
        ..Closures::default()
    });
    for (path, expected) in [("dir/there", true), ("dir/nothing", false), ("dir/a*", false)] {
        let query = |request, reply| Command::QueryName { request, reply };
        let answer = fixture.ask(request(1, path, &CancelToken::new()), query).recv().unwrap().unwrap();
        assert_eq!(answer, expected, "{path}");
        assert_eq!(*sessions.lock(), 0);
    }
    // A name that holds wild cards is not its own pattern.
    assert_eq!(*expressions.lock(), ["there", "nothing", "nothing", "*", "*"]);
}

/// Takes bytes, and keeps none.
struct Nowhere;

impl projfs_provider::DataTarget for Nowhere {
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// Asks for a file, and gives the ranges that the provider was asked for.
fn fetch(
    size: u64,
    deliver: impl Fn(&CallbackData, Range<u64>) -> HResult + Send + Sync + 'static,
) -> (Result<(), ProviderError>, Vec<Range<u64>>) {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&ranges);
    let fixture = Fixture::new(Closures {
        data: Box::new(move |data, offset, length| {
            let range = offset..offset + u64::from(length);
            noted.lock().push(range.clone());
            deliver(data, range)
        }),
        ..Closures::default()
    });
    let cancel = CancelToken::new();
    let sink = DataSink::new(Arc::new(Nowhere), size, cancel.clone());
    let answer = fixture.ask(request(1, "file", &cancel), |request, reply| Command::FileData {
        request,
        range: 0..size,
        sink,
        reply,
    });
    let answer = answer.recv().unwrap();
    assert!(fixture.bridge.streams.lock().is_empty());
    let ranges = ranges.lock().clone();
    (answer, ranges)
}

/// Writes zeros, whose memory is never touched.
fn write(context: Handle, stream: &Guid, range: Range<u64>) -> HResult {
    let zeros = vec![0_u8; (range.end - range.start) as usize];
    // SAFETY: as many bytes are there.
    unsafe { PrjWriteFileData(context, stream, zeros.as_ptr(), range.start, zeros.len() as u32) }
}

#[test]
fn a_large_file_comes_in_pieces() {
    const GIB: u64 = 1 << 30;
    let (answer, ranges) = fetch(5 * GIB + 1, |data, range| write(data.context, &data.data_stream_id, range));
    answer.unwrap();
    let expected =
        [0..GIB, GIB..2 * GIB, 2 * GIB..3 * GIB, 3 * GIB..4 * GIB, 4 * GIB..5 * GIB, 5 * GIB..5 * GIB + 1];
    assert_eq!(ranges, expected);
}

#[test]
fn a_piece_that_is_pended_is_followed_by_the_next() {
    const GIB: u64 = 1 << 30;
    let (answer, ranges) = fetch(2 * GIB + 5, |data, range| {
        let (context, stream, call) = (data.context, data.data_stream_id, data.command_id);
        std::thread::spawn(move || {
            assert_eq!(write(context, &stream, range), hresult::S_OK);
            // SAFETY: no parameters.
            let completed = unsafe { PrjCompleteCommand(context, call, hresult::S_OK, std::ptr::null()) };
            assert_eq!(completed, hresult::S_OK);
        });
        hresult::IO_PENDING
    });
    answer.unwrap();
    assert_eq!(ranges.len(), 3);
}

#[test]
fn success_without_all_bytes_is_a_failure() {
    let (answer, _) =
        fetch(10, |data, range| write(data.context, &data.data_stream_id, range.start..range.end - 1));
    assert_eq!(answer.unwrap_err().kind, ProviderErrorKind::Io);
    let (answer, _) = fetch(10, |_, _| hresult::S_OK);
    assert_eq!(answer.unwrap_err().kind, ProviderErrorKind::Io);
    // All bytes, and a failure, is a failure as well.
    let (answer, _) = fetch(10, |data, range| {
        assert_eq!(write(data.context, &data.data_stream_id, range), hresult::S_OK);
        hresult::ACCESS_DENIED
    });
    assert_eq!(answer.unwrap_err().kind, ProviderErrorKind::AccessDenied);
}

#[test]
fn numbers_of_open_files_and_streams_are_told_apart() {
    let ids = Ids::new().unwrap();
    let mut seen = HashSet::new();
    for number in 0..10_000 {
        assert!(seen.insert(ids.next()));
        assert!(seen.insert(ids.of(Kind::File, number)));
    }
    assert_eq!(ids.of(Kind::File, 3), ids.of(Kind::File, 3));
    assert!(!seen.contains(&Guid::default()));
}

#[test]
fn no_callback_comes_before_the_start_has_returned() {
    let gate: Arc<Gate> = Arc::default();
    let passed = Arc::new(Mutex::new(false));
    let (waiting, told) = (Arc::clone(&gate), Arc::clone(&passed));
    let waiter = std::thread::spawn(move || {
        waiting.pass(&CancelToken::new());
        assert!(*told.lock());
    });
    let cancelled = CancelToken::new();
    let (waiting, token) = (Arc::clone(&gate), cancelled.clone());
    let leaver = std::thread::spawn(move || waiting.pass(&token));
    cancelled.cancel();
    leaver.join().unwrap();
    *passed.lock() = true;
    gate.open();
    waiter.join().unwrap();
}
