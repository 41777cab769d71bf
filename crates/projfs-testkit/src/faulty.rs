//! `Faulty`: a provider of one directory for each fault that there is, in which it goes wrong in that way until it is mended.

mod catalog;

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;
use std::time::Instant;

use projfs_provider::Adapter;
use projfs_provider::Command;
use projfs_provider::CommandHandler;
use projfs_provider::DataAccess;
use projfs_provider::DataSink;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Reply;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;
use rustix::io::Errno;

use crate::projection::Given;
use crate::projection::Projection;

pub use catalog::FAULTS;

/// How long an answer takes that comes too late.
pub const LATE: Duration = Duration::from_millis(1500);

/// How many files behave, in the directory `good`.
pub const GOOD: usize = 200;

/// The names in a directory that a fault is about.
pub const NAMES: [&str; 3] = ["one", "three", "two"];

/// One way to go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What it is called, and its directory.
    pub name: &'static str,
    /// What goes wrong.
    pub aim: Aim,
    /// How.
    does: Does,
    /// What who uses the item sees of it.
    pub end: End,
    /// When it is over.
    pub over: Over,
}

/// Names of files in the directory `strange` that are right, though few programs make such. There is one more in the root,
/// [`RESERVED`], which is not shown.
pub const STRANGE: &[&[u8]] = &[
    b"...",
    b"..a",
    b".projfs",
    b"-rf",
    b" ",
    b"a\nb",
    b"\xff\xfe",
    b"\xc3",
    b"*",
    b"e\xcc\x81",
    b"\xc3\xa9",
    b"E",
    b"e",
    &[b'n'; 255],
];

/// The name of the store's own directory, which a provider may have too.
pub const RESERVED: &str = ".projfs";

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The content of `file` and `again`, and of `large` and `large-again`, which come in parts.
    Data,
    /// What is said of `file` and `again`.
    Info,
    /// What is said of the symbolic links `link` and `link-again`, which lead to a file that behaves.
    Link,
    /// What is listed in `dir` and `dir-again`.
    List,
}

/// What who uses the item sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// An error.
    Fails(Errno),
    /// Nothing: all is right.
    Right,
    /// These names alone.
    Lists(&'static [&'static str]),
    /// A link to there.
    LeadsTo(&'static str),
}

/// When all is right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Once the provider behaves.
    AtOnce,
    /// Once it behaves, after a restart: what it said is believed, and what it lists is asked for once.
    AfterARestart,
    /// When the provider says that the item has changed: what it said is believed, and noted.
    WhenUpdated,
}

type Answer<T> = Result<T, ProviderError>;

#[derive(Clone, Copy, Debug)]
enum Does {
    /// It answers with this error.
    Refuse(ProviderErrorKind),
    Panic,
    Drop,
    /// It keeps the command until it is mended, and then drops it.
    Keep,
    /// It does not return until it is mended, and answers then.
    Block,
    /// It answers when nobody waits any more.
    Late,
    Deliver(fn(&Delivery<'_>) -> Answer<()>),
    Describe(fn(ProjectedItem) -> ProjectedItem),
    /// The number of the batch, from 1.
    Enumerate(fn(Vec<ProjectedItem>, usize) -> Answer<Vec<ProjectedItem>>),
}

/// Content that is asked for.
struct Delivery<'a> {
    sink: &'a DataSink,
    range: Range<u64>,
    /// All of the file.
    bytes: &'a [u8],
    faulty: &'a Faulty,
}

/// A provider that goes wrong in every way at once, each in a directory of its own.
pub struct Faulty {
    inner: Adapter<Projection>,
    projection: Projection,
    mended: Box<dyn Fn() -> bool + Send + Sync>,
    batches: Mutex<HashMap<RelPathBuf, usize>>,
}

/// The bytes of a file of this length in this directory, none of them 0.
pub fn content(directory: &str, length: usize) -> Vec<u8> {
    let seed = directory.bytes().fold(7_u32, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    (0..length as u32).map(|at| ((at.wrapping_mul(seed | 1) >> 7) % 251 + 1) as u8).collect()
}

/// How long `file` and `again` are: fetched whole.
pub const WHOLE: usize = 40_000;

/// How long `large` and `large-again` are: fetched in parts, if files above 64 KiB are.
pub const LARGE: usize = 300_000;

/// What is projected, as it is when nothing is wrong.
pub fn projection() -> Projection {
    let mut all = Projection::default().directory("good").file("good/file", content("good", WHOLE));
    all = all.directory("strange").file(RESERVED, "not to be seen");
    for (number, name) in (1_u64 << 40..).zip(STRANGE) {
        let path = RelPathBuf::new([b"strange/", *name].concat()).expect("strange, but right");
        let version = VersionInfo::of_content(&number.to_le_bytes()).unwrap_or_default();
        let info = PlaceholderInfo::file(name.len() as u64).with_version(version);
        all.set(path, Given { info, content: name.to_vec() });
    }
    for number in 0..GOOD {
        all = all.file(&format!("good/{number}"), number.to_string());
    }
    for fault in FAULTS {
        let name = fault.name;
        all = all.directory(name);
        for file in ["file", "again"] {
            all = all.file(&format!("{name}/{file}"), content(name, WHOLE));
        }
        for file in ["large", "large-again"] {
            all = all.file(&format!("{name}/{file}"), content(name, LARGE));
        }
        for link in ["link", "link-again"] {
            all = all.symlink(&format!("{name}/{link}"), "../good/file");
        }
        for dir in ["dir", "dir-again"] {
            all = all.directory(&format!("{name}/{dir}"));
            for file in NAMES {
                all = all.file(&format!("{name}/{dir}/{file}"), file);
            }
        }
    }
    all
}

impl Aim {
    /// The items that it is about, in pairs: one to look at while the provider runs, one for after its restart.
    pub fn items(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Data => &[("file", "again"), ("large", "large-again")],
            Self::Info => &[("file", "again")],
            Self::Link => &[("link", "link-again")],
            Self::List => &[("dir", "dir-again")],
        }
    }

    fn concerns(self, command: &Command, item: &[u8]) -> bool {
        let about = match self {
            Self::Data => matches!(command, Command::FileData { .. }),
            Self::Info | Self::Link => matches!(command, Command::PlaceholderInfo { .. }),
            Self::List => {
                matches!(command, Command::StartEnumeration { .. } | Command::NextEntries { .. })
            }
        };
        about
            && self.items().iter().any(|(one, other)| [one, other].iter().any(|name| name.as_bytes() == item))
    }
}

impl Faulty {
    /// Goes wrong until `mended` says that it is over.
    pub fn new(mended: impl Fn() -> bool + Send + Sync + 'static) -> Arc<Self> {
        let projection = projection();
        let inner = Adapter::new(projection.clone());
        Arc::new(Self { inner, projection, mended: Box::new(mended), batches: Mutex::default() })
    }

    /// Waits until it is mended.
    fn block(&self) {
        while !(self.mended)() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn fault_of(&self, command: &Command) -> Option<&'static Fault> {
        let (directory, item) = command.request().path().split_last()?;
        let fault = FAULTS.iter().find(|fault| fault.name.as_bytes() == directory.as_bytes())?;
        fault.aim.concerns(command, item.as_bytes()).then_some(fault)
    }

    /// Which batch of a directory's entries it is.
    fn batch(&self, path: &RelPath) -> usize {
        let mut batches = self.batches.lock();
        let batch = batches.entry(path.to_owned()).or_default();
        *batch += 1;
        *batch
    }
}

/// What answers commands is behind a pointer, so that it can answer when the call has returned.
pub struct Handler(pub Arc<Faulty>);

impl CommandHandler for Handler {
    fn handle(&self, command: Command) {
        let faulty = &self.0;
        let Some(fault) = faulty.fault_of(&command).filter(|_| !(faulty.mended)()) else {
            return faulty.inner.handle(command);
        };
        match fault.does {
            Does::Refuse(kind) => command.fail(kind.into()),
            // As a panic does, without words for everybody.
            Does::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            Does::Drop => drop(command),
            Does::Keep => {
                let faulty = Arc::clone(faulty);
                std::thread::spawn(move || {
                    faulty.block();
                    drop(command);
                });
            }
            Does::Block => {
                faulty.block();
                faulty.inner.handle(command);
            }
            Does::Late => {
                let faulty = Arc::clone(faulty);
                std::thread::spawn(move || {
                    std::thread::sleep(LATE);
                    faulty.inner.handle(command);
                });
            }
            Does::Deliver(deliver) => faulty.deliver(command, deliver),
            Does::Describe(describe) => faulty.describe(command, describe),
            Does::Enumerate(list) => faulty.list(command, list),
        }
    }

    fn traits(&self) -> ProviderTraits {
        ProviderTraits { data: DataAccess::Ranges, ..self.0.inner.traits() }
    }
}

impl Faulty {
    fn deliver(&self, command: Command, deliver: fn(&Delivery<'_>) -> Answer<()>) {
        let Command::FileData { request, range, sink, reply } = command else {
            return self.inner.handle(command);
        };
        let path = request.path();
        let Some(given) = self.projection.get(path) else {
            return reply.send(Err(ProviderError::not_found()));
        };
        reply.send(deliver(&Delivery { sink: &sink, range, bytes: &given.content, faulty: self }));
    }

    fn describe(&self, command: Command, describe: fn(ProjectedItem) -> ProjectedItem) {
        let Command::PlaceholderInfo { request, reply } = command else { return self.inner.handle(command) };
        let reply = Reply::new(move |answer: Answer<ProjectedItem>| reply.send(answer.map(describe)));
        self.inner.handle(Command::PlaceholderInfo { request, reply });
    }

    fn list(&self, command: Command, list: fn(Vec<ProjectedItem>, usize) -> Answer<Vec<ProjectedItem>>) {
        let Command::NextEntries { request, session, reply } = command else {
            return self.inner.handle(command);
        };
        let batch = self.batch(request.path());
        let reply = Reply::new(move |answer: Answer<Vec<ProjectedItem>>| {
            reply.send(answer.and_then(|items| list(items, batch)));
        });
        self.inner.handle(Command::NextEntries { request, session, reply });
    }
}

impl Delivery<'_> {
    /// Delivers the bytes that are asked for, but only these of them.
    fn part(&self, part: Range<u64>) -> Answer<()> {
        let [start, end] = [part.start, part.end.min(self.range.end)];
        self.sink.write_at(start, &self.bytes[start as usize..end as usize])
    }

    /// The middle of what is asked for.
    fn middle(&self) -> u64 {
        self.range.start + (self.range.end - self.range.start) / 2
    }

    /// Delivers the first half.
    fn half(&self) -> Answer<()> {
        self.part(self.range.start..self.middle())
    }

    /// Delivers all that is asked for.
    fn all(&self) -> Answer<()> {
        self.part(self.range.clone())
    }

    /// Delivers other bytes than are asked for.
    fn garbage(&self, part: Range<u64>) -> Answer<()> {
        self.sink.write_at(part.start, &vec![0; (part.end - part.start) as usize])
    }

    /// Delivers piece by piece, with a pause before each, until it is over or nobody wants more.
    fn drip(&self, pieces: u64, pause: Duration) -> Answer<()> {
        let size = (self.range.end - self.range.start).div_ceil(pieces);
        let mut start = self.range.start;
        while start < self.range.end {
            let end = Instant::now() + pause;
            while Instant::now() < end && !(self.faulty.mended)() {
                std::thread::sleep(Duration::from_millis(1));
            }
            self.part(start..start + size)?;
            start += size;
        }
        Ok(())
    }
}
