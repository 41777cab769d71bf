//! Listings under every schedule: a directory is listed once for all who ask at the same time, each of whom has it or was
//! interrupted himself, and every session that a provider began is ended once.

use std::collections::BTreeMap;
use std::time::Duration;

use projfs_provider::CancelToken;
use projfs_provider::Command;
use projfs_provider::CommandHandler;
use projfs_provider::EnumerationId;
use projfs_sync::Arc;
use projfs_sync::Mutex;
use projfs_sync::model::check;
use projfs_sync::thread;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::VersionInfo;

use super::Listings;
use crate::command::CommandTable;
use crate::command::Timeouts;
use crate::error::ErrorKind;
use crate::port::Context;
use crate::port::Patience;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// So many batches were asked for, of a listing of this version.
    Open(usize, u64),
    Ended,
}

/// What is in the directory, each in a batch of its own. Its size is the version of the listing.
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Default)]
struct Source {
    sessions: Mutex<BTreeMap<u64, Stage>>,
    /// How many batches were asked for in all.
    asked: Mutex<usize>,
    version: Mutex<u64>,
}

impl Source {
    fn open(&self) -> usize {
        self.sessions.lock().values().filter(|stage| **stage != Stage::Ended).count()
    }
}

impl CommandHandler for Source {
    fn handle(&self, command: Command) {
        match command {
            Command::StartEnumeration { session: EnumerationId(session), reply, .. } => {
                let version = *self.version.lock();
                assert_eq!(self.sessions.lock().insert(session, Stage::Open(0, version)), None);
                reply.send(Ok(()));
            }
            Command::NextEntries { session: EnumerationId(session), reply, .. } => {
                *self.asked.lock() += 1;
                let (given, version) = match self.sessions.lock().get_mut(&session).unwrap() {
                    Stage::Open(given, version) => {
                        *given += 1;
                        (*given - 1, *version)
                    }
                    Stage::Ended => panic!("asked after its end"),
                };
                let entries = NAMES.get(given).map(|name| {
                    let name = ItemName::new(name.as_bytes()).unwrap().to_owned();
                    ProjectedItem::new(name, PlaceholderInfo::file(version))
                });
                reply.send(Ok(entries.into_iter().collect()));
            }
            Command::EndEnumeration { session: EnumerationId(session), reply, .. } => {
                let before = self.sessions.lock().insert(session, Stage::Ended);
                assert!(matches!(before, Some(Stage::Open(..))), "{before:?}");
                reply.send(Ok(()));
            }
            other => panic!("{other:?}"),
        }
    }
}

struct Rig {
    source: Arc<Source>,
    commands: Arc<CommandTable>,
    listings: Arc<Listings>,
}

/// The version of the listing, which was whole.
type Heard = Result<u64, ErrorKind>;

impl Rig {
    fn new(threads: usize) -> Self {
        let source = Arc::new(Source::default());
        let commands = CommandTable::start(Arc::clone(&source) as _, threads, Timeouts::default()).unwrap();
        Self { source, commands, listings: Arc::new(Listings::new()) }
    }

    fn list(&self, token: &CancelToken) -> Heard {
        list(&self.listings, &self.commands, token)
    }

    fn lists(&self, token: &CancelToken) -> thread::JoinHandle<Heard> {
        let (listings, commands, token) =
            (Arc::clone(&self.listings), Arc::clone(&self.commands), token.clone());
        thread::spawn(move || list(&listings, &commands, &token))
    }

    /// Waits until every session is over, and says how many there were.
    fn end(self) -> usize {
        while self.source.open() > 0 {
            thread::yield_now();
        }
        self.commands.stop(Duration::from_secs(1));
        let sessions = self.source.sessions.lock();
        sessions.len()
    }
}

fn list(listings: &Arc<Listings>, commands: &Arc<CommandTable>, token: &CancelToken) -> Heard {
    let caller = Caller { pid: 1, uid: 0, gid: 0 };
    let context = Context { caller, patience: Patience::Until(token), request: 0 };
    let listing = listings.get(commands, &context, RelPath::root(), VersionInfo::default);
    listing.map_err(|error| error.kind).map(|listing| {
        assert_eq!(listing.entries().len(), NAMES.len());
        listing.entries()[0].info.size()
    })
}

#[test]
fn one_listing_is_enough_for_all_who_ask() {
    check(|| {
        let (rig, token) = (Rig::new(2), CancelToken::new());
        let others = [rig.lists(&token), rig.lists(&token)];
        assert_eq!(rig.list(&token), Ok(0));
        assert_eq!(others.map(|other| other.join().unwrap()), [Ok(0), Ok(0)]);
        assert_eq!(rig.end(), 1);
    });
}

#[test]
fn an_interrupt_is_of_one_and_the_others_have_the_listing() {
    check(|| {
        let (rig, token, interrupted) = (Rig::new(2), CancelToken::new(), CancelToken::new());
        let leaves = rig.lists(&interrupted);
        let stays = rig.lists(&token);
        interrupted.cancel();
        assert_eq!(stays.join().unwrap(), Ok(0));
        assert!(matches!(leaves.join().unwrap(), Ok(0) | Err(ErrorKind::Interrupted)));
        rig.end();
    });
}

#[test]
fn a_listing_that_nobody_waits_for_goes_no_further() {
    check(|| {
        let (rig, interrupted) = (Rig::new(1), CancelToken::new());
        let leaves = rig.lists(&interrupted);
        interrupted.cancel();
        let left = leaves.join().unwrap();
        let source = Arc::clone(&rig.source);
        let asked = *source.asked.lock();
        rig.end();
        match left {
            Ok(0) => {}
            // What is on its way to the provider may still be answered.
            Err(ErrorKind::Interrupted) => assert!(*source.asked.lock() <= asked + 1),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn what_was_listed_before_it_was_forgotten_is_not_believed() {
    check(|| {
        let (rig, token) = (Rig::new(2), CancelToken::new());
        let other = rig.lists(&token);
        *rig.source.version.lock() = 1;
        rig.listings.forget(RelPath::root());
        assert_eq!(rig.list(&token), Ok(1));
        // Whoever asked before may have either.
        assert!(matches!(other.join().unwrap(), Ok(0 | 1)));
        assert_eq!(rig.list(&token), Ok(1));
        rig.end();
    });
}

#[test]
fn a_stop_ends_every_listing() {
    check(|| {
        let (rig, token) = (Rig::new(1), CancelToken::new());
        let others = [rig.lists(&token), rig.lists(&token)];
        rig.commands.stop(Duration::from_secs(1));
        for other in others {
            let heard = other.join().unwrap();
            assert!(matches!(heard, Ok(0) | Err(ErrorKind::Unavailable)), "{heard:?}");
        }
    });
}
