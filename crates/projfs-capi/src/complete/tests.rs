use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use projectedfs::CancelToken;
use projectedfs::Command;
use projectedfs::CommandHandler;
use projectedfs::ProviderErrorKind;
use projectedfs::Reply;

use super::*;
use crate::abi::CompleteValue;
use crate::testing::Closures;
use crate::testing::Fixture;
use crate::testing::request;

fn complete(context: Handle, call: i32, result: HResult) -> HResult {
    // SAFETY: no parameters.
    unsafe { PrjCompleteCommand(context, call, result, std::ptr::null()) }
}

/// Numbers that look random, the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}

/// What `pend_ten_thousand` looks at.
#[derive(Default)]
struct Seen {
    calls: Mutex<Vec<i32>>,
    cancelled: Mutex<HashMap<i32, u32>>,
}

#[test]
fn of_ten_thousand_pended_commands_none_is_lost_and_none_done_twice() {
    const COMMANDS: usize = 10_000;
    const THREADS: usize = 8;
    let seen = Arc::new(Seen::default());
    let (calls, cancelled) = (Arc::clone(&seen), Arc::clone(&seen));
    let fixture = Fixture::new(Closures {
        query: Some(Box::new(move |data| {
            calls.calls.lock().push(data.command_id);
            // Some are completed before their callback has returned.
            if data.command_id % 16 == 0 {
                assert_eq!(complete(data.context, data.command_id, hresult::S_OK), hresult::S_OK);
            }
            hresult::IO_PENDING
        })),
        cancel: Box::new(move |call| *cancelled.cancelled.lock().entry(call).or_default() += 1),
        ..Closures::default()
    });
    let answers: Arc<Vec<AtomicU32>> = Arc::new((0..COMMANDS).map(|_| AtomicU32::new(0)).collect());
    let ask = |number: usize| {
        let cancel = CancelToken::new();
        let answers = Arc::clone(&answers);
        let reply = Reply::new(move |_| {
            answers[number].fetch_add(1, Ordering::Relaxed);
        });
        let request = request(number as u64, "file", &cancel);
        fixture.handler.handle(Command::QueryName { request, reply });
        cancel
    };
    let tokens: Vec<CancelToken> = (0..COMMANDS).map(ask).collect();
    let mut calls = seen.calls.lock().clone();
    assert_eq!(calls.len(), COMMANDS);
    let early = calls.iter().filter(|call| *call % 16 == 0).count();
    assert_eq!(fixture.bridge.calls().state.lock().calls.len(), COMMANDS - early);

    let seed = 0x9e37_79b9_7f4a_7c15;
    println!("seed {seed:#x}");
    Numbers(seed).shuffle(&mut calls);
    let context = fixture.bridge.context();
    let done = AtomicUsize::new(0);
    let asked_to_cancel = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for share in calls.chunks(COMMANDS / THREADS) {
            let done = &done;
            scope.spawn(move || {
                let mut numbers = Numbers(seed ^ share[0] as u64);
                for &call in share {
                    let result = match numbers.next() % 3 {
                        0 => hresult::S_OK,
                        1 => hresult::FILE_NOT_FOUND,
                        _ => hresult::ACCESS_DENIED,
                    };
                    let expected = if call % 16 == 0 { hresult::E_INVALIDARG } else { hresult::S_OK };
                    assert_eq!(complete(context, call, result), expected);
                    // Another number may have the same command's number by now only if more commands came: none does.
                    assert_eq!(complete(context, call, result), hresult::E_INVALIDARG);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (handler, tokens, asked_to_cancel) = (&fixture.handler, &tokens, &asked_to_cancel);
        scope.spawn(move || {
            let mut numbers = Numbers(seed);
            for _ in 0..COMMANDS / 4 {
                let number = (numbers.next() % COMMANDS as u64) as usize;
                tokens[number].cancel();
                handler.cancel(CommandId(number as u64));
                asked_to_cancel.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    assert_eq!(done.load(Ordering::Relaxed), COMMANDS);
    assert_eq!(asked_to_cancel.load(Ordering::Relaxed), COMMANDS / 4);
    assert!(answers.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    assert!(seen.cancelled.lock().values().all(|count| *count == 1));
    assert!(fixture.bridge.calls().state.lock().calls.is_empty());
    assert!(fixture.bridge.calls().state.lock().current.is_empty());
}

#[test]
fn what_is_pended_at_the_stop_fails_and_is_cancelled() {
    let seen = Arc::new(Seen::default());
    let (calls, cancelled) = (Arc::clone(&seen), Arc::clone(&seen));
    let fixture = Fixture::new(Closures {
        query: Some(Box::new(move |data| {
            calls.calls.lock().push(data.command_id);
            hresult::IO_PENDING
        })),
        cancel: Box::new(move |call| *cancelled.cancelled.lock().entry(call).or_default() += 1),
        ..Closures::default()
    });
    let cancel = CancelToken::new();
    let query = |request, reply| Command::QueryName { request, reply };
    let answer = fixture.ask(request(1, "file", &cancel), query);
    // One was cancelled before: that is not told twice.
    let other = fixture.ask(request(2, "file", &cancel), query);
    fixture.handler.cancel(CommandId(2));
    fixture.handler.cancel(CommandId(2));
    fixture.bridge.close();
    for answer in [answer, other] {
        assert_eq!(answer.recv().unwrap().unwrap_err().kind, ProviderErrorKind::Unavailable);
    }
    let calls = seen.calls.lock().clone();
    for call in &calls {
        assert_eq!(seen.cancelled.lock().get(call), Some(&1));
        assert_eq!(complete(fixture.bridge.context(), *call, hresult::S_OK), hresult::E_INVALIDARG);
    }
    // Nothing begins any more.
    let late = fixture.ask(request(3, "file", &CancelToken::new()), query);
    assert_eq!(late.recv().unwrap().unwrap_err().kind, ProviderErrorKind::Unavailable);
    assert_eq!(seen.calls.lock().len(), calls.len());
}

#[test]
fn parameters_fit_the_callback() {
    let parameters =
        |command_type, mask| Some(CompleteParameters { command_type, value: CompleteValue { mask } });
    let buffer = |buffer| {
        Some(CompleteParameters { command_type: COMPLETE_ENUMERATION, value: CompleteValue { buffer } })
    };
    let ok = hresult::S_OK;
    // A listing that succeeded names its buffer.
    let listing = Extended::Buffer(0x10);
    assert_eq!(listing.mask(ok, None), None);
    assert_eq!(listing.mask(ok, buffer(0x20)), None);
    assert_eq!(listing.mask(ok, parameters(COMPLETE_NOTIFICATION, 0)), None);
    assert_eq!(listing.mask(ok, buffer(0x10)), Some(0));
    assert_eq!(listing.mask(hresult::ACCESS_DENIED, None), Some(0));
    // A notification may bring a mask.
    assert_eq!(Extended::Mask.mask(ok, None), Some(0));
    assert_eq!(Extended::Mask.mask(ok, parameters(COMPLETE_NOTIFICATION, 0x202)), Some(0x202));
    let keep = parameters(COMPLETE_NOTIFICATION, USE_EXISTING_MASK);
    assert_eq!(Extended::Mask.mask(ok, keep), Some(USE_EXISTING_MASK));
    assert_eq!(Extended::Mask.mask(ok, parameters(COMPLETE_NOTIFICATION, 0x2000)), None);
    assert_eq!(Extended::Mask.mask(ok, parameters(COMPLETE_ENUMERATION, 0)), None);
    // Everything else brings nothing.
    assert_eq!(Extended::Nothing.mask(ok, None), Some(0));
    assert_eq!(Extended::Nothing.mask(ok, parameters(COMPLETE_NOTIFICATION, 0)), None);
}

#[test]
fn a_command_is_not_completed_with_pending() {
    let fixture =
        Fixture::new(Closures { query: Some(Box::new(|_| hresult::IO_PENDING)), ..Closures::default() });
    let answer = fixture
        .ask(request(1, "file", &CancelToken::new()), |request, reply| Command::QueryName { request, reply });
    let context = fixture.bridge.context();
    assert_eq!(complete(context, 1, hresult::IO_PENDING), hresult::E_INVALIDARG);
    assert_eq!(complete(context + 1, 1, hresult::S_OK), hresult::E_HANDLE);
    assert_eq!(complete(0, 1, hresult::S_OK), hresult::E_HANDLE);
    assert_eq!(complete(context, 1, hresult::S_OK), hresult::S_OK);
    assert!(answer.recv().unwrap().unwrap());
}
