//! `Misbehaving`: a provider that goes wrong, by the name of a fault, for the items that are named so.

use projfs_provider::Command;
use projfs_provider::CommandHandler;
use projfs_provider::CommandId;
use projfs_provider::ProviderError;
use projfs_provider::ProviderErrorKind;
use projfs_provider::ProviderTraits;
use projfs_provider::Reply;
use projfs_sync::Arc;
use projfs_sync::Condvar;
use projfs_sync::Mutex;
use projfs_sync::atomic::AtomicU64;
use projfs_sync::atomic::Ordering;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;

/// How a provider goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers everything about the item with this error.
    Error(ProviderErrorKind),
    /// It panics.
    Panic,
    /// It drops the command.
    Drop,
    /// It keeps the command and never answers.
    Keep,
    /// It blocks until [`Misbehaving::release`], and answers then, also after it was cancelled.
    Block,
    /// It delivers all bytes but the last.
    ShortData,
    /// It delivers none.
    EmptyData,
    /// It delivers one byte more than there are.
    LongData,
    /// It delivers all bytes, and an error.
    DataThenError,
    /// It describes another item.
    WrongName,
    /// It gives a mode with more than permission bits.
    WrongMode,
    /// It gives a size above `i64::MAX`.
    WrongSize,
    /// It gives a link without a target.
    EmptyTarget,
    /// It lists the item twice.
    Duplicate,
    /// It lists in descending order.
    Unsorted,
    /// It does not end its listings, and lists the same again and again.
    Endless,
    /// It does not end its listings, and lists other names each time.
    EndlessNames,
}

/// A provider that goes wrong for every item whose path contains `bad`, and for the listing of such a directory.
pub struct Misbehaving<H> {
    inner: H,
    fault: Mutex<Option<Fault>>,
    kept: Mutex<Vec<Command>>,
    cancelled: Mutex<Vec<CommandId>>,
    batches: Arc<AtomicU64>,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

#[derive(Default)]
struct Gate {
    released: bool,
    waiting: usize,
}

impl<H: CommandHandler> Misbehaving<H> {
    /// Goes wrong in place of `inner`.
    pub fn new(inner: H, fault: Fault) -> Self {
        let fault = Mutex::new(Some(fault));
        let (kept, cancelled, batches) = Default::default();
        Self { inner, fault, kept, cancelled, batches, gate: Arc::default() }
    }

    /// From now on nothing is wrong.
    pub fn mend(&self) {
        *self.fault.lock() = None;
        self.release();
    }

    /// Lets go of what blocks.
    pub fn release(&self) {
        self.gate.0.lock().released = true;
        self.gate.1.notify_all();
    }

    /// Waits until `count` commands are blocked or kept.
    pub fn wait_for(&self, count: usize) {
        let mut gate = self.gate.0.lock();
        while gate.waiting < count {
            self.gate.1.wait(&mut gate);
        }
    }

    /// Which commands were cancelled.
    pub fn cancelled(&self) -> Vec<CommandId> {
        self.cancelled.lock().clone()
    }

    fn arrived(&self) {
        self.gate.0.lock().waiting += 1;
        self.gate.1.notify_all();
    }
}

impl<H: CommandHandler> CommandHandler for Misbehaving<H> {
    fn handle(&self, command: Command) {
        let fault = *self.fault.lock();
        let Some(fault) = fault.filter(|_| is_bad(command.request().path())) else {
            return self.inner.handle(command);
        };
        // The end of a listing is told, whatever went wrong.
        if matches!(command, Command::EndEnumeration { .. }) {
            return self.inner.handle(command);
        }
        match fault {
            Fault::Error(kind) => command.fail(kind.into()),
            Fault::Panic => panic!("on purpose"),
            Fault::Drop => drop(command),
            Fault::Keep => {
                self.kept.lock().push(command);
                self.arrived();
            }
            Fault::Block => {
                self.arrived();
                let mut gate = self.gate.0.lock();
                while !gate.released {
                    self.gate.1.wait(&mut gate);
                }
                drop(gate);
                self.inner.handle(command);
            }
            Fault::ShortData
            | Fault::EmptyData
            | Fault::LongData
            | Fault::DataThenError
            | Fault::WrongName
            | Fault::WrongMode
            | Fault::WrongSize
            | Fault::EmptyTarget
            | Fault::Duplicate
            | Fault::Unsorted
            | Fault::Endless
            | Fault::EndlessNames => self.inner.handle(twisted(command, fault, &self.batches)),
        }
    }

    fn cancel(&self, command: CommandId) {
        self.cancelled.lock().push(command);
        self.inner.cancel(command);
    }

    fn traits(&self) -> ProviderTraits {
        self.inner.traits()
    }
}

fn is_bad(path: &RelPath) -> bool {
    path.as_bytes().windows(3).any(|part| part == b"bad")
}

/// The same command, with its answer made wrong.
fn twisted(command: Command, fault: Fault, batches: &Arc<AtomicU64>) -> Command {
    match command {
        Command::FileData { request, range, sink, reply } => {
            let length = usize::try_from(range.end - range.start).unwrap_or(0);
            let written = match fault {
                Fault::ShortData => sink.write_at(range.start, &vec![b'x'; length - 1]),
                Fault::LongData => sink.write_at(range.start, &vec![b'x'; length + 1]),
                Fault::DataThenError => sink.write_at(range.start, &vec![b'x'; length]),
                Fault::EmptyData => Ok(()),
                _ => return Command::FileData { request, range, sink, reply },
            };
            // Whether the engine took the bytes is of no interest to such a provider.
            drop(written);
            let answer = match fault {
                Fault::DataThenError => Err(ProviderError::from(ProviderErrorKind::Io)),
                _ => Ok(()),
            };
            reply.send(answer);
            let (request, ignored) = (request, Reply::new(|_| ()));
            Command::QueryName { request, reply: ignored }
        }
        Command::PlaceholderInfo { request, reply } => {
            let reply = Reply::new(move |answer: Result<ProjectedItem, ProviderError>| {
                reply.send(answer.map(|item| twist(item, fault)));
            });
            Command::PlaceholderInfo { request, reply }
        }
        Command::NextEntries { request, session, reply } => {
            let batch = batches.fetch_add(1, Ordering::Relaxed);
            let reply = Reply::new(move |answer: Result<Vec<ProjectedItem>, ProviderError>| {
                reply.send(answer.map(|items| twist_all(items, fault, batch)));
            });
            Command::NextEntries { request, session, reply }
        }
        other => other,
    }
}

fn twist_all(items: Vec<ProjectedItem>, fault: Fault, batch: u64) -> Vec<ProjectedItem> {
    let more = |name: String| match ItemNameBuf::new(name) {
        Ok(name) if items.is_empty() => vec![ProjectedItem::new(name, PlaceholderInfo::file(1))],
        Ok(_) | Err(_) => items.clone(),
    };
    match fault {
        Fault::Endless => more("again".to_owned()),
        Fault::EndlessNames => more(batch.to_string()),
        Fault::Duplicate => items.into_iter().flat_map(|item| [item.clone(), item]).collect(),
        Fault::Unsorted => items.into_iter().rev().collect(),
        Fault::WrongName => items,
        _ => items.into_iter().map(|item| twist(item, fault)).collect(),
    }
}

fn twist(item: ProjectedItem, fault: Fault) -> ProjectedItem {
    let ProjectedItem { name, info } = item;
    match fault {
        Fault::WrongName => {
            let other = ItemNameBuf::new(b"other").unwrap_or_else(|_| name.clone());
            ProjectedItem::new(other, info)
        }
        Fault::WrongMode => ProjectedItem::new(name, PlaceholderInfo { mode: 0o10_644, ..info }),
        Fault::WrongSize => ProjectedItem::new(name, PlaceholderInfo::file(u64::MAX)),
        Fault::EmptyTarget => ProjectedItem::new(name, PlaceholderInfo::symlink(*b"")),
        _ => ProjectedItem::new(name, info),
    }
}
