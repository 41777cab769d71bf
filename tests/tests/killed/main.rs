//! A daemon that is killed at any moment leaves a journal that omits nothing, and keeps the order.
//!
//! Four processes do random things to a mount, each in a directory of its own and in one that all share, until the daemon
//! is killed. Then it is mounted again, and what the journal says since the round began is held against what each of them
//! was told, and against the tree. 20 rounds; `PROJFS_LONG=1` has 200. `PROJFS_SEED` repeats what is done, though not when.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

mod check;
mod own;
mod shared;

use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_store::Journal;
use projfs_store::JournalOptions;
use projfs_store::Since;
use projfs_store::TreeJournal;
use projfs_testkit::model::Random;
use projfs_tests::Deed;
use projfs_tests::Mounted;
use projfs_tests::Options;
use projfs_tests::Tree;
use projfs_tests::WORKERS;
use projfs_types::Cursor;
use projfs_types::JournalEntry;
use rustix::io::Errno;

use check::Figures;
use check::Found;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");
const WORKER: &str = env!("CARGO_BIN_EXE_projfs-test-worker");

/// What a deed ends with when the daemon is gone; `CANCELED` with io_uring.
const GONE: [Errno; 5] = [Errno::NOTCONN, Errno::CONNABORTED, Errno::CANCELED, Errno::IO, Errno::STALE];

/// What one worker did in one round.
#[derive(Debug, Default)]
struct Log {
    /// What was done, in order.
    done: Vec<Deed>,
    /// What was not done, or not known to be, when the daemon was gone.
    in_flight: Option<Deed>,
}

#[test]
fn the_journal_omits_nothing_and_keeps_the_order() {
    let rounds = if std::env::var_os("PROJFS_LONG").is_some() { 200 } else { 20 };
    let asked = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = asked.unwrap_or(now);
    let every = Options::every(Tree::Workers);
    let mut figures = Figures::default();
    let mut random = Random::new(seed);
    for (index, options) in every.iter().enumerate() {
        let rounds = (rounds + index) / every.len();
        say(&format!("{options:?}: {rounds} rounds, PROJFS_SEED={seed}"));
        let Some(mut mounted) = Mounted::new(PROGRAM, *options) else { return };
        let mut before = look(&mut mounted, None);
        for round in 0..rounds {
            let logs = kill_at_work(&mut mounted, &mut random);
            let after = look(&mut mounted, Some(before.end));
            check::round(&logs, &before, &after, &mut figures)
                .unwrap_or_else(|why| panic!("round {round}, seed {seed}: {why}"));
            before = after;
        }
    }
    say(&figures.to_string());
    assert!(figures.done > rounds * 20, "{figures}: too little happens");
}

/// Has the workers work, and kills the daemon: at some moment, or when an entry has been written after that moment, and
/// its change perhaps not yet been made.
fn kill_at_work(mounted: &mut Mounted, random: &mut Random) -> Vec<Log> {
    let root = mounted.root();
    // Below the mount.
    let segment = last_segment(&root.join(".projfs/journal"));
    mounted.start(PROGRAM);
    let moment = random.below(400);
    let last = moment + if random.chance(60) { 200 } else { 0 };
    let count = AtomicUsize::new(0);
    let children: Vec<Child> = (0..WORKERS).map(|number| work(&root, number, random.number())).collect();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            children.into_iter().map(|child| scope.spawn(|| read_log(child, &count))).collect();
        let until = |end, is_time: &dyn Fn() -> bool| {
            while count.load(Ordering::Relaxed) < end
                && !is_time()
                && !readers.iter().any(std::thread::ScopedJoinHandle::is_finished)
            {
                std::thread::yield_now();
            }
        };
        until(moment, &|| false);
        let length = segment.metadata().unwrap().len();
        until(last, &|| segment.metadata().unwrap().len() != length);
        let ended = readers.iter().any(std::thread::ScopedJoinHandle::is_finished);
        mounted.kill();
        assert!(!ended, "a worker ended while the daemon was there");
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    })
}

/// The file of the journal that grows.
fn last_segment(journal: &Path) -> File {
    let names = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().file_name());
    // Their names are numbers of one length.
    let last = names.filter(|name| name.len() == 16).max().unwrap();
    File::open(journal.join(last)).unwrap()
}

fn work(root: &Path, number: usize, seed: u64) -> Child {
    let mut command = Command::new(WORKER);
    command.arg(root).arg(number.to_string()).arg(seed.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

fn read_log(mut child: Child, count: &AtomicUsize) -> Log {
    let mut log = Log::default();
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        count.fetch_add(1, Ordering::Relaxed);
        let line = line.unwrap();
        last.clone_from(&line);
        let (deed, errno) = line.rsplit_once(' ').unwrap();
        let deed: Deed = deed.parse().unwrap();
        match errno.parse().unwrap() {
            0 => log.done.push(deed),
            errno if GONE.contains(&Errno::from_raw_os_error(errno)) => log.in_flight = Some(deed),
            // Refused, which is no change.
            _ => {}
        }
    }
    assert!(child.wait().unwrap().success(), "a worker ends when the daemon is gone");
    assert!(log.in_flight.is_some(), "a worker ends with the daemon, not with {last}");
    log
}

/// Has another daemon show the tree, and reads the journal behind it.
fn look(mounted: &mut Mounted, since: Option<Cursor>) -> Found {
    if since.is_some() {
        mounted.start(PROGRAM);
    }
    let tree = check::walk(&mounted.root());
    mounted.stop();
    let full = check::full(&mounted.root(), &tree);
    let (entries, end) = journal(&mounted.root(), since);
    Found { tree, full, entries, end }
}

fn journal(root: &Path, since: Option<Cursor>) -> (Vec<JournalEntry>, Cursor) {
    let dir = File::open(root.join(".projfs/journal")).unwrap();
    let journal = TreeJournal::open(dir.into(), JournalOptions::default()).unwrap();
    let begin = since.unwrap_or_else(|| journal.end());
    match journal.since(begin, usize::MAX).unwrap() {
        Since::Entries { entries, next } => (entries, next),
        gone => panic!("a killed daemon left a journal that does not go on from {begin}: {gone:?}"),
    }
}

/// Says it even if the test succeeds.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether a path has a kind that can be told apart.
fn kind_of(path: &Path) -> projfs_types::ItemKind {
    use projfs_types::ItemKind;
    let kind = fs::symlink_metadata(path).unwrap().file_type();
    match () {
        () if kind.is_dir() => ItemKind::Directory,
        () if kind.is_file() => ItemKind::File,
        () if kind.is_symlink() => ItemKind::Symlink,
        () => ItemKind::Special,
    }
}
