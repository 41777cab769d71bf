//! Every fault, by name, and what must come of it.

use std::time::Duration;

use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_types::FileTimes;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::Timestamp;
use rustix::io::Errno;

use super::Aim;
use super::Answer;
use super::Delivery;
use super::Does;
use super::End;
use super::Fault;
use super::NAMES;
use super::Over;

const IO: End = End::Fails(Errno::IO);
const TIMED_OUT: End = End::Fails(Errno::TIMEDOUT);
const ALL: End = End::Lists(&NAMES);

const fn any(aim: Aim, name: &'static str, does: Does, end: End) -> Fault {
    Fault { name, aim, does, end, over: Over::AtOnce }
}

const fn refuses(name: &'static str, kind: ProviderErrorKind, errno: Errno) -> Fault {
    any(Aim::Data, name, Does::Refuse(kind), End::Fails(errno))
}

const fn data(name: &'static str, end: End, act: fn(&Delivery<'_>) -> Answer<()>) -> Fault {
    any(Aim::Data, name, Does::Deliver(act), end)
}

const fn info(name: &'static str, end: End, act: fn(ProjectedItem) -> ProjectedItem) -> Fault {
    any(Aim::Info, name, Does::Describe(act), end)
}

const fn link(name: &'static str, end: End, act: fn(ProjectedItem) -> ProjectedItem) -> Fault {
    any(Aim::Link, name, Does::Describe(act), end)
}

const fn list(
    name: &'static str,
    end: End,
    act: fn(Vec<ProjectedItem>, usize) -> Answer<Vec<ProjectedItem>>,
) -> Fault {
    any(Aim::List, name, Does::Enumerate(act), end)
}

impl Fault {
    const fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }
}

/// Every fault.
pub const FAULTS: &[Fault] = &[
    // Answers about content.
    refuses("data-not-found", ProviderErrorKind::NotFound, Errno::NOENT),
    refuses("data-access-denied", ProviderErrorKind::AccessDenied, Errno::ACCESS),
    refuses("data-not-permitted", ProviderErrorKind::NotPermitted, Errno::PERM),
    refuses("data-invalid-input", ProviderErrorKind::InvalidInput, Errno::INVAL),
    refuses("data-out-of-memory", ProviderErrorKind::OutOfMemory, Errno::NOMEM),
    refuses("data-no-space", ProviderErrorKind::NoSpace, Errno::NOSPC),
    refuses("data-unavailable", ProviderErrorKind::Unavailable, Errno::HOSTDOWN),
    refuses("data-timed-out", ProviderErrorKind::TimedOut, Errno::TIMEDOUT),
    refuses("data-cancelled", ProviderErrorKind::Cancelled, Errno::INTR),
    refuses("data-not-supported", ProviderErrorKind::NotSupported, Errno::OPNOTSUPP),
    refuses("data-io", ProviderErrorKind::Io, Errno::IO),
    refuses("data-internal", ProviderErrorKind::Internal, Errno::IO),
    refuses("data-errno", ProviderErrorKind::Errno(122), Errno::DQUOT),
    refuses("data-errno-negative", ProviderErrorKind::Errno(-5), Errno::IO),
    refuses("data-errno-too-large", ProviderErrorKind::Errno(100_000), Errno::IO),
    any(Aim::Data, "data-panics", Does::Panic, IO),
    any(Aim::Data, "data-drops-the-reply", Does::Drop, IO),
    any(Aim::Data, "data-never-answers", Does::Keep, TIMED_OUT),
    any(Aim::Data, "data-blocks", Does::Block, TIMED_OUT),
    any(Aim::Data, "data-late", Does::Late, TIMED_OUT),
    // Answers about an item.
    any(
        Aim::Info,
        "info-unavailable",
        Does::Refuse(ProviderErrorKind::Unavailable),
        End::Fails(Errno::HOSTDOWN),
    ),
    any(
        Aim::Info,
        "info-access-denied",
        Does::Refuse(ProviderErrorKind::AccessDenied),
        End::Fails(Errno::ACCESS),
    ),
    any(Aim::Info, "info-io", Does::Refuse(ProviderErrorKind::Io), IO),
    any(Aim::Info, "info-not-found", Does::Refuse(ProviderErrorKind::NotFound), End::Fails(Errno::NOENT))
        .over(Over::AfterARestart),
    any(Aim::Info, "info-panics", Does::Panic, IO),
    any(Aim::Info, "info-drops-the-reply", Does::Drop, IO),
    any(Aim::Info, "info-never-answers", Does::Keep, TIMED_OUT),
    any(Aim::Info, "info-blocks", Does::Block, TIMED_OUT),
    any(Aim::Info, "info-late", Does::Late, TIMED_OUT),
    // Answers about a listing.
    any(
        Aim::List,
        "list-unavailable",
        Does::Refuse(ProviderErrorKind::Unavailable),
        End::Fails(Errno::HOSTDOWN),
    ),
    any(
        Aim::List,
        "list-access-denied",
        Does::Refuse(ProviderErrorKind::AccessDenied),
        End::Fails(Errno::ACCESS),
    ),
    any(Aim::List, "list-io", Does::Refuse(ProviderErrorKind::Io), IO),
    any(Aim::List, "list-panics", Does::Panic, IO),
    any(Aim::List, "list-drops-the-reply", Does::Drop, IO),
    any(Aim::List, "list-never-answers", Does::Keep, TIMED_OUT),
    any(Aim::List, "list-blocks", Does::Block, TIMED_OUT),
    any(Aim::List, "list-late", Does::Late, TIMED_OUT),
    // Content.
    data("short", IO, |data| data.part(data.range.start..data.range.end - 1)),
    data("half", IO, |data| data.part(data.range.start..data.middle())),
    data("empty", IO, |_| Ok(())),
    data("lacks-the-first-byte", IO, |data| data.part(data.range.start + 1..data.range.end)),
    data("has-a-hole", IO, |data| {
        data.part(data.range.start..data.middle())?;
        data.part(data.middle() + 1..data.range.end)
    }),
    // What is refused is not noticed by a provider that does not look; the bytes within are right.
    data("longer-than-it-said", IO, |data| {
        let _refused = data.sink.write_at(0, &vec![b'x'; data.bytes.len() + 1]);
        data.all()
    }),
    data("beyond-the-end", IO, |data| {
        data.all()?;
        let _refused = data.sink.write_at(data.bytes.len() as u64, b"more");
        Ok(())
    }),
    data("offset-overflows", IO, |data| {
        data.all()?;
        let _refused = data.sink.write_at(u64::MAX, b"more");
        Ok(())
    }),
    data("all-then-an-error", IO, |data| data.all().and(Err(ProviderErrorKind::Io.into()))),
    data("half-then-an-error", End::Fails(Errno::HOSTDOWN), |data| {
        data.half().and(Err(ProviderErrorKind::Unavailable.into()))
    }),
    data("half-then-a-panic", IO, |data| {
        data.half()?;
        std::panic::resume_unwind(Box::new("on purpose"))
    }),
    data("half-then-blocks", TIMED_OUT, |data| {
        data.half()?;
        data.faulty.block();
        data.all()
    }),
    data("content-changes-between-calls", IO, |data| {
        data.garbage(data.range.start..data.middle()).and(Err(ProviderErrorKind::Io.into()))
    }),
    data("answers-before-the-bytes-come", IO, |data| {
        let (sink, bytes) = (data.sink.clone(), data.bytes.to_vec());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            sink.write_at(0, &bytes)
        });
        data.half()
    }),
    data("drips-too-slowly", TIMED_OUT, |data| data.drip(100, Duration::from_millis(50))),
    data("drips-in-time", End::Right, |data| data.drip(10, Duration::from_millis(10))),
    data("garbage-before-the-bytes", End::Right, |data| data.garbage(data.range.clone()).and(data.all())),
    data("garbage-after-the-answer", End::Right, |data| {
        data.all()?;
        let (sink, bytes) = (data.sink.clone(), vec![0; data.bytes.len()]);
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            sink.write_at(0, &bytes)
        });
        Ok(())
    }),
    data("backwards", End::Right, |data| data.part(data.middle()..data.range.end).and(data.half())),
    data("more-than-was-asked-for", End::Right, |data| data.sink.write_at(0, data.bytes)),
    data("twice", End::Right, |data| data.all().and(data.all())),
    // What is said of an item.
    info("wrong-name", IO, |item| ProjectedItem::new(name("other"), item.info)),
    info("wrong-mode", IO, |item| with(item, |info| PlaceholderInfo { mode: 0o10_644, ..info })),
    info("size-negative", IO, |item| with(item, |_| PlaceholderInfo::file(u64::MAX))),
    info("time-out-of-range", IO, |item| with(item, out_of_time)),
    info("size-enormous", End::Fails(Errno::FBIG), |item| {
        with(item, |info| PlaceholderInfo { kind: PlaceholderInfo::file(i64::MAX as u64).kind, ..info })
    })
    .over(Over::WhenUpdated),
    info("size-of-a-tebibyte", End::Fails(Errno::INVAL), |item| {
        with(item, |info| PlaceholderInfo { kind: PlaceholderInfo::file(1 << 40).kind, ..info })
    })
    .over(Over::WhenUpdated),
    info("a-file-is-a-directory", End::Fails(Errno::ISDIR), |item| {
        with(item, |info| PlaceholderInfo { kind: PlaceholderInfo::directory().kind, ..info })
    })
    .over(Over::WhenUpdated),
    link("link-to-nothing", IO, |item| to(item, b"")),
    link("link-with-nul", IO, |item| to(item, b"a\0b")),
    link("link-too-long", IO, |item| to(item, &[b'x'; 4096])),
    link("link-to-itself", End::LeadsTo("link"), |item| to(item, b"link")).over(Over::WhenUpdated),
    link("link-out-of-the-root", End::LeadsTo("/etc/hostname"), |item| to(item, b"/etc/hostname"))
        .over(Over::WhenUpdated),
    // What is listed.
    list("twice-in-a-listing", IO, |items, _| {
        Ok(items.into_iter().flat_map(|item| [item.clone(), item]).collect())
    }),
    list("never-ends", IO, |mut items, time| {
        // The first batch for ever, as of a provider that does not keep where it is.
        if time > 1 {
            items = NAMES.map(|text| ProjectedItem::new(name(text), PlaceholderInfo::file(1))).into();
        }
        Ok(items)
    }),
    list("fails-on-the-way", End::Fails(Errno::HOSTDOWN), |items, _| match items.len() {
        0 => Err(ProviderErrorKind::Unavailable.into()),
        _ => Ok(items),
    }),
    list("unknown-listing", End::Fails(Errno::INVAL), |_, _| {
        Err(ProviderError::new(ProviderErrorKind::InvalidInput, "there is no such listing"))
    }),
    list("unsorted", ALL, |items, _| Ok(items.into_iter().rev().collect())),
    list("an-entry-with-a-wrong-mode", End::Lists(&["three", "two"]), |items, _| {
        Ok(first(items, |info| PlaceholderInfo { mode: 0o10_644, ..info }))
    })
    .over(Over::AfterARestart),
    list("an-entry-with-a-negative-size", End::Lists(&["three", "two"]), |items, _| {
        Ok(first(items, |_| PlaceholderInfo::file(u64::MAX)))
    })
    .over(Over::AfterARestart),
    list("an-entry-out-of-time", End::Lists(&["three", "two"]), |items, _| Ok(first(items, out_of_time)))
        .over(Over::AfterARestart),
    list("an-entry-that-leads-nowhere", End::Lists(&["three", "two"]), |items, _| {
        Ok(first(items, |_| PlaceholderInfo::symlink(*b"")))
    })
    .over(Over::AfterARestart),
    list("leaves-one-out", End::Lists(&["three", "two"]), |mut items, _| {
        items.retain(|item| item.name.as_bytes() != b"one");
        Ok(items)
    })
    .over(Over::AfterARestart),
    list("differs-by-case-alone", End::Lists(&["ONE", "One", "one", "three", "two"]), |mut items, _| {
        if !items.is_empty() {
            items.extend(["ONE", "One"].map(|text| ProjectedItem::new(name(text), PlaceholderInfo::file(3))));
        }
        Ok(items)
    })
    .over(Over::AfterARestart),
];

fn name(text: &str) -> ItemNameBuf {
    ItemNameBuf::new(text).expect("a name")
}

fn with(item: ProjectedItem, change: fn(PlaceholderInfo) -> PlaceholderInfo) -> ProjectedItem {
    ProjectedItem { name: item.name, info: change(item.info) }
}

fn to(item: ProjectedItem, target: &[u8]) -> ProjectedItem {
    let info = PlaceholderInfo { kind: PlaceholderInfo::symlink(target).kind, ..item.info };
    ProjectedItem { name: item.name, info }
}

fn out_of_time(info: PlaceholderInfo) -> PlaceholderInfo {
    PlaceholderInfo { times: FileTimes::all(Timestamp { seconds: 0, nanoseconds: 2_000_000_000 }), ..info }
}

/// The same, with another description of the entry `one`.
fn first(items: Vec<ProjectedItem>, change: fn(PlaceholderInfo) -> PlaceholderInfo) -> Vec<ProjectedItem> {
    let change = |item: ProjectedItem| if item.name.as_bytes() == b"one" { with(item, change) } else { item };
    items.into_iter().map(change).collect()
}
